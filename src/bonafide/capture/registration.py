"""Whether two pictures of one scene lie upon each other: the shift between their edges."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

EDGE_SIGMA = 0.01
"""Smoothing of the edges, in sides of the picture."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one picture's edges lie from another's.

    Attributes:
        x_px, y_px: of the second picture against the first.
        correlation: of the edges at that shift, -1..1; low where the two have nothing in common.
        unmoved: their correlation without any shift.
        inside: whether the best shift lies inside the range tried; at its border the correlation
            may go on rising, and there is no maximum to believe in.
    """

    x_px: float
    y_px: float
    correlation: float
    unmoved: float
    inside: bool

    @property
    def length_px(self) -> float:
        """Length of the shift."""
        return float(np.hypot(self.x_px, self.y_px))


def estimate_shift(first: npt.ArrayLike, second: npt.ArrayLike, reach_px: int) -> Shift:
    """The shift at which the edges of two grey pictures of one size correlate best.

    Normalised cross-correlation of gradient magnitudes: light, ink and spectrum change levels and
    signs, edges stay. To about half a px where both show the same edges.

    Args:
        first, second: (h, w), any range, finite.
        reach_px: shifts up to this far along each axis are tried.
    """
    edges, others = _edges(first), _edges(second)
    middle = edges[reach_px:-reach_px, reach_px:-reach_px]
    # Where the second is shifted by s, the first's middle is found at reach + s.
    scores = cv2.matchTemplate(others, np.ascontiguousarray(middle), cv2.TM_CCOEFF_NORMED)
    scores = np.nan_to_num(scores, posinf=0.0, neginf=0.0)
    top, left = np.unravel_index(int(scores.argmax()), scores.shape)
    return Shift(
        x_px=float(left + _between(scores[top], int(left)) - reach_px),
        y_px=float(top + _between(scores[:, left], int(top)) - reach_px),
        correlation=float(scores[top, left]),
        unmoved=float(scores[reach_px, reach_px]),
        inside=bool(0 < top < 2 * reach_px and 0 < left < 2 * reach_px),
    )


def _edges(picture: npt.ArrayLike) -> npt.NDArray[np.float32]:
    grey = np.asarray(picture, np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), max(EDGE_SIGMA * max(grey.shape), 0.7))
    steep = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    # The strongest edge (a lamp's mirror image) must not stand for all.
    return np.minimum(steep, np.float32(np.percentile(steep, 98)))


def _between(row: npt.NDArray[np.float32], at: int) -> float:
    """Where the parabola through the best value and its neighbours has its peak, -0.5..0.5."""
    if not 0 < at < len(row) - 1:
        return 0.0
    left, middle, right = (float(v) for v in row[at - 1 : at + 2])
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
