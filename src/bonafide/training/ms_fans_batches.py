"""Batches of MS-FANS, windowed and augmented: a pure function of (seed, step, rank)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.face.crop import FILL
from bonafide.models.ms_fans import INPUT_PX
from bonafide.training.augmentation import Crops, jitter_focus, jitter_photometry
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.sampler import BalancedSampler, step_rng


def random_window(crops: Crops, rng: np.random.Generator) -> Crops:
    """Cut a random 112 px window and flip at random: alike for all scales of one face.

    Args:
        crops: (n, side, side, 3) uint8.

    Returns:
        (n, 112, 112, 3) uint8. Section IV-A: "112x112 random cropped".
    """
    top, left = rng.integers(crops.shape[1] - INPUT_PX + 1, size=2)
    window = crops[:, top : top + INPUT_PX, left : left + INPUT_PX]
    if rng.random() >= 0.5:
        return np.ascontiguousarray(window)
    mirrored = np.empty(window.shape, np.uint8)
    for crop, place in zip(window, mirrored, strict=True):
        cv2.flip(crop, 1, place)  # ten times as fast as numpy on pixels of three bytes
    return mirrored


def blank_surroundings(crops: Crops, scales: Sequence[float], rng: np.random.Generator) -> Crops:
    """Blank what lies outside a random box around the face, as in pictures that end there.

    The box is the same in every scale, so that larger scales lose more, which is how a tightly
    cut picture looks to the network. Drawn alike for both classes.
    """
    side = crops.shape[1]
    middle = side // 2
    # Half extents of the picture in sides of the scale-1.0 crop: left, right, top, bottom.
    reach = rng.uniform(0.45, 0.75, size=4)
    blanked = np.array(crops)
    for crop, scale in zip(blanked, scales, strict=True):
        left, right, top, bottom = np.rint(reach * side / scale).astype(int)
        crop[: max(middle - top, 0)] = FILL
        crop[middle + bottom + 1 :] = FILL
        crop[:, : max(middle - left, 0)] = FILL
        crop[:, middle + right + 1 :] = FILL
    return blanked


def training_batch(
    crops: npt.NDArray[np.uint8],
    targets: npt.NDArray[np.int64],
    sampler: BalancedSampler,
    settings: MsFansSettings,
    step: int,
    *,
    rank: int = 0,
    world: int = 1,
) -> tuple[Tensor, Tensor]:
    """The batch of one step: crops (batch / world, n, 112, 112, 3) uint8 and targets.

    Args:
        crops: the crop cache, (rows, n, side, side, 3) uint8, memory-mapped or not.
        targets: (rows,) indices into `types.CLASSES`.
        sampler: over the same rows.
        settings: of the run.
        step: from 0.
        rank, world: this process and how many share the batch.
    """
    rng = step_rng(settings.seed, step)
    rows = np.array_split(sampler.draw(settings.batch, rng), world)[rank]
    rng = np.random.default_rng([settings.seed, step, rank])
    faces = []
    for row in rows:
        face = crops[row]
        if rng.random() < settings.border:
            face = blank_surroundings(face, settings.scales, rng)
        window = jitter_focus(random_window(face, rng), settings.focus, rng)
        faces.append(jitter_photometry(window, settings.jitter, rng))
    return torch.from_numpy(np.stack(faces)), torch.from_numpy(targets[rows])
