"""The settings of a run of MS-FANS."""

from __future__ import annotations

from dataclasses import dataclass

from bonafide.training.crop_cache import CropSettings
from bonafide.training.settings import check_common, require

CNN_CHOICES = ("cnn_s", "cnn_d")
FUSION_CHOICES = ("lstm", "average", "concatenation")


@dataclass(frozen=True)
class MsFansSettings:
    """Settings of a run of MS-FANS. Defaults marked (paper) are the paper's, section IV-A.

    Attributes:
        scales: crop scales in the order that the LSTM reads them.
        cnn: cnn_s or cnn_d (Table I).
        fusion: lstm, average or concatenation (Table III).
        dropout: probability after each fully connected layer, 0..1.
        crop_px: side of the cached crops (paper: 128); the network sees a 112 px window.
        frames_per_clip: frames taken from each clip, evenly spaced.
        batch, accumulate: see `settings.RunSettings`.
        steps: MAXITER of Eq. 6.
        learning_rate: (paper: 2e-4).
        momentum, weight_decay: of SGD (paper: 0.9, 5e-4).
        milestones: shares of ``steps`` after which the learning rate is divided by ten.
        jitter: strength of the photometric augmentation, 0 switches it off.
        focus: strength of the blurring and sharpening augmentation, 0 switches it off.
        border: probability that a sample's surroundings are blanked, as in tight pictures.
        evaluate_every, patience, seed, precision: see `settings.RunSettings`.
    """

    scales: tuple[float, ...] = (1.1, 1.2, 1.3)
    cnn: str = "cnn_s"
    fusion: str = "lstm"
    dropout: float = 0.5
    crop_px: int = 128
    frames_per_clip: int = 8
    batch: int = 64
    accumulate: int = 1
    steps: int = 4000
    learning_rate: float = 2e-4
    momentum: float = 0.9
    weight_decay: float = 5e-4
    milestones: tuple[float, ...] = (0.6, 0.85)
    jitter: float = 1.0
    focus: float = 0.0
    border: float = 0.0
    evaluate_every: int = 250
    patience: int = 0
    seed: int = 0
    precision: str = "32-true"

    def crops(self) -> CropSettings:
        """What is cut for a run."""
        return CropSettings(self.scales, self.crop_px, self.frames_per_clip)

    def __post_init__(self) -> None:
        require(len(self.scales) > 0, "scales", "name at least one crop scale")
        require(all(0.5 <= s <= 4 for s in self.scales), "scales", "scales lie in 0.5..4")
        require(self.cnn in CNN_CHOICES, "cnn", f"one of {CNN_CHOICES}")
        require(self.fusion in FUSION_CHOICES, "fusion", f"one of {FUSION_CHOICES}")
        check_common(self)
        require(0 <= self.dropout < 1, "dropout", "0 <= dropout < 1")
        require(0 <= self.border <= 1, "border", "a probability")
        require(self.crop_px >= 112, "crop_px", "at least the network's 112 px")
        require(self.frames_per_clip > 0, "frames_per_clip", "a positive whole number")
        require(self.learning_rate > 0, "learning_rate", "positive")
