"""The eight ways a sensor can stand to the scene, by their EXIF numbers.

EXIF 2.32 tag 0x0112 for photos and the display matrix of MP4 and Matroska for clips say the same
thing; both end here, so that both are turned upright by the same eight lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonafide.types import RgbImage

UPRIGHT = 1

# (a, b, c, d) by sign: the stored pixel (x, y) is shown at (a x + c y, b x + d y), y downwards
# (ISO/IEC 14496-12, 6.2.2).
_BY_MATRIX_SIGNS = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
_BY_ROTATION_DEG = {0: 1, 90: 6, 180: 3, 270: 8}
# The clockwise turn that comes after an optional left-right mirroring.
_TURN_DEG = {1: 0, 2: 0, 3: 180, 4: 180, 5: 270, 6: 90, 7: 90, 8: 270}


def turn_upright(rgb: RgbImage, orientation: int) -> RgbImage:
    """Undo an orientation.

    Args:
        rgb: the picture as stored; see `RgbImage`.
        orientation: the EXIF number 1..8. Others are reserved and mean "as stored", as in viewers.

    Returns:
        The upright picture, contiguous; 5..8 swap width and height.
    """
    turned = {
        2: lambda: rgb[:, ::-1],
        3: lambda: rgb[::-1, ::-1],
        4: lambda: rgb[::-1],
        5: lambda: rgb.swapaxes(0, 1),
        6: lambda: np.rot90(rgb, -1),
        7: lambda: rgb[::-1, ::-1].swapaxes(0, 1),
        8: lambda: np.rot90(rgb, 1),
    }.get(orientation, lambda: rgb)()
    return np.ascontiguousarray(turned)


def orientation_of_matrix(matrix: Sequence[int]) -> int | None:
    """The EXIF number of a display matrix, its nine integers row by row (a b u c d v x y w).

    Returns:
        1..8, or None for a matrix that does more than quarter turns and mirroring. Scale and
        shift are no concern of ours: the pixels keep their number.

    >>> orientation_of_matrix([0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30])
    6
    """
    a, b, _, c, d = matrix[:5]
    return _BY_MATRIX_SIGNS.get((_sign(a), _sign(b), _sign(c), _sign(d)))


def orientation_of_rotation(clockwise_deg: int) -> int | None:
    """The EXIF number of a clockwise turn, or None when it is no quarter turn."""
    return _BY_ROTATION_DEG.get(clockwise_deg % 360)


def turn_of(orientation: int) -> tuple[int, bool]:
    """(clockwise turn in degrees, mirrored left-right before it) that makes it upright.

    >>> turn_of(6), turn_of(5)
    ((90, False), (270, True))
    """
    return _TURN_DEG.get(orientation, 0), orientation in (2, 4, 5, 7)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
