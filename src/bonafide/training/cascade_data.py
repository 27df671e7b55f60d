"""From a sample table to what a stage's net sees: captures, planes, batches of one sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.cues.aligned_capture import (
    M_PLANES,
    Planes,
    level_and_distance,
    scale_of,
)
from bonafide.cues.depth import scale_range
from bonafide.cues.fmix import fmix_mask, mix
from bonafide.cues.plane_form import DEPTH, SPECTRAL, PlaneForm
from bonafide.cues.spectral import estimate_attenuation
from bonafide.training.capture_cache import AlignSettings, CaptureCache, capture_cache
from bonafide.training.cascade_settings import CascadeSettings
from bonafide.training.run import Reporter, RunData, read_splits
from bonafide.training.sampler import BalancedSampler, balanced_sampler, targets_of
from bonafide.types import BonafideError, Label, Presentation, Split


@dataclass(frozen=True)
class CaptureCaches:
    """The capture caches of one sample table, by split; a split without rows has none."""

    samples: dict[Split, list[Presentation]]
    captures: dict[Split, CaptureCache]

    def run_data(self) -> RunData:
        """What the run's record tells of them."""
        return RunData(self.samples, {split: len(c.missed) for split, c in self.captures.items()})


def align_settings(settings: CascadeSettings) -> AlignSettings:
    """What of a run's settings decides how captures are read and aligned."""
    return AlignSettings(
        settings.crop_scale,
        settings.crop_px,
        settings.focal_px,
        settings.depth_scale,
        settings.depth_offset_mm,
        settings.one_view,
    )


def open_captures(
    table: Path, folder: Path, settings: CascadeSettings, workers: int, report: Reporter
) -> CaptureCaches:
    """Read and check a sample table, and cut or open the capture cache of each of its splits.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing, or a split has no usable capture.
    """
    by_split = read_splits(table)
    captures = {}
    for split, rows in by_split.items():
        if rows:
            on_sample = report.preparing(split.value, len(rows))
            captures[split] = capture_cache(
                rows, folder / split.value, align_settings(settings),
                workers=workers, on_sample=on_sample,
            )  # fmt: skip
    return CaptureCaches(by_split, captures)


def resolve(settings: CascadeSettings, training: CaptureCache) -> CascadeSettings:
    """The settings with what is taken from the training part: c, and F2's range.

    Raises:
        BonafideError: c is to be estimated, and no bona fide person was seen at two distances.
    """
    if settings.stage != "d_net" and settings.estimate_attenuation:
        [c] = training.constants("attenuation", lambda: [_attenuation(training)])
        settings = replace(settings, attenuation_per_m=round(c, 6), estimate_attenuation=False)
    if settings.stage == "d_net" and settings.scale_low == settings.scale_high == 0:
        low, high = training.constants("scale_range", lambda: _range(training))
        settings = replace(settings, scale_low=low, scale_high=high)
    return settings


def _attenuation(training: CaptureCache) -> float:
    live = [
        i for i, s in enumerate(training.samples)
        if s.label is Label.BONA_FIDE and training.aligned(i).has_depth
    ]  # fmt: skip
    seen = [level_and_distance(training.aligned(i)) for i in live]
    people = [training.samples[i].capture_subject for i in live]
    return estimate_attenuation([s[0] for s in seen], [s[1] for s in seen], people)


def _range(training: CaptureCache) -> list[float]:
    faces = (training.aligned(i) for i in range(len(training.samples)))
    ranges = [scale_of(face) for face in faces if face.has_depth]
    joined = scale_range([low for low, _ in ranges], [high for _, high in ranges])
    return [joined.low, joined.high]


def plane_form(settings: CascadeSettings) -> PlaneForm:
    """What a stage's net sees; ``settings`` resolved."""
    if settings.stage == "d_net":
        return PlaneForm(DEPTH, settings.scale_low, settings.scale_high)
    return PlaneForm(SPECTRAL, attenuation_per_m=settings.attenuation_per_m)


def cached_planes(cache: CaptureCache, settings: CascadeSettings) -> Planes:
    """(rows, side, side, channels) of a cache, memory-mapped; ``settings`` resolved.

    Each c and each range has a file of its own, so that runs of several can share a cache.
    """
    form = plane_form(settings)
    if form.kind == DEPTH:
        meta: dict[str, object] = {"low": form.scale_low, "high": form.scale_high}
        name = f"depth_maps_{form.scale_low:.6g}_{form.scale_high:.6g}"
        return cache.planes(name, meta, form.of)
    meta = {"attenuation": form.attenuation_per_m}
    return cache.planes(f"spectral_{form.attenuation_per_m:.6g}", meta, form.of)


@dataclass(frozen=True)
class CascadeData:
    """What training reads.

    Attributes:
        planes: (rows, side, side, channels) uint8; targets: (rows,) int64 indices into `CLASSES`.
        sampler: over the same rows.
        development_planes, development_targets: the same of the development part.
    """

    planes: Planes
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_planes: Planes
    development_targets: npt.NDArray[np.int64]


def training_data(caches: CaptureCaches, settings: CascadeSettings) -> CascadeData:
    """The training and development caches as the task reads them; ``settings`` resolved.

    Raises:
        BonafideError: a class has no usable capture in either part.
    """
    training, development = caches.captures[Split.TRAIN], caches.captures[Split.DEVELOPMENT]
    missing = {*Label} - {sample.label for sample in development.samples}
    if missing:
        raise BonafideError(
            f"no {' and no '.join(sorted(missing))} capture of the development part is usable.",
            where=str(development.folder),
            remedy="Add development captures; missed.csv in that folder says why others are not.",
        )
    return CascadeData(
        cached_planes(training, settings),
        targets_of(training.samples),
        balanced_sampler(training.samples),
        cached_planes(development, settings),
        targets_of(development.samples),
    )


def augment(planes: Planes, fmix: float, patch_px: int, rng: np.random.Generator) -> Planes:
    """Mix (Eq. 20), flip and cut one sample.

    Args:
        planes: (side, side, channels), of `M_PLANES` where ``fmix`` is above 0.
        fmix: probability that the summation picture becomes Eq. 20's mixture with the difference.
        patch_px: side of the random patch; 0 for the whole picture.
        rng: draws.
    """
    if rng.random() < fmix:
        planes = np.array(planes)
        total, apart = M_PLANES["summation"], M_PLANES["difference"]
        mask = fmix_mask(*planes.shape[:2], rng)
        planes[..., total] = mix(mask, planes[..., total], planes[..., apart])
    if patch_px:
        top, left = rng.integers(planes.shape[0] - patch_px + 1, size=2)
        planes = planes[top : top + patch_px, left : left + patch_px]
    return np.ascontiguousarray(planes[:, ::-1] if rng.random() < 0.5 else planes)
