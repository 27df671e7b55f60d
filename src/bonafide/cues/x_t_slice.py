"""One line of the picture over time: motion as a wave, after Fig. 2 of Tu et al.

A still scene gives straight bands, a moving one wavy ones. Time runs to the right.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bonafide.types import BonafideError, RgbImage


class SliceError(BonafideError):
    """A line that does not lie in the picture, or a slice without frames."""


@dataclass(frozen=True, slots=True)
class Line:
    """A column (x) or row (y) of the picture, px; negative counts from the far side."""

    axis: Literal["column", "row"]
    position: int


class XtSlice:
    """Collects one line of each frame, in bounded memory: when full, every other one is dropped."""

    def __init__(self, line: Line, most: int = 1200) -> None:
        """Begin a slice.

        Args:
            line: which line.
            most: how many lines are kept at most; the picture has no more columns.
        """
        self.line = line
        self._most = most
        self._stride = 1
        self._seen = 0
        self._lines: list[RgbImage] = []
        self._times_s: list[float] = []

    def add(self, frame: RgbImage, time_s: float) -> None:
        """Take the line of the next frame, (H, W, 3) uint8.

        Raises:
            SliceError: the line lies outside.
        """
        length = frame.shape[1] if self.line.axis == "column" else frame.shape[0]
        if not -length <= self.line.position < length:
            raise SliceError(
                f"{self.line.axis} {self.line.position} lies outside.",
                where="slice",
                remedy=f"Choose 0 to {length - 1}.",
            )
        if self._seen % self._stride == 0:
            if len(self._lines) == self._most:
                self._lines, self._times_s = self._lines[::2], self._times_s[::2]
                self._stride *= 2
            if self._seen % self._stride == 0:
                at = self.line.position
                line = frame[:, at] if self.line.axis == "column" else frame[at]
                self._lines.append(line.copy())
                self._times_s.append(time_s)
        self._seen += 1

    @property
    def span_s(self) -> tuple[float, float]:
        """First and last time stamp kept, seconds."""
        self._require_frames()
        return self._times_s[0], self._times_s[-1]

    def picture(self) -> RgbImage:
        """(line's length, moments, 3), uint8: even in time, also where the frames are not.

        Each column shows the frame that was on display at its moment.
        """
        self._require_frames()
        first, last = self.span_s
        moments = np.linspace(first, last, len(self._times_s))
        shown = [max(bisect_right(self._times_s, moment + 1e-9) - 1, 0) for moment in moments]
        return np.stack([self._lines[each] for each in shown], axis=1)

    def _require_frames(self) -> None:
        if not self._lines:
            raise SliceError("has no frames.", where="slice", remedy="Add frames before drawing.")
