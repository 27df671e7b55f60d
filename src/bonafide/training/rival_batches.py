"""Batches of any rival, augmented: a pure function of (seed, step, rank)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.models.catalogue import NETWORKS
from bonafide.models.catalogue_entry import MODALITIES
from bonafide.training.ms_fans_batches import jitter_photometry
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.sampler import BalancedSampler, step_rng
from bonafide.training.view_set import ViewSet

Views = npt.NDArray[np.uint8]

TURN_DEG_PER_SHIFT = 100.0
"""A shift of up to 0.05 goes with a turn of up to 5 degrees."""


def jitter_geometry(views: Views, shift: float, rng: np.random.Generator) -> Views:
    """Mirror at random, shift, turn and zoom a little: alike for all views of one face.

    Args:
        views: (n, side, side, 3) uint8.
        shift: largest shift in sides; zoom is up to twice it, turn `TURN_DEG_PER_SHIFT` times.

    Returns:
        the same shape; what comes in from outside repeats the border.
    """
    mirrored = rng.random() < 0.5
    across, down, zoom, turn = rng.uniform(-shift, shift, 4)
    if mirrored:
        views = views[:, :, ::-1]
    if shift == 0:
        return np.ascontiguousarray(views)
    side = views.shape[1]
    middle = (side - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), turn * TURN_DEG_PER_SHIFT, 1 + 2 * zoom)
    matrix[:, 2] += np.array([across, down]) * side
    moved = [
        cv2.warpAffine(
            np.ascontiguousarray(view), matrix, (side, side), borderMode=cv2.BORDER_REPLICATE
        )
        for view in views
    ]
    return np.asarray(np.stack(moved), np.uint8)


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
