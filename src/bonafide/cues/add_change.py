"""The last step of Eq. 4, a frame plus its change, mixed to R, G, B, rounded and cut in one go.

In single steps the same takes twice as long: passes over float pictures. Without a compiler it is
done so.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

try:
    from bonafide.cues import add_change_compiled as compiled
except ModuleNotFoundError as missing:  # the base install has no compiler
    if missing.name != "numba":
        raise
    compiled = None

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
    if frame.dtype == np.uint8 and compiled is not None:
        added = np.empty(frame.shape, np.uint8)
        values = np.ascontiguousarray(frame).reshape(-1)
        kernel = compiled.add_luma if change.ndim == 2 else compiled.add_colour
        kernel(values, np.ascontiguousarray(change).reshape(-1), mix, added.reshape(-1))
        return added
    cut = np.clip(frame + cv2.transform(change, mix), 0, 255, dtype=np.float32)
    return np.rint(cut, out=cut).astype(np.uint8) if frame.dtype == np.uint8 else cut
