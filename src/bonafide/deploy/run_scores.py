"""Score a finished run on its own development and test splits, and choose its operating point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import OperatingPoint
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import ScoreRow, rows_of_pictures, write_score_rows
from bonafide.training import ms_fans_task, recapture_fusion, recapture_task, skin_colour_task
from bonafide.training.array_cache import ArrayCache
from bonafide.training.crop_cache import CropCache
from bonafide.training.face_caches import Caches
from bonafide.training.run import family_of
from bonafide.types import CLASSES, Presentation, Split

OPERATING_POINT = "operating_point.json"
SCORED = (Split.DEVELOPMENT, Split.TEST)


def scores_path(run: Path, split: Split) -> Path:
    """Where a run's scores of a split lie."""
    return run / f"scores_{split.value}.csv"


def score_run(run: Path, caches: Caches, target: str) -> OperatingPoint:
    """Score development and test with the kept weights of a model of faces; choose the threshold.

    Args:
        run: a finished run of a family in `FACE_LOGITS`; gets scores_development.csv,
            scores_test.csv, operating_point.json.
        caches: of the table that it was trained on.
        target: see `decision.criteria.choose`.
    """
    logits_of = FACE_LOGITS[family_of(run)]

    def scores(split: Split) -> list[float]:
        return bona_fide_scores(logits_of(run, caches.crops[split].crops))

    rows = {
        split: score_rows(caches.samples[split], caches.crops[split], scores(split))
        for split in SCORED
        if split in caches.crops
    }
    return write_scores(run, rows, target)


def _ms_fans_logits(run: Path, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    network, _ = ms_fans_task.load_network(run)
    return ms_fans_task.score_crops(network, crops)[0]


def _skin_colour_logits(run: Path, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    network, _ = skin_colour_task.load_network(run)
    return skin_colour_task.logits_of(network, skin_colour_task.statistics_of(crops))


def _recapture_logits(run: Path, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    network, _ = recapture_task.load_network(run)
    return recapture_task.logits_of(network, crops)


def _fusion_logits(run: Path, crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    fusion, _ = recapture_fusion.load_fusion(run)
    return recapture_fusion.logits_of(fusion, crops)


FACE_LOGITS: dict[str, Callable[[Path, npt.NDArray[np.uint8]], npt.NDArray[np.float32]]] = {
    ms_fans_task.FAMILY: _ms_fans_logits,
    skin_colour_task.FAMILY: _skin_colour_logits,
    recapture_task.FAMILY: _recapture_logits,
    recapture_fusion.FAMILY: _fusion_logits,
}
"""Family -> logits (rows, 2) by a run's kept weights for crops (rows, n, side, side, 3)."""


def bona_fide_scores(logits: npt.NDArray[np.float32]) -> list[float]:
    """The probability of bona fide of each row of logits (rows, 2)."""
    score = torch.from_numpy(logits).softmax(1)[:, CLASSES.index("bona_fide")]
    return [float(each) for each in score]


def write_scores(
    run: Path, rows: Mapping[Split, Iterable[ScoreRow]], target: str
) -> OperatingPoint:
    """Write the score files of a run, and its operating point, chosen on development alone.

    Args:
        run: a finished run.
        rows: of `SCORED`; development must be there.
        target: see `decision.criteria.choose`.
    """
    for split, each in rows.items():
        write_score_rows(scores_path(run, split), each)
    development = to_presentations(read_development(scores_path(run, Split.DEVELOPMENT)))
    point = choose(target, development)
    point.save(run / OPERATING_POINT)
    return point


def score_rows(
    samples: Sequence[Presentation], cache: CropCache | ArrayCache, scores: Sequence[float]
) -> Iterator[ScoreRow]:
    """One row per cached crop (or clip) and per presentation that gave none."""
    return rows_of_pictures(samples, cache.samples, scores, cache.missed)
