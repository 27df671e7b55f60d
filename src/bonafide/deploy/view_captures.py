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
from bonafide.capture.multimodal import DepthUnit, reason_of
from bonafide.deploy.answer import Answer
from bonafide.deploy.detector import Examination, ScorerDetector, Stopwatch
from bonafide.deploy.rival_file import ViewScorer
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.face.find import find_faces
from bonafide.face.prepare import (
    Registered,
    check_registered,
    modality_crops,
    prepare_face,
    read_registered,
)
from bonafide.types import Presentation, Reason, RgbImage

CAPTIONS = ("colour, aligned", "depth, aligned", "infrared, aligned")
"""Of the three pictures that the model sees, as the evidence page shows them."""


class ViewCaptureDetector(ScorerDetector[ViewScorer]):
    """Face presentation attack detection by three registered pictures, with a rival."""

    def answer_files(
        self,
        rgb: Path,
        depth: Path | None,
        infrared: Path | None,
        limits: Limits,
        rotation_deg: int = 0,
        unit: DepthUnit | None = None,
    ) -> tuple[Answer, Examination | None]:
        """Judge three files; what cannot be read is answered too, with the reader's message."""
        watch = Stopwatch()
        try:
            examination = self.examine_files(
                rgb, depth, infrared, limits, watch, rotation_deg, unit
            )
        except CaptureError as error:
            reason = Reason(reason_of(error), str(error), blocking=True)
            verdict = self._verdict(None, (reason,), (), (0, 0), Stopwatch())
            return Answer(str(rgb), verdict, self.model_id), None
        return Answer(str(rgb), examination.verdict, self.model_id), examination

    def examine_files(
        self,
        rgb: Path,
        depth: Path | None,
        infrared: Path | None,
        limits: Limits,
        watch: Stopwatch,
        rotation_deg: int = 0,
        unit: DepthUnit | None = None,
    ) -> Examination:
        """Judge three registered photos, turned clockwise by whole quarters.

        Args:
            rgb, depth, infrared: files; None stands for a sample that has none.
            limits: on bytes and pixels of each.
            watch: times it.
            rotation_deg: 0, 90, 180 or 270.
            unit: of the depth, as stated; see `face.prepare.Registered`.

        Raises:
            CaptureError: one is missing, cannot be read, or is of another form; or the depth's unit
                cannot be.
        """
        if depth is None or infrared is None:
            raise MissingModalityError(
                "comes without all of colour, depth and infrared.",
                where=str(rgb),
                remedy="Name all three files; a missing one is never made up.",
            )
        turns = -rotation_deg // 90
        colour = np.ascontiguousarray(np.rot90(read_image(rgb, limits).rgb, turns))
        others = read_registered(depth, infrared, limits, rotation_deg, unit)
        watch.lap("decode")
        return self.examine(colour, others, watch)

    def examine(
        self, rgb: RgbImage, others: Registered, stopwatch: Stopwatch | None = None
    ) -> Examination:
        """Judge one capture and keep what the model saw.

        Args:
            rgb: (height, width, 3) uint8 RGB, upright.
            others: of the same form, perhaps of another resolution.
            stopwatch: one that already timed the reading.

        Raises:
            CaptureError: the three do not fit, or the depth's unit cannot be.
        """
        record, watch = self.scorer.record, stopwatch or Stopwatch()
        found = find_faces(rgb, self.faces)
        watch.lap("detect")
        prepared = prepare_face(rgb, found, record.scales, record.crop_px, self.limits)
        if prepared.crops is None:
            check_registered(rgb, others)
            verdict = self._verdict(None, prepared.reasons, prepared.faces, (0, 1), watch)
            return Examination(verdict, rgb, prepared.face, None)
        views = modality_crops(rgb, others, prepared.crops)
        watch.lap("crop")
        score = float(self.scorer.score(views[None]).score[0])
        watch.lap("score")
        verdict = self._verdict(score, prepared.reasons, prepared.faces, (1, 1), watch)
        panels = dict(zip(CAPTIONS, views, strict=True))
        return Examination(verdict, rgb, prepared.face, None, panels=panels)

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
