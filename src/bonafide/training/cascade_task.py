"""How D-Net and M-Net are trained and fine-tuned, in the form that the loop asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from bonafide.cues.aligned_capture import (
    D_PLANES,
    M_PLANES,
    AlignedCapture,
    Planes,
    depth_planes,
    level_and_distance,
    scale_of,
    spectral_planes,
)
from bonafide.cues.depth import ScaleRange, scale_range
from bonafide.cues.fmix import fmix_mask, mix
from bonafide.cues.spectral import estimate_attenuation
from bonafide.models.cascade import (
    POSITIONS,
    CascadeNet,
    CascadeScorer,
    cut_patches,
    cyclic_cosine,
    fine_tuning_round,
    normalise,
    patch_positions,
    weighted_loss,
)
from bonafide.models.se_resnext import SHAPES
from bonafide.training.capture_cache import AlignSettings, CaptureCache, capture_cache
from bonafide.training.cascade_settings import CascadeSettings
from bonafide.training.checkpoint import load_tensors
from bonafide.training.loop import BEST
from bonafide.training.run import RECORD, Reporter, RunData, read_splits
from bonafide.training.sampler import BalancedSampler, balanced_sampler, step_rng, targets_of
from bonafide.training.settings import load_settings
from bonafide.types import CLASSES, Label, Presentation, Split

FAMILY = "cascade"
PATCHES_AT_ONCE = 9216
"""Patches (or pictures' worth of them) that go through a net at once when scoring."""


@dataclass(frozen=True)
class CaptureCaches:
    """The capture caches of one sample table, by split; a split without rows has none."""

    samples: dict[Split, list[Presentation]]
    captures: dict[Split, CaptureCache]

    def run_data(self) -> RunData:
        """What the run's record tells of them."""
        return RunData(self.samples, {split: len(c.missed) for split, c in self.captures.items()})


def align_settings(settings: CascadeSettings) -> AlignSettings:
    """What of a run's settings decides how captures are read and aligned."""
    return AlignSettings(
        settings.crop_scale,
        settings.crop_px,
        settings.focal_px,
        settings.depth_scale,
        settings.depth_offset_mm,
    )


def open_captures(
    table: Path, folder: Path, settings: CascadeSettings, workers: int, report: Reporter
) -> CaptureCaches:
    """Read and check a sample table, and cut or open the capture cache of each of its splits.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing, or a split has no usable capture.
    """
    by_split = read_splits(table)
    captures = {}
    for split, rows in by_split.items():
        if rows:
            on_sample = report.preparing(split.value, len(rows))
            captures[split] = capture_cache(
                rows, folder / split.value, align_settings(settings),
                workers=workers, on_sample=on_sample,
            )  # fmt: skip
    return CaptureCaches(by_split, captures)


def resolve(settings: CascadeSettings, training: CaptureCache) -> CascadeSettings:
    """The settings with what is taken from the training part: c, and F2's range.

    Raises:
        BonafideError: c is to be estimated, and no bona fide person was seen at two distances.
    """
    if settings.stage != "d_net" and settings.estimate_attenuation:
        live = [i for i, s in enumerate(training.samples) if s.label is Label.BONA_FIDE]
        seen = [level_and_distance(training.aligned(i)) for i in live]
        people = [training.samples[i].capture_subject for i in live]
        c = estimate_attenuation([s[0] for s in seen], [s[1] for s in seen], people)
        settings = replace(settings, attenuation_per_m=round(c, 6), estimate_attenuation=False)
    if settings.stage == "d_net" and settings.scale_low == settings.scale_high == 0:
        ranges = [scale_of(training.aligned(i)) for i in range(len(training.samples))]
        joined = scale_range([low for low, _ in ranges], [high for _, high in ranges])
        settings = replace(settings, scale_low=joined.low, scale_high=joined.high)
    return settings


def planes_of(aligned: AlignedCapture, settings: CascadeSettings) -> Planes:
    """What a stage's net sees of a capture: the one way, in training and deployment alike."""
    if settings.stage == "d_net":
        return depth_planes(aligned, ScaleRange(settings.scale_low, settings.scale_high))
    return spectral_planes(aligned, settings.attenuation_per_m)


def cached_planes(cache: CaptureCache, settings: CascadeSettings) -> Planes:
    """(rows, side, side, channels) of a cache, memory-mapped; ``settings`` resolved."""
    if settings.stage == "d_net":
        meta: dict[str, object] = {"low": settings.scale_low, "high": settings.scale_high}
        return cache.planes("depth_maps", meta, lambda aligned: planes_of(aligned, settings))
    meta = {"attenuation": settings.attenuation_per_m}
    return cache.planes("spectral", meta, lambda aligned: planes_of(aligned, settings))


@dataclass(frozen=True)
class CascadeData:
    """What training reads.

    Attributes:
        planes: (rows, side, side, channels) uint8; targets: (rows,) int64 indices into `CLASSES`.
        sampler: over the same rows.
        development_planes, development_targets: the same of the development part.
    """

    planes: Planes
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_planes: Planes
    development_targets: npt.NDArray[np.int64]


def training_data(caches: CaptureCaches, settings: CascadeSettings) -> CascadeData:
    """The training and development caches as the task reads them; ``settings`` resolved."""
    training, development = caches.captures[Split.TRAIN], caches.captures[Split.DEVELOPMENT]
    return CascadeData(
        cached_planes(training, settings),
        targets_of(training.samples),
        balanced_sampler(training.samples),
        cached_planes(development, settings),
        targets_of(development.samples),
    )


class CascadeTask:
    """Implements `task.TrainingTask` for all three stages."""

    family = FAMILY

    def __init__(
        self,
        settings: CascadeSettings,
        data: CascadeData,
        start: dict[str, Tensor] | None = None,
    ) -> None:
        """Put a task together.

        Args:
            settings: resolved.
            data: of the stage's planes.
            start: tensors of a net of the same form to go on from; fine-tuning needs them.
        """
        self.settings = settings
        self.data = data
        self._start = start
        self._network: CascadeNet | None = None
        self._round_of_step = -1

    @property
    def name(self) -> str:
        """Such as "m_net se_resnext50 stack summation difference fmix"."""
        s = self.settings
        words = [s.stage, s.backbone, *s.branches, *(["fmix"] if s.fmix else [])]
        return " ".join([*words, *map(str, s.patch_sizes)])

    def build_network(self) -> CascadeNet:
        """The net, its weights drawn from the run's seed or taken from the run it goes on from."""
        network = build_network(self.settings)
        if self._start is not None:
            network.load_state_dict(self._start)
        self._network = network
        return network

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """SGD with momentum and weight decay (section IV-B)."""
        s = self.settings
        return optim.SGD(network.parameters(), s.learning_rate, s.momentum, 0.0, s.weight_decay)

    def learning_rate_at(self, step: int) -> float:
        """Cyclic cosine annealing (section IV-B)."""
        s = self.settings
        return cyclic_cosine(step, s.steps, s.cycles, s.learning_rate)

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """Pictures or patches (share, h, w, channels) uint8 and targets (share,)."""
        s, data = self.settings, self.data
        rng = step_rng(s.seed, step)
        rows = np.array_split(data.sampler.draw(s.batch, rng), world)[rank]
        sizes = () if s.stage == "fine_tune" else s.patch_sizes
        # One size for a whole step and all processes: a batch is one tensor.
        size = int(rng.choice(sizes)) if sizes else 0
        rng = np.random.default_rng([s.seed, step, rank])
        pictures = [augment(data.planes[row], s.fmix, size, rng) for row in rows]
        return torch.from_numpy(np.stack(pictures)), torch.from_numpy(data.targets[rows])

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:
        """Cross-entropy; in fine-tuning the sum over positions that omega weighs (line 5)."""
        planes, target = batch
        if self.settings.stage != "fine_tune":
            return functional.cross_entropy(model(normalise(planes)), target)
        assert self._network is not None, "the loop builds the network before it asks for a loss"
        self._begin_round(step, planes.device)
        grid = patch_positions(planes.shape[1], self.settings.patch_px)
        patches = cut_patches(planes, self.settings.patch_px, grid)
        logits = model(normalise(patches.flatten(0, 1))).unflatten(0, patches.shape[:2])
        return weighted_loss(logits, target, self._network.position_weight)

    def development_measure(self, network: nn.Module) -> float:
        """Cross-entropy of the deployed score, both classes weighing the same."""
        assert isinstance(network, CascadeNet)
        planes = self.data.development_planes
        score = score_planes(network, planes, self.settings.patch_px).astype(np.float64)
        right = np.where(
            self.data.development_targets == CLASSES.index("bona_fide"), score, 1 - score
        )
        each = -np.log(np.clip(right, 1e-7, 1))
        classes = range(len(CLASSES))
        return float(np.mean([each[self.data.development_targets == c].mean() for c in classes]))

    def _begin_round(self, step: int, device: torch.device) -> None:
        """Lines 3 and 4 of Algorithm 1, once at the first step of each round.

        omega and alpha are buffers of the network, so a checkpoint holds them and a resumed run
        goes on as an undisturbed one.
        """
        s, network = self.settings, self._network
        assert network is not None
        if step % (s.steps // s.rounds) or step == self._round_of_step:
            return
        self._round_of_step = step
        if step == 0:
            network.alpha.zero_()
            network.position_weight.fill_(1 / POSITIONS)
        rows = self._round_rows()
        probability = score_positions(network, self.data.planes[rows], s.patch_px)
        live = self.data.targets[rows, None] == CLASSES.index("bona_fide")
        right = np.where(live, probability, 1 - probability)
        done = fine_tuning_round(
            network.position_weight.double().cpu().numpy(),
            -np.log(np.clip(right, 1e-12, 1)).mean(axis=0),
            np.where(live, 1.0, -1.0) * (2 * probability - 1),
            None if s.repeat_positions else (network.alpha == 0).cpu().numpy(),
        )
        network.alpha[done.position] += done.alpha
        network.position_weight.copy_(torch.from_numpy(done.weights).to(device))

    def _round_rows(self) -> npt.NDArray[np.int64]:
        """All training rows, or as many as a round looks at, drawn once for the whole run."""
        count, wanted = len(self.data.targets), self.settings.round_samples
        if not 0 < wanted < count:
            return np.arange(count)
        return np.sort(self.data.sampler.draw(wanted, step_rng(self.settings.seed, 0)))


def augment(planes: Planes, fmix: float, patch_px: int, rng: np.random.Generator) -> Planes:
    """Mix (Eq. 20), flip and cut one sample.

    Args:
        planes: (side, side, channels), of `M_PLANES` where ``fmix`` is above 0.
        fmix: probability that the summation picture becomes Eq. 20's mixture with the difference.
        patch_px: side of the random patch; 0 for the whole picture.
        rng: draws.
    """
    if rng.random() < fmix:
        planes = np.array(planes)
        total, apart = M_PLANES["summation"], M_PLANES["difference"]
        mask = fmix_mask(*planes.shape[:2], rng)
        planes[..., total] = mix(mask, planes[..., total], planes[..., apart])
    if patch_px:
        top, left = rng.integers(planes.shape[0] - patch_px + 1, size=2)
        planes = planes[top : top + patch_px, left : left + patch_px]
    return np.ascontiguousarray(planes[:, ::-1] if rng.random() < 0.5 else planes)


def build_network(settings: CascadeSettings) -> CascadeNet:
    """The net of a run, its weights drawn from the run's seed."""
    torch.manual_seed(settings.seed)
    planes = D_PLANES if settings.stage == "d_net" else M_PLANES
    return CascadeNet(planes, settings.branches, SHAPES[settings.backbone], settings.dropout)


def load_network(run: Path) -> tuple[CascadeNet, CascadeSettings]:
    """The kept (best on development) net of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    settings = load_settings(CascadeSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    network = build_network(settings)
    network.load_state_dict(tensors)
    return network.eval(), settings


def score_planes(network: CascadeNet, planes: Planes, patch_px: int) -> npt.NDArray[np.float32]:
    """(rows,) probability of bona fide, with the deployed voting."""
    scorer = CascadeScorer(network, patch_px)
    return _in_batches(network, planes, patch_px, scorer)


def score_positions(network: CascadeNet, planes: Planes, patch_px: int) -> npt.NDArray[np.float32]:
    """(rows, 36) probability of bona fide at every fixed position."""
    scorer = CascadeScorer(network, patch_px)
    every = range(POSITIONS)
    return _in_batches(network, planes, patch_px, lambda part: scorer.positions(part, every))


def _in_batches(network, planes, patch_px, ask) -> npt.NDArray[np.float32]:  # type: ignore[no-untyped-def]
    """Ask for the rows' scores, a bounded number of px at once; the net's mode is put back."""
    device = next(network.parameters()).device
    # A tenth as many on the CPU, where large batches only cost memory.
    most = PATCHES_AT_ONCE if device.type == "cuda" else PATCHES_AT_ONCE // 32
    rows = max(most // POSITIONS, 1)
    training = network.training
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(planes), rows):
            part = torch.from_numpy(np.array(planes[start : start + rows]))
            found.append(ask(part.to(device)).float().cpu().numpy())
    network.train(training)
    return np.concatenate(found)


def start_from(run: Path, settings: CascadeSettings) -> dict[str, Tensor]:
    """The tensors of a finished run to fine-tune, which must be of the same form.

    Raises:
        BonafideError: no finished run, or one of another form.
    """
    from bonafide.training.settings import require

    tensors, _ = load_tensors(run / BEST)
    other = load_settings(CascadeSettings, run / RECORD)
    for name in ("branches", "backbone", "crop_px", "crop_scale", "patch_px", "attenuation_per_m"):
        require(
            getattr(other, name) == getattr(settings, name), name, f"that of {run} to go on from it"
        )
    return tensors


def settings_to_go_on(
    run: Path, settings: CascadeSettings, names: Sequence[str]
) -> CascadeSettings:
    """``settings`` with the values of a finished run for these fields."""
    other = load_settings(CascadeSettings, run / RECORD)
    return replace(settings, **{name: getattr(other, name) for name in names})
