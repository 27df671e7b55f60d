"""Histograms of oriented optical flow: which way, and how much, each part of a face moves.

Chaudhry et al., CVPR 2009, without their mirroring of directions; the flow is Farneback's dense one
(OpenCV). Each pixel adds its speed to the bin of its direction; blocks are counted apart. A margin
is left out: there Farneback's flow drifts even between two equal pictures.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import Grey, TextureError

BINS = 8
BLOCKS = 3
"""A side: the face is cut into 3 x 3."""

MARGIN_PX = 8
STILL_PX = 0.05
"""Per frame: what moves less does not move; the flow's own error is of this size."""

LENGTH = BLOCKS**2 * (BINS + 1)


def hoof(clip: Grey) -> npt.NDArray[np.float32]:
    """Mean histogram over a clip's successive frames.

    Args:
        clip: (T, H, W), uint8, T >= 2.

    Returns:
        (81,), float32: for each block, row by row, the shares of 8 directions (bin 0 begins at
        rightwards, then clockwise on the screen; they sum to 1, or are 0 where nothing moves) and
        the mean speed in px per frame.

    Raises:
        TextureError: not a grey uint8 clip of two frames or more.
    """
    if clip.ndim != 3 or clip.dtype != np.uint8 or len(clip) < 2 or min(clip.shape[1:]) < 25:
        raise TextureError(
            f"an array of shape {clip.shape} and type {clip.dtype} shows no motion.",
            where="clip",
            remedy="Pass (T, H, W) in uint8, two frames or more of at least 25 px.",
        )
    return np.mean([_of_pair(a, b) for a, b in pairwise(clip)], axis=0)


def _of_pair(first: Grey, second: Grey) -> npt.NDArray[np.float32]:
    flow = cv2.calcOpticalFlowFarneback(first, second, None, 0.5, 2, 9, 2, 5, 1.1, 0)  # type: ignore[call-overload]
    flow = flow[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
    speed = np.hypot(flow[..., 0], flow[..., 1])
    speed[speed < STILL_PX] = 0
    turn = np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi) % 1
    bins = np.minimum((turn * BINS).astype(int), BINS - 1)
    parts = []
    for rows in np.array_split(np.arange(speed.shape[0]), BLOCKS):
        for columns in np.array_split(np.arange(speed.shape[1]), BLOCKS):
            place = np.ix_(rows, columns)
            sums = np.bincount(bins[place].ravel(), speed[place].ravel(), BINS)
            parts += [sums / max(sums.sum(), 1e-6), [speed[place].mean()]]
    return np.concatenate(parts).astype(np.float32)
