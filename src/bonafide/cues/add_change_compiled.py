"""The loops of `bonafide.cues.add_change`, compiled by numba."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, inline="always")
def _cut(value):  # type: ignore[no-untyped-def]
    low, high = np.float32(0), np.float32(255)
    return np.uint8(np.int32(min(max(np.rint(value), low), high)))


@numba.njit(cache=True, fastmath=True)
def add_luma(frame, change, mix, added):  # type: ignore[no-untyped-def]
    """Luma alone: the same change, weighed for R, G and B."""
    red, green, blue = mix[0, 0], mix[1, 0], mix[2, 0]
    for i in range(change.size):
        luma = change[i]
        added[3 * i] = _cut(frame[3 * i] + red * luma)
        added[3 * i + 1] = _cut(frame[3 * i + 1] + green * luma)
        added[3 * i + 2] = _cut(frame[3 * i + 2] + blue * luma)


@numba.njit(cache=True, fastmath=True)
def add_colour(frame, change, mix, added):  # type: ignore[no-untyped-def]
    """YIQ, mixed to R, G and B."""
    for i in range(change.size // 3):
        y, in_phase, quadrature = change[3 * i], change[3 * i + 1], change[3 * i + 2]
        red = mix[0, 0] * y + mix[0, 1] * in_phase + mix[0, 2] * quadrature
        green = mix[1, 0] * y + mix[1, 1] * in_phase + mix[1, 2] * quadrature
        blue = mix[2, 0] * y + mix[2, 1] * in_phase + mix[2, 2] * quadrature
        added[3 * i] = _cut(frame[3 * i] + red)
        added[3 * i + 1] = _cut(frame[3 * i + 1] + green)
        added[3 * i + 2] = _cut(frame[3 * i + 2] + blue)
