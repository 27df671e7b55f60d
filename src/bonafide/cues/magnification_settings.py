"""What to magnify: settings for motion and for colour, the published ones, and their errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bonafide.types import BonafideError


class MagnificationError(BonafideError):
    """A clip cannot be magnified as asked."""


class SettingsError(MagnificationError):
    """A setting is out of its range."""


class BeyondNyquistError(MagnificationError):
    """The band reaches half the frame rate, where frequencies cannot be told apart."""


class ClipTooShortError(MagnificationError):
    """The clip is shorter than one period of the band's lower edge, or cannot resolve the band."""


class TimeStampError(MagnificationError):
    """Time stamps are missing or do not increase."""


@dataclass(frozen=True, slots=True)
class MotionSettings:
    """Linear magnification of motion (Wu et al. 2012; Tu et al., Eqs. 1-5).

    Attributes:
        alpha: added multiple of the band, so motion grows by 1 + alpha; 0 leaves the clip alone.
        low_hz, high_hz: edges of the temporal band.
        cutoff_px: spatial wavelength from which alpha holds in full. It states the largest
            displacement delta that is expected, by (1 + alpha) delta = cutoff_px / 8; shorter
            wavelengths get the alpha that the same bound allows them. 0 switches the bound off.
        chroma: share of alpha that the colour channels I and Q get, 0..1. With 0 only luma moves:
            a third of the work, and no coloured fringes.
    """

    alpha: float
    low_hz: float
    high_hz: float
    cutoff_px: float
    chroma: float = 0.0

    def __post_init__(self) -> None:
        _check_common(self)
        _check("cutoff_px", self.cutoff_px, 0, math.inf)


@dataclass(frozen=True, slots=True)
class ColourSettings:
    """Magnification of colour changes, such as the pulse (Wu et al. 2012, section 4).

    Attributes:
        alpha: added multiple of the band.
        low_hz, high_hz: edges of the temporal band. 0.7..4 Hz are 42..240 beats a minute.
        level: how often the picture is halved before filtering, which averages over about
            2^level px and leaves the noise behind.
        chroma: share of alpha that I and Q get, 0..1.
    """

    alpha: float
    low_hz: float
    high_hz: float
    level: int
    chroma: float = 1.0

    def __post_init__(self) -> None:
        _check_common(self)
        _check("level", self.level, 1, 12)


Settings = MotionSettings | ColourSettings


def check_band(settings: Settings, *, rate_hz: float, duration_s: float) -> None:
    """Whether a clip can show the band at all.

    Args:
        settings: the band is taken from here.
        rate_hz: mean frame rate by the time stamps.
        duration_s: from the first to the last time stamp.

    Raises:
        BeyondNyquistError: ``high_hz`` is not below half the rate.
        ClipTooShortError: not one period of ``low_hz`` fits in.
    """
    if settings.high_hz >= rate_hz / 2:
        raise BeyondNyquistError(
            f"{settings.high_hz:g} Hz is not below half the clip's {rate_hz:.4g} frames a second.",
            where="high_hz",
            remedy=f"Choose an upper edge below {rate_hz / 2:.4g} Hz, or a faster clip.",
        )
    if duration_s * settings.low_hz < 1:
        raise ClipTooShortError(
            f"{duration_s:.2f} s hold no full period of {settings.low_hz:g} Hz.",
            where="low_hz",
            remedy=(
                f"Take a clip of at least {1 / settings.low_hz:.2f} s"
                + (f", or a lower edge of {1 / duration_s:.2g} Hz." if duration_s > 0 else ".")
            ),
        )


def _check_common(settings: Settings) -> None:
    _check("alpha", settings.alpha, 0, 1000)
    _check("chroma", settings.chroma, 0, 1)
    _check("low_hz", settings.low_hz, 1e-3, 1000)
    _check("high_hz", settings.high_hz, 1e-3, 1000)
    if settings.low_hz >= settings.high_hz:
        raise SettingsError(
            f"{settings.low_hz:g} Hz is not below high_hz = {settings.high_hz:g} Hz.",
            where="low_hz",
            remedy="Give the band as its lower and its upper edge.",
        )


def _check(name: str, value: float, lowest: float, highest: float) -> None:
    if not (math.isfinite(value) and lowest <= value <= highest):
        raise SettingsError(
            f"{value} is not within {lowest:g} .. {highest:g}.",
            where=name,
            remedy="See the docstrings of MotionSettings and ColourSettings.",
        )


PRESETS: dict[str, Settings] = {
    # Ours, chosen by looking at real clips; docs/cues.md says what was seen.
    "face-motion": MotionSettings(alpha=10, low_hz=0.5, high_hz=3.0, cutoff_px=80),
    "face-pulse": ColourSettings(alpha=50, low_hz=0.7, high_hz=4.0, level=4),
    # As published with the authors' scripts and, for the last, in the paper's Table 1. Bands that
    # the scripts give as first-order factors r at 30 Hz are turned to Hz: -30 ln(1 - r) / 2 pi.
    "wu-face": ColourSettings(alpha=50, low_hz=50 / 60, high_hz=1.0, level=4),
    "wu-face2-colour": ColourSettings(alpha=50, low_hz=50 / 60, high_hz=1.0, level=6),
    "wu-face3": ColourSettings(alpha=70, low_hz=0.9, high_hz=1.1, level=4),
    "wu-baby2": ColourSettings(alpha=150, low_hz=140 / 60, high_hz=160 / 60, level=5),
    "wu-face2-motion": MotionSettings(alpha=20, low_hz=0.5, high_hz=10.0, cutoff_px=80),
    "wu-baby": MotionSettings(alpha=20, low_hz=0.245, high_hz=2.44, cutoff_px=16),
    "wu-wrist": MotionSettings(alpha=10, low_hz=0.245, high_hz=2.44, cutoff_px=16),
    "wu-subway": MotionSettings(alpha=60, low_hz=3.6, high_hz=6.2, cutoff_px=90),
    "wu-camera": MotionSettings(alpha=150, low_hz=45.0, high_hz=100.0, cutoff_px=20),
    "wu-shadow": MotionSettings(alpha=5, low_hz=0.5, high_hz=10.0, cutoff_px=48),
}
"""Settings by name; frequencies in Hz of the clip's own time stamps, never per frame."""
