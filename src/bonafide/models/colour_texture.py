"""Colour texture: local binary patterns of HSV and YCbCr, and a support vector machine.

Boulkenafet, Komulainen, Hadid: "Face Anti-spoofing Based on Color Texture Analysis", ICIP 2015. LBP
u2 (8, 1) of each of the six channels of the normalised face (64 px); 354 values.

Deviations: none known; their kernel is not given in MS-FANS, here radial basis functions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import colour_histogram

SIDE_PX = 64


def describe(views: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(1, side, side, 3) uint8 RGB -> (354,) float32."""
    return colour_histogram(views[0])
