"""Score a finished stage of the cascade on development and test, and set its threshold."""

from __future__ import annotations

from pathlib import Path

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.run_scores import OPERATING_POINT, scores_path
from bonafide.evaluation.score_file import read_development
from bonafide.evaluation.score_writer import ScoreRow, write_score_rows
from bonafide.training.cascade_data import CaptureCaches, cached_planes
from bonafide.training.cascade_task import load_network, score_planes
from bonafide.types import ReasonCode, Split

TARGETS = {"d_net": "bpcer=0.01", "m_net": "eer", "fine_tune": "eer"}
"""Stage -> rule of its threshold, unless another is asked for ("threshold=0.5" is the paper's).

D-Net stops a presentation for good, so it may cost hardly any bona fide one."""


def score_stage(run: Path, caches: CaptureCaches, target: str = "") -> OperatingPoint:
    """Score development and test with the kept weights; choose the threshold on development.

    Args:
        run: a finished run of one stage; gets scores_development.csv, scores_test.csv and
            operating_point.json.
        caches: of a table with a development part, such as the one that it was trained on.
        target: see `decision.criteria.choose`; "" takes the stage's of `TARGETS`.
    """
    network, settings = load_network(run)
    for split in (Split.DEVELOPMENT, Split.TEST):
        cache = caches.captures.get(split)
        if cache is None:
            continue
        scores = score_planes(network, cached_planes(cache, settings), settings.patch_px)
        by_id = {sample.presentation: sample for sample in caches.samples[split]}
        rows = [
            *(
                ScoreRow(s, None, float(score))
                for s, score in zip(cache.samples, scores, strict=True)
            ),
            *(ScoreRow(by_id[name], None, None, ReasonCode(why)) for name, why in cache.missed),
        ]
        write_score_rows(scores_path(run, split), rows)
    development = to_presentations(read_development(scores_path(run, Split.DEVELOPMENT)))
    point = choose(target or TARGETS[settings.stage], development)
    point.save(run / OPERATING_POINT)
    return point
