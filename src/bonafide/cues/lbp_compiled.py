"""The two loops of `bonafide.cues.lbp`, compiled by numba; `lbp_plain` has them without.

Must not be compiled with fastmath: ties depend on the order of operations.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def _patterns(plane, row, corner, down, right, margin, patterns):  # type: ignore[no-untyped-def]
    """The bits of all points for the centres of one row, into ``patterns`` (uint16)."""
    width = patterns.size
    centre = plane[row, margin : margin + width]
    patterns[:] = 0
    for k in range(corner.shape[0]):
        bit = np.uint16(1 << k)
        up, low, left, rest = corner[k, 0], corner[k, 1], corner[k, 2], corner[k, 3]
        above_left = plane[row + up, margin + left : margin + left + width]
        if up == low and left == rest:
            for i in range(width):
                patterns[i] |= bit if above_left[i] >= centre[i] else np.uint16(0)
            continue
        above_right = plane[row + up, margin + rest : margin + rest + width]
        below_left = plane[row + low, margin + left : margin + left + width]
        below_right = plane[row + low, margin + rest : margin + rest + width]
        share_down, share_right = down[k, row], right[k, margin : margin + width]
        for i in range(width):
            to_right = share_right[i]
            above = (1.0 - to_right) * above_left[i] + to_right * above_right[i]
            below = (1.0 - to_right) * below_left[i] + to_right * below_right[i]
            point = (1.0 - share_down) * above + share_down * below
            patterns[i] |= bit if point - centre[i] >= 0 else np.uint16(0)


@numba.njit(cache=True)
def code(plane, corner, down, right, table, margin, codes):  # type: ignore[no-untyped-def]
    """The code of every pixel of a picture that has one, into ``codes``."""
    patterns = np.zeros(codes.shape[1], np.uint16)
    for row in range(codes.shape[0]):
        _patterns(plane, row + margin, corner, down, right, margin, patterns)
        for i in range(patterns.size):
            codes[row, i] = table[patterns[i]]


@numba.njit(cache=True)
def count(planes, corner, down, right, table, margin, counts):  # type: ignore[no-untyped-def]
    """Add how often each code occurs in a stack of pictures to ``counts``."""
    patterns = np.zeros(planes.shape[2] - 2 * margin, np.uint16)
    for index in range(planes.shape[0]):
        for row in range(margin, planes.shape[1] - margin):
            _patterns(planes[index], row, corner, down, right, margin, patterns)
            for i in range(patterns.size):
                counts[table[patterns[i]]] += 1
