"""The three ways through time: at once with a lag, both ways without one, or by the spectrum.

`Causal` and `ZeroPhase` are streams: values go in one by one, bands come out in the same order,
at once or after a bounded wait. `ideal` needs the whole clip.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import scipy.interpolate
import scipy.signal

from bonafide.cues.band_pass import BandPass, Floats, design
from bonafide.cues.magnification_settings import ClipTooShortError

Times = npt.NDArray[np.float64]

MARGIN_CYCLES = 1.5
"""How far `ZeroPhase` looks ahead, in cycles of ``low_hz`` or of the band's width, whichever is
smaller: that is what rings longest. Measured for 0.5..3 Hz, alpha 50: motion in the band then grows
by 0.97 to 1.08 of 1 + alpha, and an octave below by 0.97 to 1.11; with 2 cycles hardly better."""

FADE_CYCLES = 0.5
"""Over how much of that the future fades in, where an abrupt start would ring: without it a motion
an octave below would change by up to 1.14."""

BLOCK_CYCLES = 1.0
"""How much it releases at a time; less would mean less memory and more work."""

EVEN_S = 1e-5
"""Stamps that are this close to an even grid are taken as even by `ideal`, which saves time."""


class TemporalFilter(Protocol):
    """What a magnifier asks of a band-pass."""

    def push(self, values: Floats, time_s: float) -> list[Floats]:
        """Take the next values, float32 of one shape; bands that are ready, oldest first."""

    def finish(self) -> list[Floats]:
        """The bands still owed, once the clip has ended."""


class Causal:
    """One band for each push. It lags by the group delay of the filter."""

    def __init__(self, low_hz: float, high_hz: float, alpha: float) -> None:
        self._band_pass = BandPass(design(low_hz, high_hz, alpha))

    def push(self, values: Floats, time_s: float) -> list[Floats]:
        """The band of these values."""
        return [self._band_pass.push(values, time_s)]

    def finish(self) -> list[Floats]:
        """Nothing is owed."""
        return []


class _Timed(NamedTuple):
    values: Floats
    time_s: float


class ZeroPhase:
    """Forwards and backwards, so that the band is in step with the motion (Eq. 5 as it stands).

    Works through a block of frames at a time. Backwards starts a margin ahead of each block, which
    is how far the future matters. Where the clip begins and ends it is continued by a margin,
    turned about its own first and last value, so that beginning in mid-motion does not ring. Memory
    and wait: 2.5 cycles of ``low_hz``, or of the band's width if that is smaller.
    """

    def __init__(self, low_hz: float, high_hz: float, alpha: float) -> None:
        self._poles = design(low_hz, high_hz, alpha, passes=2)
        slowest_hz = min(low_hz, high_hz - low_hz)
        self._margin_s = MARGIN_CYCLES / slowest_hz
        self._block_s = BLOCK_CYCLES / slowest_hz
        self._fade_s = FADE_CYCLES / slowest_hz
        self._forwards = BandPass(self._poles)
        self._begun = False
        self._new: list[_Timed] = []  # values not yet run forwards
        self._recent: list[_Timed] = []  # values of the last margin, for the clip's end
        self._waiting: list[_Timed] = []  # forward bands of frames not yet released

    def push(self, values: Floats, time_s: float) -> list[Floats]:
        """Bands of the frames that lie far enough back; often none, then a block."""
        self._new.append(_Timed(values, time_s))
        oldest_s = (self._waiting or self._new)[0].time_s
        if time_s - oldest_s < self._margin_s + self._block_s:
            return []
        self._run_forwards()
        bands = self._backwards(self._waiting)
        ready = sum(frame.time_s <= time_s - self._margin_s for frame in self._waiting)
        self._waiting = self._waiting[ready:]
        return bands[:ready]

    def finish(self) -> list[Floats]:
        """Bands of all frames not yet released."""
        self._run_forwards()
        beyond = _timed_run(self._forwards, _turned(self._recent[::-1])[::-1])
        bands = self._backwards(self._waiting + beyond)[: len(self._waiting)]
        self._waiting, self._recent = [], []
        return bands

    def _run_forwards(self) -> None:
        """Take the new frames into the forward filter, the continuation before the clip first."""
        if not self._new:
            return
        if not self._begun:
            first_s = self._new[0].time_s
            head = [frame for frame in self._new if frame.time_s - first_s <= self._margin_s]
            _timed_run(self._forwards, _turned(head))
            self._begun = True
        self._waiting += _timed_run(self._forwards, self._new)
        last_s = self._new[-1].time_s
        self._recent = [
            frame for frame in self._recent + self._new if last_s - frame.time_s <= self._margin_s
        ]
        self._new = []

    def _backwards(self, frames: list[_Timed]) -> list[Floats]:
        if not frames:
            return []
        end_s = frames[-1].time_s
        faded = [
            _Timed(values * _fade_in((end_s - time_s) / self._fade_s), -time_s)
            if end_s - time_s < self._fade_s
            else _Timed(values, -time_s)
            for values, time_s in reversed(frames)
        ]
        return [frame.values for frame in _timed_run(BandPass(self._poles), faded)][::-1]


def _fade_in(share: float) -> np.float32:
    return np.float32(0.5 - 0.5 * math.cos(math.pi * share))


def _timed_run(band_pass: BandPass, frames: list[_Timed]) -> list[_Timed]:
    if not frames:
        return []
    times_s = [frame.time_s for frame in frames]
    bands = band_pass.run(np.stack([frame.values for frame in frames]), times_s)
    return [_Timed(band, time_s) for band, time_s in zip(bands, times_s, strict=True)]


def _turned(frames: list[_Timed]) -> list[_Timed]:
    """The frames after the first, turned by 180 degrees about it in time and value, oldest first.

    Given a list in reverse order, it continues the clip's end in the same way.
    """
    if not frames:
        return []
    first = frames[0]
    return [
        _Timed(2 * first.values - values, 2 * first.time_s - time_s)
        for values, time_s in reversed(frames[1:])
    ]


def ideal(values: Floats, times_s: Times, low_hz: float, high_hz: float) -> Floats:
    """The band cut out of the clip's discrete spectrum, as Wu et al. do for colour.

    Frames at uneven times are first put on an even grid of the mean rate by cubic splines. A
    straight line is taken off, so that a slow drift is no step from the last frame to the first.
    Rings at the clip's ends.

    Args:
        values: (time, ...), float32.
        times_s: (time,), seconds, strictly increasing.
        low_hz, high_hz: both included.

    Raises:
        ClipTooShortError: no frequency of the spectrum, spaced 1 / duration, lies in the band.
    """
    flat = values.reshape(len(values), -1).astype(np.float64)
    grid_s = np.linspace(times_s[0], times_s[-1], len(times_s))
    is_even = np.abs(grid_s - times_s).max() < EVEN_S
    even = flat if is_even else scipy.interpolate.CubicSpline(times_s, flat)(grid_s)
    even = scipy.signal.detrend(even, axis=0)
    step_s = (times_s[-1] - times_s[0]) / (len(times_s) - 1)
    frequencies = np.fft.rfftfreq(len(even), step_s)
    inside = (frequencies >= low_hz) & (frequencies <= high_hz)
    if not inside.any():
        raise ClipTooShortError(
            f"{len(even) * step_s:.2f} s tell frequencies apart by {frequencies[1]:.3g} Hz, and "
            f"none falls into {low_hz:g} .. {high_hz:g} Hz.",
            where="low_hz",
            remedy=f"Widen the band, or take a clip of {1 / (high_hz - low_hz):.1f} s or more.",
        )
    spectrum = np.fft.rfft(even, axis=0)
    spectrum[~inside] = 0
    band = np.fft.irfft(spectrum, len(even), axis=0)
    back = band if is_even else scipy.interpolate.CubicSpline(grid_s, band)(times_s)
    return back.astype(np.float32).reshape(values.shape)
