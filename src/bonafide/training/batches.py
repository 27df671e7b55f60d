"""Batches as a pure function of (seed, step): what makes a resumed run equal an undisturbed one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.models.ms_fans import CLASSES, INPUT_PX, normalise
from bonafide.training.config import TrainingConfig
from bonafide.types import BonafideError, Label, Presentation

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma of R, G, B


def class_index(label: Label) -> int:
    """The index into `CLASSES` of a label."""
    return CLASSES.index(label.value)


@dataclass(frozen=True)
class BalancedSampler:
    """Draws class, then PAI species, then capture subject, then one of its crops, evenly.

    Attributes:
        groups: class -> species -> subject -> row numbers of the crop cache.
    """

    groups: dict[str, dict[str, dict[str, npt.NDArray[np.int64]]]]

    def draw(self, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Row numbers (count,), half of them bona fide (the odd one is an attack)."""
        rows = np.empty(count, np.int64)
        for position in range(count):
            species = self.groups[CLASSES[position % 2]]
            subjects = _pick(species, rng)
            rows[position] = rng.choice(_pick(subjects, rng))
        return rows


def _pick(choices: dict[str, object], rng: np.random.Generator) -> object:
    return choices[list(choices)[rng.integers(len(choices))]]


def balanced_sampler(rows: Sequence[Presentation]) -> BalancedSampler:
    """Group the rows of a crop cache.

    Raises:
        BonafideError: a class has no row.
    """
    lists: dict[str, dict[str, dict[str, list[int]]]] = {
        name: defaultdict(lambda: defaultdict(list)) for name in CLASSES
    }
    for number, row in enumerate(rows):
        lists[row.label.value][row.pai_species][row.capture_subject].append(number)
    for name in CLASSES:
        if not lists[name]:
            raise BonafideError(
                f"no {name} sample with a usable face in the training split.",
                where="training data",
                remedy="Add such samples, or look at the crop cache's list of those without face.",
            )
    return BalancedSampler(
        {
            name: {
                species: {subject: np.array(n) for subject, n in sorted(subjects.items())}
                for species, subjects in sorted(groups.items())
            }
            for name, groups in lists.items()
        }
    )


def step_rng(seed: int, step: int) -> np.random.Generator:
    """The generator of one step: the same whether or not the run was interrupted before it."""
    return np.random.default_rng([seed, step])


def random_window(crops: Tensor, rng: np.random.Generator) -> Tensor:
    """Cut a random 112 px window and flip at random: alike for all scales of one sample.

    Args:
        crops: (batch, n, side, side, 3) uint8.

    Returns:
        (batch, n, 112, 112, 3) uint8. Section IV-A: "112x112 random cropped".
    """
    room = crops.shape[2] - INPUT_PX + 1
    windows = []
    for sample in crops:
        top, left = rng.integers(room, size=2)
        window = sample[:, top : top + INPUT_PX, left : left + INPUT_PX]
        windows.append(window.flip(2) if rng.random() < 0.5 else window)
    return torch.stack(windows)


def blank_surroundings(crops: Tensor, scales: Sequence[float], share: float, rng) -> Tensor:
    """Blank what lies outside a random box around the face, as in pictures that end there.

    The box is the same in every scale of a sample, so that larger scales lose more, which is how
    a tightly cut picture looks to the network. Drawn alike for both classes.
    """
    side = crops.shape[2]
    centre = (side - 1) / 2
    blanked = crops.clone()
    for sample in blanked:
        if rng.random() >= share:
            continue
        # Half extents of the picture, in scale-1.0 crop sides: left, right, top, bottom.
        reach = rng.uniform(0.45, 0.75, size=4)
        for crop, scale in zip(sample, scales, strict=True):
            left, right, top, bottom = np.rint(reach * side / scale).astype(int)
            middle = int(centre)
            crop[: max(middle - top, 0)] = 0
            crop[middle + bottom + 1 :] = 0
            crop[:, : max(middle - left, 0)] = 0
            crop[:, middle + right + 1 :] = 0
    return blanked


def jitter_photometry(crops: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Vary exposure, contrast, gamma, saturation, white balance and noise of each sample.

    Args:
        crops: (batch, n, 3, height, width) float32 in [-1, 1]; all scales of a sample alike.
        strength: 0 leaves them as they are; 1 is the default range.

    Returns:
        the same shape, clipped to [-1, 1].
    """
    if strength == 0:
        return crops
    batch = crops.shape[0]

    def per_sample(low: float, high: float, width: int = 1) -> Tensor:
        values = rng.uniform(low * strength, high * strength, (batch, 1, width, 1, 1))
        return torch.from_numpy(values.astype(np.float32))

    x = ((crops + 1) / 2).clamp(1e-4, 1)
    x = x ** torch.exp(per_sample(-0.35, 0.35))
    x = x * (1 + per_sample(-0.25, 0.25)) * (1 + per_sample(-0.08, 0.08, width=3))
    grey = (x * torch.tensor(GREY_WEIGHTS).view(3, 1, 1)).sum(2, keepdim=True)
    x = grey + (x - grey) * (1 + per_sample(-0.4, 0.4))
    mean = x.mean((1, 2, 3, 4), keepdim=True)
    x = mean + (x - mean) * (1 + per_sample(-0.25, 0.25))
    noise = torch.Generator().manual_seed(int(rng.integers(2**62)))
    x = x + per_sample(0, 0.02) * torch.randn(x.shape, generator=noise)
    return (2 * x - 1).clamp(-1, 1)


def training_batch(
    crops: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.int64],
    sampler: BalancedSampler,
    config: TrainingConfig,
    step: int,
    *,
    rank: int = 0,
    world: int = 1,
) -> tuple[Tensor, Tensor]:
    """The batch of one step: crops (batch / world, n, 3, 112, 112) float32 and targets.

    Args:
        crops: the crop cache, (rows, n, side, side, 3) uint8, memory-mapped or not.
        targets: (rows,) indices into `CLASSES`.
        sampler: over the same rows.
        config: of the run.
        step: from 0.
        rank, world: this process and how many share the batch.
    """
    rng = step_rng(config.seed, step)
    rows = np.array_split(sampler.draw(config.batch, rng), world)[rank]
    rng = np.random.default_rng([config.seed, step, rank])
    picked = torch.from_numpy(np.stack([crops[row] for row in rows]))
    picked = blank_surroundings(picked, config.scales, config.border, rng)
    windows = normalise(random_window(picked, rng))
    return jitter_photometry(windows, config.jitter, rng), torch.from_numpy(targets[rows])
