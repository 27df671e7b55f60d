"""Score a finished run on its own development and test splits, and choose its operating point."""

from __future__ import annotations

from pathlib import Path

import torch

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import OperatingPoint
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import rows_of_pictures, write_score_rows
from bonafide.training.ms_fans_task import Caches, load_network, score_crops
from bonafide.types import CLASSES, Split

OPERATING_POINT = "operating_point.json"


def scores_path(run: Path, split: Split) -> Path:
    """Where a run's scores of a split lie."""
    return run / f"scores_{split.value}.csv"


def score_run(run: Path, caches: Caches, target: str) -> OperatingPoint:
    """Score development and test with the kept weights; choose the threshold on development.

    Args:
        run: a finished run; gets scores_development.csv, scores_test.csv, operating_point.json.
        caches: of the table that it was trained on.
        target: see `decision.criteria.choose`.
    """
    network, _ = load_network(run)
    for split in (Split.DEVELOPMENT, Split.TEST):
        if split in caches.crops:
            logits, _ = score_crops(network, caches.crops[split].crops)
            score = torch.from_numpy(logits).softmax(1)[:, CLASSES.index("bona_fide")]
            cache = caches.crops[split]
            rows = rows_of_pictures(
                caches.samples[split], cache.samples, score.tolist(), cache.missed
            )
            write_score_rows(scores_path(run, split), rows)
    development = to_presentations(read_development(scores_path(run, Split.DEVELOPMENT)))
    point = choose(target, development)
    point.save(run / OPERATING_POINT)
    return point
