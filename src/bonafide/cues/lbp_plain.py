"""The two loops of `bonafide.cues.lbp` in numpy, for installs without a compiler.

Every number is made by the same operations in the same order as in `lbp_compiled`, so that ties in
flat areas break alike and the codes are equal, all of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

AT_ONCE_PX = 1 << 15
"""Pixels of a stack that are worked on together: their float64 planes stay in the second cache."""

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


def code(
    plane: Bytes,
    corner: npt.NDArray[np.int64],
    down: Floats,
    right: Floats,
    table: Bytes,
    margin: int,
    codes: Bytes,
) -> None:
    """The code of every pixel of a picture that has one, into ``codes``; see `lbp.lbp_codes`."""
    codes[:] = table[_patterns(plane[None], corner, down, right, margin)[0]]


def count(
    planes: Bytes,
    corner: npt.NDArray[np.int64],
    down: Floats,
    right: Floats,
    table: Bytes,
    margin: int,
    counts: npt.NDArray[np.int64],
) -> None:
    """Add how often each code occurs in a stack of pictures to ``counts``."""
    step = max(AT_ONCE_PX // planes[0].size, 1)
    for start in range(0, len(planes), step):
        found = table[_patterns(planes[start : start + step], corner, down, right, margin)]
        counts += np.bincount(found.ravel(), minlength=len(counts))


def _patterns(
    planes: Bytes, corner: npt.NDArray[np.int64], down: Floats, right: Floats, margin: int
) -> npt.NDArray[np.uint16]:
    """The bits of all points, (N, H - 2 margin, W - 2 margin)."""
    height, width = planes.shape[1] - 2 * margin, planes.shape[2] - 2 * margin
    values = planes.astype(np.float64)

    def moved(rows: int, columns: int) -> Floats:
        top, left = margin + rows, margin + columns
        return values[:, top : top + height, left : left + width]

    centre = moved(0, 0)
    patterns = np.zeros(centre.shape, np.uint16)
    for k, (up, low, left, rest) in enumerate(corner.tolist()):
        point = moved(up, left)
        if up != low or left != rest:
            to_right = right[k, margin : margin + width]
            share_down = down[k, margin : margin + height, None]
            above = (1.0 - to_right) * point + to_right * moved(up, rest)
            below = (1.0 - to_right) * moved(low, left) + to_right * moved(low, rest)
            point = (1.0 - share_down) * above + share_down * below
        patterns |= (point - centre >= 0).astype(np.uint16) << np.uint16(k)
    return patterns
