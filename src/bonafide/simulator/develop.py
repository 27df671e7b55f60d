"""From exposed linear light to an encoded picture: metering, levels, tone, denoising, sharpening.

The arithmetic of a phone's image pipeline, on float32 pictures (height, width, 3), R, G, B. What
the numbers mean is said in `camera.CameraSettings`, whose `capture` calls these in order.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from bonafide.simulator.linear_light import Light, color_matrix, linear_to_srgb, luminance

TONE_REACH = 4.0
"""Linear values above this are clipped by the tone table; the shoulder is flat long before."""
_TONE_STEPS = 4096


DARK_PERCENT = 2.0
"""Of the picture: what automatic levels take for haze lies below all but so much of it."""
METER_CELLS = 32
"""The exposure meter's cells along a side."""


def glance(light: Light) -> Light:
    """(METER_CELLS, METER_CELLS, 3) the picture as metering sees it."""
    return cv2.resize(light, (METER_CELLS, METER_CELLS), interpolation=cv2.INTER_AREA)


def metered(small: Light) -> float:
    """Centre-weighted mean of the square root of luminance of a `glance`, squared.

    The square root stands for the encoded picture that cameras meter, which a window or a dark
    suit sways less than it sways the mean of linear light.
    """
    share = meter_weights(small).sum() / _center_weights(*small.shape[:2]).sum()
    return max(float(share) ** 2, 1e-4)


def meter_weights(light: Light) -> Light:
    """(h, w) what each px adds to `metered`: centre weight times root of luminance.

    Args:
        light: (h, w, 3) linear.
    """
    height, width = light.shape[:2]
    seen: Light = np.sqrt(np.maximum(luminance(light), 0)) * _center_weights(height, width)
    return seen


@functools.lru_cache(maxsize=4)
def _center_weights(height: int, width: int) -> Light:
    """(height, width) most in the middle; nobody may write into it."""
    down, across = (np.hanning(n + 2)[1:-1].astype(np.float32) + 0.15 for n in (height, width))
    return np.outer(down, across)


def clear_colors(
    light: Light, black_point: float, saturation: float, dark_percent: float = DARK_PERCENT
) -> Light:
    """(3, 4) colour matrix and offset: automatic levels, then saturation.

    Levels lower the darkest percents towards black, keeping the metered level.
    """
    matrix = color_matrix(saturation)
    if black_point <= 0:
        return np.column_stack([matrix, np.zeros(3, np.float32)])
    dark = luminance(cv2.resize(light, (48, 48), interpolation=cv2.INTER_AREA))
    haze = np.float32(min(float(np.percentile(dark, dark_percent)), 0.12) * black_point)
    small = glance(light)
    gain = np.float32(metered(small) / metered(small - haze))
    # The rows of the matrix sum to 1: what is taken from grey is taken from every colour.
    return np.column_stack([gain * matrix, np.full(3, -gain * haze, np.float32)])


def tone(light: Light, shoulder: float, contrast: float) -> Light:
    """Linear light to encoded 0..1: highlight shoulder, sRGB curve, S-curve, in one table."""
    scaled = light * np.float32(1 / TONE_REACH)
    np.clip(scaled, 0, 1, out=scaled)
    step = cv2.sqrt(scaled)
    step *= np.float32(_TONE_STEPS - 1)
    step += np.float32(0.5)
    return np.take(tone_table(shoulder, contrast), step.astype(np.int32), mode="clip")


@functools.lru_cache(maxsize=8)
def tone_table(shoulder: float, contrast: float) -> Light:
    """(_TONE_STEPS,) encoded value at the squares of equal steps of 0..sqrt(TONE_REACH)."""
    # Equal steps of the square root give the shadows the precision that the eye wants.
    grid = (np.arange(_TONE_STEPS) / (_TONE_STEPS - 1)) ** 2 * TONE_REACH
    room = 1 - shoulder
    if shoulder < 1:
        over = np.maximum(grid - shoulder, 0)
        grid = np.minimum(grid, shoulder) + room * (1 - np.exp(-over / room))
    encoded = linear_to_srgb(np.minimum(grid, 1.0))
    curve = encoded * encoded * (3 - 2 * encoded)
    return ((1 - contrast) * encoded + contrast * curve).astype(np.float32)


def denoise_and_sharpen(
    encoded: Light, chroma_blur_px: float, coring: float, amount: float, radius_px: float
) -> Light:
    """Blur the colours, drop faint detail, and mask unsharply on luma; see `CameraSettings`."""
    if chroma_blur_px < 0.2 and coring <= 0 and amount <= 0:
        return encoded
    planes = cv2.cvtColor(encoded, cv2.COLOR_RGB2YCrCb)
    luma = np.ascontiguousarray(planes[..., 0])
    if chroma_blur_px >= 0.2:
        planes = cv2.GaussianBlur(planes, (0, 0), chroma_blur_px)
    base = cv2.GaussianBlur(luma, (0, 0), radius_px)
    kept = luma - base
    if coring > 0:
        core = np.float32(coring)
        kept -= np.clip(kept, -core, core)
    # Halos of phones are limited; without the clip a dark edge would glow.
    halo = kept * np.float32(amount)
    np.clip(halo, -0.15, 0.15, out=halo)
    base += kept
    base += halo
    planes[..., 0] = np.clip(base, 0, 1, out=base)
    return cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)
