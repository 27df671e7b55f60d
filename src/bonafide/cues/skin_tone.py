"""The tone of a face in a picture: the individual typology angle.

arctan((L* - 50) / b*) in degrees (Chardon, Cretois and Hourseau, International Journal of Cosmetic
Science 13, 1991), of the median CIELAB colour of the middle of the aligned face. On skin measured
with an instrument it orders people from very light (above 55) to dark (below -30); in a photo it
mixes skin with exposure and white balance.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

TONE_EDGES_DEG = (-180, 10, 19, 28, 41, 55, 180)
"""Groups of tone: each edge and above, up to the next; the last of the literature's classes below
10 degrees are one group, for photos hold few of them."""


def typology_angle_deg(crop: npt.NDArray[np.uint8]) -> float:
    """Of the middle of an aligned face crop, (side, side, 3) uint8 RGB, cut at about scale 0.7."""
    side = crop.shape[0]
    middle = crop[int(0.45 * side) : int(0.7 * side), int(0.25 * side) : int(0.75 * side)]
    lab = cv2.cvtColor(middle.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    light, _, yellow = np.median(lab, axis=0)
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def tone_group(angle_deg: float) -> int:
    """The group of an angle: 0 below the second of `TONE_EDGES_DEG`, and so on upwards."""
    return int(np.searchsorted(TONE_EDGES_DEG[1:-1], angle_deg, side="right"))
