"""FMix: a spatially smooth random mask that mixes two pictures of the same face.

The cascade paper, Eqs. 19-20, after E. Harris et al., "FMix: Enhancing Mixed Sample Data
Augmentation" (arXiv 2002.12047). There two samples and their labels are mixed; here the summation
and the difference image of ONE face are, so the label stays.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError

PAPER_SHARE = 0.8
"""lambda of the cascade paper."""

DECAY_POWER = 3.0
"""Amplitude falls with frequency to this power (FMix's own default)."""

Mask = npt.NDArray[np.bool_]


def fmix_mask(
    height: int,
    width: int,
    rng: np.random.Generator,
    share: float = PAPER_SHARE,
    decay_power: float = DECAY_POWER,
) -> Mask:
    """(height, width) bool, True on the top round(share * height * width) px of smooth noise.

    The noise is the real part of the inverse DFT of complex white noise through a low pass filter.

    Args:
        height, width: px.
        rng: draws the noise.
        share: lambda, 0..1; met to within half a px, ties or not.
        decay_power: larger is smoother; 0 is white noise.

    Raises:
        BonafideError: the share is not within 0..1.
    """
    if not 0 <= share <= 1:
        raise BonafideError(
            f"a share of {share} is none.", where="FMix", remedy="Give lambda within 0..1."
        )
    down, across = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :]
    frequency = np.maximum(np.hypot(down, across), 1 / max(height, width))
    noise = rng.standard_normal((2, height, width))
    spectrum = (noise[0] + 1j * noise[1]) / frequency**decay_power
    grey = np.fft.ifft2(spectrum).real.ravel()
    count = round(share * height * width)
    mask = np.zeros(height * width, np.bool_)
    if count:
        mask[np.argpartition(-grey, count - 1)[:count]] = True
    return mask.reshape(height, width)


def mix(mask: Mask, first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray:  # type: ignore[type-arg]
    """Eq. 20: ``first`` where the mask is True, ``second`` elsewhere; (h, w, channels) each."""
    return np.where(mask[..., None], first, second)
