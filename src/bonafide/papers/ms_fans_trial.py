"""One training run of MS-FANS in a table: from the shared crop cache to scores and alphas."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import rows_of_pictures, write_score_rows
from bonafide.models import ms_fans
from bonafide.models.cost import milliseconds
from bonafide.papers.data import PreparedData
from bonafide.papers.measure import OPERATING_POINT, scores_path
from bonafide.papers.plan import Cost, OnStep
from bonafide.training.crop_cache import CropCache
from bonafide.training.face_caches import Caches, open_caches
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.ms_fans_task import (
    MsFansTask,
    build_network,
    load_network,
    score_crops,
    training_data,
)
from bonafide.training.run import Reporter, train_run
from bonafide.types import CLASSES, Split

CROPS = "crops"
ALPHA = "alpha.json"


@dataclass(frozen=True)
class MsFansTrial:
    """Implements `plan.Trial`."""

    dataset: str
    settings: MsFansSettings
    tests: tuple[str, ...] = ()
    cache: str = CROPS

    @property
    def model(self) -> str:
        """Such as "cnn_s-lstm-1.1-1.2-1.3"; a single scale has no fusion."""
        scales = [str(scale) for scale in self.settings.scales]
        fusion = self.settings.fusion if len(scales) > 1 else "single"
        return "-".join([self.settings.cnn, fusion, *scales])

    @property
    def seed(self) -> int:
        """Of the run."""
        return self.settings.seed

    @property
    def steps(self) -> int:
        """Of the run."""
        return self.settings.steps

    def prepare(
        self, data: PreparedData, workers: int, preparing: Callable[[str, int], Callable[[], None]]
    ) -> None:
        """Cut the crops of all seven scales, once for every trial on this data."""
        self._all_scales(data, workers, Reporter(preparing, lambda _progress, _loss: None))

    def run(
        self, data: Mapping[str, PreparedData], folder: Path, device: str, on_step: OnStep
    ) -> float:
        """See `plan.Trial.run`."""
        report = Reporter(lambda _split, _count: lambda: None, lambda p, _loss: on_step(p.step))
        everything = self._all_scales(data[self.dataset], 1, report)
        caches = with_scales(everything, self.settings.scales)
        fabric = Fabric(accelerator=device, devices=1, precision=self.settings.precision)  # type: ignore[arg-type]
        task = MsFansTask(self.settings, training_data(caches))
        progress = train_run(task, caches.run_data(), folder, fabric, resume=True, report=report)
        self._score(caches, folder, fabric.device)
        return float(progress.best_measure)

    def _all_scales(self, data: PreparedData, workers: int, report: Reporter) -> Caches:
        everything = replace(self.settings, scales=ms_fans.PAPER_SCALES)
        return open_caches(data.table, data.folder / CROPS, everything.crops(), workers, report)

    def _score(self, caches: Caches, folder: Path, device: torch.device) -> None:
        network = load_network(folder)[0].to(device)
        for split in (Split.DEVELOPMENT, Split.TEST):
            cache = caches.crops[split]
            logits, alpha = score_crops(network, cache.crops)
            score = torch.from_numpy(logits).softmax(1)[:, CLASSES.index("bona_fide")]
            rows = rows_of_pictures(
                caches.samples[split], cache.samples, score.tolist(), cache.missed
            )
            write_score_rows(scores_path(folder, split), rows)
            if split is Split.TEST and self.settings.fusion == "lstm":
                record = alpha_by_species(alpha, cache, self.settings.scales)
                (folder / ALPHA).write_text(json.dumps(record, indent=1))
        development = read_development(scores_path(folder, Split.DEVELOPMENT))
        choose("eer", to_presentations(development)).save(folder / OPERATING_POINT)

    def cost(self) -> Cost:
        """Counted and timed on an untrained network of the same form."""
        network = build_network(self.settings).eval()
        deployed = [
            value.numel()
            for name, value in network.named_parameters()
            if not name.startswith("scale_classifiers")
        ]
        scales = len(self.settings.scales)
        flops = scales * ms_fans.count_paper_flops(network.cnn)
        side = self.settings.crop_px
        crops = torch.zeros(1, scales, side, side, 3, dtype=torch.uint8)
        ms = milliseconds(ms_fans.MsFansScorer(network), crops)
        return Cost(flops / 1e9, sum(deployed), ms)


def with_scales(caches: Caches, scales: tuple[float, ...]) -> Caches:
    """The caches of all seven scales with a few neighbouring ones left, without a copy."""
    first = ms_fans.PAPER_SCALES.index(scales[0])
    columns = slice(first, first + len(scales))
    if ms_fans.PAPER_SCALES[columns] != scales:
        raise ValueError(f"{scales} are not neighbours among {ms_fans.PAPER_SCALES}")
    crops = {
        split: CropCache(cache.crops[:, columns], cache.samples, cache.missed)
        for split, cache in caches.crops.items()
    }
    return Caches(caches.samples, crops)


def alpha_by_species(
    alpha: np.ndarray, cache: CropCache, scales: tuple[float, ...]
) -> dict[str, object]:
    """Mean and standard deviation of each scale's weight over the crops of each species.

    Args:
        alpha: (rows, n) as `score_crops` returns it.
        cache: of the same rows.
        scales: of the columns.
    """
    species = np.array([sample.pai_species for sample in cache.samples])
    return {
        "scales": list(scales),
        "species": {
            name: {
                "crops": int((species == name).sum()),
                "mean": alpha[species == name].mean(0).tolist(),
                "deviation": alpha[species == name].std(0).tolist(),
            }
            for name in sorted(set(species))
        },
    }
