"""The settings of a run of the recapture network."""

from __future__ import annotations

from dataclasses import dataclass

from bonafide.models.recapture_net import INPUT_PX
from bonafide.training.crop_cache import CropSettings
from bonafide.training.settings import check_common, require


@dataclass(frozen=True)
class RecaptureSettings:
    """Settings of a run of `models.recapture_net`.

    Attributes:
        scale: of the one crop.
        crop_px: side of the cached crops; the network sees a 112 px window.
        frames_per_clip: frames taken from each clip, evenly spaced.
        live: faces a step, bona fide ones of data sets that hold attacks.
        attacks: faces a step of each kind, print and replay.
        sources: faces a step of bona fide data sets without attacks; each gets the same number, and
            the largest what is left over.
        alike: weight of the variance between the mean scores of live sources.
        dropout: probability before the last layer, 0..1.
        steps: of the optimiser.
        learning_rate: of AdamW; falls to zero along a half cosine.
        warm_up: steps over which the rate rises first.
        weight_decay: of AdamW.
        average: share of the averaged weights that a step leaves, at most, see `weight_average`.
        evaluate_every, patience, seed, precision: see `settings.RunSettings`.
    """

    scale: float = 1.0
    crop_px: int = 128
    frames_per_clip: int = 8
    live: int = 20
    attacks: int = 12
    sources: int = 26
    alike: float = 1.0
    dropout: float = 0.3
    steps: int = 1200
    learning_rate: float = 2e-3
    warm_up: int = 100
    weight_decay: float = 0.02
    average: float = 0.998
    evaluate_every: int = 200
    patience: int = 0
    seed: int = 0
    precision: str = "32-true"

    @property
    def batch(self) -> int:
        """Faces a step, over all processes."""
        return self.live + 2 * self.attacks + self.sources

    @property
    def accumulate(self) -> int:
        """Always 1: the penalty compares the sources of a whole batch."""
        return 1

    def crops(self) -> CropSettings:
        """What is cut for a run."""
        return CropSettings((self.scale,), self.crop_px, self.frames_per_clip)

    def __post_init__(self) -> None:
        for name in ("live", "attacks", "sources", "frames_per_clip"):
            require(getattr(self, name) > 0, name, "a positive whole number")
        check_common(self)
        require(0.5 <= self.scale <= 4, "scale", "lies in 0.5..4")
        require(self.crop_px >= INPUT_PX, "crop_px", f"at least the network's {INPUT_PX} px")
        require(self.alike >= 0, "alike", "0 or positive")
        require(0 <= self.dropout < 1, "dropout", "0 <= dropout < 1")
        require(self.learning_rate > 0, "learning_rate", "positive")
        require(self.warm_up > 0, "warm_up", "a positive whole number")
        require(self.weight_decay >= 0, "weight_decay", "0 or positive")
        require(0 <= self.average < 1, "average", "0 <= average < 1")
