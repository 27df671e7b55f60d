"""Score a finished run on its own development and test splits, and choose its operating point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import OperatingPoint
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import ScoreRow, write_score_rows
from bonafide.training.crop_cache import CropCache
from bonafide.training.ms_fans_task import Caches, load_network, score_crops
from bonafide.training.view_set import ViewSet, ViewTable
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

    def scores_of(split: Split) -> list[float]:
        logits, _ = score_crops(network, caches.crops[split].crops)
        return torch.from_numpy(logits).softmax(1)[:, CLASSES.index("bona_fide")].tolist()

    return finish_run(run, caches.samples, caches.crops, scores_of, target)


def score_rival_run(
    run: Path, table: ViewTable, scores_of: Callable[[ViewSet], list[float]], target: str
) -> OperatingPoint:
    """The same for a network or machine of the catalogue.

    Args:
        run: a finished run.
        table: the views of the table that it was trained on.
        scores_of: the kept model's score of every item.
        target: see `decision.criteria.choose`.
    """
    caches = {k: CropCache(one.crops, one.samples, one.missed) for k, one in table.sets.items()}
    return finish_run(
        run, table.rows, caches, lambda split: scores_of(table.sets[split]), target
    )


def finish_run(
    run: Path,
    samples: dict[Split, list[Presentation]],
    caches: dict[Split, CropCache],
    scores_of: Callable[[Split], list[float]],
    target: str,
) -> OperatingPoint:
    """Write a run's development and test scores and its operating point, whatever the family.

    Args:
        run: the run's folder.
        samples: all rows of the table, by split.
        caches: the judged items, and what gave none.
        scores_of: a score for each of a split's items.
        target: see `decision.criteria.choose`.
    """
    for split in (Split.DEVELOPMENT, Split.TEST):
        if split in caches:
            rows = score_rows(samples[split], caches[split], scores_of(split))
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
