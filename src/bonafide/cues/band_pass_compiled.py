"""The loop of `bonafide.cues.band_pass`, compiled by numba; `band_pass_plain` has it without."""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
import numpy.typing as npt

BLOCK = 512
"""Pixels; what is remembered of them, 26 KiB for five poles, fits the first cache."""


def begin(states: int, first: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What is remembered before a clip's second frame, see `loop`; ``first`` is (pixels,)."""
    blocks = -(-first.size // BLOCK)
    memory = np.zeros((blocks, states + 3, BLOCK), np.float32)
    padded = np.pad(first, (0, blocks * BLOCK - first.size))
    memory[:, states] = padded.reshape(blocks, BLOCK)
    return memory.reshape(blocks, -1)


@lru_cache(maxsize=64)
def loop(pairs: int, reals: int):  # type: ignore[no-untyped-def]
    """The filter of so many poles, compiled for that number; see `BandPass.advance`.

    A block of pixels goes through all frames before the next one, so that what it remembers stays
    in the first cache. All poles of a pixel are done in one go, and all that a block remembers lies
    in one array, ``memory`` (blocks, places of BLOCK pixels), at distances known to the compiler:
    only then does it see that eight pixels at a time are safe. The places are the pairs' real and
    imaginary parts, the real poles, the clip's first frame, and the frames n - 2 and n - 1.
    """
    # Unsigned, because Python's counting from the end would be checked for at every pixel.
    size = np.uintp(BLOCK)
    first, early, late = (np.uintp(2 * pairs + reals + place) * size for place in range(3))

    @numba.njit(cache=True, fastmath=True)
    def advance(memory, values, rows, gains, tables, bands, to):  # type: ignore[no-untyped-def]
        unwanted = np.empty(BLOCK, np.float32)
        for block in range(memory.shape[0]):
            start = block * BLOCK
            stop = min(start + BLOCK, values.shape[1])
            known = memory[block]
            for frame in range(rows.size):
                value, gain, table = values[rows[frame], start:stop], gains[frame], tables[frame]
                band = unwanted[: stop - start]
                if to[frame] >= 0:
                    band = bands[to[frame], start:stop]
                for each in range(band.size):
                    i = np.uintp(each)
                    before, last = known[early + i], known[late + i]
                    new = gain * value[i] - known[first + i]
                    total = np.float32(0)
                    for k in range(pairs):
                        c, at = 8 * k, np.uintp(2 * k) * size + i
                        re, im = known[at], known[at + size]
                        next_re = table[c] * re - table[c + 1] * im
                        next_im = table[c] * im + table[c + 1] * re
                        next_re += table[c + 2] * before + table[c + 4] * last + table[c + 6] * new
                        next_im += table[c + 3] * before + table[c + 5] * last + table[c + 7] * new
                        known[at], known[at + size] = next_re, next_im
                        total += next_re
                    for k in range(pairs, pairs + reals):
                        c, at = 8 * k, np.uintp(pairs + k) * size + i
                        state = table[c] * known[at]
                        state += table[c + 2] * before + table[c + 4] * last + table[c + 6] * new
                        known[at] = state
                        total += state
                    known[early + i], known[late + i] = last, new
                    band[i] = total

    return advance
