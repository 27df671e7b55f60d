"""How MS-FANS is trained (section IV-A), in the form that the loop asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from bonafide.models import ms_fans
from bonafide.training.checkpoint import load_tensors
from bonafide.training.face_caches import Caches
from bonafide.training.loop import BEST
from bonafide.training.ms_fans_batches import training_batch
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.run import RECORD
from bonafide.training.sampler import BalancedSampler, balanced_sampler, targets_of
from bonafide.training.settings import load_settings
from bonafide.types import CLASSES, BonafideError, Split

FAMILY = "ms_fans"


@dataclass(frozen=True)
class MsFansData:
    """What training reads.

    Attributes:
        crops: (rows, n, side, side, 3) uint8, RGB; usually memory-mapped.
        targets: (rows,) int64, indices into `types.CLASSES`.
        sampler: over the same rows.
        development_crops, development_targets: the same of the development set.
    """

    crops: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_crops: npt.NDArray[np.uint8]
    development_targets: npt.NDArray[np.int64]


def training_data(caches: Caches) -> MsFansData:
    """The training and development caches as the task reads them.

    Raises:
        BonafideError: a class has no sample with a usable face in one of them.
    """
    training, development = caches.crops[Split.TRAIN], caches.crops[Split.DEVELOPMENT]
    targets = targets_of(development.samples)
    for index, name in enumerate(CLASSES):
        if index not in targets:
            raise BonafideError(
                f"no {name} sample with a usable face in the development split.",
                where="development data",
                remedy="Add such samples, or look at the crop cache's list of those without face.",
            )
    return MsFansData(
        training.crops,
        targets_of(training.samples),
        balanced_sampler(training.samples),
        development.crops,
        targets,
    )


@dataclass(frozen=True)
class MsFansTask:
    """Implements `task.TrainingTask`."""

    settings: MsFansSettings
    data: MsFansData
    family: str = FAMILY

    @property
    def name(self) -> str:
        """Such as "ms-fans cnn_s lstm 1.1 1.2 1.3"."""
        return " ".join(
            ["ms-fans", self.settings.cnn, self.settings.fusion, *map(str, self.settings.scales)]
        )

    def build_network(self) -> ms_fans.MsFans:
        """The network, its weights drawn from the run's seed."""
        return build_network(self.settings)

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """SGD with momentum and weight decay (section IV-A)."""
        s = self.settings
        return optim.SGD(network.parameters(), s.learning_rate, s.momentum, 0.0, s.weight_decay)

    def learning_rate_at(self, step: int) -> float:
        """The multi-step schedule: divided by ten after each milestone (section IV-A)."""
        passed = sum(step >= share * self.settings.steps for share in self.settings.milestones)
        return float(self.settings.learning_rate * 0.1**passed)

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """Crops (share, n, 112, 112, 3) uint8 and targets (share,)."""
        data = self.data
        return training_batch(
            data.crops, data.targets, data.sampler, self.settings, step, rank=rank, world=world
        )

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:
        """Eq. 6, whose first phase is the first half of the steps."""
        crops, target = batch
        output = model(ms_fans.normalise(crops))
        return ms_fans.loss(output, target, first_half=step < self.settings.steps / 2)

    def development_measure(self, network: nn.Module) -> float:
        """Cross-entropy on the development set, both classes weighing the same."""
        assert isinstance(network, ms_fans.MsFans)
        logits, _ = score_crops(network, self.data.development_crops)
        return balanced_cross_entropy(logits, self.data.development_targets)


def balanced_cross_entropy(
    logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]
) -> float:
    """Mean over the classes of each class's mean cross-entropy.

    Args:
        logits: (rows, 2); targets: (rows,) indices into `types.CLASSES`.
    """
    target = torch.from_numpy(targets)
    each = functional.cross_entropy(torch.from_numpy(logits), target, reduction="none")
    by_class = [each[target == index].mean() for index in range(len(CLASSES))]
    return float(torch.stack(by_class).mean())


def build_network(settings: MsFansSettings) -> ms_fans.MsFans:
    """The network of a run, its weights drawn from the run's seed."""
    torch.manual_seed(settings.seed)
    return ms_fans.MsFans(len(settings.scales), settings.cnn, settings.fusion, settings.dropout)


def load_network(run: Path) -> tuple[ms_fans.MsFans, MsFansSettings]:
    """The kept (best on development) network of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    settings = load_settings(MsFansSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    network = build_network(settings)
    network.load_state_dict(tensors)
    return network.eval(), settings


def score_crops(
    network: ms_fans.MsFans, crops: npt.NDArray[np.uint8], batch: int = 128
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Score cached crops with the deployed preprocessing.

    Args:
        crops: (rows, n, side, side, 3) uint8 RGB.

    Returns:
        logits (rows, 2) and alpha (rows, n), float32.
    """
    device = next(network.parameters()).device
    scorer = ms_fans.MsFansScorer(network).eval()
    logits, alphas = [], []
    with torch.inference_mode():
        for start in range(0, len(crops), batch):
            part = torch.from_numpy(np.array(crops[start : start + batch]))
            output = scorer.judge(part.to(device))
            logits.append(output.logits.float().cpu().numpy())
            alphas.append(output.alpha.float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(alphas)
