"""How the recapture network is trained, in the form that the loop asks for.

Simulated captures teach live, print and replay. Bona fide faces of data sets without attacks (real
photos beside simulated captures) take no part in the cross-entropy: the score must not tell them
from the simulated live ones, nor from one another, as in `skin_colour_task`. The weights that are
judged on development data and kept are an average over the steps, see `weight_average`.
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

from bonafide.datasets.species import DISPLAY, PRINT, PRINT_CUT, PRINT_WARPED, REPLAY
from bonafide.models.ms_fans import normalise
from bonafide.models.recapture_net import KINDS, RecaptureNet, log_odds, mirrored_log_odds
from bonafide.training.checkpoint import load_tensors
from bonafide.training.face_caches import Caches
from bonafide.training.loop import BEST
from bonafide.training.ms_fans_task import balanced_cross_entropy
from bonafide.training.recapture_batches import Pool, training_batch
from bonafide.training.recapture_settings import RecaptureSettings
from bonafide.training.run import RECORD
from bonafide.training.sampler import targets_of
from bonafide.training.settings import load_settings
from bonafide.training.weight_average import Averaged
from bonafide.types import CLASSES, BonafideError, Label, Presentation, Split

FAMILY = "recapture_net"

KIND_OF = {
    PRINT: "print",
    PRINT_WARPED: "print",
    PRINT_CUT: "print",
    DISPLAY: "replay",
    REPLAY: "replay",
}
"""PAI species -> the network's word for it."""

CLASS_WEIGHTS = (0.5, 0.25, 0.25)
"""Of live, print and replay in the cross-entropy: as much live as attack."""

AVERAGE = "average."


@dataclass(frozen=True)
class RecaptureData:
    """What training reads.

    Attributes:
        crops: (rows, 1, side, side, 3) uint8 RGB; usually memory-mapped.
        pools: see `pools_of`.
        development_crops: (rows, 1, side, side, 3) uint8 RGB.
        development_targets: (rows,) int64, indices into `types.CLASSES`.
    """

    crops: npt.NDArray[np.uint8]
    pools: tuple[Pool, ...]
    development_crops: npt.NDArray[np.uint8]
    development_targets: npt.NDArray[np.int64]


def training_data(caches: Caches) -> RecaptureData:
    """The training and development caches as the task reads them.

    Raises:
        BonafideError: see `pools_of`; or a class is missing in the development split.
    """
    training, development = caches.crops[Split.TRAIN], caches.crops[Split.DEVELOPMENT]
    targets = targets_of(development.samples)
    for index, name in enumerate(CLASSES):
        if index not in targets:
            raise _nothing(name, "development")
    pools = tuple(pools_of(training.samples))
    return RecaptureData(training.crops, pools, development.crops, targets)


def pools_of(rows: Sequence[Presentation]) -> list[Pool]:
    """Which rows of the training cache a batch takes what from.

    Args:
        rows: (n,), of the training split.

    Returns:
        live (bona fide of data sets that hold attacks), print, replay, and one pool for each data
        set without attacks, in the order of their names.

    Raises:
        BonafideError: one of the first three is empty, or an attack is neither print nor replay.
    """
    attacked = {row.dataset for row in rows if row.label is Label.ATTACK}
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    sources: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.label is Label.ATTACK:
            found[_kind_of(row)].append(number)
        elif row.dataset in attacked:
            found["live"].append(number)
        else:
            sources[row.dataset].append(number)
    for kind, members in found.items():
        if not members:
            raise _nothing(kind, "training")
    return [Pool(name, np.array(n)) for name, n in (*found.items(), *sorted(sources.items()))]


def _kind_of(row: Presentation) -> str:
    if row.pai_species not in KIND_OF:
        raise BonafideError(
            f"is an attack of species {row.pai_species!r}, neither print nor replay.",
            where=row.presentation,
            remedy=f"Leave it out of the table; species that can be learned: {', '.join(KIND_OF)}.",
        )
    return KIND_OF[row.pai_species]


def _nothing(kind: str, split: str) -> BonafideError:
    return BonafideError(
        f"no {kind} sample with a usable face in the {split} split.",
        where=f"{split} data",
        remedy="Add such samples, or look at the crop cache's list of those without face.",
    )


@dataclass(frozen=True)
class RecaptureTask:
    """Implements `task.TrainingTask`."""

    settings: RecaptureSettings
    data: RecaptureData
    family: str = FAMILY

    @property
    def name(self) -> str:
        """Such as "recapture 1.0"."""
        return f"recapture {self.settings.scale}"

    def build_network(self) -> Averaged[RecaptureNet]:
        """The network, its weights drawn from the run's seed, with their average."""
        torch.manual_seed(self.settings.seed)
        return Averaged(RecaptureNet(self.settings.dropout), self.settings.average)

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """AdamW over what is trained; each of its steps moves the average, too."""
        assert isinstance(network, Averaged)
        settings = self.settings
        optimizer = optim.AdamW(
            network.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        network.follow(optimizer)
        return optimizer

    def learning_rate_at(self, step: int) -> float:
        """A linear rise, under half a cosine from the full rate to nearly zero."""
        settings = self.settings
        fall = 0.5 * (1 + np.cos(np.pi * step / settings.steps))
        return float(settings.learning_rate * fall * min(1, (step + 1) / settings.warm_up))

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """Pictures (share, 112, 112, 3) uint8 and the number of their pool (share,)."""
        data = self.data
        return training_batch(data.crops, data.pools, self.settings, step, rank=rank, world=world)

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:
        """Cross-entropy, and the variance between live sources; alike at every step."""
        del step
        pictures, pools = batch
        logits = model(normalise(pictures))
        return loss_of(logits, pools, len(self.data.pools), self.settings.alike)

    def development_measure(self, network: nn.Module) -> float:
        """Cross-entropy of the averaged weights on development, both classes weighing the same."""
        assert isinstance(network, Averaged)
        logits = logits_of(network.average, self.data.development_crops)
        return balanced_cross_entropy(logits, self.data.development_targets)


def loss_of(logits: Tensor, pools: Tensor, count: int, alike: float) -> Tensor:
    """The loss of a batch.

    Args:
        logits: (batch, 3), see `KINDS`.
        pools: (batch,) numbers from 0: live, print, replay, live sources.
        count: of pools; each has a face in the batch.
        alike: weight of the penalty.

    Returns:
        the mean cross-entropy of each kind by `CLASS_WEIGHTS`, and ``alike`` times the variance (of
        the population) between the mean `log_odds` of live and of each source.
    """
    # Not `one_hot`, which makes a GPU's queue wait to look at its largest number.
    members = (pools[:, None] == torch.arange(count, device=pools.device)).to(logits)
    shares = members / members.sum(0)
    kinds = len(KINDS)
    taught = -(logits.log_softmax(1) * shares[:, :kinds]).sum(0)
    loss = (taught * taught.new_tensor(CLASS_WEIGHTS)).sum()
    means = log_odds(logits) @ shares
    live = torch.cat([means[:1], means[kinds:]])
    return loss + alike * live.var(correction=0)


def logits_of(
    network: nn.Module, crops: npt.NDArray[np.uint8], batch: int = 64
) -> npt.NDArray[np.float32]:
    """Score cached crops as the deployed network does.

    Args:
        network: a `RecaptureNet`; left in evaluation mode.
        crops: (rows, 1, side, side, 3) uint8 RGB.

    Returns:
        (rows, 2) float32 in the order of `types.CLASSES`: the log odds of bona fide, and 0.
    """
    device = next(network.parameters()).device
    network.eval()
    logits = np.zeros((len(crops), len(CLASSES)), np.float32)
    with torch.inference_mode():
        for start in range(0, len(crops), batch):
            part = torch.from_numpy(np.array(crops[start : start + batch, 0])).to(device)
            odds = mirrored_log_odds(network, part).float().cpu().numpy()
            logits[start : start + batch, CLASSES.index("bona_fide")] = odds
    return logits


def load_network(run: Path) -> tuple[RecaptureNet, RecaptureSettings]:
    """The kept (best on development) averaged network of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    settings = load_settings(RecaptureSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    network = RecaptureNet(settings.dropout)
    network.load_state_dict(
        {k.removeprefix(AVERAGE): v for k, v in tensors.items() if k.startswith(AVERAGE)}
    )
    return network.eval(), settings
