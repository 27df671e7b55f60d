"""The settings of a run of any network of `models.catalogue`."""

from __future__ import annotations

from dataclasses import dataclass

from bonafide.models.catalogue import NETWORKS
from bonafide.training.settings import check_common, require


@dataclass(frozen=True)
class RivalSettings:
    """Settings of a run. One recipe for all rivals, so that models are compared and not recipes.

    Attributes:
        model: a name in `models.catalogue.NETWORKS`.
        side_px: of the views; 0 takes the model's own.
        frames_per_clip: frames that a picture model takes from each clip; a clip model takes its
            own number.
        weights: file of published ImageNet weights to begin with, .safetensors or .pth; "" begins
            with random ones.
        batch, accumulate: see `settings.RunSettings`.
        steps: of the whole run.
        learning_rate: to begin with, after a warm-up; 0 takes the model's own.
        weight_decay: of AdamW.
        warm_up: share of the steps in which the rate rises; it then falls to 0 along a cosine.
        jitter: strength of the photometric augmentation, 0 switches it off.
        shift: largest shift of the augmentation in sides of the view; turn and zoom go with it.
        evaluate_every, patience, seed, precision: see `settings.RunSettings`.
    """

    model: str
    side_px: int = 0
    frames_per_clip: int = 8
    weights: str = ""
    batch: int = 32
    accumulate: int = 1
    steps: int = 2000
    learning_rate: float = 0.0
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    jitter: float = 1.0
    shift: float = 0.05
    evaluate_every: int = 200
    patience: int = 0
    seed: int = 0
    precision: str = "32-true"

    def __post_init__(self) -> None:
        require(self.model in NETWORKS, "model", f"one of {', '.join(NETWORKS)}")
        one = NETWORKS[self.model]
        if self.side_px == 0:  # the record then holds what was used, not 0
            object.__setattr__(self, "side_px", one.views.side_px)
        if self.learning_rate == 0:
            object.__setattr__(self, "learning_rate", one.learning_rate)
        check_common(self)
        require(self.side_px >= 32, "side_px", "32 or more")
        require(self.frames_per_clip > 0, "frames_per_clip", "a positive whole number")
        require(self.learning_rate > 0, "learning_rate", "positive")
        require(0 <= self.warm_up < 1, "warm_up", "0 <= warm_up < 1")
        require(0 <= self.shift <= 0.25, "shift", "0 <= shift <= 0.25")
        require(not self.weights or bool(one.pretrained), "weights", f"none for {self.model}")
