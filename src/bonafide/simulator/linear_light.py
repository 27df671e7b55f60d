"""Between 8-bit sRGB pictures and linear light, and smooth random fields.

Everything physical in this room happens on float32 linear light: (height, width, 3), colour order
R, G, B, 0 black and 1 the white of an sRGB picture; values above 1 are brighter than that white.
The curve is that of IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.types import RgbImage

Light = npt.NDArray[np.float32]
"""(height, width, 3) or (height, width), float32, linear light, 0 black, 1 sRGB white."""

LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 luminance of linear R, G, B."""


def srgb_to_linear(encoded: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The sRGB decoding curve on values 0..1 (IEC 61966-2-1).

    >>> [round(float(v), 4) for v in srgb_to_linear([0.0, 0.5, 1.0])]
    [0.0, 0.214, 1.0]
    """
    value = np.asarray(encoded, np.float64)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The sRGB encoding curve on values 0..1; the inverse of `srgb_to_linear`."""
    value = np.maximum(np.asarray(linear, np.float64), 0.0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


_DECODE_TABLE = srgb_to_linear(np.arange(256) / 255).astype(np.float32)


def decode(rgb: RgbImage) -> Light:
    """An 8-bit sRGB picture as linear light."""
    return cv2.LUT(rgb, _DECODE_TABLE)


def encode(light: Light) -> RgbImage:
    """Linear light as an 8-bit sRGB picture, clipped to 0..1."""
    return np.rint(linear_to_srgb(np.clip(light, 0, 1)) * 255).astype(np.uint8)


def luminance(light: Light) -> Light:
    """(height, width) Rec. 709 luminance of (height, width, 3) linear light."""
    return cv2.transform(light, LUMINANCE_WEIGHTS[None, :])


def color_matrix(saturation: float) -> Light:
    """(3, 3): scales the distance from grey in linear light, keeping luminance."""
    grey = np.tile(LUMINANCE_WEIGHTS, (3, 1))
    return (saturation * np.eye(3, dtype=np.float32) + (1 - saturation) * grey).astype(np.float32)


def smooth_field(rng: np.random.Generator, height: int, width: int, cells: int) -> Light:
    """(height, width) smooth random field, about -1..1, with ``cells`` bumps along a side."""
    coarse = rng.uniform(-1, 1, (cells + 2, cells + 2)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def gradient_field(rng: np.random.Generator, height: int, width: int) -> Light:
    """(height, width) linear ramp in a random direction, from -1 to 1 between opposite corners."""
    angle = rng.uniform(0, 2 * np.pi)
    across, down = np.cos(angle), np.sin(angle)
    reach = abs(across) + abs(down)
    x = np.linspace(-across / reach, across / reach, width, dtype=np.float32)
    y = np.linspace(-down / reach, down / reach, height, dtype=np.float32)
    return y[:, None] + x[None, :]


def box_downsample(light: Light, width: int, height: int) -> Light:
    """Resize with area integration where it shrinks and cubic interpolation where it grows."""
    shrinks = width <= light.shape[1] and height <= light.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(light, (width, height), interpolation=method)
