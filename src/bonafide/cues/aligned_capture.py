"""One face of a three-modality capture, aligned, and the pictures that D-Net and M-Net see.

Training, evaluation and deployment all come through here. The face is aligned once, by the same
map for colour, depth and infrared (cascade paper, section III-B: "synchronously extracted"):
`face.align`'s canonical face in place of the detector's box. Depth is cleaned at the sensor's own
grid before it is resampled, so that no px mixes face and background.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.capture.multimodal import MultimodalCapture
from bonafide.capture.registration import Shift, estimate_shift
from bonafide.cues import spectral
from bonafide.cues.depth import (
    BACKGROUND,
    Depth,
    DepthError,
    ScaleRange,
    clean_depth,
    depth_orientation,
    depth_scale,
    depth_shape,
    landmark_normal,
)
from bonafide.face.align import Matrix, apply, face_side_px, inverse, similarity_to_canonical
from bonafide.face.crop import crop_to_picture, inside_mask, sample
from bonafide.face.detect import FaceDetector
from bonafide.face.find import find_faces
from bonafide.face.quality import QualityLimits, measure_quality, reasons_for
from bonafide.types import Face, FaceReport, Landmarks, Reason, ReasonCode, RgbImage

FACE_SIDE_MM = 185.0
"""Side of the canonical square on an adult: 63 mm between the eyes (Dodgson 2004) over 0.34."""

DEAD_LEVELS = 4
"""A picture that spans no more than this comes from a sensor that sees nothing: even the dark glass
of a screen has noise and a frame."""

Planes = npt.NDArray[np.uint8]
"""(side, side, channels) uint8; what the channels are, `D_PLANES` and `M_PLANES` say."""

D_PLANES: dict[str, slice] = {"f1": slice(0, 1), "f2": slice(1, 2), "f3": slice(2, 3)}
"""Cue -> its channels in `depth_planes`."""

M_PLANES: dict[str, slice] = {
    "rgb": slice(0, 3),
    "infrared": slice(3, 4),
    "stack": slice(4, 8),
    "summation": slice(8, 11),
    "difference": slice(11, 14),
}
"""Picture -> its channels in `spectral_planes`; rgb and infrared are as taken."""


@dataclass(frozen=True, slots=True)
class CaptureLimits:
    """What makes a capture unfit for the cascade, beside what `QualityLimits` says of a photo.

    Attributes:
        max_angle_deg: of yaw, pitch and roll alike (paper: 20).
        max_shift: largest shift between the edges of colour and infrared, in sides of the crop.
        sure_correlation: below this correlation a shift is not believed: a print's infrared
            picture may have nothing in common with its colours, and it must be judged.
        min_depth_share: of the crop, that must be measured face.
        min_alive_share: of the whole picture, that must be measured before a face without depth
            counts against the capture; below it the sensor sees nothing, and nothing is judged.
    """

    max_angle_deg: float = 20.0
    max_shift: float = 0.04
    sure_correlation: float = 0.3
    min_depth_share: float = 0.2
    min_alive_share: float = 0.01

    def for_photo(self) -> QualityLimits:
        """The house's limits with this one's angles."""
        angle = self.max_angle_deg
        return replace(QualityLimits(), max_yaw_deg=angle, max_pitch_deg=angle, max_roll_deg=angle)


@dataclass(frozen=True, slots=True)
class AlignedCapture:
    """One aligned face.

    Attributes:
        rgb: (side, side, 3) uint8; infrared: (side, side) uint8.
        depth: (side, side) float32 mm of the cleaned face, NaN elsewhere; NaN everywhere where the
            sensor measured what is around the face and not the face, as with a screen's glass.
        landmarks: (5, 2) float32, px of the crop.
        area_px: w * h of the face's square in px of the original picture (Eq. 2's s).
        mm_per_px: size of a px of the crop at the face.
    """

    rgb: RgbImage
    infrared: npt.NDArray[np.uint8]
    depth: Depth
    landmarks: Landmarks
    area_px: float
    mm_per_px: float

    @property
    def has_depth(self) -> bool:
        """Whether a surface of the face was measured."""
        return bool(np.isfinite(self.depth).any())


@dataclass(frozen=True, slots=True)
class PreparedCapture:
    """What a capture gives to the networks.

    Attributes:
        faces: every face found, the judged one first; face: the judged one, or None.
        reasons: blocking ones first; a blocking reason means no aligned capture.
        aligned: of the judged face, or None.
    """

    faces: tuple[FaceReport, ...]
    face: Face | None
    reasons: tuple[Reason, ...]
    aligned: AlignedCapture | None


def find_capture_faces(capture: MultimodalCapture, detector: FaceDetector) -> list[Face]:
    """The faces of the colour picture; in the dark, where it shows none, of the infrared one."""
    faces = find_faces(capture.rgb, detector)
    if faces:
        return faces
    return find_faces(np.repeat(capture.infrared[..., None], 3, axis=2), detector)


def prepare_capture(
    capture: MultimodalCapture,
    faces: Sequence[Face],
    crop_scale: float,
    crop_px: int,
    limits: CaptureLimits | None = None,
    *,
    focal_px: float = 0.0,
) -> PreparedCapture:
    """Measure the faces, say what speaks against judging, and align the largest.

    Args:
        capture: registered pictures.
        faces: found in the colour picture.
        crop_scale, crop_px: of the aligned square, see `face.crop`.
        limits: `CaptureLimits()` when None.
        focal_px: of the registered pictures; 0 takes the face for an adult's in size.
    """
    limits = limits or CaptureLimits()
    ordered = sorted(faces, key=lambda face: -face.box.width * face.box.height)
    qualities = [measure_quality(capture.rgb, face.landmarks) for face in ordered]
    reports = tuple(
        FaceReport(face.box, face.confidence, quality)
        for face, quality in zip(ordered, qualities, strict=True)
    )
    size = capture.rgb.shape[1], capture.rgb.shape[0]
    photo = replace(limits.for_photo(), largest_scale=crop_scale)
    reasons = reasons_for(ordered, qualities[0] if qualities else None, size, photo)
    face = ordered[0] if ordered else None
    if face is None or any(reason.blocking for reason in reasons):
        return PreparedCapture(reports, face, reasons, None)
    aligned = align_capture(capture, face.landmarks, crop_scale, crop_px, focal_px=focal_px)
    against = _against(aligned, limits)
    lack = _lack_of_depth(aligned, limits)
    if lack:
        alive = float(np.isfinite(capture.depth_mm).mean()) >= limits.min_alive_share
        against.append(Reason(ReasonCode.NO_DEPTH, _NO_FACE if alive else lack, blocking=not alive))
        aligned = replace(aligned, depth=np.full_like(aligned.depth, np.nan))
    if any(reason.blocking for reason in against):
        return PreparedCapture(reports, face, (*against, *reasons), None)
    return PreparedCapture(reports, face, (*against, *reasons), aligned)


_NO_FACE = (
    "Depth was measured around the face and not on it, as with the glass of a screen; if this is a "
    "person, step back: a face nearer than the sensor's range looks the same."
)


def _lack_of_depth(aligned: AlignedCapture, limits: CaptureLimits) -> str:
    """Why depth shows no surface of a face; "" where it does."""
    share = float(np.isfinite(aligned.depth).mean())
    if share < limits.min_depth_share:
        return f"Depth was measured on {share:.0%} of the face's square; come nearer, or clean it."
    try:
        landmark_normal(aligned.depth, aligned.landmarks, aligned.mm_per_px)
    except DepthError as error:
        return str(error)
    return ""


def _against(aligned: AlignedCapture, limits: CaptureLimits) -> list[Reason]:
    """What colour and infrared together say against judging; all of it blocks."""
    side = len(aligned.depth)
    found = []
    shift = registration_of(aligned)
    believed = shift.correlation >= max(limits.sure_correlation, shift.unmoved + 0.1)
    if shift.inside and believed and shift.length_px > limits.max_shift * side:
        advice = (
            f"Colour and infrared lie {shift.length_px / side:.0%} of the face's square apart; "
            "calibrate the sensors."
        )
        found.append(Reason(ReasonCode.MISREGISTERED, advice, blocking=True))
    if np.ptp(aligned.infrared) <= DEAD_LEVELS:
        advice = "The infrared picture is one level all over; check that sensor and its lamp."
        found.append(Reason(ReasonCode.MISSING_MODALITY, advice, blocking=True))
    return found


def registration_of(aligned: AlignedCapture) -> Shift:
    """The shift between the edges of colour and infrared, px of the crop, up to a seventh of it.

    Depth has too few edges to be held against colour (docs/cascade.md); most devices take depth
    and infrared with one sensor.
    """
    grey = cv2.cvtColor(aligned.rgb, cv2.COLOR_RGB2GRAY)
    return estimate_shift(grey, aligned.infrared, reach_px=len(grey) // 7)


def align_capture(
    capture: MultimodalCapture,
    landmarks: Landmarks,
    crop_scale: float,
    crop_px: int,
    *,
    focal_px: float = 0.0,
) -> AlignedCapture:
    """Cut the aligned square from all three modalities; arguments as for `prepare_capture`.

    Raises:
        AlignmentError: the landmarks fit no face.
    """
    to_canonical = similarity_to_canonical(landmarks)
    matrix = crop_to_picture(to_canonical, crop_scale, crop_px)
    rgb, _ = sample(capture.rgb, matrix, crop_px)
    infrared, _ = sample(np.repeat(capture.infrared[..., None], 3, axis=2), matrix, crop_px)
    depth = _cut_depth(capture.depth_mm, matrix, crop_scale, crop_px)
    side_px = face_side_px(to_canonical)
    mm_per_px = FACE_SIDE_MM * crop_scale / crop_px
    if focal_px > 0 and np.isfinite(depth).any():
        mm_per_px = float(np.nanmedian(depth)) / focal_px * side_px * crop_scale / crop_px
    marks = apply(inverse(matrix), landmarks).astype(np.float32)
    return AlignedCapture(
        rgb, np.ascontiguousarray(infrared[..., 0]), depth, marks, side_px**2, mm_per_px
    )


def _cut_depth(depth_mm: Depth, matrix: Matrix, crop_scale: float, size: int) -> Depth:
    """Clean the part under the crop at the sensor's grid, then resample the face alone."""
    height, width = depth_mm.shape
    corners = apply(matrix, [[0, 0], [size, 0], [0, size], [size, size]])
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, [width - 1, height - 1])
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int) + 1, 1, [width, height])
    part = depth_mm[top : max(bottom, top + 1), left : max(right, left + 1)]
    block = max(int(np.linalg.norm(matrix[:, 0])), 1)
    small = _block_medians(part, block)
    local = matrix - np.array([[0, 0, left], [0, 0, top]])
    local[:, 2] += 0.5
    local = local / block
    local[:, 2] -= 0.5
    nothing = np.full((size, size), np.nan, np.float32)
    if not np.isfinite(small).any():
        return nothing
    surface = clean_depth(small, within=_compact_face(local, size, crop_scale, small.shape))
    known = np.isfinite(surface)
    if not known.any():
        return nothing
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    weight = cv2.warpAffine(known.astype(np.float32), local, (size, size), flags=flags)
    # Taken from the middle, so that float32 keeps a hundredth of a mm.
    middle = np.float32(np.nanmedian(surface))
    value = cv2.warpAffine(
        np.where(known, surface - middle, np.float32(0)), local, (size, size), flags=flags
    )
    inside = (weight > 0.5) & inside_mask(matrix, size, width, height)
    cut = np.where(inside, value / np.maximum(weight, 0.5) + middle, np.float32(np.nan))
    return np.asarray(cut, np.float32)


def _compact_face(
    matrix: Matrix, size: int, crop_scale: float, shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """``shape`` bool, True in the canonical square (scale 1.0), brow to chin."""
    y, x = np.indices(shape)
    at = apply(inverse(matrix), np.stack([x.ravel(), y.ravel()], axis=1))
    inside = (np.abs(at - (size - 1) / 2) <= size / crop_scale / 2).all(axis=1)
    return np.asarray(inside, np.bool_).reshape(shape)


def _block_medians(depth: Depth, block: int) -> Depth:
    """Median of the known px of each block; the rest of the last row and column is dropped."""
    if block < 2:
        return depth
    rows, columns = (max(n // block, 1) for n in depth.shape)
    cut = depth[: rows * block, : columns * block]
    tiles = cut.reshape(rows, cut.shape[0] // rows, columns, -1).swapaxes(1, 2)
    tiles = np.sort(tiles.reshape(rows, columns, -1), axis=2)  # NaN last
    count = np.isfinite(tiles).sum(2)
    at = np.maximum(count - 1, 0)[..., None] // 2
    return np.asarray(np.take_along_axis(tiles, at, 2)[..., 0], np.float32)


def scale_of(aligned: AlignedCapture) -> tuple[float, float]:
    """(smallest, largest) depth / box area of a face with depth, mm per px²; for `scale_range`."""
    scaled = aligned.depth / aligned.area_px
    return float(np.nanmin(scaled)), float(np.nanmax(scaled))


def level_and_distance(aligned: AlignedCapture) -> tuple[float, float]:
    """(mean infrared level, median distance m) of the face: what c is estimated from."""
    face = np.isfinite(aligned.depth)
    return float(aligned.infrared[face].mean()), float(np.nanmedian(aligned.depth)) / 1000


def depth_planes(aligned: AlignedCapture, training: ScaleRange) -> Planes:
    """F1, F2, F3 as `D_PLANES` lays them out: D-Net's input; background alone without depth."""
    if not aligned.has_depth:
        return np.full((*aligned.depth.shape, len(D_PLANES)), BACKGROUND, np.uint8)
    return np.stack(
        [
            depth_shape(aligned.depth),
            depth_scale(aligned.depth, aligned.area_px, training),
            depth_orientation(aligned.depth, aligned.landmarks, aligned.mm_per_px),
        ],
        axis=2,
    )


def spectral_planes(aligned: AlignedCapture, attenuation_per_m: float) -> Planes:
    """Raw and fused pictures as `M_PLANES` lays them out: M-Net's input.

    Distance is that of each px of the face; outside the face its median, so that a far wall is not
    multiplied into the picture. Without depth nothing is known to correct: it is the reference.
    """
    depth = aligned.depth
    middle = np.nanmedian(depth) if aligned.has_depth else 1000 * spectral.REFERENCE_M
    distance_m = np.where(np.isnan(depth), middle, depth) / 1000
    infrared = spectral.distance_free(aligned.infrared, distance_m, attenuation_per_m)
    rgb = spectral.distance_free(aligned.rgb, distance_m, attenuation_per_m)
    return np.concatenate(
        [
            aligned.rgb,
            aligned.infrared[..., None],
            spectral.stack(rgb, infrared),
            spectral.summation(aligned.rgb, infrared),
            spectral.difference(aligned.rgb, infrared),
        ],
        axis=2,
    )
