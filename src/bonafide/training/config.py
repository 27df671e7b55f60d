"""The settings of one training run: one flat frozen dataclass, saved in the run."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bonafide.training.toml import format_toml
from bonafide.types import BonafideError

CNN_CHOICES = ("cnn_s", "cnn_d")
FUSION_CHOICES = ("lstm", "average", "concatenation")
PRECISIONS = ("32-true", "bf16-mixed")


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a run of MS-FANS. Defaults marked (paper) are the paper's, section IV-A.

    Attributes:
        scales: crop scales in the order that the LSTM reads them.
        cnn: cnn_s or cnn_d (Table I).
        fusion: lstm, average or concatenation (Table III).
        dropout: probability after each fully connected layer, 0..1.
        crop_px: side of the cached crops (paper: 128); the network sees a 112 px window.
        frames_per_clip: frames taken from each clip, evenly spaced.
        batch: samples a step, over all processes.
        steps: MAXITER of Eq. 6.
        learning_rate: (paper: 2e-4).
        momentum, weight_decay: of SGD (paper: 0.9, 5e-4).
        milestones: shares of ``steps`` after which the learning rate is divided by ten.
        jitter: strength of the photometric augmentation, 0 switches it off.
        focus: strength of the blurring and sharpening augmentation, 0 switches it off.
        border: probability that a sample's surroundings are blanked, as in tight pictures.
        evaluate_every: steps between two measurements on the development set.
        patience: measurements without improvement before stopping early; 0 never stops.
        seed: of weights, order, windows and dropout.
        precision: 32-true or bf16-mixed.
    """

    scales: tuple[float, ...] = (1.1, 1.2, 1.3)
    cnn: str = "cnn_s"
    fusion: str = "lstm"
    dropout: float = 0.5
    crop_px: int = 128
    frames_per_clip: int = 8
    batch: int = 64
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

    def __post_init__(self) -> None:
        _require(len(self.scales) > 0, "scales", "name at least one crop scale")
        _require(all(0.5 <= s <= 4 for s in self.scales), "scales", "scales lie in 0.5..4")
        _require(self.cnn in CNN_CHOICES, "cnn", f"one of {CNN_CHOICES}")
        _require(self.fusion in FUSION_CHOICES, "fusion", f"one of {FUSION_CHOICES}")
        _require(self.precision in PRECISIONS, "precision", f"one of {PRECISIONS}")
        _require(0 <= self.dropout < 1, "dropout", "0 <= dropout < 1")
        _require(0 <= self.border <= 1, "border", "a probability")
        _require(self.crop_px >= 112, "crop_px", "at least the network's 112 px")
        for name in ("frames_per_clip", "batch", "steps", "evaluate_every"):
            _require(getattr(self, name) > 0, name, "a positive whole number")
        _require(self.learning_rate > 0, "learning_rate", "positive")


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise BonafideError(
            "is out of range.", where=f"training setting {field!r}", remedy=f"Allowed: {rule}."
        )


def config_from(values: Mapping[str, Any], *, where: str) -> TrainingConfig:
    """Make a config from parsed TOML; an unknown key is an error.

    Raises:
        BonafideError: names the unknown keys and the known ones.
    """
    known = {item.name for item in fields(TrainingConfig)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise BonafideError(
            f"unknown settings {unknown}.",
            where=where,
            remedy=f"Known settings: {', '.join(sorted(known))}.",
        )
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    return TrainingConfig(**lists)


def load_config(path: Path) -> TrainingConfig:
    """Read the [settings] table of a run.toml or a settings file of the user's.

    Raises:
        BonafideError: the file is missing, not TOML, or has unknown settings.
    """
    try:
        parsed = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BonafideError(
            f"cannot be read as TOML ({error}).",
            where=str(path),
            remedy="Write one setting a line below [settings], such as: steps = 2000.",
        ) from error
    return config_from(parsed.get("settings", parsed), where=str(path))


def format_config(config: TrainingConfig) -> str:
    """The [settings] table as TOML."""
    return format_toml({"settings": asdict(config)})
