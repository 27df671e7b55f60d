"""The detector: a photo or clip in, a verdict with reasons out, without torch."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

from bonafide.decision.operating_point import OperatingPoint, Ruling
from bonafide.deploy.answer import ModelId
from bonafide.deploy.clip import ClipRun, FrameScore, Look
from bonafide.deploy.record import ModelRecord
from bonafide.deploy.runtime import SHIPPED_MODEL, CropScores, OnnxScorer, model_path
from bonafide.face.crop import CropStack
from bonafide.face.detect import FaceDetector, MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.face.prepare import PreparedFace, prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.face.track import FaceTracker
from bonafide.types import Decision, Face, FaceReport, Frame, Reason, RgbImage, Verdict

CLIP_BATCH = 16
"""Faces of a clip that go through the network at once; bounds memory whatever its length."""


@dataclass(frozen=True, slots=True)
class JudgedClip:
    """The frames that a clip model judged together.

    Attributes:
        frames: (N, side, side, 3) uint8 RGB, magnified if the model wants them so.
        times_s: (N,) their time stamps.
        weights: (N,) how much each counted, of sum 1; None where the model does not weigh frames.
    """

    frames: npt.NDArray[np.uint8]
    times_s: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float32] | None


@dataclass(frozen=True, slots=True)
class Examination:
    """A verdict with the evidence behind it.

    Attributes:
        verdict: the answer.
        picture: the photo, or the clip's first evaluated frame (its first, if none was).
        face: the judged face in ``picture``.
        crops: its crops.
        frames: every frame of a clip that was scored or refused by itself; empty for a photo.
        clip: what a clip model judged; None for other models, and when it did not judge.
        panels: caption -> further pictures that a network saw, (h, w, 3) uint8 RGB.
    """

    verdict: Verdict
    picture: RgbImage | None
    face: Face | None
    crops: CropStack | None
    frames: tuple[FrameScore, ...] = ()
    clip: JudgedClip | None = None
    panels: dict[str, RgbImage] = field(default_factory=dict)


class Recorded(Protocol):
    """Any scorer, as far as its record tells who answers, and by which threshold."""

    record: ModelRecord
    sha256: str


class Scorer(Recorded, Protocol):
    """A network with its record: an exported file, or a run in torch."""

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """See `runtime.OnnxScorer.score`."""
        ...


class Stopwatch:
    """Adds up milliseconds per stage."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = defaultdict(float)
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        """Book the time since the last lap, or the start, to a stage."""
        now = time.perf_counter()
        self.ms[stage] += 1e3 * (now - self._last)
        self._last = now


AnyScorer = TypeVar("AnyScorer", bound=Recorded)


class ScorerDetector(Generic[AnyScorer]):
    """What the detectors of one scorer share, whatever they show it.

    Attributes:
        scorer: the model.
        faces: finds the faces.
        operating_point: what it decides by.
        limits: of quality.
    """

    def __init__(
        self,
        scorer: AnyScorer,
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

    @property
    def model_id(self) -> ModelId:
        """Which model answers."""
        record = self.scorer.record
        return ModelId(record.name, record.version, self.scorer.sha256, record.trained_on)

    def with_point(self, point: OperatingPoint) -> Self:
        """The same detector, deciding by another point."""
        other = copy(self)
        other.operating_point = point
        return other

    def _verdict(
        self,
        score: float | None,
        reasons: Sequence[Reason],
        faces: tuple[FaceReport, ...],
        frames: tuple[int, int],
        watch: Stopwatch,
        scale_weights: Mapping[float, float] | None = None,
    ) -> Verdict:
        """The verdict on a score, or on none.

        Args:
            score: None where there was nothing to score, as ``reasons`` tell.
            reasons: what else is to be said.
            faces: that were found.
            frames: how many were evaluated, and how many seen.
            watch: that timed it.
            scale_weights: scale -> its weight, of models that weigh scales.
        """
        point = self.operating_point
        ruling = Ruling(Decision.NOT_EVALUATED, None) if score is None else point.rule(score)
        return Verdict(
            decision=ruling.decision,
            score=ruling.score,
            threshold=point.threshold,
            operating_point=point.name,
            reasons=(*ruling.reasons, *reasons),
            faces=faces,
            scale_weights=dict(scale_weights or {}),
            frames_evaluated=frames[0],
            frames_seen=frames[1],
            timing_ms=dict(watch.ms),
        )


class Detector(ScorerDetector[Scorer]):
    """Face presentation attack detection for photos and clips.

    Example:
        >>> from bonafide import Detector
        >>> detector = Detector.load()
        >>> detector(np.zeros((120, 160, 3), np.uint8)).decision.value
        'not_evaluated'
    """

    @classmethod
    def load(
        cls,
        model: Path | str = SHIPPED_MODEL,
        *,
        operating_point: OperatingPoint | None = None,
        min_face_px: float = 40,
        yunet: Path | None = None,
        threads: int = 1,
    ) -> Self:
        """Load a model and the face detector.

        Args:
            model: an ONNX file that `bonafide export` wrote, or the name of a shipped model, such
                as "ms-fans" (see `runtime.SHIPPED`).
            operating_point: replaces the model's own threshold.
            min_face_px: smallest face to look for; larger is faster. YuNet has a limit of its own.
            yunet: a YuNet file of the user's, to find faces with instead of the default detector.
            threads: of each network.

        Raises:
            BonafideError: the model or the detector's weights are missing or damaged.
        """
        scorer = OnnxScorer(model_path(model), threads=threads)
        faces: FaceDetector
        if yunet is not None:
            from bonafide.face.yunet import YunetDetector

            faces = YunetDetector(yunet)
        else:
            faces = MtcnnDetector(min_face_px, threads=threads)
        return cls(scorer, faces, operating_point)

    def __call__(self, rgb: RgbImage) -> Verdict:
        """Judge a photo: (height, width, 3) uint8 RGB, upright."""
        return self.examine(rgb).verdict

    def examine(self, rgb: RgbImage, stopwatch: Stopwatch | None = None) -> Examination:
        """Judge a photo and keep the evidence.

        Args:
            rgb: (height, width, 3) uint8 RGB, upright.
            stopwatch: one that already timed the decoding.
        """
        watch = stopwatch or Stopwatch()
        found = find_faces(rgb, self.faces)
        watch.lap("detect")
        prepared = self._prepare(rgb, found)
        watch.lap("crop")
        if prepared.crops is None:
            verdict = self._verdict(None, prepared.reasons, prepared.faces, (0, 1), watch)
            return Examination(verdict, rgb, prepared.face, None)
        result = self.scorer.score(prepared.crops.crops[None])
        watch.lap("score")
        weights = self._weights(result.alpha[0])
        verdict = self._verdict(
            float(result.score[0]), prepared.reasons, prepared.faces, (1, 1), watch, weights
        )
        return Examination(verdict, rgb, prepared.face, prepared.crops)

    def check_clip(self, frames: Iterable[Frame]) -> Verdict:
        """Judge a clip: one verdict from all its evaluated frames."""
        return self.examine_clip(frames).verdict

    def examine_clip(
        self, frames: Iterable[Frame], stopwatch: Stopwatch | None = None
    ) -> Examination:
        """Judge a clip and keep the evidence of its first evaluated frame.

        The score is the mean over the evaluated frames. When the face was lost or replaced on the
        way, each track that holds a fifth of those frames is averaged apart and the lowest counts.

        Args:
            frames: in time order; no more than a batch of them is held.
            stopwatch: one that already timed opening the clip.
        """
        watch = stopwatch or Stopwatch()
        run = ClipRun()
        looks = self._looks(frames, run, watch)
        while batch := list(islice(looks, CLIP_BATCH)):
            result = self.scorer.score(np.stack([look.crops for look in batch]))
            watch.lap("score")
            for look, score, alpha in zip(batch, result.score, result.alpha, strict=True):
                run.book(look, float(score), alpha)
        frames_judged = tuple(run.frames.values())
        if run.first is None:
            faces = run.last_refused.faces if run.last_refused else ()
            verdict = self._verdict(None, run.refusal(), faces, (0, run.seen), watch)
            return Examination(verdict, run.picture, None, None, frames_judged)
        alpha = np.asarray(run.alpha_sum / run.evaluated, np.float32)
        counted, weights = (run.evaluated, run.seen), self._weights(alpha)
        verdict = self._verdict(
            run.score(), run.remarks(), run.first.faces, counted, watch, weights
        )
        return Examination(verdict, run.picture, run.first.face, run.first.crops, frames_judged)

    def _looks(self, frames: Iterable[Frame], run: ClipRun, watch: Stopwatch) -> Iterator[Look]:
        tracker = FaceTracker(self.faces)
        for frame in frames:
            watch.lap("decode")
            tracked = tracker.update(frame)
            watch.lap("detect")
            prepared = self._prepare(frame.rgb, [item.face for item in tracked])
            watch.lap("crop")
            run.see(frame, prepared)
            if prepared.crops is not None:
                track = next(item.track_id for item in tracked if item.face is prepared.face)
                yield Look(frame.index, track, prepared.crops.crops)

    def _prepare(self, rgb: RgbImage, faces: list[Face]) -> PreparedFace:
        record = self.scorer.record
        return prepare_face(rgb, faces, record.scales, record.crop_px, self.limits)

    def _weights(self, alpha: npt.NDArray[np.float32]) -> dict[float, float]:
        return dict(zip(self.scorer.record.scales, alpha.tolist(), strict=True))
