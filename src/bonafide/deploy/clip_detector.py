"""The detector for models that judge a clip as a whole: one box, N frames, one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bonafide.capture.limits import Limits
from bonafide.cues.clip_frames import ClipFile, ClipFrames, ClipSettings, FramesOf, read_clip
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.answer import ModelId
from bonafide.deploy.clip import FrameScore
from bonafide.deploy.detector import Examination, JudgedClip, Stopwatch
from bonafide.deploy.record import ModelRecord
from bonafide.face.detect import FaceDetector
from bonafide.face.quality import QualityLimits
from bonafide.types import Decision, Reason, ReasonCode, RgbImage, Verdict


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


class ClipScorer(Protocol):
    """A clip model with its record."""

    record: ModelRecord
    sha256: str

    def score_clip(self, frames: npt.NDArray[np.uint8]) -> ClipScore:
        """Score (N, side, side, 3) uint8 RGB, as `record.preprocessing` says."""
        ...


class ClipDetector:
    """Face presentation attack detection by what moves in a clip. Photos are not evaluated.

    Judges the first seconds of a clip, as many as its record says; what comes after is not seen.
    """

    def __init__(
        self,
        scorer: ClipScorer,
        faces: FaceDetector,
        operating_point: OperatingPoint | None = None,
        limits: QualityLimits | None = None,
    ) -> None:
        """Put a detector together; most users want `deploy.load.load_detector`.

        Args:
            scorer: the model.
            faces: finds the faces.
            operating_point: replaces the one in the model's record.
            limits: of quality; the defaults of the face room if None.
        """
        self.scorer = scorer
        self.faces = faces
        self.operating_point = operating_point or scorer.record.operating_point
        self.limits = limits or QualityLimits()
        self.settings = ClipSettings(**scorer.record.preprocessing["clip"])

    @property
    def model_id(self) -> ModelId:
        """Which model answers."""
        record = self.scorer.record
        return ModelId(record.name, record.version, self.scorer.sha256, record.trained_on)

    def examine(self, rgb: RgbImage, stopwatch: Stopwatch | None = None) -> Examination:
        """A photo: not evaluated, and the reason.

        Args:
            rgb: (height, width, 3) uint8 RGB, upright.
            stopwatch: one that already timed the decoding.
        """
        advice = f"This model judges clips, and this is a photo: record {self._seconds} s."
        reason = Reason(ReasonCode.CLIP_TOO_SHORT, advice, blocking=True)
        verdict = self._silent((reason,), 1, stopwatch or Stopwatch())
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
        if read.frames is None:
            verdict = self._silent(read.reasons, read.seen, watch, read)
            return Examination(verdict, face.picture, face.face, None)
        result = self.scorer.score_clip(read.frames)
        watch.lap("score")
        point = self.operating_point
        ruling = point.rule(result.score)
        verdict = Verdict(
            decision=ruling.decision,
            score=ruling.score,
            threshold=point.threshold,
            operating_point=point.name,
            reasons=(*ruling.reasons, *read.reasons),
            faces=face.faces,
            frames_evaluated=len(read.frames),
            frames_seen=read.seen,
            timing_ms=dict(watch.ms),
        )
        judged = JudgedClip(read.frames, read.times_s, result.weights)
        frames = _frame_scores(read.times_s, result.frame_scores)
        return Examination(verdict, face.picture, face.face, None, frames, judged)

    @property
    def _seconds(self) -> str:
        return f"{self.settings.window_s:g}"

    def _silent(
        self,
        reasons: Sequence[Reason],
        seen: int,
        watch: Stopwatch,
        read: ClipFrames | None = None,
    ) -> Verdict:
        point = self.operating_point
        return Verdict(
            Decision.NOT_EVALUATED,
            None,
            point.threshold,
            point.name,
            tuple(reasons),
            read.face.faces if read is not None else (),
            frames_seen=seen,
            timing_ms=dict(watch.ms),
        )


def _frame_scores(
    times_s: npt.NDArray[np.float64], scores: npt.NDArray[np.float64] | None
) -> tuple[FrameScore, ...]:
    if scores is None:
        return ()
    pairs = zip(times_s.tolist(), scores.tolist(), strict=True)
    return tuple(
        FrameScore(index, time_s, score, None) for index, (time_s, score) in enumerate(pairs)
    )
