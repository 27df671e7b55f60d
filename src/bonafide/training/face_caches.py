"""The crop caches of a whole sample table: what every family that judges faces trains on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bonafide.training.crop_cache import CropCache, CropSettings, crop_cache
from bonafide.training.run import Reporter, RunData, read_splits
from bonafide.types import Presentation, Split


@dataclass(frozen=True)
class Caches:
    """The crop caches of one sample table, by split; a split without rows has none."""

    samples: dict[Split, list[Presentation]]
    crops: dict[Split, CropCache]

    def run_data(self) -> RunData:
        """What the run's record tells of them."""
        return RunData(self.samples, {split: len(c.missed) for split, c in self.crops.items()})


def open_caches(
    table: Path, folder: Path, what: CropSettings, workers: int, report: Reporter
) -> Caches:
    """Read and check a sample table, and cut or open the crop cache of each of its splits.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing.
    """
    by_split = read_splits(table)
    crops = {}
    for split, rows in by_split.items():
        if rows:
            on_sample = report.preparing(split.value, len(rows))
            crops[split] = crop_cache(
                rows, folder / split.value, what, workers=workers, on_sample=on_sample
            )
    return Caches(by_split, crops)
