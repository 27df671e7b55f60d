"""Holes in a picture of numbers: connected regions, and the harmonic surface over a region.

numpy and OpenCV alone, because the cascade is deployed without scipy.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

RESIDUAL = 1e-9
"""Conjugate gradients stop when no px is further than this share of the rim's range from the mean
of its neighbours."""

STEPS = ((0, 1), (0, -1), (1, 1), (1, -1))
"""(axis, direction) of a px's four neighbours."""


def label_regions(mask: Mask) -> tuple[Labels, int]:
    """(h, w) int32, 1..count in each 4-connected region of True and 0 elsewhere, and the count."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return labels, count - 1


def enclosed_by(mask: Mask) -> Mask:
    """(h, w) True where ``mask`` is False and no way without diagonals leads to the border."""
    outside = np.pad(~mask, 1, constant_values=True)
    labels, _ = label_regions(outside)
    return np.asarray((labels != labels[0, 0])[1:-1, 1:-1] & ~mask)


def linked_regions(known: Mask, across: Mask, down: Mask) -> Labels:
    """(h, w) int32: equal where a way of links leads from one px to the other; 0 where not known.

    Args:
        known: (h, w).
        across: (h, w - 1), True where a px is linked with the one to its right.
        down: (h - 1, w), with the one below.
    """
    height, width = known.shape
    # Every second px of a picture twice as large is a px, the ones between them are the links.
    woven = np.zeros((2 * height - 1, 2 * width - 1), np.bool_)
    woven[::2, ::2] = known
    woven[::2, 1::2] = across
    woven[1::2, ::2] = down
    labels, _ = label_regions(woven)
    return np.asarray(labels[::2, ::2])


def grow(mask: Mask) -> Mask:
    """(h, w) True on the mask and on the four neighbours of its px."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), cross), np.bool_)


def harmonic(values: npt.NDArray[np.float32], hole: Mask) -> npt.NDArray[np.float32]:
    """Solve Laplace's equation on ``hole``, its rim given; where no rim is known, leave NaN.

    Args:
        values: (h, w) float32, NaN where unknown.
        hole: (h, w), where to solve; known px of it are rim.
    """
    known = np.isfinite(values)
    labels, _ = label_regions(~known & hole)
    touching = np.unique(labels[grow(known)])
    solve = np.isin(labels, touching[touching > 0])
    count = int(solve.sum())
    if not count:
        return values
    number = np.full(values.shape, count, np.int64)  # `count` stands for every px outside
    number[solve] = np.arange(count)
    middle = float(np.median(values[known]))  # so that rounding is that of the relief
    centred = np.where(known, values - middle, 0.0).astype(np.float64)
    degree, rim = np.zeros(count), np.zeros(count)
    neighbours = np.empty((len(STEPS), count), np.int64)
    for step, (axis, direction) in enumerate(STEPS):
        other = _shifted(number, axis, direction, count)[solve]
        given = _shifted(known, axis, direction, False)[solve]
        rim += np.where(given, _shifted(centred, axis, direction, 0.0)[solve], 0.0)
        degree += given | (other < count)
        neighbours[step] = other
    filled = values.copy()
    filled[solve] = _conjugate_gradients(degree, neighbours, rim) + middle
    return filled


def _conjugate_gradients(degree: Floats, neighbours: npt.NDArray[np.int64], rim: Floats) -> Floats:
    """x of degree_i x_i - sum of its neighbours' x = rim_i: symmetric, positive definite.

    Args:
        degree: (n,); neighbours: (4, n) their numbers, n for none; rim: (n,).
    """
    count = len(degree)
    padded = np.zeros(count + 1)

    def apply(x: Floats) -> Floats:
        padded[:count] = x
        return np.asarray(degree * x - padded[neighbours].sum(0))

    x = rim / degree
    residual = rim - apply(x)
    direction = residual / degree
    product = float(residual @ direction)
    limit = RESIDUAL * max(float(np.abs(rim).max()), 1e-3)
    # In exact arithmetic n steps end it; far fewer do, about the holes' width.
    for _ in range(2 * count + 50):
        if float(np.abs(residual).max()) <= limit:
            break
        moved = apply(direction)
        length = product / float(direction @ moved)
        x = x + length * direction
        residual = residual - length * moved
        scaled = residual / degree
        before, product = product, float(residual @ scaled)
        direction = scaled + product / before * direction
    return x


def _shifted(array: npt.NDArray, axis: int, step: int, fill: float) -> npt.NDArray:  # type: ignore[type-arg]
    """Each px's neighbour along an axis; ``fill`` beyond the border."""
    moved = np.roll(array, -step, axis)
    edge = [slice(None), slice(None)]
    edge[axis] = slice(-1, None) if step > 0 else slice(0, 1)
    moved[tuple(edge)] = fill
    return moved
