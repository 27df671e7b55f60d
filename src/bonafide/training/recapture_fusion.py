"""A run folder of `models.recapture_fusion`: what trained runs are joined into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.models.recapture_fusion import RecaptureFusion
from bonafide.models.recapture_net import RecaptureNet
from bonafide.models.skin_colour import SkinColour
from bonafide.training.checkpoint import load_tensors
from bonafide.training.crop_cache import CropSettings
from bonafide.training.loop import BEST
from bonafide.training.run import RECORD
from bonafide.training.settings import load_settings, require
from bonafide.types import CLASSES

FAMILY = "recapture_fusion"


@dataclass(frozen=True)
class FusionSettings:
    """What a fusion is made of.

    Attributes:
        scales: of the crops for skin colour and for the networks.
        crop_px: side of both.
        frames_per_clip: frames taken from each clip, evenly spaced.
        networks: how many there are, one a seed.
        seeds: theirs.
    """

    scales: tuple[float, float]
    crop_px: int
    frames_per_clip: int
    networks: int
    seeds: tuple[int, ...]

    def crops(self) -> CropSettings:
        """What is cut for it."""
        return CropSettings(self.scales, self.crop_px, self.frames_per_clip)

    def __post_init__(self) -> None:
        require(self.networks == len(self.seeds) > 0, "networks", "one of each seed")


def load_fusion(run: Path) -> tuple[RecaptureFusion, FusionSettings]:
    """The fusion of a run folder, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished fusion.
    """
    settings = load_settings(FusionSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    fusion = RecaptureFusion(SkinColour(), [RecaptureNet() for _ in range(settings.networks)])
    fusion.load_state_dict(tensors)
    return fusion.eval(), settings


def parts_of(fusion: RecaptureFusion, crops: npt.NDArray[np.uint8], batch: int = 64) -> Tensor:
    """(rows, 2, side, side, 3) uint8 RGB -> `RecaptureFusion.parts`, (rows, 2)."""
    with torch.inference_mode():
        parts = [
            fusion.parts(torch.from_numpy(np.array(crops[start : start + batch])))
            for start in range(0, len(crops), batch)
        ]
    return torch.cat(parts).clone()


def logits_of(fusion: RecaptureFusion, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(rows, 2, side, side, 3) uint8 RGB -> logits (rows, 2) in the order of `types.CLASSES`."""
    logits = np.zeros((len(crops), len(CLASSES)), np.float32)
    logits[:, CLASSES.index("bona_fide")] = fusion.join(parts_of(fusion, crops)).numpy()
    return logits
