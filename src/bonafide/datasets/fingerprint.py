"""Perceptual hashes of pictures, and pairs of near-duplicates across splits.

A fingerprint is 128 bits of a 64 x 64 grey picture: 64 say whether each of the 64 lowest
frequencies of its cosine transform (without the mean) lies above their median, 64 whether
brightness rises from one cell to the next in a grid of 8 rows and 9 columns. Scaling, new
compression and brightness move few bits; two unrelated pictures differ in about 64.

The search compares every pair of different splits in blocks: 20,000 pictures are 2e8 pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Fingerprints = npt.NDArray[np.uint64]
"""(n, 2), uint64: the cosine word and the gradient word."""

BITS = 128
MAX_DISTANCE = 10
"""Bits that near-duplicates may differ in; docs/datasets.md has the measurement behind it."""

FLAT_DEVIATION = 2.0
"""Grey levels; a picture of a smaller standard deviation has no fingerprint to speak of."""

_BLOCK_PAIRS = 4_000_000


class Pair(NamedTuple):
    """Two pictures of different splits that look alike."""

    first: int
    second: int
    distance: int


def fingerprint(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """The two words of one picture.

    Args:
        grey: (64, 64) float32, 0..255.
    """
    import cv2

    spectrum = cv2.dct(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA))
    low = np.array([spectrum[v, u] for v, u in _LOWEST])
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.concatenate([low > np.median(low), (np.diff(cells, axis=1) > 0).ravel()])
    return np.packbits(bits).view(">u8").astype(np.uint64)


def is_flat(grey: npt.NDArray[np.float32]) -> bool:
    """Whether a picture is too even to have a fingerprint, such as a black first frame."""
    return float(grey.std()) < FLAT_DEVIATION


def distance(first: Fingerprints, second: Fingerprints) -> npt.NDArray[np.int64]:
    """Number of differing bits, broadcast over all axes but the last."""
    differing: npt.NDArray[np.int64] = np.bitwise_count(first ^ second).sum(axis=-1, dtype=np.int64)
    return differing


def near_duplicates(
    prints: Fingerprints, groups: Sequence[str], max_distance: int = MAX_DISTANCE
) -> list[Pair]:
    """All pairs of different groups that differ in at most so many bits, nearest first.

    Args:
        prints: (n, 2).
        groups: n names, such as splits; pairs within a group are not compared.
        max_distance: 0..128.
    """
    names = np.asarray(groups)
    found: list[Pair] = []
    kinds = sorted(set(groups))
    for number, kind in enumerate(kinds):
        mine = np.flatnonzero(names == kind)
        others = np.flatnonzero(np.isin(names, kinds[number + 1 :]))
        step = max(1, _BLOCK_PAIRS // max(len(others), 1))
        for start in range(0, len(mine), step):
            block = mine[start : start + step]
            found += _pairs(prints, block, others, max_distance)
    return sorted(found, key=lambda pair: (pair.distance, pair.first, pair.second))


def _pairs(
    prints: Fingerprints,
    mine: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
    max_distance: int,
) -> list[Pair]:
    # Word by word: half of the memory, and most pairs are out after the first.
    far = np.zeros((len(mine), len(others)), dtype=np.uint8)
    for word in range(prints.shape[1]):
        far += np.bitwise_count(prints[mine, word][:, None] ^ prints[others, word][None, :])
    rows, columns = np.nonzero(far <= max_distance)
    return [
        Pair(min(first, second), max(first, second), int(far[row, column]))
        for row, column in zip(rows, columns, strict=True)
        for first, second in [(int(mine[row]), int(others[column]))]
    ]


_LOWEST = sorted(
    ((v, u) for v in range(16) for u in range(16) if v + u > 0), key=lambda at: (sum(at), at)
)[:64]
