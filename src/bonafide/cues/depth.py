"""Depth cues: one clean face region, and the maps F1 (shape), F2 (scale), F3 (orientation).

W. Liu et al., "Data-Fusion-Based Two-Stage Cascade Framework for Multimodality Face Anti-Spoofing"
(IEEE TCDS 14(2), 2022), section III-B-1. Read as follows where the paper leaves room:

- Holes are filled by the harmonic surface that their rim spans: it continues a plane exactly. A
  hole whose rim spans two surfaces (the shadow beside a silhouette) or a large one stays open.
- Neighbouring px are connected when their depths differ by less than `CleaningSettings.jump_mm`.
- F2 divides by the box area before a min-max normalisation. Per picture that division would
  cancel, so its range is that of the TRAINING SET, and travels with the model.
- F3 has the fixed range 0..90 degrees: per picture, a flat print's noise would fill the range.
- Normals are those of a local least-squares plane; raw differences of a sensor's depth are noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.cues.harmonic import enclosed_by, harmonic, label_regions, linked_regions
from bonafide.types import BonafideError, Landmarks

Depth = npt.NDArray[np.float32]
"""(h, w) float32, mm along the camera's axis; NaN where nothing is known or nothing of the face."""

Map = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

BACKGROUND = 255
"""What the maps hold outside the face region."""

RIGHT_ANGLE_DEG = 90.0
"""The fixed range of F3."""

NORMAL_WINDOW = 0.02
"""Sigma of the window of a local plane, in sides of the picture."""


class DepthError(BonafideError):
    """A depth picture from which no face surface can be had."""


@dataclass(frozen=True, slots=True)
class CleaningSettings:
    """How a face surface is told from what surrounds it.

    Attributes:
        jump_mm: depth difference of neighbouring px that parts two surfaces.
        rim_mm: a hole whose rim spans more than this lies between two surfaces and stays open.
        hole_share: a hole that takes more of the picture than this was not measured, and is not
            made up.
    """

    jump_mm: float = 30.0
    rim_mm: float = 80.0
    hole_share: float = 0.1


@dataclass(frozen=True, slots=True)
class ScaleRange:
    """The smallest and largest depth / box area of a training set, mm per px²: Eq. 2's range."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise DepthError(
                f"the range {self.low}..{self.high} is empty.",
                where="F2",
                remedy="Take it from the training set's depth with `scale_range`.",
            )


def clean_depth(
    depth_mm: npt.ArrayLike,
    settings: CleaningSettings | None = None,
    within: Mask | None = None,
) -> Depth:
    """Fill holes, then keep the largest connected surface; everything else is NaN.

    Args:
        depth_mm: (h, w), mm. 0, negative and NaN are holes.
        settings: `CleaningSettings()` when None.
        within: (h, w), where a surface's size is counted: the compact face, because around it the
            wall may be the largest. None counts everywhere.

    Raises:
        DepthError: nothing was measured at all.
    """
    settings = settings or CleaningSettings()
    depth = np.array(depth_mm, np.float32)
    depth[~(depth > 0)] = np.nan
    if not np.isfinite(depth).any():
        raise DepthError(
            "not one point was measured.",
            where="depth",
            remedy="Check the depth sensor, its range and the file.",
        )
    filled = fill_holes(depth, settings.rim_mm, settings.hole_share)
    face = largest_surface(filled, settings.jump_mm, within)
    # Holes that only the face surrounds belong to it; known points at another depth do not.
    enclosed = enclosed_by(face) & np.isnan(filled)
    labels, count = label_regions(enclosed)
    small = np.bincount(labels.ravel(), minlength=count + 1) <= settings.hole_share * depth.size
    surface = np.where(face, filled, np.float32(np.nan))
    return harmonic(surface, enclosed & small[labels])


def fill_holes(depth: Depth, rim_mm: float, hole_share: float = 1.0) -> Depth:
    """Fill the holes of which `CleaningSettings` allows it.

    Args:
        depth: (h, w), NaN in holes.
        rim_mm: largest difference of depth around a hole.
        hole_share: largest share of the picture that one hole may take.
    """
    hole = np.isnan(depth)
    labels, count = label_regions(hole)
    if not count:
        return depth
    # A px between two holes counts for one of them; its depth is near that of its neighbours.
    of_rim = cv2.dilate(
        labels.astype(np.float32), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    )
    rim = ~hole & (of_rim > 0)
    number, value = of_rim[rim].astype(np.int64), depth[rim]
    highest, lowest = np.full(count + 1, -np.inf), np.full(count + 1, np.inf)
    np.maximum.at(highest, number, value)
    np.minimum.at(lowest, number, value)
    small = highest - lowest <= rim_mm
    small &= np.bincount(labels.ravel(), minlength=count + 1) <= hole_share * depth.size
    small[0] = False
    return harmonic(depth, hole & small[labels])


def largest_surface(depth: Depth, jump_mm: float, within: Mask | None = None) -> Mask:
    """(h, w) True on the largest set of px connected by steps smaller than ``jump_mm``.

    With ``within``, on the one that has most px there. Where nothing is known, False everywhere.
    """
    across = np.abs(np.diff(depth, axis=1)) < jump_mm  # False beside NaN
    down = np.abs(np.diff(depth, axis=0)) < jump_mm
    known = np.isfinite(depth)
    component = linked_regions(known, across, down)
    counted = known if within is None else known & within
    sizes = np.bincount(component[counted], minlength=int(component.max()) + 1)
    return np.asarray(known & (component == sizes.argmax()))


def depth_shape(depth: Depth) -> Map:
    """F1 (Eq. 1): depth from the face's nearest point (0) to its farthest (255); outside 255.

    A face without any relief is 0 everywhere.
    """
    low, high = float(np.nanmin(depth)), float(np.nanmax(depth))
    return _quantise(depth, low, high)


def depth_scale(depth: Depth, area_px: float, training: ScaleRange) -> Map:
    """F2 (Eq. 2): depth / box area in the training set's range; beyond the range it saturates.

    Args:
        depth: (h, w), mm, NaN outside the face.
        area_px: w * h of the face box in px of the original picture. A camera of another
            resolution or focal length needs a range of its own.
        training: see `scale_range`.
    """
    return _quantise(depth / np.float32(area_px), training.low, training.high)


def scale_range(low: npt.ArrayLike, high: npt.ArrayLike) -> ScaleRange:
    """Eq. 2's range from each training face's smallest and largest depth / box area."""
    return ScaleRange(float(np.min(low)), float(np.max(high)))


def depth_orientation(depth: Depth, landmarks: Landmarks, mm_per_px: float) -> Map:
    """F3 (Eq. 3): angle to the plane through the landmarks, 0..90 degrees as 0..255."""
    angle = plane_angle_deg(depth, landmarks, mm_per_px)
    return _quantise(angle, 0.0, RIGHT_ANGLE_DEG)


def _quantise(values: Depth, low: float, high: float) -> Map:
    """floor((v - low) / (high - low) * 255), limited to 0..255; `BACKGROUND` at NaN."""
    span = high - low
    unit = (values - low) / span if span > 0 else values * 0
    level = np.floor(np.clip(unit * 255, 0, 255))
    return np.where(np.isnan(values), BACKGROUND, level).astype(np.uint8)


def plane_angle_deg(depth: Depth, landmarks: Landmarks, mm_per_px: float) -> Depth:
    """(h, w) degrees between each px's normal and the normal of the landmarks' plane.

    Args:
        depth: (h, w), mm, NaN outside the face.
        landmarks: (n, 2), n >= 3, (x, y) px of ``depth``; those outside the face are left out.
        mm_per_px: size of a px at the face (the face is far away compared with its depth).

    Returns:
        0..180, NaN outside the face.

    Raises:
        DepthError: fewer than three landmarks lie on the surface, or they lie on a line.
    """
    plane = landmark_normal(depth, landmarks, mm_per_px)
    normals = surface_normals(depth, mm_per_px)
    cosine = np.clip(normals @ plane, -1, 1)
    return np.degrees(np.arccos(cosine)).astype(np.float32)


def landmark_normal(
    depth: Depth, landmarks: Landmarks, mm_per_px: float
) -> npt.NDArray[np.float64]:
    """(3,) unit normal, towards the camera, of the plane nearest to the landmarks in 3-D.

    Axes: x to the picture's right, y down, z away from the camera. Errors: see `plane_angle_deg`.
    """
    height, width = depth.shape
    points = []
    for x, y in np.rint(landmarks).astype(int):
        if 0 <= x < width and 0 <= y < height:
            patch = depth[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
            if np.isfinite(patch).any() and np.isfinite(depth[y, x]):
                points.append((x * mm_per_px, y * mm_per_px, float(np.nanmedian(patch))))
    if len(points) < 3:
        raise DepthError(
            f"only {len(points)} of {len(landmarks)} landmarks lie on the measured face.",
            where="depth",
            remedy="Check that depth and colour are registered and the depth sensor sees the face.",
        )
    centred = np.array(points) - np.mean(points, axis=0)
    _, strengths, axes = np.linalg.svd(centred)
    if strengths[1] < 1e-3 * strengths[0]:
        raise DepthError("the landmarks lie on a line.", where="depth", remedy="Find them anew.")
    normal = axes[2]
    return np.asarray(normal if normal[2] < 0 else -normal, np.float64)


def surface_normals(depth: Depth, mm_per_px: float) -> npt.NDArray[np.float64]:
    """(h, w, 3) unit normals towards the camera of local least-squares planes; NaN outside.

    Weighted by a Gaussian of `NORMAL_WINDOW` sides over the face's px alone, so that a plane is
    exact up to the region's very border.
    """
    sigma = max(NORMAL_WINDOW * max(depth.shape), 0.8)
    face = np.isfinite(depth)
    weight = face.astype(np.float64)
    y, x = np.indices(depth.shape, np.float64)
    z = np.where(face, depth - np.nanmean(depth), 0.0)

    def blur(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(
            cv2.GaussianBlur(values * weight, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        )

    total = np.maximum(blur(np.ones_like(x)), 1e-12)
    mean_x, mean_y, mean_z = blur(x) / total, blur(y) / total, blur(z) / total
    xx = blur(x * x) / total - mean_x**2
    yy = blur(y * y) / total - mean_y**2
    xy = blur(x * y) / total - mean_x * mean_y
    xz = blur(x * z) / total - mean_x * mean_z
    yz = blur(y * z) / total - mean_y * mean_z
    # A px with no second neighbour in reach has no slope: call it level.
    spread = xx * yy - xy**2
    scale = np.where(spread > 1e-9, 1 / np.maximum(spread, 1e-9), 0.0) / mm_per_px
    slope_x = (xz * yy - yz * xy) * scale
    slope_y = (yz * xx - xz * xy) * scale
    normal = np.stack([slope_x, slope_y, -np.ones_like(x)], axis=2)
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    normal[~face] = np.nan
    return normal
