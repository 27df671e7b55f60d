"""Score a finished run of a rival on its own development and test splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.run_scores import SCORED, score_rows, write_scores
from bonafide.training.crop_cache import CropCache
from bonafide.training.view_set import ViewSet, ViewTable


def score_rival_run(
    run: Path, table: ViewTable, scores_of: Callable[[ViewSet], Sequence[float]], target: str
) -> OperatingPoint:
    """Write the scores of a network or machine of the catalogue, and its operating point.

    Args:
        run: a finished run; gets scores_development.csv, scores_test.csv, operating_point.json.
        table: the views of the sample table that it was trained on.
        scores_of: the kept model's score of every item of a set.
        target: see `decision.criteria.choose`.
    """
    rows = {}
    for split in SCORED:
        if split in table.sets:
            one = table.sets[split]
            cache = CropCache(one.crops, one.samples, one.missed)
            rows[split] = score_rows(table.rows[split], cache, scores_of(one))
    return write_scores(run, rows, target)
