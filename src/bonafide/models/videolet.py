"""Videolet aggregation: magnified motion, its texture and its flow, and a support vector machine.

Siddiqui, Bharadwaj, Dhamecha, Agarwal, Vatsa, Singh, Ratha: "Face Anti-Spoofing with Multifeature
Videolet Aggregation", ICPR 2016. The clip's motion is magnified (Eulerian); multi-scale LBP and
histograms of oriented optical flow describe short windows, *videolets*; support vector machines
score them, and the scores are put together.

Deviations: one machine over both features of the whole clip in place of one a feature and window;
the clip is the cached frames (see `catalogue`), evenly spaced, so that there is no frame rate to
filter by: what differs from the clip's mean picture is magnified, whatever its frequency. Frames
are aligned to the face one by one, so that the flow is that within the face.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.cues.hoof import hoof
from bonafide.cues.lbp import grey_of, multi_scale_histogram

SIDE_PX = 96
FRAMES = 8
ALPHA = 4.0
"""How much is added of what differs from the mean picture."""


def describe(views: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(frames, side, side, 3) uint8 RGB -> (361 + 81,) float32: mean LBP, HOOF."""
    grey = magnified(np.stack([grey_of(frame) for frame in views]))
    texture = np.mean([multi_scale_histogram(frame) for frame in grey], axis=0)
    return np.concatenate([texture, hoof(grey)]).astype(np.float32)


def magnified(clip: npt.NDArray[np.uint8], alpha: float = ALPHA) -> npt.NDArray[np.uint8]:
    """(T, H, W) uint8: every frame with alpha times its difference from the mean added."""
    mean = clip.mean(0)
    return np.clip(clip + alpha * (clip - mean), 0, 255).round().astype(np.uint8)
