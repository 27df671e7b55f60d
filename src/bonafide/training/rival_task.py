"""How every network of the catalogue is trained, in the form that the loop asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim

from bonafide.models.catalogue import NETWORKS
from bonafide.models.catalogue_entry import NetworkRival
from bonafide.training.checkpoint import load_tensors
from bonafide.training.loop import BEST
from bonafide.training.rival_batches import rival_batch
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.run import RECORD
from bonafide.training.sampler import BalancedSampler, balanced_sampler, targets_of
from bonafide.training.settings import load_settings
from bonafide.training.view_set import ViewSet, ViewTable
from bonafide.types import CLASSES, Split

FAMILY = "rival"
JUDGED_AT_ONCE = 32


@dataclass(frozen=True)
class RivalData:
    """What training reads: the training items with a sampler over them, and development."""

    training: ViewSet
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development: ViewSet
    development_targets: npt.NDArray[np.int64]


def rival_data(table: ViewTable) -> RivalData:
    """The training and development sets as the task reads them."""
    training, development = table.sets[Split.TRAIN], table.sets[Split.DEVELOPMENT]
    return RivalData(
        training,
        targets_of(training.samples),
        balanced_sampler(training.samples),
        development,
        targets_of(development.samples),
    )


@dataclass(frozen=True)
class RivalTask:
    """Implements `task.TrainingTask` for any network of `models.catalogue`."""

    settings: RivalSettings
    data: RivalData
    family: str = FAMILY

    @property
    def name(self) -> str:
        """The model's name in the catalogue."""
        return self.settings.model

    @property
    def rival(self) -> NetworkRival:
        """Its record."""
        return NETWORKS[self.settings.model]

    def build_network(self) -> nn.Module:
        """The network, its weights drawn from the run's seed, or begun with published ones."""
        return build_network(self.settings, pretrained=bool(self.settings.weights))

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """AdamW for all."""
        s = self.settings
        return optim.AdamW(network.parameters(), s.learning_rate, weight_decay=s.weight_decay)

    def learning_rate_at(self, step: int) -> float:
        """Rises for the warm-up's share of the steps, then falls to 0 along a cosine."""
        s = self.settings
        rising = s.warm_up * s.steps
        if step < rising:
            return s.learning_rate * (step + 1) / (math.floor(rising) + 1)
        done = (step - rising) / (s.steps - rising)
        return s.learning_rate * 0.5 * (1 + math.cos(math.pi * done))

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """Views (share, n, side, side, 3) uint8 and targets (share,)."""
        data = self.data
        return rival_batch(
            data.training, data.targets, data.sampler, self.settings, step, rank, world
        )

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:  # noqa: ARG002
        """The model's own, the same at every step."""
        views, target = batch
        return self.rival.loss(model(views), target)

    def development_measure(self, network: nn.Module) -> float:
        """The model's own loss on the development set, both classes weighing the same."""
        data, total = self.data, 0.0
        network.eval()
        device = next(network.parameters()).device
        for index in range(len(CLASSES)):
            items = np.flatnonzero(data.development_targets == index)
            for start in range(0, len(items), JUDGED_AT_ONCE):
                part = items[start : start + JUDGED_AT_ONCE]
                with torch.inference_mode():
                    views = torch.from_numpy(data.development.take(part)).to(device)
                    target = torch.full((len(part),), index, device=device)
                    loss = float(self.rival.loss(network(views), target))
                total += loss * len(part) / len(items) / len(CLASSES)
        return total


def build_network(settings: RivalSettings, *, pretrained: bool = False) -> nn.Module:
    """The network of a run, its weights drawn from the run's seed.

    Raises:
        BonafideError: ``pretrained``, and the file of weights does not fit.
    """
    one = NETWORKS[settings.model]
    torch.manual_seed(settings.seed)
    network = one.build(settings.side_px)
    if pretrained:
        one.begin(getattr(network, one.pretrained), Path(settings.weights))
    return network


def load_network(run: Path) -> tuple[nn.Module, RivalSettings]:
    """The kept (best on development) network of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    settings = load_settings(RivalSettings, run / RECORD)
    network = build_network(settings)
    network.load_state_dict(load_tensors(run / BEST)[0])
    return network.eval(), settings
