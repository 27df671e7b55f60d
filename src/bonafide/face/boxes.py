"""Arithmetic on many boxes at once, for the detector's cascade.

Boxes are float32 (n, 4): left, top, right, bottom in px counted from the picture's edge, so a
whole picture is (0, 0, width, height). (`types.Box` and `types.Landmarks` count from the centre of
the first pixel: half a pixel less.)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.intp]


def suppress(boxes: FloatArray, scores: FloatArray, limit: float, *, smaller: bool) -> IndexArray:
    """Greedy non-maximum suppression: keep the best box, drop what overlaps it, and so on.

    Args:
        boxes: (n, 4).
        scores: (n,), higher is better.
        limit: a box goes when its overlap with a kept one is above this, 0..1.
        smaller: overlap as a share of the smaller box ("min") instead of the union.

    Returns:
        Indices of the boxes kept, best first.
    """
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = (np.ascontiguousarray(side) for side in boxes[order].T)
    areas = (right - left) * (bottom - top)
    alive = np.ones(len(order), dtype=np.bool_)
    kept = []
    for place in range(len(order)):
        if not alive[place]:
            continue
        kept.append(order[place])
        rest = slice(place + 1, None)
        width = np.minimum(right[place], right[rest]) - np.maximum(left[place], left[rest])
        height = np.minimum(bottom[place], bottom[rest]) - np.maximum(top[place], top[rest])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        if smaller:
            whole = np.minimum(areas[place], areas[rest])
        else:
            whole = areas[place] + areas[rest] - common
        alive[rest] &= common <= limit * whole
    return np.array(kept, dtype=np.intp)


def shift(boxes: FloatArray, offsets: FloatArray) -> FloatArray:
    """Move each side by its offset, given in units of the box's width or height."""
    size = boxes[:, 2:] - boxes[:, :2]
    moved: FloatArray = boxes + offsets * np.concatenate([size, size], axis=1)
    return moved


def square(boxes: FloatArray) -> FloatArray:
    """Grow the shorter side to the longer about the same centre."""
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([center - half, center + half], axis=1).astype(np.float32)
