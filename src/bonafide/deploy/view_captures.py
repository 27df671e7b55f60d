"""The detector for rivals that judge colour, depth and infrared.

The three are cut as `training.crop_cache` cuts them. Unlike the cascade's, their depth is a picture
of 8 bits, see `face.depth_picture`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from bonafide.capture.errors import CaptureError, MissingModalityError
from bonafide.capture.image import read_image
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import reason_of
from bonafide.deploy.answer import Answer
from bonafide.deploy.detector import Examination, ScorerDetector, Stopwatch
from bonafide.deploy.rival_file import ViewScorer
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.face.find import find_faces
from bonafide.face.prepare import Registered, modality_crops, prepare_face, read_registered
from bonafide.types import Presentation, Reason, RgbImage


class ViewCaptureDetector(ScorerDetector[ViewScorer]):
    """Face presentation attack detection by three registered pictures, with a rival."""

    def answer_files(
        self,
        rgb: Path,
        depth: Path | None,
        infrared: Path | None,
        limits: Limits,
        rotation_deg: int = 0,
    ) -> tuple[Answer, Examination | None]:
        """Judge three files; what cannot be read is answered too, with the reader's message."""
        watch = Stopwatch()
        try:
            examination = self.examine(rgb, depth, infrared, limits, watch, rotation_deg)
        except CaptureError as error:
            reason = Reason(reason_of(error), str(error), blocking=True)
            verdict = self._verdict(None, (reason,), (), (0, 0), Stopwatch())
            return Answer(str(rgb), verdict, self.model_id), None
        return Answer(str(rgb), examination.verdict, self.model_id), examination

    def examine(
        self,
        rgb: Path,
        depth: Path | None,
        infrared: Path | None,
        limits: Limits,
        watch: Stopwatch,
        rotation_deg: int = 0,
    ) -> Examination:
        """Judge three registered photos, turned clockwise by whole quarters.

        Raises:
            CaptureError: one is missing, cannot be read, or is of another size.
        """
        if depth is None or infrared is None:
            raise MissingModalityError(
                "comes without all of colour, depth and infrared.",
                where=str(rgb),
                remedy="Name all three files; a missing one is never made up.",
            )
        turns = -rotation_deg // 90
        colour = np.ascontiguousarray(np.rot90(read_image(rgb, limits).rgb, turns))
        others = read_registered(depth, infrared, limits, rotation_deg)
        watch.lap("decode")
        return self._judge(colour, others, watch)

    def _judge(self, rgb: RgbImage, others: Registered, watch: Stopwatch) -> Examination:
        record, score = self.scorer.record, None
        found = find_faces(rgb, self.faces)
        watch.lap("detect")
        prepared = prepare_face(rgb, found, record.scales, record.crop_px, self.limits)
        if prepared.crops is not None:
            views = modality_crops(rgb, others, prepared.crops)
            watch.lap("crop")
            score = float(self.scorer.score(views[None]).score[0])
            watch.lap("score")
        counted = int(prepared.crops is not None), 1
        verdict = self._verdict(score, prepared.reasons, prepared.faces, counted, watch)
        return Examination(verdict, rgb, prepared.face, prepared.crops)

    def rows(self, samples: Iterable[Presentation], limits: Limits) -> Iterator[ScoreRow]:
        """Score rows of a sample table, one row each."""
        for sample in samples:
            depth, infrared = (
                Path(path) if path else None for path in (sample.depth_path, sample.infrared_path)
            )
            answer, _ = self.answer_files(
                Path(sample.path), depth, infrared, limits, sample.rotation_deg
            )
            codes = [reason.code for reason in answer.verdict.reasons if reason.blocking]
            score = answer.verdict.score
            yield ScoreRow(sample, None, score, None if score is not None else codes[0])
