"""How the colour classifier is trained, in the form that the loop asks for.

Simulated captures teach it what screens and prints do. A simulated live capture also differs from
a real one, and cameras differ among themselves, and none of that may count. So bona fide faces of
data sets without attacks (real photos beside simulated captures) take no part in the
cross-entropy: they only tell which differences between live faces the score has to be blind to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from bonafide.cues.skin_tone import tone_group, typology_angle_deg
from bonafide.models.skin_colour import SkinColour, colour_statistics
from bonafide.training.checkpoint import load_tensors
from bonafide.training.face_caches import Caches
from bonafide.training.loop import BEST
from bonafide.training.ms_fans_task import balanced_cross_entropy
from bonafide.training.run import RECORD
from bonafide.training.sampler import BalancedSampler, balanced_sampler, step_rng, targets_of
from bonafide.training.settings import load_settings
from bonafide.training.skin_colour_settings import SkinColourSettings
from bonafide.types import CLASSES, Label, Presentation, Split

FAMILY = "skin_colour"

LEAST_OF_A_TONE = 8
"""Faces of a tone of which a mean says something."""


@dataclass(frozen=True)
class SkinColourData:
    """What training reads: the statistics of every face, (n, columns) float32, and its class.

    Attributes:
        live_groups: (groups, columns) float32, see `live_groups`; None for none.
    """

    statistics: Tensor
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_statistics: Tensor
    development_targets: npt.NDArray[np.int64]
    live_groups: Tensor | None = None


def training_data(caches: Caches) -> SkinColourData:
    """The statistics of the training and development caches."""
    training, development = caches.crops[Split.TRAIN], caches.crops[Split.DEVELOPMENT]
    attacked = {row.dataset for row in training.samples if row.label is Label.ATTACK}
    taught = [n for n, row in enumerate(training.samples) if row.dataset in attacked]
    samples = [training.samples[n] for n in taught]
    statistics = statistics_of(training.crops)
    tones = [tone_group(typology_angle_deg(crop[0])) for crop in training.crops]
    return SkinColourData(
        statistics[taught],
        targets_of(samples),
        balanced_sampler(samples),
        statistics_of(development.crops),
        targets_of(development.samples),
        live_groups(training.samples, statistics, tones, attacked),
    )


def live_groups(
    rows: Sequence[Presentation], statistics: Tensor, tones: Sequence[int], attacked: set[str]
) -> Tensor | None:
    """How far groups of bona fide faces lie from one another.

    The groups are the data sets, and the tones of faces of those data sets that hold no attacks.

    Args:
        rows, tones: (n,) each, of the training split.
        statistics: (n, columns) float32.
        attacked: data sets that hold attacks.

    Returns:
        (groups, columns) float32: a group's mean less the mean of the groups of its kind, divided
        by the square root of their number, so that the sum over rows of the squared scores of
        these is the variance between data sets plus that between tones. None without a second
        data set.
    """
    by_dataset: dict[str, list[int]] = defaultdict(list)
    by_tone: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.label is Label.BONA_FIDE:
            by_dataset[row.dataset].append(number)
            if row.dataset not in attacked:
                by_tone[tones[number]].append(number)
    if len(by_dataset) < 2:
        return None
    enough = [members for members in by_tone.values() if len(members) >= LEAST_OF_A_TONE]
    parts = []
    for groups in (list(by_dataset.values()), enough):
        if groups:
            means = torch.stack([statistics[members].mean(0) for members in groups])
            parts.append((means - means.mean(0)) / len(groups) ** 0.5)
    return torch.cat(parts)


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
        """Cross-entropy, the ridge, and the variance between live groups; alike at every step."""
        del step
        statistics, target = batch
        weights = next(p for name, p in model.named_parameters() if name.endswith("weight"))
        penalty = self.settings.ridge * weights.square().sum()
        if self.data.live_groups is not None and self.settings.alike > 0:
            spread = next(b for name, b in model.named_buffers() if name.endswith("spread"))
            direction = weights[CLASSES.index("bona_fide")] - weights[CLASSES.index("attack")]
            apart = (self.data.live_groups.to(spread) / spread) @ direction
            penalty = penalty + self.settings.alike * apart.square().sum()
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
