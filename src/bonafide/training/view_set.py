"""What a rival sees of each presentation, taken from a crop cache: scales, frames or modalities."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.models.catalogue_entry import FRAMES, MODALITIES, Views
from bonafide.training.crop_cache import CropCache, CropSettings, crop_cache
from bonafide.training.run import Reporter, RunData, read_splits
from bonafide.types import Presentation, Split


@dataclass(frozen=True)
class ViewSet:
    """Presentations (or frames of clips, for picture models) ready for a rival.

    Attributes:
        crops: of the cache, (rows, m, side, side, 3) uint8 RGB, memory-mapped.
        index: (items, k) rows of the cache that make up each item.
        samples: the presentation of each item.
        missed: (presentation, reason code) of what gave none.
    """

    crops: npt.NDArray[np.uint8]
    index: npt.NDArray[np.int64]
    samples: list[Presentation]
    missed: list[tuple[str, str]]

    def __len__(self) -> int:
        return len(self.index)

    def take(self, items: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """(len(items), n, side, side, 3) uint8."""
        found = self.crops[self.index[items]]
        return np.ascontiguousarray(found.reshape(len(items), -1, *found.shape[-3:]))


def view_set(cache: CropCache, views: Views) -> ViewSet:
    """Arrange a cache: a row an item, or for clip models a clip an item.

    Of a clip, ``views.frames`` of its cached frames are taken, evenly spaced; a clip with fewer
    repeats some, and a photo is a clip that stands still.
    """
    if views.kind != FRAMES:
        rows = np.arange(len(cache.samples))[:, None]
        return ViewSet(cache.crops, rows, cache.samples, cache.missed)
    of_clip: dict[str, list[int]] = defaultdict(list)
    sample_of = {}
    for row, sample in enumerate(cache.samples):
        of_clip[sample.presentation].append(row)
        sample_of[sample.presentation] = sample
    index = [
        [rows[i] for i in np.linspace(0, len(rows) - 1, views.frames).round().astype(int)]
        for rows in of_clip.values()
    ]
    samples = [sample_of[name] for name in of_clip]
    return ViewSet(cache.crops, np.array(index), samples, cache.missed)


@dataclass(frozen=True)
class ViewTable:
    """The view sets of one sample table, by split; a split without rows has none."""

    rows: dict[Split, list[Presentation]]
    sets: dict[Split, ViewSet]

    def run_data(self) -> RunData:
        """What a run's record tells of them."""
        return RunData(self.rows, {split: len(one.missed) for split, one in self.sets.items()})


def open_views(
    table: Path,
    folder: Path,
    views: Views,
    frames_per_clip: int,
    workers: int,
    report: Reporter,
) -> ViewTable:
    """Read and check a sample table, and cut or open the crop cache of each of its splits.

    Args:
        table: samples.csv.
        folder: of the caches; models that see the same share one.
        views: what the model sees.
        frames_per_clip: for picture models.
        workers: processes that cut.
        report: told of the progress.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing; for a multimodal model, a row without depth or infrared.
    """
    rows_by_split = read_splits(table)
    frames = views.frames if views.kind == FRAMES else frames_per_clip
    settings = CropSettings(views.scales, views.side_px, frames, views.kind == MODALITIES)
    sets = {}
    for split, rows in rows_by_split.items():
        if rows:
            on_sample = report.preparing(split.value, len(rows))
            place = folder / cache_name(settings) / split.value
            cache = crop_cache(rows, place, settings, workers=workers, on_sample=on_sample)
            sets[split] = view_set(cache, views)
    return ViewTable(rows_by_split, sets)


def cache_name(settings: CropSettings) -> str:
    """Such as "1.3_224px_8": the folder of a cache, so that other views do not overwrite it."""
    parts = ["-".join(map(str, settings.scales)), f"{settings.crop_px}px"]
    parts.append(str(settings.frames_per_clip))
    return "_".join([*parts, *(["modalities"] if settings.modalities else [])])
