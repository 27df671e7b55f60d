"""The last step of Eq. 4, a frame plus its change, mixed to R, G, B, rounded and cut in one go.

In single steps by OpenCV the same takes twice as long: three passes over float pictures.
"""

from __future__ import annotations

import cv2
import numba
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]


def add_change(frame: Pixels, change: Floats, mix: Floats) -> Pixels:
    """The frame plus its change.

    Args:
        frame: (H, W, 3) RGB, uint8 or float32 in 0..255.
        change: (H, W) of luma, or (H, W, 3) in YIQ.
        mix: (3, channels), what each of R, G and B takes of each channel of ``change``.

    Returns:
        Like ``frame``, cut to 0..255, uint8 rounded to even at halves.
    """
    if frame.dtype == np.uint8:
        added = np.empty(frame.shape, np.uint8)
        values = np.ascontiguousarray(frame).reshape(-1)
        kernel = _add_luma if change.ndim == 2 else _add_colour
        kernel(values, np.ascontiguousarray(change).reshape(-1), mix, added.reshape(-1))
        return added
    return np.clip(frame + cv2.transform(change, mix), 0, 255, dtype=np.float32)


@numba.njit(cache=True, inline="always")
def _cut(value):  # type: ignore[no-untyped-def]
    low, high = np.float32(0), np.float32(255)
    return np.uint8(np.int32(min(max(np.rint(value), low), high)))


@numba.njit(cache=True, fastmath=True)
def _add_luma(frame, change, mix, added):  # type: ignore[no-untyped-def]
    red, green, blue = mix[0, 0], mix[1, 0], mix[2, 0]
    for i in range(change.size):
        luma = change[i]
        added[3 * i] = _cut(frame[3 * i] + red * luma)
        added[3 * i + 1] = _cut(frame[3 * i + 1] + green * luma)
        added[3 * i + 2] = _cut(frame[3 * i + 2] + blue * luma)


@numba.njit(cache=True, fastmath=True)
def _add_colour(frame, change, mix, added):  # type: ignore[no-untyped-def]
    for i in range(change.size // 3):
        y, in_phase, quadrature = change[3 * i], change[3 * i + 1], change[3 * i + 2]
        red = mix[0, 0] * y + mix[0, 1] * in_phase + mix[0, 2] * quadrature
        green = mix[1, 0] * y + mix[1, 1] * in_phase + mix[1, 2] * quadrature
        blue = mix[2, 0] * y + mix[2, 1] * in_phase + mix[2, 2] * quadrature
        added[3 * i] = _cut(frame[3 * i] + red)
        added[3 * i + 1] = _cut(frame[3 * i + 1] + green)
        added[3 * i + 2] = _cut(frame[3 * i + 2] + blue)
