"""From the faces of one picture to the crops of the one that is judged, or the reason for none.

Training, evaluation and deployment all come through here, so that a network meets the same pixels
everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.capture.errors import SizeMismatchError
from bonafide.capture.image import decode_levels, read_levels
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import ASPECT_LIMIT, DepthUnit, depth_in_mm, eight_bits
from bonafide.face.crop import CropStack, multi_scale_crops, sample
from bonafide.face.depth_picture import depth_picture, is_measured
from bonafide.face.quality import QualityLimits, measure_quality, reasons_for
from bonafide.types import Face, FaceReport, Reason, RgbImage

Levels = npt.NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """What a picture gives to the network.

    Attributes:
        faces: every face found, the judged one first.
        face: the judged face; None when there is none.
        reasons: blocking ones first; a blocking reason means no crops.
        crops: of the judged face, or None.
    """

    faces: tuple[FaceReport, ...]
    face: Face | None
    reasons: tuple[Reason, ...]
    crops: CropStack | None


def prepare_face(
    rgb: RgbImage,
    faces: Sequence[Face],
    scales: Sequence[float],
    crop_px: int,
    limits: QualityLimits,
) -> PreparedFace:
    """Measure the faces, say what speaks against judging, and crop the judged one.

    The judged face has the largest box; whether a second one prevents judging, `reasons_for` says.

    Args:
        rgb: (height, width, 3) uint8.
        faces: of a detector or tracker, in px of ``rgb``.
        scales: of the crops, in the network's order.
        crop_px: side of the crops.
        limits: of quality.
    """
    ordered = sorted(faces, key=lambda face: -face.box.width * face.box.height)
    qualities = [measure_quality(rgb, face.landmarks) for face in ordered]
    reports = tuple(
        FaceReport(face.box, face.confidence, quality)
        for face, quality in zip(ordered, qualities, strict=True)
    )
    fitting = replace(limits, largest_scale=max(scales))
    size = rgb.shape[1], rgb.shape[0]
    reasons = reasons_for(ordered, qualities[0] if qualities else None, size, fitting)
    if not ordered or any(reason.blocking for reason in reasons):
        return PreparedFace(reports, ordered[0] if ordered else None, reasons, None)
    crops = multi_scale_crops(rgb, ordered[0].landmarks, scales, crop_px)
    return PreparedFace(reports, ordered[0], reasons, crops)


@dataclass(frozen=True, slots=True)
class Registered:
    """Depth and infrared of a colour picture, as they are stored.

    Attributes:
        depth: (h, w) uint8 or uint16, see `depth_picture.depth_picture`.
        infrared: (h, w) uint8 or uint16, of which the high byte is taken.
        depth_source, infrared_source: for messages.
        unit: of the depth, as stated; None takes 16-bit levels for millimetres, and 8-bit ones for
            a picture.
    """

    depth: Levels
    infrared: Levels
    depth_source: str
    infrared_source: str
    unit: DepthUnit | None = None


def read_registered(
    depth: Path, infrared: Path, limits: Limits, rotation_deg: int, unit: DepthUnit | None = None
) -> Registered:
    """Read the two, turned clockwise by whole quarters.

    Raises:
        CaptureError: as `capture.image.read_levels`.
    """
    turns = -rotation_deg // 90
    first, second = (
        np.ascontiguousarray(np.rot90(read_levels(path, limits), turns))
        for path in (depth, infrared)
    )
    return Registered(first, second, str(depth), str(infrared), unit)


def decode_registered(
    depth: bytes, infrared: bytes, limits: Limits, unit: DepthUnit | None = None
) -> Registered:
    """As `read_registered`, from memory; errors name ``depth`` or ``infrared``."""
    first = decode_levels(depth, "depth", limits)
    second = decode_levels(infrared, "infrared", limits)
    return Registered(first, second, "depth", "infrared", unit)


def check_registered(rgb: RgbImage, others: Registered) -> None:
    """Refuse what `modality_crops` would refuse, where there is no face to crop.

    Raises:
        SizeMismatchError, DepthUnitError: as there.
    """
    _check_form(rgb, others.depth, others.depth_source)
    _check_form(rgb, others.infrared, others.infrared_source)
    if is_measured(others.depth, others.unit):
        depth_in_mm(others.depth, others.unit, others.depth_source)


def modality_crops(rgb: RgbImage, others: Registered, stack: CropStack) -> npt.NDArray[np.uint8]:
    """The first crop's place in a colour picture, and in depth and infrared registered to it.

    Args:
        rgb: (height, width, 3) uint8, that the crops were cut from.
        others: of the same form, perhaps of another resolution.
        stack: crops of ``rgb``.

    Returns:
        (3, size, size, 3) uint8.

    Raises:
        SizeMismatchError: one is of another form than ``rgb``; see `at_size_of`.
        DepthUnitError: 16-bit depth that is no millimetres, or a unit that cannot be.
    """
    place, side = stack.to_picture[0], stack.crops.shape[1]
    depth = at_size_of(rgb, others.depth, others.depth_source)
    light = eight_bits(at_size_of(rgb, others.infrared, others.infrared_source))
    pictures = (
        depth_picture(depth, place, side, others.depth_source, others.unit),
        np.repeat(light[:, :, None], 3, axis=2),
    )
    return np.stack([stack.crops[0], *(sample(picture, place, side)[0] for picture in pictures)])


def at_size_of(rgb: RgbImage, picture: Levels, path: str) -> Levels:
    """A modality at the size of the RGB picture: of that form, but perhaps of another resolution.

    As in CASIA-SURF. Each px is the nearest one, because a mean of two depths is neither.

    Raises:
        SizeMismatchError: its form is another, so it shows another part of the scene.
    """
    _check_form(rgb, picture, path)
    height, width = rgb.shape[:2]
    if (height, width) == picture.shape:
        return picture
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, picture.dtype)


def _check_form(rgb: RgbImage, picture: Levels, path: str) -> None:
    (height, width), (rows, columns) = rgb.shape[:2], picture.shape
    if abs(np.log(width * rows / (height * columns))) > ASPECT_LIMIT:
        raise SizeMismatchError(
            f"is {columns} x {rows} px, the RGB picture {width} x {height} px.",
            where=path,
            remedy="Register the modalities to the RGB picture.",
        )
