"""Depth as a picture of 8 bits, for networks that look at it as they look at colour.

A face is 10 to 15 cm deep and stands anywhere from 0.4 to 1.2 m away. So the levels of 16-bit depth
(millimetres) are spent on the face: one a millimetre, counted from a plane before it. Depth that
comes with 8 bits, as CASIA-SURF's, which is counted so already, is taken as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.capture.multimodal import DepthUnit, depth_in_mm
from bonafide.face.align import Matrix
from bonafide.types import RgbImage

MM_PER_LEVEL = 1.0
FACE_LEVEL = 90
"""Where the middle of the face lies; 8.9 cm before it and 16.5 cm behind it can be told apart."""

UNKNOWN, NEAREST, FARTHEST = 0, 1, 255
"""Level of what was not measured, and those to which all else is held."""

FORM = {"mm_per_level": MM_PER_LEVEL, "face_level": FACE_LEVEL}
"""What a cache or a model's record must say, to fit what this version makes."""

CENTRAL_SHARE = 0.5
"""Of a crop's side: within it there is only face."""


def is_measured(levels: npt.NDArray[np.uint8 | np.uint16], unit: DepthUnit | None) -> bool:
    """Whether levels are distances: of 16 bits, or of a stated unit; others are a picture."""
    return unit is not None or levels.dtype == np.uint16


def depth_picture(
    levels: npt.NDArray[np.uint8 | np.uint16],
    to_picture: Matrix,
    size_px: int,
    source: str,
    unit: DepthUnit | None = None,
) -> RgbImage:
    """A depth picture as (h, w, 3) uint8, far is bright; the three channels are alike.

    Args:
        levels: (h, w), uint8 to be taken as they are, or uint16 millimetres; 0 is unknown. With a
            ``unit`` both are distances.
        to_picture: (2, 3), px of the face's crop -> px of ``levels``.
        size_px: side of that crop.
        source: for messages.
        unit: as stated by whoever gives the depth.

    Raises:
        DepthUnitError: 16-bit levels that are no millimetres, or a unit that cannot be.
    """
    picture = levels
    if is_measured(levels, unit):
        depth_mm = depth_in_mm(levels, unit, source)
        beyond_mm = depth_mm - face_distance_mm(depth_mm, to_picture, size_px)
        counted = np.rint(FACE_LEVEL + beyond_mm / MM_PER_LEVEL).clip(NEAREST, FARTHEST)
        picture = np.where(np.isnan(counted), UNKNOWN, counted)
    return np.repeat(picture.astype(np.uint8)[:, :, None], 3, axis=2)


def face_distance_mm(depth_mm: npt.NDArray[np.float32], to_picture: Matrix, size_px: int) -> float:
    """Median of what was measured in the middle of a crop, or else anywhere in it; NaN if nothing.

    Args:
        depth_mm: (h, w), NaN where unknown.
        to_picture, size_px: as for `depth_picture`.
    """
    for share in (CENTRAL_SHARE, 1.0):
        steps = (size_px - 1) * (0.5 + share * (np.linspace(0, 1, size_px) - 0.5))
        x, y = np.meshgrid(steps, steps)
        at = np.rint(np.stack([x, y, np.ones_like(x)], axis=-1) @ to_picture.T).astype(int)
        columns, rows = at[..., 0], at[..., 1]
        height, width = depth_mm.shape
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        found = depth_mm[rows[inside], columns[inside]]
        if np.isfinite(found).any():
            return float(np.nanmedian(found))
    return float("nan")
