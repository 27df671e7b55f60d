"""How D-Net and M-Net are trained and fine-tuned, in the form that the loop asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from bonafide.cues.aligned_capture import D_PLANES, M_PLANES, Planes
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
from bonafide.models.se_resnext import SHAPES, load_timm
from bonafide.training.cascade_data import CascadeData, augment
from bonafide.training.cascade_settings import FAMILY, RECORD, CascadeSettings
from bonafide.training.checkpoint import load_tensors
from bonafide.training.loop import BEST
from bonafide.training.sampler import step_rng
from bonafide.training.settings import load_settings
from bonafide.types import CLASSES

ROWS_AT_ONCE = {"cuda": 256, "cpu": 8}
"""Captures that go through a net at once when scoring; up to 36 patches each."""


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
        targets = self.data.development_targets
        right = np.where(targets == CLASSES.index("bona_fide"), score, 1 - score)
        each = -np.log(np.clip(right, 1e-7, 1))
        return float(np.mean([each[targets == index].mean() for index in range(len(CLASSES))]))

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
    return _in_batches(network, planes, CascadeScorer(network, patch_px))


def score_positions(network: CascadeNet, planes: Planes, patch_px: int) -> npt.NDArray[np.float32]:
    """(rows, 36) probability of bona fide at every fixed position."""
    scorer, every = CascadeScorer(network, patch_px), range(POSITIONS)
    return _in_batches(network, planes, lambda part: scorer.positions(part, every))


def _in_batches(
    network: CascadeNet, planes: Planes, ask: Callable[[Tensor], Tensor]
) -> npt.NDArray[np.float32]:
    """Ask for the rows' scores, a bounded number at once; the net's mode is put back."""
    device = next(network.parameters()).device
    rows = ROWS_AT_ONCE.get(device.type, ROWS_AT_ONCE["cpu"])
    was_training = network.training
    network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(planes), rows):
            part = torch.from_numpy(np.array(planes[start : start + rows]))
            found.append(ask(part.to(device)).float().cpu().numpy())
    network.train(was_training)
    return np.concatenate(found)


GOES_ON_WITH = (
    "branches", "backbone", "crop_scale", "crop_px", "focal_px", "depth_scale", "depth_offset_mm",
    "one_view", "attenuation_per_m", "estimate_attenuation", "patch_px",
)  # fmt: skip
"""Settings of an M-Net's run that its fine-tuning takes over."""


def go_on_from(run: Path, settings: CascadeSettings) -> tuple[CascadeSettings, dict[str, Tensor]]:
    """Settings and weights of an M-Net's run as the beginning of its fine-tuning.

    Raises:
        BonafideError: the folder holds no finished run of M-Net.
    """
    before = load_settings(CascadeSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    taken = {name: getattr(before, name) for name in GOES_ON_WITH}
    fmix = settings.fmix if "summation" in before.branches else 0.0
    return replace(settings, fmix=fmix, **taken), tensors


def imagenet_start(settings: CascadeSettings, weights: Path) -> dict[str, Tensor]:
    """A new net whose branches begin with the weights of timm's `seresnext50_32x4d`.

    Args:
        weights: a safetensors file of timm's names, such as of its ImageNet training.

    Raises:
        BonafideError: the file cannot be read or does not fit the backbone.
    """
    tensors, _ = load_tensors(weights)
    network = build_network(settings)
    for backbone in network.backbones:
        load_timm(backbone, tensors)
    return network.state_dict()
