"""The cascade at work: a three-modality capture in, a verdict with both stages' scores out.

D-Net answers first; M-Net is not run when D-Net rejects (the cascade paper, section III-A). Needs
the [train] extra: the nets run in torch, straight from a run folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch

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
    find_capture_faces,
    prepare_capture,
)
from bonafide.decision.operating_point import OperatingPoint, load_operating_point
from bonafide.deploy.answer import Answer, ModelId
from bonafide.deploy.cascade_panels import panels_of
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.deploy.run_scores import OPERATING_POINT
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.face.detect import FaceDetector, MtcnnDetector
from bonafide.models.cascade import CascadeScorer, cascade_score
from bonafide.training.cascade_data import align_settings, planes_of
from bonafide.training.cascade_settings import RECORD, CascadeSettings
from bonafide.training.cascade_task import load_network
from bonafide.training.loop import BEST
from bonafide.training.settings import read_toml
from bonafide.types import (
    BonafideError,
    Decision,
    Presentation,
    Reason,
    ReasonCode,
    StageAnswer,
    Verdict,
)

FIRST, SECOND, TUNED = "d_net", "m_net", "fine_tune"


@dataclass(frozen=True)
class Stage:
    """One net with all that its answer needs.

    Attributes:
        name: d_net or m_net.
        settings: of its run, resolved.
        scorer: planes -> probability of bona fide.
        point: its operating point.
        sha256: of its weights.
        trained_on: its data's name.
    """

    name: str
    settings: CascadeSettings
    scorer: CascadeScorer
    point: OperatingPoint
    sha256: str
    trained_on: str

    def score(self, planes: Planes) -> float:
        """The probability of bona fide of one capture's planes."""
        with torch.inference_mode():
            return float(self.scorer(torch.from_numpy(planes[None]))[0])


def load_stage(run: Path) -> Stage:
    """A finished run of one stage.

    Raises:
        BonafideError: the folder holds no finished run, or no operating point.
    """
    network, settings = load_network(run)
    return Stage(
        name=FIRST if settings.stage == FIRST else SECOND,
        settings=settings,
        scorer=CascadeScorer(network, settings.patch_px).eval(),
        point=load_operating_point(run / OPERATING_POINT),
        sha256=hashlib.sha256((run / BEST).read_bytes()).hexdigest(),
        trained_on=str(read_toml(run / RECORD)["data"]["dataset"]),
    )


def stages_of(model: Path) -> tuple[Stage, ...]:
    """D-Net and the fine-tuned M-Net (M-Net, where nothing is fine-tuned), or one stage alone.

    Raises:
        BonafideError: a run is missing or not finished.
    """
    if (model / RECORD).exists():
        return (load_stage(model),)
    second = TUNED if (model / TUNED / OPERATING_POINT).exists() else SECOND
    for name in (FIRST, second):
        if not (model / name / RECORD).exists():
            raise BonafideError(
                f"holds no run of {name}.",
                where=str(model),
                remedy=f"Train it: bonafide train cascade --stage {name} -o {model} --data ...",
            )
    return load_stage(model / FIRST), load_stage(model / second)


class CascadeDetector:
    """Judges captures by one or two stages.

    Attributes:
        stages: in the order in which they are asked.
        operating_point: of the last one, to which the whole's score is held.
    """

    def __init__(
        self,
        stages: tuple[Stage, ...],
        faces: FaceDetector,
        limits: CaptureLimits | None = None,
    ) -> None:
        """Put a detector together; most users want `CascadeDetector.load`.

        Raises:
            BonafideError: the stages align captures differently.
        """
        if len({align_settings(stage.settings) for stage in stages}) != 1:
            raise BonafideError(
                "D-Net and M-Net were trained on differently aligned captures.",
                where="cascade",
                remedy="Train both with the same crop, focal length and depth unit.",
            )
        self.stages = stages
        self.faces = faces
        self.limits = limits or CaptureLimits()
        self.operating_point = stages[-1].point

    @classmethod
    def load(cls, model: Path, *, min_face_px: float = 40, threads: int = 1) -> Self:
        """Load a folder that `bonafide train cascade` wrote, or one of its stages.

        Args:
            model: the cascade's folder, or such as its m_net.
            min_face_px: smallest face to look for.
            threads: of the face detector.

        Raises:
            BonafideError: a run is missing, not finished, or does not fit the other.
        """
        return cls(stages_of(model), MtcnnDetector(min_face_px, threads=threads))

    @property
    def model_id(self) -> ModelId:
        """Which nets answer; the sha256 is over those of all of them."""
        joined = hashlib.sha256("".join(stage.sha256 for stage in self.stages).encode())
        names = " + ".join(stage.name for stage in self.stages)
        trained = ", ".join(dict.fromkeys(stage.trained_on for stage in self.stages))
        return ModelId(f"cascade {names}", "run", joined.hexdigest(), trained)

    @property
    def unit(self) -> DepthUnit | None:
        """The depth's unit that the nets were trained with; None for 16-bit millimetres."""
        return align_settings(self.stages[0].settings).unit()

    @property
    def one_view(self) -> bool:
        """Whether the nets were trained on pictures of one view at several resolutions."""
        return self.stages[0].settings.one_view

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
        settings = self.stages[0].settings
        prepared = prepare_capture(
            capture, faces, settings.crop_scale, settings.crop_px, self.limits,
            focal_px=settings.focal_px,
        )  # fmt: skip
        watch.lap("align")
        if prepared.aligned is None:
            verdict = Verdict(
                Decision.NOT_EVALUATED, None, self.operating_point.threshold,
                self.point_name, prepared.reasons, prepared.faces,
                frames_seen=1, timing_ms=dict(watch.ms),
            )  # fmt: skip
            return Examination(verdict, capture.rgb, prepared.face, None)
        answers, seen = self.ask(prepared.aligned, watch)
        score = whole_score(answers)
        verdict = Verdict(
            decision=self.decision_of(answers),
            score=score,
            threshold=self.operating_point.threshold,
            operating_point=self.point_name,
            reasons=prepared.reasons,
            faces=prepared.faces,
            frames_evaluated=1,
            frames_seen=1,
            timing_ms=dict(watch.ms),
            stages=answers,
        )
        return Examination(verdict, capture.rgb, prepared.face, None, panels=panels_of(seen))

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
            seen[stage.name] = planes_of(aligned, stage.settings)
            watch.lap(f"{stage.name}_planes")
            score = stage.score(seen[stage.name])
            watch.lap(stage.name)
            answers[stage.name] = StageAnswer(score, threshold)
            rejected = not stage.point.accepts(score)
        return answers, seen

    def decision_of(self, answers: dict[str, StageAnswer]) -> Decision:
        """Bona fide if and only if every stage was asked and accepts."""
        for stage in self.stages:
            score = answers[stage.name].score
            if score is None or not stage.point.accepts(score):
                return Decision.ATTACK
        return Decision.BONA_FIDE

    @property
    def point_name(self) -> str:
        """The rules that set the stages' thresholds."""
        return " + ".join(f"{stage.name} {stage.point.name}" for stage in self.stages)


def whole_score(answers: dict[str, StageAnswer]) -> float:
    """The one score of a presentation: a single stage's own, or `models.cascade.cascade_score`."""
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
