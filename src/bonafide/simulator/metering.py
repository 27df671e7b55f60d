"""What a camera's exposure meter sees (simulated)."""

from __future__ import annotations

import cv2
import numpy as np

from bonafide.simulator.linear_light import Light, luminance

METER_CELLS = 32
"""The exposure meter's cells along a side."""


def metered(light: Light) -> float:
    """Centre-weighted mean of the square root of luminance, squared.

    The square root stands for the encoded picture that cameras meter, which a window or a dark
    suit sways less than it sways the mean of linear light.
    """
    small = cv2.resize(light, (METER_CELLS, METER_CELLS), interpolation=cv2.INTER_AREA)
    weights = _center_weights(METER_CELLS, METER_CELLS)
    return max(float(meter_weights(small).sum() / weights.sum()) ** 2, 1e-4)


def meter_weights(light: Light) -> Light:
    """(h, w) what each px adds to `metered`: centre weight times root of luminance.

    Args:
        light: (h, w, 3) linear.
    """
    height, width = light.shape[:2]
    seen: Light = np.sqrt(np.maximum(luminance(light), 0)) * _center_weights(height, width)
    return seen


def _center_weights(height: int, width: int) -> Light:
    down, across = (np.hanning(n + 2)[1:-1].astype(np.float32) + 0.15 for n in (height, width))
    return np.outer(down, across)
