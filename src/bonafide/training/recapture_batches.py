"""Batches of the recapture network: a pure function of (seed, step, rank).

Every change of a picture is drawn without looking at what it shows, alike for live and attack. The
ranges are far wider than cameras are. Lighter ones (colour by 3 %, gain 0.75 to 1.2) leave the
network the fine marks of the simulator, which it learns instead of those of screens and papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.models.recapture_net import INPUT_PX
from bonafide.training.augmentation import LUMA
from bonafide.training.recapture_settings import RecaptureSettings
from bonafide.training.sampler import step_rng
from bonafide.types import BonafideError

Picture = npt.NDArray[np.float32]
"""(112, 112, 3) RGB in 0..1."""

RESAMPLED, SHRINK = 0.5, (0.35, 1.0)
"""Share of pictures that are made smaller and large again, and by how much."""
BLURRED, SIGMA_PX = 0.35, (0.3, 2.0)
SHARPENED, DETAIL = 0.25, (0.2, 1.5)
"""Shares of pictures that lose detail, or get so much more of that below `DETAIL_SIGMA_PX`."""
DETAIL_SIGMA_PX = 1.0
SATURATION = (0.4, 1.5)
CONTRAST = (0.6, 1.4)
"""About the picture's mean."""
LOG_GAMMA = (-0.7, 0.7)
GAIN = (0.5, 1.4)
LOG_WHITE = 0.10
"""Deviation of the logarithm of each channel's gain."""
NOISE = (0.0, 0.05)
"""Deviation, as a share of white."""
COMPRESSED, JPEG_QUALITY = 0.8, (20, 96)
"""Share of pictures that become JPEG (colour at half the size); its quality, less than the last."""


@dataclass(frozen=True)
class Pool:
    """Rows of the crop cache that one part of a batch comes from.

    Attributes:
        name: live, print, replay, or a data set without attacks.
        rows: (n,) int64.
    """

    name: str
    rows: npt.NDArray[np.int64]


def counts_of(pools: Sequence[Pool], settings: RecaptureSettings) -> list[int]:
    """Faces a step of each pool: live, print and replay, and after them the live sources."""
    sources = pools[3:]
    counts = [settings.live, settings.attacks, settings.attacks]
    if sources:
        counts += [settings.sources // len(sources)] * len(sources)
        largest = max(range(len(sources)), key=lambda at: len(sources[at].rows))
        counts[3 + largest] += settings.sources % len(sources)
    return counts


def training_batch(
    crops: npt.NDArray[np.uint8],
    pools: Sequence[Pool],
    settings: RecaptureSettings,
    step: int,
    *,
    rank: int = 0,
    world: int = 1,
) -> tuple[Tensor, Tensor]:
    """The batch of one step: pictures (share, 112, 112, 3) uint8 RGB and pools (share,) int64.

    Args:
        crops: the crop cache, (rows, 1, side, side, 3) uint8 RGB, memory-mapped or not.
        pools: live, print, replay, live sources.
        settings: of the run.
        step: from 0.
        rank, world: this process and how many share the batch.

    Raises:
        BonafideError: more processes than faces of a pool.
    """
    rng = step_rng(settings.seed, step)
    rows, numbers = [], []
    for number, (pool, count) in enumerate(zip(pools, counts_of(pools, settings), strict=True)):
        if count < world:
            raise BonafideError(
                f"a step takes {count} faces of {pool.name}, fewer than the {world} processes.",
                where="training",
                remedy="Train on fewer devices, or raise the settings live, attacks and sources.",
            )
        drawn = pool.rows[rng.integers(len(pool.rows), size=count)][rank::world]
        rows.append(drawn)
        numbers.append(np.full(len(drawn), number, np.int64))
    rng = np.random.default_rng([settings.seed, step, rank])
    pictures = np.stack([augment(crops[row, 0], rng) for row in np.concatenate(rows)])
    return torch.from_numpy(pictures), torch.from_numpy(np.concatenate(numbers))


def augment(crop: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Shift, mirror, resample, blur or sharpen, recolour, relight, add noise, compress.

    Args:
        crop: (side, side, 3) uint8 RGB, the side 112 or more.

    Returns:
        (112, 112, 3) uint8 RGB.
    """
    top, left = rng.integers(crop.shape[0] - INPUT_PX + 1, size=2)
    window = crop[top : top + INPUT_PX, left : left + INPUT_PX]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    picture: Picture = np.ascontiguousarray(window).astype(np.float32) / np.float32(255)
    picture = _refocus(_resample(picture, rng), rng)
    picture = _relight(_recolour(picture, rng), rng)
    return _compress(picture, rng)


def _resample(picture: Picture, rng: np.random.Generator) -> Picture:
    """As taken from further away and enlarged."""
    if rng.random() >= RESAMPLED:
        return picture
    side = round(rng.uniform(*SHRINK) * INPUT_PX)
    how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    return _clipped(cv2.resize(small, (INPUT_PX, INPUT_PX), interpolation=how))


def _refocus(picture: Picture, rng: np.random.Generator) -> Picture:
    kind = rng.random()
    if kind < BLURRED:
        return _clipped(_soft(picture, rng.uniform(*SIGMA_PX)))
    if kind < BLURRED + SHARPENED:
        amount = rng.uniform(*DETAIL)
        soft = _soft(picture, DETAIL_SIGMA_PX)
        return _clipped(cv2.addWeighted(picture, 1 + amount, soft, -amount, 0))
    return picture


def _soft(picture: Picture, sigma_px: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.float32)


def _recolour(picture: Picture, rng: np.random.Generator) -> Picture:
    """Saturation about luma, then contrast about the mean."""
    keep = rng.uniform(*SATURATION)
    matrix = keep * np.eye(3) + (1 - keep) * np.array(LUMA)  # rows: R, G, B of the result
    coloured = np.asarray(cv2.transform(picture, matrix), np.float32)
    middle, contrast = float(coloured.mean()), rng.uniform(*CONTRAST)
    return _clipped(coloured * np.float32(contrast) + np.float32(middle * (1 - contrast)))


def _relight(picture: Picture, rng: np.random.Generator) -> Picture:
    """Gamma, gain, white balance, noise."""
    curved = cv2.pow(picture, float(np.exp(rng.uniform(*LOG_GAMMA))))
    gain = rng.uniform(*GAIN) * np.exp(LOG_WHITE * rng.standard_normal(3))
    grain = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(*NOISE))
    return _clipped(curved * gain.astype(np.float32) + grain)


def _compress(picture: Picture, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    rgb = np.rint(picture * 255).astype(np.uint8)
    compressed, quality = rng.random() < COMPRESSED, int(rng.integers(*JPEG_QUALITY))
    if not compressed:
        return rgb
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _clipped(picture: npt.ArrayLike) -> Picture:
    return np.asarray(np.clip(picture, 0, 1), np.float32)
