"""Score a finished run on its own development and test splits, and choose its operating point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import torch

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import OperatingPoint
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import ScoreRow, write_score_rows
from bonafide.training.crop_cache import CropCache
from bonafide.training.ms_fans_task import Caches, load_network, score_crops
from bonafide.types import CLASSES, Presentation, ReasonCode, Split

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
            rows = score_rows(caches.samples[split], caches.crops[split], score.tolist())
            write_score_rows(scores_path(run, split), rows)
    development = to_presentations(read_development(scores_path(run, Split.DEVELOPMENT)))
    point = choose(target, development)
    point.save(run / OPERATING_POINT)
    return point


def score_rows(
    samples: list[Presentation], cache: CropCache, scores: list[float]
) -> Iterator[ScoreRow]:
    """One row per cached crop and per presentation that gave none.

    Rows are frames as soon as one presentation has several crops, whole presentations otherwise.
    """
    counts = Counter(sample.presentation for sample in cache.samples)
    by_frame = max(counts.values()) > 1
    seen: Counter[str] = Counter()
    for sample, score in zip(cache.samples, scores, strict=True):
        frame = seen[sample.presentation] if by_frame else None
        seen[sample.presentation] += 1
        yield ScoreRow(sample, frame, score)
    by_id = {sample.presentation: sample for sample in samples}
    for presentation, reason in cache.missed:
        yield ScoreRow(by_id[presentation], 0 if by_frame else None, None, ReasonCode(reason))
