"""A finished run of a rival in the place of an exported file; needs the [train] extra."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.record import ModelRecord
from bonafide.deploy.rival_file import KIND_FAMILIES, VIEWS
from bonafide.deploy.rival_run import load_judge, view_preprocessing
from bonafide.deploy.run_scores import OPERATING_POINT
from bonafide.deploy.runtime import CropScores
from bonafide.training.loop import BEST
from bonafide.training.run import RECORD
from bonafide.training.settings import read_toml


class RivalScorer:
    """Scores crops as `runtime.OnnxScorer` does, straight from a run folder.

    Attributes:
        record: as an export would carry it.
        sha256: of the run's weights.
    """

    def __init__(self, run: Path) -> None:
        """Load the kept model of a finished run.

        Raises:
            BonafideError: the folder holds no finished run.
        """
        self._judge = load_judge(run)
        views = self._judge.views
        about = read_toml(run / RECORD)
        self.record = ModelRecord(
            name=self._judge.name,
            version=run.resolve().name,
            family=KIND_FAMILIES[views.kind],
            preprocessing=view_preprocessing(views, self._judge.name),
            input=VIEWS,
            score="0..1, higher is more bona fide; accepted if and only if score >= threshold",
            operating_point=load_operating_point(run / OPERATING_POINT),
            trained_on=str(about["data"]["dataset"]),
            provenance={**about["provenance"], **about["settings"], **about["data"]},
        )
        self.sha256 = hashlib.sha256((run / BEST).read_bytes()).hexdigest()

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """See `runtime.OnnxScorer.score`; the scales weigh alike."""
        scores = np.array(self._judge.scores(crops), np.float32)
        count = crops.shape[1]
        return CropScores(scores, np.full((len(scores), count), 1 / count, np.float32))
