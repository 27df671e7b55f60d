"""Uniform local binary patterns: the texture of a face, and the LBP rival of the papers' tables.

Ojala, Pietikainen, Maenpaa, IEEE PAMI 24(7), 2002. P points on a circle of radius R around a pixel
each give a bit, 1 where the point is not darker than the pixel. Patterns with at most two changes
around the circle are *uniform* and have a bin each, P (P - 1) + 2 in all; all others share one
more: 59 bins for P = 8, 243 for P = 16.

Convention: exactly that of scikit-image's `local_binary_pattern(..., method="nri_uniform")`, codes
included. Points off the pixel grid are interpolated bilinearly in float64 at coordinates rounded to
five decimals, point 0 to the right, counter-clockwise. In flat areas an interpolated point may come
out below its pixel by the last bit, depending on where in the picture it lies; that too is as
there, so that figures can be compared. Pixels closer than R to the border have no code (there they
would see zeros), so a picture gives (H - 2R) x (W - 2R) codes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError, RgbImage

try:
    from bonafide.cues import lbp_compiled as loops
except ModuleNotFoundError as missing:  # the base install has no compiler; equal, but slower
    if missing.name != "numba":
        raise
    from bonafide.cues import lbp_plain as loops

Grey = npt.NDArray[np.uint8]
Histogram = npt.NDArray[np.float32]

MULTI_SCALE = ((8, 1), (8, 2), (16, 2))
"""(points, radius) of Maatta et al., IJCB 2011: 59 + 59 + 243 = 361 bins. They cut the face into
nine blocks for the first; here all three see the whole face."""

COLOUR_SPACES: dict[str, Callable[[RgbImage], npt.NDArray[np.uint8]]] = {
    "hsv": lambda rgb: np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV_FULL), np.uint8),
    # OpenCV's order is Y, Cr, Cb.
    "ycbcr": lambda rgb: np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), np.uint8)[
        ..., [0, 2, 1]
    ],
}
"""RGB -> three uint8 channels; hue in 0..255 for a full turn, YCbCr full range (BT.601)."""


class TextureError(BonafideError):
    """A picture or clip that has no local binary patterns."""


def bins(points: int = 8) -> int:
    """Number of codes: uniform patterns and one for the rest.

    >>> bins(8), bins(16)
    (59, 243)
    """
    return points * (points - 1) + 3


def grey_of(rgb: RgbImage) -> Grey:
    """Luma (BT.601) of an RGB picture, (H, W) uint8."""
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)


def lbp_codes(grey: Grey, points: int = 8, radius: int = 1) -> npt.NDArray[np.uint8]:
    """The code of every pixel that has one.

    Args:
        grey: (H, W), uint8.
        points: 2..16, on the circle.
        radius: in whole px, at least 1.

    Returns:
        (H - 2 radius, W - 2 radius), uint8, 0..bins(points) - 1.

    Raises:
        TextureError: not a grey uint8 picture, or smaller than a circle.
    """
    grey = checked_planes(grey[None] if grey.ndim == 2 else grey, radius)[0]
    codes = np.empty((grey.shape[0] - 2 * radius, grey.shape[1] - 2 * radius), np.uint8)
    loops.code(grey, *_circle(points, radius, *grey.shape), uniform_table(points), radius, codes)
    return codes


def lbp_counts(planes: Grey, points: int = 8, radius: int = 1) -> npt.NDArray[np.int64]:
    """How often each code occurs in a stack of pictures, all counted together.

    Args:
        planes: (N, H, W), uint8.
        points, radius: as for `lbp_codes`.

    Returns:
        (bins(points),), int64; sums to N (H - 2 radius) (W - 2 radius).
    """
    planes = checked_planes(planes, radius)
    counts = np.zeros(bins(points), np.int64)
    circle = _circle(points, radius, *planes.shape[1:])
    loops.count(planes, *circle, uniform_table(points), radius, counts)
    return counts


def lbp_histogram(grey: Grey, points: int = 8, radius: int = 1) -> Histogram:
    """Share of each code in a picture: (bins(points),), float32, sums to 1. See `lbp_codes`."""
    return shares(lbp_counts(grey[None] if grey.ndim == 2 else grey, points, radius))


def multi_scale_histogram(grey: Grey) -> Histogram:
    """Histograms of `MULTI_SCALE` one after the other, (361,), float32; each sums to 1."""
    return np.concatenate([lbp_histogram(grey, *scale) for scale in MULTI_SCALE])


def colour_histogram(rgb: RgbImage) -> Histogram:
    """LBP (8, 1) of each channel of each of `COLOUR_SPACES`, (354,), float32; each sums to 1.

    After Boulkenafet, Komulainen, Hadid, ICIP 2015: H, S, V, Y, Cb, Cr.
    """
    channels = [
        channel for space in COLOUR_SPACES.values() for channel in np.moveaxis(space(rgb), 2, 0)
    ]
    return np.concatenate([lbp_histogram(np.ascontiguousarray(each)) for each in channels])


def shares(counts: npt.NDArray[np.int64]) -> Histogram:
    """Counts divided by their sum, float32."""
    return (counts / counts.sum()).astype(np.float32)


def checked_planes(planes: Grey, radius: int) -> Grey:
    """The same, contiguous, if it is a stack (N, H, W) of uint8 pictures larger than a circle.

    Raises:
        TextureError: it is not.
    """
    if planes.ndim != 3 or planes.dtype != np.uint8 or min(planes.shape[1:]) <= 2 * radius:
        raise TextureError(
            f"an array of shape {planes.shape} and type {planes.dtype} has no local patterns.",
            where="grey",
            remedy=f"Pass (H, W) in uint8, above {2 * radius} px either way; see grey_of.",
        )
    return np.ascontiguousarray(planes)


@lru_cache(maxsize=8)
def uniform_table(points: int) -> npt.NDArray[np.uint8]:
    """Pattern -> code, (2^points,), uint8. Bit k of a pattern is point k.

    All zeros is 0. A run of n ones that starts at point s is 1 + (n - 1) P + (P - s) mod P. All
    ones is P (P - 1) + 1. What is not uniform is P (P - 1) + 2.
    """
    if not 2 <= points <= 16:
        raise TextureError(
            f"{points} points.", where="points", remedy="Choose 2 to 16; the papers use 8 and 16."
        )
    table = np.full(2**points, points * (points - 1) + 2, np.uint8)
    table[0], table[-1] = 0, points * (points - 1) + 1
    for ones in range(1, points):
        for start in range(points):
            run = sum(1 << (start + i) % points for i in range(ones))
            table[run] = 1 + (ones - 1) * points + (points - start) % points
    return table


class _Circle(NamedTuple):
    """Where the points lie, with the weights of bilinear interpolation.

    Attributes:
        corner: (points, 4), offsets of the upper and lower row and left and right column.
        down: (points, height), share of the lower row, for each centre row.
        right: (points, width), share of the right column, for each centre column.
    """

    corner: npt.NDArray[np.int64]
    down: npt.NDArray[np.float64]
    right: npt.NDArray[np.float64]


@lru_cache(maxsize=64)
def _circle(points: int, radius: int, height: int, width: int) -> _Circle:
    angle = 2 * np.pi * np.arange(points, dtype=np.float64) / points
    dy = np.round(-radius * np.sin(angle), 5)
    dx = np.round(radius * np.cos(angle), 5)
    corner = [
        [math.floor(y), math.ceil(y), math.floor(x), math.ceil(x)]
        for y, x in zip(dy, dx, strict=True)
    ]
    # Share by absolute position, whose last bits differ from pixel to pixel (see above).
    down = np.arange(height) + dy[:, None]
    right = np.arange(width) + dx[:, None]
    return _Circle(np.array(corner), down - np.floor(down), right - np.floor(right))
