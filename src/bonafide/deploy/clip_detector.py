"""The detector for models that judge a clip as a whole: one box, N frames, one score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bonafide.capture.limits import Limits
from bonafide.cues.clip_frames import ClipFile, ClipSettings, FramesOf, read_clip
from bonafide.deploy.clip import FrameScore
from bonafide.deploy.detector import (
    Examination,
    JudgedClip,
    Recorded,
    ScorerDetector,
    Stopwatch,
)
from bonafide.types import Reason, ReasonCode, RgbImage


@dataclass(frozen=True)
class ClipScore:
    """What a model says of one clip.

    Attributes:
        score: 0..1, higher is more bona fide.
        weights: (N,) see `JudgedClip.weights`.
        frame_scores: (N,) of every frame by itself; None where there is no such thing.
    """

    score: float
    weights: npt.NDArray[np.float32] | None = None
    frame_scores: npt.NDArray[np.float64] | None = None


class ClipScorer(Recorded, Protocol):
    """A clip model with its record.

    Attributes:
        least_frames: that it can judge; the record's settings may ask for more.
    """

    least_frames: int

    def score_clip(self, frames: npt.NDArray[np.uint8]) -> ClipScore:
        """Score (N, side, side, 3) uint8 RGB, as `record.preprocessing` says."""
        ...


class ClipDetector(ScorerDetector[ClipScorer]):
    """Face presentation attack detection by what moves in a clip. Photos are not evaluated.

    Judges the first seconds of a clip, as many as its record says; what comes after is not seen.
    """

    @cached_property
    def settings(self) -> ClipSettings:
        """How a clip is read, as the record says."""
        return ClipSettings(**self.scorer.record.preprocessing["clip"])

    def examine(self, rgb: RgbImage, stopwatch: Stopwatch | None = None) -> Examination:
        """A photo: not evaluated, and the reason.

        Args:
            rgb: (height, width, 3) uint8 RGB, upright.
            stopwatch: one that already timed the decoding.
        """
        advice = f"This model judges clips, and this is a photo: record {self._seconds} s."
        reason = Reason(ReasonCode.CLIP_TOO_SHORT, advice, blocking=True)
        verdict = self._verdict(None, (reason,), (), (0, 1), stopwatch or Stopwatch())
        return Examination(verdict, rgb, None, None)

    def examine_file(
        self,
        path: Path,
        limits: Limits,
        rotation_deg: int = 0,
        stopwatch: Stopwatch | None = None,
    ) -> tuple[Examination, ClipFile]:
        """Judge a clip file.

        Returns:
            the examination, and the clip with the report of its last pass.

        Raises:
            CaptureError: the clip cannot be read.
        """
        clip = ClipFile(path, self.settings.window_s, limits, rotation_deg)
        return self.examine_clip(clip, stopwatch), clip

    def examine_clip(self, frames_of: FramesOf, stopwatch: Stopwatch | None = None) -> Examination:
        """Judge a clip and keep the evidence.

        Args:
            frames_of: begins a pass over the clip; two are made.
            stopwatch: one that already timed opening the clip.

        Raises:
            CaptureError: the clip cannot be read.
        """
        watch = stopwatch or Stopwatch()
        read = read_clip(frames_of, self.settings, self.faces, self.limits)
        watch.lap("frames")
        face = read.face
        if read.frames is None or len(read.frames) < self.scorer.least_frames:
            reasons = read.reasons if read.frames is None else (self._too_few(read.seen),)
            verdict = self._verdict(None, reasons, face.faces, (0, read.seen), watch)
            return Examination(verdict, face.picture, face.face, None)
        result = self.scorer.score_clip(read.frames)
        watch.lap("score")
        counted = len(read.frames), read.seen
        verdict = self._verdict(result.score, read.reasons, face.faces, counted, watch)
        judged = JudgedClip(read.frames, read.times_s, result.weights)
        frames = _frame_scores(read.times_s, result.frame_scores)
        return Examination(verdict, face.picture, face.face, None, frames, judged)

    def _too_few(self, seen: int) -> Reason:
        needed = self.scorer.least_frames
        advice = f"The clip has {seen} frames in {self._seconds} s; {needed} are needed."
        return Reason(ReasonCode.CLIP_TOO_SHORT, advice, blocking=True)

    @property
    def _seconds(self) -> str:
        return f"{self.settings.window_s:g}"


def _frame_scores(
    times_s: npt.NDArray[np.float64], scores: npt.NDArray[np.float64] | None
) -> tuple[FrameScore, ...]:
    if scores is None:
        return ()
    pairs = zip(times_s.tolist(), scores.tolist(), strict=True)
    return tuple(
        FrameScore(index, time_s, score, None) for index, (time_s, score) in enumerate(pairs)
    )
