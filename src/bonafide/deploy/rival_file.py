"""Exported rivals: which detector judges what they see of a presentation.

A rival's graph takes views (batch, n, side, side, 3) uint8 RGB and gives score and alpha, equal
weights (batch, n). Its record's family says what the n views are, and its preprocessing how to make
them: "model", "kind", "scales", "crop_px", "frames" (see
`models.catalogue_entry.Views`), and of three modalities "depth" (`face.depth_picture.FORM`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from bonafide.deploy.record import ModelRecord
from bonafide.deploy.runtime import CropScores, OnnxModel
from bonafide.types import BonafideError

KIND_FAMILIES = {"scales": "rival", "frames": "rival_clip", "modalities": "rival_capture"}
"""Kind of views -> family of the record: crops of a picture at n scales; one crop of each of n
frames of a clip; colour, depth and infrared of one place."""

VIEWS = "uint8 RGB views (batch, n, crop_px, crop_px, 3), as in bonafide.models.catalogue"
CLIP_FAMILY, CAPTURE_FAMILY = KIND_FAMILIES["frames"], KIND_FAMILIES["modalities"]
MODALITIES = 3


class ViewScorer(Protocol):
    """A rival with its record: an exported file, or a run in torch."""

    record: ModelRecord
    sha256: str

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """Score (items, n, side, side, 3) uint8 RGB views, as `record.preprocessing` says."""
        ...


class OnnxViewScorer(OnnxModel):
    """An exported rival that judges clips or captures; needs no torch."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """As `runtime.OnnxModel`.

        Raises:
            BonafideError: besides, a model of another family.
        """
        super().__init__(path, threads=threads)
        self.check_family(CLIP_FAMILY, CAPTURE_FAMILY)

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """See `ViewScorer.score`.

        Raises:
            BonafideError: shape or dtype differ from the record.
        """
        side = self.record.crop_px
        clip = self.record.family == CLIP_FAMILY
        count = int(self.record.preprocessing["frames"]) if clip else MODALITIES
        expected = (count, side, side, 3)
        if crops.dtype != np.uint8 or crops.shape[1:] != expected:
            raise BonafideError(
                f"views of shape {crops.shape} and type {crops.dtype} do not fit.",
                where=str(self.path),
                remedy=f"The model takes uint8 RGB views of shape (items, {expected}).",
            )
        score, alpha = self.run(crops)
        return CropScores(score, alpha)
