"""A run's network in torch, in the place of an exported file; needs the [train] extra."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bonafide.deploy.package import record_of
from bonafide.deploy.runtime import CropScores
from bonafide.models.ms_fans import MsFansScorer
from bonafide.training.loop import BEST
from bonafide.training.ms_fans_task import load_network


class TorchScorer:
    """Scores crops as `runtime.OnnxScorer` does, straight from a run folder.

    Attributes:
        record: as an export would carry it.
        sha256: of the run's weights.
    """

    def __init__(self, run: Path) -> None:
        """Load the kept weights of a finished run.

        Raises:
            BonafideError: the folder holds no finished run.
        """
        network, _ = load_network(run)
        self.record = record_of(run, name="ms-fans", version=run.resolve().name)
        self.sha256 = hashlib.sha256((run / BEST).read_bytes()).hexdigest()
        self._scorer = MsFansScorer(network).eval()

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """See `runtime.OnnxScorer.score`."""
        with torch.inference_mode():
            score, alpha = self._scorer(torch.from_numpy(crops))
        return CropScores(score.numpy(), alpha.numpy())
