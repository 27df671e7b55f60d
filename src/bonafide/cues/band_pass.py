"""The temporal band-pass B of Eq. 3, for every pixel, on real time stamps.

The published first-order filters have no flat band and hardly any stop band: of 0.5..3 Hz they pass
0.71 at best, and still 0.37 at 6 Hz. Here the filter is an elliptic band-pass of odd order in
*continuous* time, sharp enough that an octave outside the band alpha |H| < 0.07, so that the
magnified clip differs there by less than 1 dB. Odd order, because even ones leave a rest of the
constant: a ghost of the first frame.

Each pair of complex poles p is one complex number of state per pixel, z' = p z + x, integrated
exactly over each real step dt. Between frames the input is taken as the parabola through the last
three frames: exact for still, steady and linearly changing pixels at any spacing of frames, which a
filter designed for one frame rate is not. The gain stays within 4 % up to a fifth of the frame rate
and falls to 84 % at a third of it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bonafide.cues import elliptic
from bonafide.cues.magnification_settings import TimeStampError

try:
    from bonafide.cues import band_pass_compiled as loops
except ModuleNotFoundError as missing:  # the base install has no compiler
    if missing.name != "numba":
        raise
    from bonafide.cues import band_pass_plain as loops

Floats = npt.NDArray[np.float32]
Complexes = npt.NDArray[np.complex128]

PASS_RIPPLE_DB = 0.05
MOST_UNEVEN = 3.0
"""A step this many times the one before is bridged by a straight line: the parabola through two
frames that lie close together would carry their noise far."""

LEAK = 0.07
"""The most that alpha |H| may be an octave outside. 1.07 is 0.6 dB, which leaves room below 1 dB
for the finite look-ahead of `bonafide.cues.temporal.ZeroPhase`."""


class Poles(NamedTuple):
    """A band-pass as partial fractions: H(s) = sum of residue / (s - pole) and its conjugate."""

    pole: Complexes
    residue: Complexes


@lru_cache(maxsize=64)
def design(low_hz: float, high_hz: float, alpha: float, passes: int = 1) -> Poles:
    """The elliptic band-pass of lowest odd order that keeps the promise at this alpha.

    Args:
        low_hz, high_hz: the pass band, ripple at most 0.05 dB.
        alpha: decides the attenuation an octave outside, 20 log10(alpha / 0.07) dB, at least 20.
        passes: how often the filter will be run over the clip; each does its share of the work.
    """
    edges = 2 * math.pi * np.array([low_hz, high_hz])
    octave = edges * np.array([0.5, 2.0])
    stop_db = max(20.0, 20 * math.log10(max(alpha, 1e-9) / LEAK)) / passes
    order = elliptic.lowest_order(edges, octave, PASS_RIPPLE_DB / passes, stop_db)
    order += 1 - order % 2
    # What the next odd order is too sharp by is spent on a flatter band, which rings less.
    for ripple_db in np.geomspace(1e-6, PASS_RIPPLE_DB, 40) / passes:
        found = elliptic.band_pass(order, ripple_db, stop_db, edges)
        leak = elliptic.response(found, octave)
        if (20 * np.log10(np.abs(leak)) <= -stop_db + 1e-6).all():
            break
    return partial_fractions(*found)


def partial_fractions(zeros: Complexes, poles: Complexes, gain: float) -> Poles:
    """Take a real filter with more poles than zeros, all poles distinct, apart into its poles."""
    # Wide bands have real poles too; each is half of a pair with itself.
    real = np.abs(poles.imag) < 1e-9 * np.abs(poles)
    kept = real | (poles.imag > 0)
    residues = [gain * np.prod(p - zeros) / np.prod(p - poles[poles != p]) for p in poles[kept]]
    exact = np.where(real[kept], poles[kept].real, poles[kept])
    return Poles(exact, np.array(residues) * np.where(real[kept], 0.5, 1.0))


def response(poles: Poles, frequency_hz: npt.ArrayLike) -> Complexes:
    """H at these frequencies, before the sampling in time."""
    s = 2j * math.pi * np.atleast_1d(np.asarray(frequency_hz, float))[:, None]
    terms = poles.residue / (s - poles.pole) + poles.residue.conj() / (s - poles.pole.conj())
    return np.asarray(terms.sum(1))


def group_delay_s(poles: Poles, frequency_hz: float) -> float:
    """How far the causal filter's output lags behind a motion of about this frequency, seconds."""
    step = 1e-4 * frequency_hz
    before, after = np.angle(response(poles, [frequency_hz - step, frequency_hz + step]))
    turn = math.remainder(float(after - before), 2 * math.pi)
    return -turn / (2 * math.pi * 2 * step)


class BandPass:
    """The causal filter as a stream over arrays of one shape; memory independent of length."""

    def __init__(self, poles: Poles) -> None:
        # Real poles, those of wide bands, come last: their states stay real and cost half.
        real = poles.pole.imag == 0
        order = np.argsort(real, kind="stable")
        self._poles = Poles(poles.pole[order], poles.residue[order])
        self._pairs = int((~real).sum())
        self._time_s = math.nan
        self._step_s = math.nan
        self._memory: Floats | None = None

    def push(self, values: Floats, time_s: float) -> Floats:
        """The band of the newest frame; see `run`."""
        return self.run(values[None], [time_s])[0]

    def run(self, values: Floats, times_s: Sequence[float]) -> Floats:
        """The bands of the next frames. Several at once are quicker: their state stays in cache.

        Args:
            values: (frames, ...), float32; all but the first axis the same at every call.
            times_s: their time stamps, strictly increasing, also from call to call.

        Returns:
            Like ``values``. The clip's first frame has zeros; before it the clip counts as still.

        Raises:
            TimeStampError: a stamp is no number, or not above the last one.
        """
        flat = np.ascontiguousarray(values).reshape(len(values), math.prod(values.shape[1:]))
        bands = np.empty(flat.shape, np.float32)
        rows = np.arange(len(flat))
        self.advance(Frames(flat, rows, np.ones(len(flat), np.float32)), times_s, bands, rows)
        return bands.reshape(values.shape)

    def advance(
        self, frames: Frames, times_s: Sequence[float], bands: Floats, to: npt.NDArray[np.intp]
    ) -> None:
        """`run` without copies: frames are read where they lie, bands written where asked for.

        Args:
            frames: the next ones.
            times_s: as for `run`.
            bands: (any number, pixels), written to.
            to: row of ``bands`` for each frame; -1 if its band is not wanted.

        Raises:
            TimeStampError: as for `run`.
        """
        if len(times_s) == 0:
            return
        tables = []
        if self._memory is None:
            check_time(times_s[0], self._time_s)
            first = frames.values[frames.rows[0]] * frames.gains[0]
            # Nothing has moved before the clip's first frame.
            self._memory = loops.begin(len(self._poles.pole) + self._pairs, first)
            self._time_s = times_s[0]
            tables.append(np.zeros((len(self._poles.pole), 8), np.float32))
        tables += [self._table(time_s) for time_s in times_s[len(tables) :]]
        advance = loops.loop(self._pairs, len(self._poles.pole) - self._pairs)
        stacked = np.stack(tables).reshape(len(tables), -1)
        advance(self._memory, *frames, stacked, bands, to)

    def _table(self, time_s: float) -> Floats:
        check_time(time_s, self._time_s)
        step_s = time_s - self._time_s
        # Before the first frame the clip was still, so any earlier step serves for the second.
        earlier_s = step_s if math.isnan(self._step_s) else self._step_s
        self._time_s, self._step_s = time_s, step_s
        return _coefficients(self._poles, step_s, earlier_s)


class Frames(NamedTuple):
    """Frames that lie somewhere in an array.

    Attributes:
        values: (any number, pixels), float32, C-contiguous.
        rows: (frames,), the row of each, in the order of their times.
        gains: (frames,), float32, what each is multiplied by.
    """

    values: Floats
    rows: npt.NDArray[np.intp]
    gains: Floats


def check_time(time_s: float, last_s: float) -> None:
    """Refuse a time stamp that is no number or not after the last one (NaN before the first).

    Raises:
        TimeStampError: as said.
    """
    if time_s is None or not math.isfinite(time_s):
        raise TimeStampError(
            "a frame has no time stamp.",
            where="time_s",
            remedy="Frequencies need them: take the container's, or frame number / frame rate.",
        )
    if time_s <= last_s:
        raise TimeStampError(
            f"time stamp {time_s:g} s follows {last_s:g} s.",
            where="time_s",
            remedy="Pass the frames in display order, each with its own time.",
        )


def _step_terms(pole: complex, step_s: float) -> tuple[complex, complex, complex]:
    """exp(p dt) and the integrals of exp(p (dt - u)) u / dt and of exp(p (dt - u)) u (u - dt)."""
    e = pole * step_s
    growth = cmath.exp(e)
    if abs(e) < 1e-2:  # the closed forms below cancel to nothing there
        ramp = 1 / 2 + e / 6 + e**2 / 24
        bend = -1 / 6 - e / 12 - e**2 / 40
    else:
        ramp = (growth - 1 - e) / e**2
        bend = 2 * (growth - 1 - e - e**2 / 2) / e**3 - ramp
    return growth, step_s * ramp, step_s**3 * bend


def _coefficients(poles: Poles, step_s: float, earlier_s: float) -> Floats:
    """(poles, 8): per pole exp(p dt), then the weights of the frames n - 2, n - 1 and n.

    The weights carry twice the residue, so that the band is the sum of the states' real parts.
    """
    table = np.empty((len(poles.pole), 4), np.complex128)
    span_s = step_s + earlier_s
    for row, pole, residue in zip(table, poles.pole, poles.residue, strict=True):
        growth, ramp, bend = _step_terms(complex(pole), step_s)
        hold = (growth - 1) / pole
        if step_s > MOST_UNEVEN * earlier_s:
            bend = 0j
        # The parabola in Newton's form: a line, and bend times the second divided difference.
        row[0] = growth
        row[1] = 2 * residue * (bend / (earlier_s * span_s))
        row[2] = 2 * residue * (hold - ramp - bend / (step_s * earlier_s))
        row[3] = 2 * residue * (ramp + bend / (step_s * span_s))
    return table.view(np.float64).astype(np.float32)
