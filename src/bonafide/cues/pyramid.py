"""The spatial side of magnification: how much of alpha each Laplacian level gets, and applying it.

Temporal and spatial filters are linear and commute, so the clip is filtered in time first and only
its band is taken apart into a Laplacian pyramid. That gives exactly the published result and spares
filtering a third more pixels; and where the finest levels get no alpha at all, the clip is halved
before filtering, which spares three quarters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

FINEST_PX = 2.0
LEVEL_PX = 5.0
"""Wavelength of level k >= 1 is 5 * 2^k px: where its response, cos(w/2)^8 (1 - cos(w)^8) at w
radians per pixel of level k - 1, peaks. Level 0 has no peak but reaches down to 2 px, and counts as
that."""

SMALLEST_PX = 4
"""The pyramid ends where halving again would leave fewer px than this on the shorter side."""


def halvings(height_px: int, width_px: int) -> int:
    """How many Laplacian levels a picture has, at least one if it can be halved at all."""
    shorter, count = min(height_px, width_px), 0
    while (shorter + 1) // 2 >= SMALLEST_PX:
        shorter, count = (shorter + 1) // 2, count + 1
    return count


def level_wavelength_px(level: int) -> float:
    """The spatial wavelength, px of the full picture, that stands for a Laplacian level."""
    return FINEST_PX if level == 0 else LEVEL_PX * 2**level


def level_alphas(alpha: float, cutoff_px: float, levels: int) -> tuple[float, ...]:
    """What is left of alpha at each level, finest first (Wu et al. 2012, section 3.3).

    (1 + alpha) delta < lambda / 8 holds for lambda >= cutoff when delta = cutoff / (8 (1 + alpha)).
    That delta allows a shorter wavelength only lambda / (8 delta) - 1, which is where its alpha is
    cut; below 0 it counts as 0.
    """
    if cutoff_px <= 0:
        return (alpha,) * levels
    delta_px = cutoff_px / (8 * (1 + alpha))
    allowed = (level_wavelength_px(level) / (8 * delta_px) - 1 for level in range(levels))
    return tuple(min(alpha, max(0.0, each)) for each in allowed)


def shrink(picture: Floats, times: int) -> Floats:
    """Halve ``times`` times by OpenCV's 5-tap binomial pyramid; (H, W) or (H, W, C) float32."""
    for _ in range(times):
        picture = np.asarray(cv2.pyrDown(picture), np.float32)
    return picture


def grow(picture: Floats, height_px: int, width_px: int) -> Floats:
    """Undo `shrink` down from (height_px, width_px) with OpenCV's interpolation."""
    sizes = [(height_px, width_px)]
    while sizes[-1] != picture.shape[:2]:
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    for height, width in reversed(sizes[:-1]):
        picture = np.asarray(cv2.pyrUp(picture, dstsize=(width, height)), np.float32)
    return picture


def amplify_levels(band: Floats, alphas: Sequence[float]) -> Floats:
    """Sum of the band's Laplacian levels, each times its alpha; the low-pass rest is left out.

    The rest is how the picture as a whole brightens and darkens: exposure and mains light, not
    motion.

    Args:
        band: (H, W) or (H, W, C), float32.
        alphas: one per level of ``band``, finest first.

    Returns:
        Like ``band``.
    """
    pictures = [band]
    for _ in alphas:
        pictures.append(np.asarray(cv2.pyrDown(pictures[-1]), np.float32))
    total = np.zeros_like(pictures[-1])
    # A level is a picture less the enlarged next one, alpha (G - up(G')). Enlarging is linear, so
    # up(total) + alpha (G - up(G')) = alpha G + up(total - alpha G'), which enlarges only once.
    for alpha, picture, smaller in zip(
        reversed(alphas), pictures[-2::-1], pictures[:0:-1], strict=True
    ):
        below = cv2.scaleAdd(smaller, -alpha, total)
        enlarged = cv2.pyrUp(below, dstsize=picture.shape[1::-1])
        total = np.asarray(cv2.scaleAdd(picture, alpha, enlarged, dst=enlarged), np.float32)
    return total


def silent_levels(alphas: Sequence[float]) -> int:
    """How many of the finest levels get nothing, so that they need not be computed."""
    count = 0
    while count < len(alphas) and math.isclose(alphas[count], 0.0, abs_tol=1e-9):
        count += 1
    return count
