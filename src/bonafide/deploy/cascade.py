"""The cascade at work: a three-modality capture in, a verdict with both stages' scores out.

D-Net answers first; M-Net is not run when D-Net rejects (the cascade paper, section III-A). Needs
no torch for an exported file (`cascade_file`), and the [train] extra for a run folder
(`cascade_run`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from bonafide.capture.errors import CaptureError
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import (
    DepthUnit,
    MultimodalCapture,
    read_multimodal,
    read_presentation,
    reason_of,
)
from bonafide.cues.aligned_capture import (
    AlignedCapture,
    CaptureLimits,
    Planes,
    PreparedCapture,
    find_capture_faces,
    prepare_capture,
)
from bonafide.decision.operating_point import OperatingPoint, Ruling
from bonafide.decision.two_stages import cascade_score
from bonafide.deploy.answer import Answer, ModelId
from bonafide.deploy.cascade_file import cascade_of_file
from bonafide.deploy.cascade_model import FAMILY, CascadeModel
from bonafide.deploy.cascade_panels import panels_of
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.deploy.onnx_metadata import family_of_file
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.face.detect import FaceDetector, MtcnnDetector
from bonafide.training import cascade_settings
from bonafide.types import (
    Decision,
    Face,
    Presentation,
    Reason,
    ReasonCode,
    StageAnswer,
    Verdict,
)


def is_cascade(model: Path) -> bool:
    """Whether a path is a cascade's folder, the run of one of its stages, or their exported file.

    Raises:
        BonafideError: it is a file, and no model of ours.
    """
    if model.is_file():
        return family_of_file(model) == FAMILY
    return cascade_settings.is_cascade(model)


def load_cascade(model: Path, threads: int) -> CascadeModel:
    """From a file that `bonafide export` wrote, a cascade's folder, or the run of one stage.

    Raises:
        BonafideError: it is none of them, not finished, or its parts do not fit each other.
    """
    if model.is_dir():
        from bonafide.deploy.cascade_run import cascade_of_run

        return cascade_of_run(model)
    return cascade_of_file(model, threads)


class CascadeDetector:
    """Judges captures by one or two stages.

    Attributes:
        model: the nets.
        stages: in the order in which they are asked.
        operating_point: of the last one, to which the whole's score is held.
    """

    def __init__(
        self,
        model: CascadeModel,
        faces: FaceDetector,
        limits: CaptureLimits | None = None,
        operating_point: OperatingPoint | None = None,
    ) -> None:
        """Put a detector together; most users want `CascadeDetector.load`.

        Args:
            model: the nets.
            faces: finds the faces.
            limits: `CaptureLimits()` when None.
            operating_point: replaces that of the last stage.
        """
        if operating_point is not None:
            last = replace(model.stages[-1], point=operating_point)
            model = replace(model, stages=(*model.stages[:-1], last))
        self.model = model
        self.stages = model.stages
        self.faces = faces
        self.limits = limits or CaptureLimits()
        self.operating_point = model.stages[-1].point

    @classmethod
    def load(
        cls,
        model: Path,
        *,
        min_face_px: float = 40,
        threads: int = 1,
        operating_point: OperatingPoint | None = None,
    ) -> Self:
        """Load a cascade, or one of its stages.

        Args:
            model: a file that `bonafide export` wrote; or, with the [train] extra, a folder that
                `bonafide train cascade` wrote, or such as its m_net.
            min_face_px: smallest face to look for.
            threads: of each network.
            operating_point: replaces that of the last stage.

        Raises:
            BonafideError: the file or folder is none, not finished, or its parts do not fit.
        """
        faces = MtcnnDetector(min_face_px, threads=threads)
        return cls(load_cascade(model, threads), faces, None, operating_point)

    def with_point(self, point: OperatingPoint) -> Self:
        """The same cascade whose last stage decides by another point."""
        return type(self)(self.model, self.faces, self.limits, point)

    def without_doubt(self) -> Self:
        """The same cascade whose answers are never uncertain (see `OperatingPoint`)."""
        certain = tuple(replace(stage, point=stage.point.without_doubt()) for stage in self.stages)
        return type(self)(replace(self.model, stages=certain), self.faces, self.limits)

    @property
    def model_id(self) -> ModelId:
        """Which nets answer."""
        return self.model.identity

    @property
    def unit(self) -> DepthUnit | None:
        """The depth's unit that the nets were trained with; None for 16-bit millimetres."""
        return self.model.align.unit()

    @property
    def one_view(self) -> bool:
        """Whether the nets were trained on pictures of one view at several resolutions."""
        return self.model.align.one_view

    def __call__(self, capture: MultimodalCapture) -> Verdict:
        """Judge one capture."""
        return self.examine(capture).verdict

    def examine(
        self, capture: MultimodalCapture, stopwatch: Stopwatch | None = None
    ) -> Examination:
        """Judge one capture and keep the maps that the nets saw.

        Args:
            capture: registered; depth in mm.
            stopwatch: one that already timed the reading.
        """
        watch = stopwatch or Stopwatch()
        faces = find_capture_faces(capture, self.faces)
        watch.lap("detect")
        prepared = self.prepare(capture, faces)
        watch.lap("align")
        if prepared.aligned is None:
            verdict = Verdict(
                Decision.NOT_EVALUATED, None, self.operating_point.threshold,
                self.point_name, prepared.reasons, prepared.faces,
                frames_seen=1, timing_ms=dict(watch.ms),
            )  # fmt: skip
            return Examination(verdict, capture.rgb, prepared.face, None)
        answers, seen = self.ask(prepared.aligned, watch)
        ruling = self.ruling_of(answers)
        verdict = Verdict(
            decision=ruling.decision,
            score=ruling.score,
            threshold=self.operating_point.threshold,
            operating_point=self.point_name,
            reasons=ruling.reasons + prepared.reasons,
            faces=prepared.faces,
            frames_evaluated=1,
            frames_seen=1,
            timing_ms=dict(watch.ms),
            stages=answers,
        )
        return Examination(verdict, capture.rgb, prepared.face, None, panels=panels_of(seen))

    def prepare(self, capture: MultimodalCapture, faces: Sequence[Face]) -> PreparedCapture:
        """Align the face of a capture as the nets were trained to see it, or say why not."""
        align = self.model.align
        return prepare_capture(
            capture, faces, align.crop_scale, align.crop_px, self.limits, focal_px=align.focal_px
        )

    def ask(
        self, aligned: AlignedCapture, watch: Stopwatch | None = None
    ) -> tuple[dict[str, StageAnswer], dict[str, Planes]]:
        """Ask the stages in order until one rejects.

        Returns:
            Each stage's answer, a later one's score None where an earlier one rejected; and the
            planes of those that were asked.
        """
        watch = watch or Stopwatch()
        answers: dict[str, StageAnswer] = {}
        seen: dict[str, Planes] = {}
        rejected = False
        for stage in self.stages:
            threshold = stage.point.threshold
            if rejected:
                answers[stage.name] = StageAnswer(None, threshold)
                continue
            seen[stage.name] = stage.form.of(aligned)
            watch.lap(f"{stage.name}_planes")
            score = stage.score(seen[stage.name])
            watch.lap(stage.name)
            answers[stage.name] = StageAnswer(score, threshold)
            rejected = not stage.point.accepts(score)
        return answers, seen

    def ruling_of(self, answers: dict[str, StageAnswer]) -> Ruling:
        """That of the stage that rejected, or of the last one, with the score of the whole."""
        whole = whole_score(answers)
        for stage in self.stages:
            score = answers[stage.name].score
            if score is None:
                return Ruling(Decision.ATTACK, whole)
            ruling = stage.point.rule(score)
            if ruling.decision is not Decision.BONA_FIDE:
                return replace(ruling, score=None if ruling.score is None else whole)
        return Ruling(Decision.BONA_FIDE, whole)

    @property
    def point_name(self) -> str:
        """The rules that set the stages' thresholds."""
        return " + ".join(f"{stage.name} {stage.point.name}" for stage in self.stages)


def whole_score(answers: dict[str, StageAnswer]) -> float:
    """The one score of a presentation: a single stage's own, or `two_stages.cascade_score`."""
    scores = [answer.score for answer in answers.values()]
    first = scores[0]
    assert first is not None, "the first stage is always asked"
    return first if len(scores) == 1 else cascade_score(first, scores[-1])


def answer_files(
    detector: CascadeDetector,
    rgb: Path,
    depth: Path | None,
    infrared: Path | None,
    limits: Limits,
    unit: DepthUnit | None = None,
    one_view: bool = False,
) -> tuple[Answer, Examination | None]:
    """Judge three files; what cannot be read is answered too, with the reader's own message.

    ``unit`` and ``one_view`` take the place of what the model was trained with.
    """
    watch = Stopwatch()
    try:
        capture = read_multimodal(
            rgb, depth, infrared, unit or detector.unit, limits,
            one_view=one_view or detector.one_view,
        )  # fmt: skip
    except CaptureError as error:
        return unread(detector, rgb, error), None
    watch.lap("decode")
    examination = detector.examine(capture, watch)
    return Answer(str(rgb), examination.verdict, detector.model_id), examination


def unread(detector: CascadeDetector, rgb: Path, error: CaptureError) -> Answer:
    """The answer on what cannot be read: not evaluated, with the reader's own message."""
    reason = Reason(reason_of(error), str(error), blocking=True)
    threshold = detector.operating_point.threshold
    verdict = Verdict(Decision.NOT_EVALUATED, None, threshold, detector.point_name, (reason,))
    return Answer(str(rgb), verdict, detector.model_id)


def score_captures(
    detector: CascadeDetector, samples: Iterable[Presentation], limits: Limits
) -> Iterator[ScoreRow]:
    """Score rows of a sample table, one row each, with the preprocessing that `check` uses."""
    for sample in samples:
        try:
            capture = read_presentation(sample, detector.unit, limits, one_view=detector.one_view)
        except CaptureError as error:
            yield ScoreRow(sample, None, None, reason_of(error))
            continue
        verdict = detector(capture)
        codes = [reason.code for reason in verdict.reasons if reason.blocking]
        silent = codes[0] if codes else ReasonCode.NO_FACE
        yield ScoreRow(sample, None, verdict.score, None if verdict.score is not None else silent)
