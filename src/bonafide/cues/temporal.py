"""The three ways through time: at once with a lag, both ways without one, or by the spectrum.

`Causal` and `ZeroPhase` are streams: values go in one by one, bands come out in the same order,
at once or after a bounded wait. `ideal` needs the whole clip.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bonafide.cues.band_pass import BandPass, Floats, Frames, design
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

FIRST_SLOTS = 32
"""Frames that room is made for at first; half as many again whenever it is used up."""

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
        self._held = _Held()
        self._done = 0  # how many of the held frames went forwards

    def push(self, values: Floats, time_s: float) -> list[Floats]:
        """Bands of the frames that lie far enough back; often none, then a block."""
        held = self._held
        held.add(values, time_s)
        if time_s - held.times_s[0] < self._margin_s + self._block_s:
            return []
        self._run_forwards()
        ready = sum(each <= time_s - self._margin_s for each in held.times_s)
        bands = self._backwards(held.forward, held.slots, held.times_s, ready)
        held.drop(ready)
        self._done -= ready
        return bands

    def finish(self) -> list[Floats]:
        """Bands of all frames not yet released."""
        held = self._held
        if not held.times_s:
            return []
        self._run_forwards()
        last_s = held.times_s[-1]
        recent = sum(last_s - each <= self._margin_s for each in held.times_s)
        newest_first = held.slots[-recent:][::-1]
        turned, turned_s = _turned(held.values[newest_first], held.times_s[-recent:][::-1])
        beyond = self._forwards.run(turned[::-1], turned_s[::-1])
        forward = np.concatenate([held.forward[held.slots], beyond])
        times_s = held.times_s + turned_s[::-1]
        bands = self._backwards(forward, list(range(len(times_s))), times_s, len(held.times_s))
        held.drop(len(held.times_s))
        return bands

    def _run_forwards(self) -> None:
        """Take the new frames into the forward filter, the continuation before the clip first."""
        held = self._held
        slots, times_s = held.slots[self._done :], held.times_s[self._done :]
        if not self._begun and slots:
            head = sum(each - times_s[0] <= self._margin_s for each in times_s)
            self._forwards.run(*_turned(held.values[slots[:head]], times_s[:head]))
            self._begun = True
        rows = np.array(slots, np.intp)
        frames = Frames(held.values, rows, np.ones(len(rows), np.float32))
        self._forwards.advance(frames, times_s, held.forward, rows)
        self._done = len(held.slots)

    def _backwards(
        self, forward: Floats, rows: list[int], times_s: list[float], ready: int
    ) -> list[Floats]:
        """From the last frame back to the first; the bands of the first ``ready`` ones alone."""
        ages_s = times_s[-1] - np.array(times_s[::-1])
        gains = np.where(ages_s < self._fade_s, _fade_in(ages_s / self._fade_s), 1)
        to = np.arange(len(rows))[::-1]
        bands = np.empty((ready, forward.shape[1]), np.float32)
        BandPass(self._poles).advance(
            Frames(forward, np.array(rows[::-1], np.intp), gains.astype(np.float32)),
            [-each for each in times_s[::-1]],
            bands,
            np.where(to < ready, to, -1),
        )
        return [band.reshape(self._held.shape) for band in bands]


class _Held:
    """The frames that are held back, in slots that are used again.

    Attributes:
        shape: of a frame's values.
        values, forward: (slots, pixels), as they came and as the forward filter left them.
        slots, times_s: of the held frames, oldest first.
    """

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self.values = self.forward = np.zeros((0, 0), np.float32)
        self.slots: list[int] = []
        self.times_s: list[float] = []
        self._free: list[int] = []

    def add(self, values: Floats, time_s: float) -> None:
        """Hold another frame."""
        if not self._free:
            self._grow(values)
        slot = self._free.pop()
        self.values[slot] = values.reshape(-1)
        self.slots.append(slot)
        self.times_s.append(time_s)

    def drop(self, count: int) -> None:
        """Let the oldest frames go."""
        self._free += self.slots[:count]
        del self.slots[:count], self.times_s[:count]

    def _grow(self, values: Floats) -> None:
        self.shape = values.shape
        before = len(self.values)
        more = max(before // 2, FIRST_SLOTS)
        added = np.zeros((more, values.size), np.float32)
        self.values = np.concatenate([self.values.reshape(before, -1), added]) if before else added
        self.forward = np.concatenate([self.forward, added]) if before else added.copy()
        self._free = list(range(before, before + more))


def _fade_in(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(math.pi * share)


def _turned(values: Floats, times_s: list[float]) -> tuple[Floats, list[float]]:
    """The frames after the first, turned by 180 degrees about it in time and value, last one first.

    Given frames in reverse order, it continues the clip's end in the same way, and there too what
    lies farthest from the clip comes first.
    """
    turned_s = [2 * times_s[0] - each for each in times_s[1:]]
    return 2 * values[0] - values[1:][::-1], turned_s[::-1]


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
    import scipy.interpolate  # part of the [train] extra, which the streams do without
    import scipy.signal

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
