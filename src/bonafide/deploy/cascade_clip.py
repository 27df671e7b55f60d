"""The cascade on a clip of three streams: one verdict from all its evaluated frames.

D-Net's answer is its mean over a face's frames, M-Net's its mean over those that D-Net passed; each
mean is held to its stage's threshold. Faces that are lost and replaced on the way are averaged
apart, and the lowest counts, as for colour clips (`deploy.clip`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.errors import CaptureError
from bonafide.capture.files import open_regular
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import DepthUnit
from bonafide.capture.multimodal_clip import CaptureClipReader, CaptureFrame
from bonafide.capture.sniff import HEAD_BYTES, MediaKind, identify
from bonafide.cues.aligned_capture import PreparedCapture, find_capture_faces
from bonafide.decision.operating_point import is_accepted
from bonafide.deploy.answer import Answer
from bonafide.deploy.cascade import CascadeDetector, answer_files, unread, whole_score
from bonafide.deploy.cascade_panels import panels_of
from bonafide.deploy.clip import NO_FRAME, REPLACED, TRACK_SHARE, FrameScore
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.deploy.files import with_damage
from bonafide.face.track import FaceTracker
from bonafide.types import (
    Decision,
    Face,
    Frame,
    Reason,
    ReasonCode,
    RgbImage,
    StageAnswer,
    Verdict,
)

DARK_TRACK = -1
"""Of faces that infrared shows and colour does not: they are not followed."""

Answers = dict[str, StageAnswer]


@dataclass
class _Run:
    """What is remembered of a clip: answers, never pictures beyond the first evaluated frame."""

    seen: int = 0
    picture: RgbImage | None = None
    first: PreparedCapture | None = None
    refused: PreparedCapture | None = None
    panels: dict[str, RgbImage] = field(default_factory=dict)
    frames: list[FrameScore] = field(default_factory=list)
    tracks: dict[int, list[Answers]] = field(default_factory=dict)
    refusals: Counter[ReasonCode] = field(default_factory=Counter)
    reasons: dict[ReasonCode, Reason] = field(default_factory=dict)

    def refuse(self, frame: CaptureFrame, prepared: PreparedCapture) -> None:
        """Note a frame that cannot be judged."""
        blocking = [reason for reason in prepared.reasons if reason.blocking]
        self.refused = prepared
        for reason in blocking:
            self.refusals[reason.code] += 1
            self.reasons[reason.code] = reason
        why = blocking[0].code if blocking else ReasonCode.NO_FACE
        self.frames.append(FrameScore(frame.index, frame.time_s, None, why))

    def book(self, frame: CaptureFrame, track: int, answers: Answers) -> None:
        """Note a frame's answers."""
        self.frames.append(FrameScore(frame.index, frame.time_s, whole_score(answers), None))
        self.tracks.setdefault(track, []).append(answers)

    @property
    def evaluated(self) -> int:
        """Frames with a score."""
        return sum(map(len, self.tracks.values()))

    def with_a_say(self) -> list[list[Answers]]:
        """The tracks that count; all frames are one where none is long enough."""
        enough = TRACK_SHARE * self.evaluated
        long = [answers for answers in self.tracks.values() if len(answers) >= enough]
        return long or [[one for answers in self.tracks.values() for one in answers]]


def mean_answers(frames: list[Answers]) -> Answers:
    """Each stage's mean over the frames that it was asked about.

    A later stage has no score where the mean of an earlier one is below its threshold, as for a
    photo.

    Args:
        frames: each frame's answers, of the same stages; the first stage was asked in all.
    """
    means: Answers = {}
    rejected = False
    for name, answer in frames[0].items():
        asked = [score for one in frames if (score := one[name].score) is not None]
        mean = float(np.mean(asked)) if asked and not rejected else None
        means[name] = StageAnswer(mean, answer.threshold)
        rejected = rejected or mean is None or not is_accepted(mean, answer.threshold)
    return means


def examine_capture_clip(
    detector: CascadeDetector,
    frames: Iterable[CaptureFrame],
    stopwatch: Stopwatch | None = None,
) -> Examination:
    """Judge a clip and keep the maps of its first evaluated frame.

    Args:
        detector: judges.
        frames: in time order, such as of a `CaptureClipReader`; one is held at a time.
        stopwatch: one that already timed the opening.
    """
    watch, run = stopwatch or Stopwatch(), _Run()
    tracker = FaceTracker(detector.faces)
    for frame in frames:
        watch.lap("decode")
        run.seen += 1
        faces, track = _faces(detector, tracker, frame)
        watch.lap("detect")
        prepared = detector.prepare(frame.capture, faces)
        watch.lap("align")
        if run.picture is None:
            run.picture = frame.capture.rgb
        if prepared.aligned is None:
            run.refuse(frame, prepared)
            continue
        answers, planes = detector.ask(prepared.aligned, watch)
        if run.first is None:
            run.first, run.picture, run.panels = prepared, frame.capture.rgb, panels_of(planes)
        run.book(frame, track[id(prepared.face)], answers)
    return _examination(detector, run, watch)


def _faces(
    detector: CascadeDetector, tracker: FaceTracker, frame: CaptureFrame
) -> tuple[list[Face], dict[int, int]]:
    """The faces of a frame, and the track of each by its identity."""
    capture = frame.capture
    tracked = tracker.update(Frame(capture.rgb, frame.index, frame.time_s, capture.source))
    if tracked:
        return [t.face for t in tracked], {id(t.face): t.track_id for t in tracked}
    dark = find_capture_faces(capture, detector.faces)
    return dark, {id(face): DARK_TRACK for face in dark}


def _examination(detector: CascadeDetector, run: _Run, watch: Stopwatch) -> Examination:
    point, name = detector.operating_point, detector.point_name
    scored = tuple(run.frames)
    if run.first is None:
        reasons = tuple(run.reasons[code] for code, _ in run.refusals.most_common()) or (NO_FRAME,)
        faces = run.refused.faces if run.refused else ()
        verdict = Verdict(
            Decision.NOT_EVALUATED, None, point.threshold, name, reasons, faces,
            frames_seen=run.seen, timing_ms=dict(watch.ms),
        )  # fmt: skip
        return Examination(verdict, run.picture, None, None, scored)
    tracks = [mean_answers(frames) for frames in run.with_a_say()]
    answers = min(tracks, key=whole_score)
    ruling = detector.ruling_of(answers)
    verdict = Verdict(
        decision=ruling.decision,
        score=ruling.score,
        threshold=point.threshold,
        operating_point=name,
        reasons=(*ruling.reasons, *run.first.reasons, *((REPLACED,) if len(tracks) > 1 else ())),
        faces=run.first.faces,
        frames_evaluated=run.evaluated,
        frames_seen=run.seen,
        timing_ms=dict(watch.ms),
        stages=answers,
    )
    return Examination(verdict, run.picture, run.first.face, None, scored, panels=run.panels)


@dataclass(frozen=True, slots=True)
class CaptureFiles:
    """Three photos or three clips, and what is stated of them.

    Attributes:
        rgb, depth, infrared: files; None stands for one that is not there.
        unit: of the depth; None takes the model's.
        one_view: they are one view at several resolutions, if the model does not say so already.
    """

    rgb: Path
    depth: Path | None
    infrared: Path | None
    unit: DepthUnit | None = None
    one_view: bool = False


def answer_capture_files(
    detector: CascadeDetector, files: CaptureFiles, limits: Limits, sample_hz: float
) -> tuple[Answer, Examination | None]:
    """Judge three photos or three clips; what cannot be read is answered, with its reason.

    Args:
        detector: judges.
        files: what kind they are, the content of the colour file says.
        limits: on each.
        sample_hz: frames of a clip looked at per second.
    """
    one_view = files.one_view or detector.one_view
    unit = files.unit or detector.unit
    watch = Stopwatch()
    try:
        with open_regular(files.rgb, limits) as file:
            kind = identify(file.read(HEAD_BYTES), str(files.rgb)).kind
        if kind is MediaKind.PHOTO:
            return answer_files(
                detector, files.rgb, files.depth, files.infrared, limits, unit, one_view
            )
        with CaptureClipReader(
            files.rgb, files.depth, files.infrared, unit, limits,
            sample_hz=sample_hz, one_view=one_view,
        ) as clip:  # fmt: skip
            examination = examine_capture_clip(detector, clip, watch)
            examination = with_damage(examination, _damage(clip))
    except CaptureError as error:
        return unread(detector, files.rgb, error), None
    return Answer(str(files.rgb), examination.verdict, detector.model_id), examination


def _damage(clip: CaptureClipReader) -> ClipReport:
    """What was lost of all three clips; colour frames without a partner count as damaged."""
    reports = clip.reports()
    return ClipReport(
        damaged_packets=sum(report.damaged_packets for report in reports),
        damaged_frames=sum(r.damaged_frames for r in reports) + clip.unmatched,
    )
