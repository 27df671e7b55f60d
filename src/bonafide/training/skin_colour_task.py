"""How the colour classifier is trained, in the form that the loop asks for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from bonafide.models.skin_colour import SkinColour, colour_statistics
from bonafide.training.checkpoint import load_tensors
from bonafide.training.face_caches import Caches
from bonafide.training.loop import BEST
from bonafide.training.ms_fans_task import balanced_cross_entropy
from bonafide.training.run import RECORD
from bonafide.training.sampler import BalancedSampler, balanced_sampler, step_rng, targets_of
from bonafide.training.settings import load_settings
from bonafide.training.skin_colour_settings import SkinColourSettings
from bonafide.types import Split

FAMILY = "skin_colour"


@dataclass(frozen=True)
class SkinColourData:
    """What training reads: the statistics of every face, (n, columns) float32, and its class."""

    statistics: Tensor
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_statistics: Tensor
    development_targets: npt.NDArray[np.int64]


def training_data(caches: Caches) -> SkinColourData:
    """The statistics of the training and development caches."""
    training, development = caches.crops[Split.TRAIN], caches.crops[Split.DEVELOPMENT]
    return SkinColourData(
        statistics_of(training.crops),
        targets_of(training.samples),
        balanced_sampler(training.samples),
        statistics_of(development.crops),
        targets_of(development.samples),
    )


def statistics_of(crops: npt.NDArray[np.uint8], batch: int = 128) -> Tensor:
    """(rows, 1, side, side, 3) uint8 RGB -> `models.skin_colour.colour_statistics` of each row."""
    with torch.inference_mode():
        parts = [
            colour_statistics(torch.from_numpy(np.array(crops[start : start + batch, 0])))
            for start in range(0, len(crops), batch)
        ]
    return torch.cat(parts).clone()


@dataclass(frozen=True)
class SkinColourTask:
    """Implements `task.TrainingTask`."""

    settings: SkinColourSettings
    data: SkinColourData
    family: str = FAMILY

    @property
    def name(self) -> str:
        """Such as "skin-colour 0.7"."""
        return f"skin-colour {self.settings.scale}"

    def build_network(self) -> SkinColour:
        """The network at zero weights, standardised by the training faces."""
        network = SkinColour()
        network.standardise_by(self.data.statistics)
        return network

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """Adam; the ridge is part of the loss."""
        return optim.Adam(network.parameters(), self.settings.learning_rate)

    def learning_rate_at(self, step: int) -> float:
        """Half a cosine from the full rate to nearly zero."""
        share = step / self.settings.steps
        return float(self.settings.learning_rate * 0.5 * (1 + np.cos(np.pi * share)))

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """Statistics (share, columns) and targets (share,)."""
        settings = self.settings
        drawn = self.data.sampler.draw(settings.batch, step_rng(settings.seed, step))
        rows = np.array_split(drawn, world)[rank]
        return self.data.statistics[rows], torch.from_numpy(self.data.targets[rows])

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:
        """Cross-entropy and the ridge, the same at every step."""
        del step
        statistics, target = batch
        weights = next(p for name, p in model.named_parameters() if name.endswith("weight"))
        penalty = self.settings.ridge * weights.square().sum()
        return functional.cross_entropy(model(statistics), target) + penalty

    def development_measure(self, network: nn.Module) -> float:
        """Cross-entropy on the development set, both classes weighing the same."""
        logits = logits_of(network, self.data.development_statistics)
        return balanced_cross_entropy(logits, self.data.development_targets)


def logits_of(network: nn.Module, statistics: Tensor) -> npt.NDArray[np.float32]:
    """(rows, 2) float32."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        logits: npt.NDArray[np.float32] = network(statistics.to(device)).float().cpu().numpy()
    return logits


def load_network(run: Path) -> tuple[SkinColour, SkinColourSettings]:
    """The kept (best on development) network of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    settings = load_settings(SkinColourSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    network = SkinColour()
    network.load_state_dict(tensors)
    return network.eval(), settings
