"""Batches of any rival, augmented: a pure function of (seed, step, rank)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.models.catalogue import NETWORKS
from bonafide.models.catalogue_entry import MODALITIES
from bonafide.training.augmentation import jitter_geometry, jitter_photometry
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.sampler import BalancedSampler, step_rng
from bonafide.training.view_set import ViewSet


def rival_batch(
    views: ViewSet,
    targets: npt.NDArray[np.int64],
    sampler: BalancedSampler,
    settings: RivalSettings,
    step: int,
    rank: int,
    world: int,
) -> tuple[Tensor, Tensor]:
    """Views (batch / world, n, side, side, 3) uint8 and targets of one step.

    Depth and infrared are moved with the colour picture, but only that one's photometry varies.
    """
    rng = step_rng(settings.seed, step)
    items = np.array_split(sampler.draw(settings.batch, rng), world)[rank]
    rng = np.random.default_rng([settings.seed, step, rank])
    coloured = 1 if NETWORKS[settings.model].views.kind == MODALITIES else None
    faces = []
    for face in views.take(items):
        moved = jitter_geometry(face, settings.shift, rng)
        moved[:coloured] = jitter_photometry(moved[:coloured], settings.jitter, rng)
        faces.append(moved)
    return torch.from_numpy(np.stack(faces)), torch.from_numpy(targets[items])
