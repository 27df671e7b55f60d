"""Exported machines over hand-made features: numpy and OpenCV make the feature, the graph scores.

A graph takes descriptors (batch, ...) float32 and gives the score of each. Its record's
preprocessing says what they are made of, and how: see `models.descriptors`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.deploy.clip_detector import ClipScore
from bonafide.deploy.runtime import CropScores, OnnxModel
from bonafide.types import BonafideError

KIND_FAMILIES = {"scales": "rival_machine", "frames": "rival_machine_clip"}
"""Kind of views -> family of the record, as `rival_file.KIND_FAMILIES` of networks."""

MACHINE_CLIP_FAMILY = KIND_FAMILIES["frames"]
TEXTURE_FAMILY = "texture_svm"

DESCRIPTORS = "float32 descriptors (batch, ...), as in bonafide.models.descriptors"


class OnnxMachineScorer(OnnxModel):
    """An exported machine of the catalogue: of a face's crops, or of a clip's frames."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """As `runtime.OnnxModel`.

        Raises:
            BonafideError: besides, a model of another family, or over a feature that this version
                does not make.
        """
        from bonafide.models.descriptors import VIEW_DESCRIPTORS, descriptor_of  # loads a compiler

        super().__init__(path, threads=threads)
        self.check_family(*KIND_FAMILIES.values())
        told = self.record.preprocessing
        made = descriptor_of(
            VIEW_DESCRIPTORS, told.get("model"), told.get("descriptor"), where=str(path)
        )
        self._describe = made.describe

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """See `runtime.OnnxScorer.score` and `rival_file.ViewScorer.score`; all weigh alike.

        Raises:
            BonafideError: shape or dtype differ from the record.
        """
        side, clip = self.record.crop_px, self.record.family == MACHINE_CLIP_FAMILY
        count = int(self.record.preprocessing["frames"]) if clip else len(self.record.scales)
        _check_pictures(crops, (count, side, side, 3), self.path)
        (score,) = self.run(np.stack([self._describe(views) for views in crops]))
        return CropScores(score, np.full((len(score), count), 1 / count, np.float32))


class OnnxTextureScorer(OnnxModel):
    """An exported texture machine of the motion paper."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """As `OnnxMachineScorer`.

        Raises:
            BonafideError: as there.
        """
        from bonafide.models.descriptors import CLIP_DESCRIPTORS, descriptor_of

        super().__init__(path, threads=threads)
        self.check_family(TEXTURE_FAMILY)
        told = self.record.preprocessing
        made = descriptor_of(
            CLIP_DESCRIPTORS, told.get("cue"), told.get("descriptor"), where=str(path)
        )
        self.least_frames, self._describe = made.least_frames, made.describe

    def score_clip(self, frames: npt.NDArray[np.uint8]) -> ClipScore:
        """See `clip_detector.ClipScorer.score_clip`; any number of frames.

        Raises:
            BonafideError: side or dtype differ from the record, or there are fewer frames than
                ``least_frames``.
        """
        side = int(self.record.preprocessing["clip"]["side_px"])
        _check_pictures(frames, (side, side, 3), self.path)
        (each,) = self.run(self._describe(frames))
        return clip_score(each, len(frames))


def clip_score(rows: npt.NDArray[np.floating], frames: int) -> ClipScore:
    """A texture machine's answer: the mean over the rows (section 4.2), and each if by frame."""
    by_frame = np.asarray(rows, np.float64) if len(rows) == frames else None
    return ClipScore(float(np.mean(rows, dtype=np.float64)), None, by_frame)


def _check_pictures(pictures: npt.NDArray[np.uint8], expected: tuple[int, ...], path: Path) -> None:
    if pictures.dtype != np.uint8 or pictures.shape[1:] != expected:
        raise BonafideError(
            f"pictures of shape {pictures.shape} and type {pictures.dtype} do not fit.",
            where=str(path),
            remedy=f"The model takes uint8 RGB pictures of shape (items, {expected}).",
        )
