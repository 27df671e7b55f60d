"""Augmentation that families of models share, of all crops of one face or all frames of a clip."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Crops = npt.NDArray[np.uint8]

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601 weights of R, G, B

NOISE = np.random.default_rng(0).standard_normal(1 << 20).astype(np.float32)
"""Drawn once: a batch takes a stretch of it at a random place, which is fifty times faster."""

TURN_DEG_PER_SHIFT = 100.0
"""A shift of up to 0.05 goes with a turn of up to 5 degrees."""


def jitter_geometry(crops: Crops, shift: float, rng: np.random.Generator) -> Crops:
    """Mirror at random, shift, turn and zoom a little: alike for all crops.

    Args:
        crops: (n, side, side, 3) uint8 RGB.
        shift: largest shift in sides; zoom is up to twice it, turn `TURN_DEG_PER_SHIFT` times.

    Returns:
        the same shape; what comes in from outside repeats the border.
    """
    mirrored = rng.random() < 0.5
    across, down, zoom, turn = rng.uniform(-shift, shift, 4)
    if mirrored:
        crops = crops[:, :, ::-1]
    if shift == 0:
        return np.ascontiguousarray(crops)
    side = crops.shape[1]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn * TURN_DEG_PER_SHIFT, 1 + 2 * zoom)
    matrix[:, 2] += np.array([across, down]) * side
    moved = [
        cv2.warpAffine(
            np.ascontiguousarray(crop), matrix, (side, side), borderMode=cv2.BORDER_REPLICATE
        )
        for crop in crops
    ]
    return np.asarray(np.stack(moved), np.uint8)


def recolour(crops: Crops, strength: float, rng: np.random.Generator) -> Crops:
    """Vary white balance, saturation, exposure, gamma and contrast: alike for all of them.

    Args:
        crops: (n, height, width, 3) uint8 RGB.
        strength: 0 leaves them as they are; 1 is the default range.

    Returns:
        the same shape, uint8.
    """
    if strength == 0:
        return crops

    def draw(reach: float, size: int | None = None) -> Any:
        return rng.uniform(-reach * strength, reach * strength, size)

    keep = 1 + draw(0.4)
    colour = keep * np.eye(3) + (1 - keep) * np.array(LUMA)  # rows: R, G, B of the result
    colour *= (1 + draw(0.08, 3))[:, None]
    level = np.linspace(0, 1, 256) ** np.exp(draw(0.35)) * (1 + draw(0.25))
    level = 0.5 + (level - 0.5) * (1 + draw(0.25))
    tone = np.clip(255 * level, 0, 255).round().astype(np.uint8)
    flat = crops.reshape(-1, crops.shape[2], 3)
    flat = cv2.LUT(cv2.transform(flat, colour), tone)
    return np.asarray(flat, np.uint8).reshape(crops.shape)


def jitter_photometry(crops: Crops, strength: float, rng: np.random.Generator) -> Crops:
    """Vary white balance, saturation, exposure, gamma, contrast and noise of one face.

    Args:
        crops: (n, height, width, 3) uint8 RGB; all scales alike but for the noise.
        strength: 0 leaves them as they are; 1 is the default range.

    Returns:
        the same shape, uint8.
    """
    if strength == 0:
        return crops
    flat = recolour(crops, strength, rng).reshape(-1, crops.shape[2], 3)
    start = rng.integers(NOISE.size - flat.size)
    noise = NOISE[start : start + flat.size].reshape(flat.shape)
    grain = cv2.convertScaleAbs(np.abs(noise), alpha=5 * strength * rng.random())
    signed = cv2.subtract(cv2.add(flat, grain * (noise > 0)), grain * (noise < 0))
    return np.asarray(signed, np.uint8).reshape(crops.shape)


def jitter_focus(crops: Crops, strength: float, rng: np.random.Generator) -> Crops:
    """Blur or sharpen one face at random, so that sharpness alone tells nothing.

    Args:
        crops: (n, height, width, 3) uint8 RGB.
        strength: 0 leaves them as they are; 1 blurs with sigma up to 1.2 px of the crop, or adds up
            to one and a half times the detail below 1 px.

    Returns:
        the same shape, uint8.
    """
    if strength == 0:
        return crops
    amount = rng.uniform(-1.5, 1.2) * strength
    sigma = max(amount, 0.05) if amount > 0 else 1.0
    changed = np.empty_like(crops)
    for i, crop in enumerate(crops):
        soft = cv2.GaussianBlur(crop, (0, 0), sigma)
        changed[i] = soft if amount > 0 else cv2.addWeighted(crop, 1 - amount, soft, amount, 0)
    return changed
