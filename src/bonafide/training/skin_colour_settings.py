"""The settings of a run of the colour classifier."""

from __future__ import annotations

from dataclasses import dataclass

from bonafide.training.crop_cache import CropSettings
from bonafide.training.settings import check_common, require


@dataclass(frozen=True)
class SkinColourSettings:
    """Settings of a run of `models.skin_colour`.

    Attributes:
        scale: of the one crop; 0.7 leaves hair and background out and fits into tight pictures.
        crop_px: side of the cached crops, a multiple of 64.
        frames_per_clip: frames taken from each clip, evenly spaced.
        batch, accumulate: see `settings.RunSettings`.
        steps: of the optimiser.
        learning_rate: of Adam; falls to zero along a half cosine.
        ridge: weight of the squared weights in the loss. Large: what is learned is a direction.
        alike: weight of the squared differences between the mean scores of bona fide faces by data
            set and by tone, see `live_groups`. Without bona fide faces of a second data set it has
            no effect.
        evaluate_every, patience, seed, precision: see `settings.RunSettings`.
    """

    scale: float = 0.7
    crop_px: int = 128
    frames_per_clip: int = 8
    batch: int = 256
    accumulate: int = 1
    steps: int = 2000
    learning_rate: float = 0.02
    ridge: float = 0.1
    alike: float = 1.0
    evaluate_every: int = 100
    patience: int = 0
    seed: int = 0
    precision: str = "32-true"

    def crops(self) -> CropSettings:
        """What is cut for a run."""
        return CropSettings((self.scale,), self.crop_px, self.frames_per_clip)

    def __post_init__(self) -> None:
        check_common(self)
        require(0.4 <= self.scale <= 4, "scale", "lies in 0.4..4")
        require(self.crop_px >= 64 and self.crop_px % 64 == 0, "crop_px", "a multiple of 64")
        require(self.frames_per_clip > 0, "frames_per_clip", "a positive whole number")
        require(self.learning_rate > 0, "learning_rate", "positive")
        require(self.ridge >= 0, "ridge", "0 or positive")
        require(self.alike >= 0, "alike", "0 or positive")
