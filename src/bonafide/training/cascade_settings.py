"""The settings of a run of the cascade: one stage a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from bonafide.training.settings import check_common, read_toml, require

FAMILY = "cascade"
RECORD = "run.toml"
STAGES = ("d_net", "m_net", "fine_tune")
BRANCH_CHOICES: dict[str, tuple[str, ...]] = {
    "d_net": ("f1", "f2", "f3"),
    "m_net": ("stack", "summation", "difference", "rgb", "infrared"),
    "fine_tune": ("stack", "summation", "difference", "rgb", "infrared"),
}
BACKBONES = ("se_resnext50", "resnext50", "small", "small_plain")
"""With and without SE (Table VII's "SE/Res" and "Res"), at the paper's size and at a CPU's."""


@dataclass(frozen=True)
class CascadeSettings:
    """Settings of one stage. Defaults marked (paper) are the paper's, section IV-B.

    Attributes:
        stage: d_net; m_net; or fine_tune, which goes on from an M-Net by Algorithm 1.
        branches: pictures that the net sees, see `BRANCH_CHOICES` (paper: three each).
        backbone: of `BACKBONES` (paper: se_resnext50).
        dropout: before the last layer.
        crop_scale, crop_px: of the aligned square.
        focal_px: of the registered pictures; 0 takes every face for an adult's in size.
        depth_scale, depth_offset_mm: mm of one level and of level 0; 0 takes 16-bit depth for mm.
        one_view: colour, depth and infrared show one view at several resolutions (CASIA-SURF).
        estimate_attenuation: take c from the training part's bona fide faces.
        attenuation_per_m: c; the estimate replaces it, and the run's record holds what was used.
        scale_low, scale_high: F2's range, mm per px²; both 0 takes the training part's.
        patch_sizes: sides of the random patches that training sees, one size a step; none trains
            on whole pictures (paper: patches for M-Net, whole pictures for D-Net).
        patch_px: side of the 36 fixed patches that are judged; 0 judges whole pictures.
        fmix: share of the training samples whose summation picture is mixed (Eq. 20).
        rounds: of fine-tuning (paper: 36); round_samples: training samples that each round looks
            at, 0 for all; repeat_positions: whether a position may be picked twice.
        batch, accumulate: (paper: 256); see `settings.RunSettings`.
        steps: of the whole run; in fine-tuning a multiple of ``rounds``.
        learning_rate: where each cycle of cosine annealing begins (paper: 0.1); cycles: of them.
        momentum, weight_decay: of SGD (paper: 0.9, 5e-4).
        evaluate_every, patience, seed, precision: see `settings.RunSettings`.
    """

    stage: str = "m_net"
    branches: tuple[str, ...] = ("stack", "summation", "difference")
    backbone: str = "se_resnext50"
    dropout: float = 0.5
    crop_scale: float = 1.3
    crop_px: int = 112
    focal_px: float = 0.0
    depth_scale: float = 0.0
    depth_offset_mm: float = 0.0
    one_view: bool = False
    estimate_attenuation: bool = True
    attenuation_per_m: float = 0.0
    scale_low: float = 0.0
    scale_high: float = 0.0
    patch_sizes: tuple[int, ...] = (32, 48, 64)
    patch_px: int = 48
    fmix: float = 0.5
    rounds: int = 36
    round_samples: int = 0
    repeat_positions: bool = True
    batch: int = 256
    accumulate: int = 1
    steps: int = 12000
    learning_rate: float = 0.1
    cycles: int = 4
    momentum: float = 0.9
    weight_decay: float = 5e-4
    evaluate_every: int = 500
    patience: int = 0
    seed: int = 0
    precision: str = "32-true"

    def __post_init__(self) -> None:
        check_common(self)
        require(self.stage in STAGES, "stage", f"one of {STAGES}")
        allowed = BRANCH_CHOICES[self.stage]
        fits = bool(self.branches) and set(self.branches) <= set(allowed)
        require(fits and len(set(self.branches)) == len(self.branches), "branches",
                f"some of {allowed}, each once")  # fmt: skip
        require(self.backbone in BACKBONES, "backbone", f"one of {BACKBONES}")
        require(0 <= self.dropout < 1, "dropout", "0 <= dropout < 1")
        require(self.crop_px >= 32, "crop_px", "at least 32 px")
        require(1 <= self.crop_scale <= 4, "crop_scale", "1..4")
        require(math.isfinite(self.attenuation_per_m), "attenuation_per_m", "a number")
        sizes = (self.patch_px, *self.patch_sizes)
        require(all(0 <= s <= self.crop_px for s in sizes), "patch_sizes", "0..crop_px")
        require(0 <= self.fmix <= 1, "fmix", "a share")
        mixes = "summation" in self.branches
        require(mixes or self.fmix == 0, "fmix", "0 unless the net sees the summation picture")
        require(self.rounds > 0 and self.cycles > 0, "rounds", "a positive whole number")
        require(self.learning_rate > 0, "learning_rate", "positive")
        if self.stage == "fine_tune":
            require(self.patch_px > 0, "patch_px", "fine-tuning weighs patches")
            require(self.steps % self.rounds == 0, "steps", f"a multiple of {self.rounds} rounds")


def paper_settings(stage: str) -> CascadeSettings:
    """The paper's settings of a stage, where it gives any."""
    require(stage in STAGES, "stage", f"one of {STAGES}")
    whole = {"patch_sizes": (), "patch_px": 0}
    return {
        "d_net": CascadeSettings(
            "d_net", BRANCH_CHOICES["d_net"], fmix=0.0, estimate_attenuation=False, **whole  # type: ignore[arg-type]
        ),
        "m_net": CascadeSettings(),
        # 36 epochs of the size of its data set; a rate that keeps what M-Net learned.
        "fine_tune": CascadeSettings(
            "fine_tune", patch_sizes=(), learning_rate=0.01, cycles=1, steps=36 * 60
        ),
    }[stage]  # fmt: skip


def with_branches(settings: CascadeSettings, branches: tuple[str, ...]) -> CascadeSettings:
    """The same run on other pictures; FMix is switched off where there is nothing to mix."""
    fmix = settings.fmix if "summation" in branches else 0.0
    return replace(settings, branches=branches, fmix=fmix)


def is_cascade(model: Path) -> bool:
    """Whether a path is a cascade's folder, or the run of one of its stages."""
    if (model / STAGES[0] / RECORD).exists():
        return True
    record = model / RECORD
    return record.exists() and read_toml(record).get("family") == FAMILY
