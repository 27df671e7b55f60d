"""Distance-free pictures, and the three ways to join colour and infrared (M-Net's inputs).

The cascade paper, section III-B-2. Light that travels a distance d arrives weakened by
D(d) = exp(-c d); dividing by it (Eq. 11) leaves what the surface itself returns. Read as follows
where the paper leaves room:

- c is one constant for all channels, in 1/m, set or estimated by `estimate_attenuation`. A lamp
  beside the camera weakens by the square of the distance rather than by air; over the distances of
  a face before a device the estimated c stands for that too.
- Pictures are taken relative to `REFERENCE_M`: a constant factor that keeps them within 0..255.
- "Normalised to 0..255" (after Eq. 16) is the fixed range 0..510: a range per picture would undo
  the distance-free level. `stretch` is the other reading.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError, RgbImage

Levels = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]

REFERENCE_M = 0.6
"""A distance-free picture equals the raw one at this distance."""

GAMMA = 1 / 2.2
"""Of Eq. 18."""


def attenuation(distance_m: npt.ArrayLike, per_metre: float) -> Float:
    """D(d) = exp(-c d): the share of light that is left after a distance.

    >>> attenuation([0.0, 2.0], 0.5).round(4).tolist()
    [1.0, 0.367900013923645]
    """
    return np.exp(-per_metre * np.asarray(distance_m, np.float32))


def distance_free(picture: npt.ArrayLike, distance_m: npt.ArrayLike, per_metre: float) -> Float:
    """Eq. 11 relative to `REFERENCE_M`: I / D(d) * D(reference), float32, not limited.

    Args:
        picture: (h, w) or (h, w, channels), any range.
        distance_m: (h, w), or one number for the whole picture.
        per_metre: c.
    """
    values = np.asarray(picture, np.float32)
    gain = attenuation(REFERENCE_M, per_metre) / attenuation(distance_m, per_metre)
    return values * (gain[..., None] if values.ndim == 3 and gain.ndim == 2 else gain)


def estimate_attenuation(
    level: npt.ArrayLike, distance_m: npt.ArrayLike, group: npt.ArrayLike
) -> float:
    """c by least squares of log(level) = a_group - c * distance.

    Args:
        level: (n,), mean level of a face, above 0.
        distance_m: (n,), its distance.
        group: (n,), whose face (or which session) it is: each has a brightness of its own, so that
            only differences of distance WITHIN a group count.

    Returns:
        c in 1/m. Negative when far faces are brighter: then light does not come from the device.

    Raises:
        BonafideError: a level is not above 0, or no group was seen at two distances.
    """
    levels = np.asarray(level, np.float64)
    distance = np.asarray(distance_m, np.float64)
    _, number = np.unique(np.asarray(group), return_inverse=True)
    if not (levels > 0).all() or not np.isfinite(distance).all():
        raise _cannot_estimate("a level is not above 0, or a distance is not known.")
    count = np.bincount(number)

    def within(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return values - (np.bincount(number, values) / count)[number]

    apart = within(distance)
    spread = float((apart**2).sum())
    if spread < 1e-9:
        raise _cannot_estimate("no group was seen at two distances.")
    return -float((apart * within(np.log(levels))).sum() / spread)


def _cannot_estimate(problem: str) -> BonafideError:
    return BonafideError(
        problem,
        where="attenuation",
        remedy="Set c, or give faces of the same people at several distances.",
    )


def stack(rgb_free: Float, infrared_free: Float) -> Levels:
    """Eq. 15: (h, w, 4) uint8, distance-free R, G, B, infrared, limited to 0..255."""
    return _levels(np.concatenate([rgb_free, infrared_free[..., None]], axis=2))


def summation(rgb: RgbImage, infrared_free: Float, *, stretch: bool = False) -> Levels:
    """Eq. 16: R, G, B each plus the distance-free infrared.

    Args:
        rgb: (h, w, 3) uint8, as taken.
        infrared_free: (h, w), see `distance_free`; limited to 0..255 first.
        stretch: the picture's own minimum and maximum become 0 and 255; else half the sum is taken.

    Returns:
        (h, w, 3) uint8.
    """
    total = rgb.astype(np.float32) + np.clip(infrared_free, 0, 255)[..., None]
    if stretch:
        low, high = float(total.min()), float(total.max())
        return _levels((total - low) * (255 / (high - low) if high > low else 0.0))
    return _levels(total / 2)


def difference(rgb: RgbImage, infrared_free: Float) -> Levels:
    """Eqs. 17-18: 255 (abs(R, G, B - distance-free infrared) / 255)^(1 / 2.2), uint8."""
    apart = np.abs(rgb.astype(np.float32) - np.clip(infrared_free, 0, 255)[..., None])
    return _levels(255 * (apart / 255) ** GAMMA)


def _levels(values: Float) -> Levels:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
