"""The loop of `bonafide.cues.band_pass` in numpy, for installs without a compiler.

A frame is one product of a small matrix with all that is remembered. The sums run in another order
than in `band_pass_compiled`, so that bands differ by float32's last digits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Loop = Callable[[Floats, Floats, Rows, Floats, Floats, Floats, Rows], None]


def begin(states: int, first: Floats) -> Floats:
    """What is remembered before a clip's second frame: (states + 3, pixels).

    The states of all poles, the first frame, and the frames n - 2 and n - 1 less the first.
    """
    memory = np.zeros((states + 3, first.size), np.float32)
    memory[states] = first
    return memory


def loop(pairs: int, reals: int) -> Loop:
    """The filter of so many poles; see `band_pass_compiled.loop`."""
    states = 2 * pairs + reals
    shown = np.r_[np.arange(0, 2 * pairs, 2), np.arange(2 * pairs, states)]

    def advance(
        memory: Floats,
        values: Floats,
        rows: Rows,
        gains: Floats,
        tables: Floats,
        bands: Floats,
        to: Rows,
    ) -> None:
        first = memory[states]
        # What the matrix meets: the states, and the frames n - 2, n - 1 and n.
        met = np.concatenate([memory[:states], memory[states + 1 :], first[None]])
        for row, gain, table, target in zip(rows, gains, tables, to, strict=True):
            np.subtract(gain * values[row], first, out=met[-1])
            met[:states] = _matrix(table.reshape(-1, 8), pairs) @ met
            met[states:-1] = met[states + 1 :]
            if target >= 0:
                np.sum(met[shown], axis=0, out=bands[target])
        memory[:states], memory[states + 1 :] = met[:states], met[states:-1]

    return advance


def _matrix(table: Floats, pairs: int) -> Floats:
    """(states, states + 3): from the states and three frames to the next states."""
    reals = len(table) - pairs
    states = 2 * pairs + reals
    matrix = np.zeros((states, states + 3), np.float32)
    for k in range(pairs):
        turn_re, turn_im = table[k, :2]
        at = 2 * k
        matrix[at, at : at + 2] = turn_re, -turn_im
        matrix[at + 1, at : at + 2] = turn_im, turn_re
        matrix[at : at + 2, states:] = table[k, 2:].reshape(3, 2).T
    for k in range(reals):
        matrix[2 * pairs + k, 2 * pairs + k] = table[pairs + k, 0]
        matrix[2 * pairs + k, states:] = table[pairs + k, 2::2]
    return matrix
