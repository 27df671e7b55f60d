"""ML-LPQ: local phase quantisation over finer and finer blocks, and a support vector machine.

Benlamoudi et al.: "Face Spoofing Detection Using Multi-Level Local Phase Quantization (ML-LPQ)",
ICATS 2015. The face at level n is cut into n x n blocks; histograms of all blocks of all levels,
one after the other, are the feature.

Deviations: levels 1 to 3 (14 histograms); a linear machine; grey pictures of 64 px.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import grey_of
from bonafide.cues.lpq import block_histogram, lpq_codes

LEVELS = (1, 2, 3)
SIDE_PX = 64


def describe(views: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(1, side, side, 3) uint8 RGB -> (3584,) float32: 14 histograms of 256 codes."""
    codes = lpq_codes(grey_of(views[0]))
    return np.concatenate(
        [
            block_histogram(np.ascontiguousarray(block))
            for level in LEVELS
            for rows in np.array_split(codes, level, axis=0)
            for block in np.array_split(rows, level, axis=1)
        ]
    )
