"""The detector for rivals that judge colour, depth and infrared.

The three are cut as `training.crop_cache` cuts them. Unlike the cascade's, their depth is a picture
of 8 bits (of 16-bit files the high byte), not millimetres.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bonafide.capture.errors import CaptureError, MissingModalityError
from bonafide.capture.image import read_image
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import reason_of
from bonafide.decision.operating_point import OperatingPoint, Ruling
from bonafide.deploy.answer import Answer, ModelId
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.deploy.rival_file import ViewScorer
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.face.detect import FaceDetector
from bonafide.face.find import find_faces
from bonafide.face.prepare import modality_crops, prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.types import Decision, Presentation, Reason, RgbImage, Verdict


class ViewCaptureDetector:
    """Face presentation attack detection by three registered pictures, with a rival."""

    def __init__(
        self,
        scorer: ViewScorer,
        faces: FaceDetector,
        operating_point: OperatingPoint | None = None,
        limits: QualityLimits | None = None,
    ) -> None:
        """Put a detector together.

        Args:
            scorer: the model.
            faces: finds the faces, in the colour picture.
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

    def answer_files(
        self, rgb: Path, depth: Path | None, infrared: Path | None, limits: Limits
    ) -> tuple[Answer, Examination | None]:
        """Judge three files; what cannot be read is answered too, with the reader's message."""
        watch = Stopwatch()
        try:
            examination = self.examine(rgb, depth, infrared, limits, watch)
        except CaptureError as error:
            reason = Reason(reason_of(error), str(error), blocking=True)
            point = self.operating_point
            verdict = Verdict(Decision.NOT_EVALUATED, None, point.threshold, point.name, (reason,))
            return Answer(str(rgb), verdict, self.model_id), None
        return Answer(str(rgb), examination.verdict, self.model_id), examination

    def examine(
        self,
        rgb: Path,
        depth: Path | None,
        infrared: Path | None,
        limits: Limits,
        watch: Stopwatch,
    ) -> Examination:
        """Judge three registered photos.

        Raises:
            CaptureError: one is missing, cannot be read, or is of another size.
        """
        if depth is None or infrared is None:
            raise MissingModalityError(
                "comes without all of colour, depth and infrared.",
                where=str(rgb),
                remedy="Name all three files; a missing one is never made up.",
            )
        colour = read_image(rgb, limits).rgb
        others = [(str(path), read_image(path, limits).rgb) for path in (depth, infrared)]
        watch.lap("decode")
        return self._judge(colour, others, watch)

    def _judge(
        self, rgb: RgbImage, others: list[tuple[str, RgbImage]], watch: Stopwatch
    ) -> Examination:
        record, point = self.scorer.record, self.operating_point
        found = find_faces(rgb, self.faces)
        watch.lap("detect")
        prepared = prepare_face(rgb, found, record.scales, record.crop_px, self.limits)
        ruling = Ruling(Decision.NOT_EVALUATED, None)
        if prepared.crops is not None:
            views = modality_crops(rgb, others, prepared.crops)
            watch.lap("crop")
            ruling = point.rule(float(self.scorer.score(views[None]).score[0]))
            watch.lap("score")
        verdict = Verdict(
            decision=ruling.decision,
            score=ruling.score,
            threshold=point.threshold,
            operating_point=point.name,
            reasons=ruling.reasons + prepared.reasons,
            faces=prepared.faces,
            frames_evaluated=int(prepared.crops is not None),
            frames_seen=1,
            timing_ms=dict(watch.ms),
        )
        return Examination(verdict, rgb, prepared.face, prepared.crops)

    def rows(self, samples: Iterable[Presentation], limits: Limits) -> Iterator[ScoreRow]:
        """Score rows of a sample table, one row each."""
        for sample in samples:
            depth, infrared = (
                Path(path) if path else None for path in (sample.depth_path, sample.infrared_path)
            )
            answer, _ = self.answer_files(Path(sample.path), depth, infrared, limits)
            codes = [reason.code for reason in answer.verdict.reasons if reason.blocking]
            score = answer.verdict.score
            yield ScoreRow(sample, None, score, None if score is not None else codes[0])
