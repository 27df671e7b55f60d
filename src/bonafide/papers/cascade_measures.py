"""The cascade paper's measures of a row: at 0.5, at the development threshold, and off the curve.

FP are accepted attacks and FN rejected bona fide, so APCER = FP / attacks pools the species
(Eqs. 21-23), unlike ISO's worst species. Each is the mean over the seeds; the interval draws
people, the same for all seeds, and seeds with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bonafide.decision.operating_point import is_accepted, load_operating_point
from bonafide.decision.scores import Bools, Floats, TestScores
from bonafide.evaluation.bootstrap import draw_subjects
from bonafide.evaluation.intervals import CONFIDENCE, Interval, percentile_interval, spread
from bonafide.evaluation.rates import FPR_POINTS
from bonafide.evaluation.score_file import read_test
from bonafide.evaluation.words import bracket, percent
from bonafide.papers.cascade_tables import (
    ACCURACY,
    ACER,
    APCER,
    FN,
    FP,
    NPCER,
    TPR_2,
    TPR_3,
    TPR_4,
)
from bonafide.papers.cascade_trial import HALF
from bonafide.papers.measure import OPERATING_POINT, MeasuredRow, scores_path
from bonafide.papers.plan import Sheet, SheetLine
from bonafide.types import Split

SILENT_ATTACKS, SILENT_BONA_FIDE = "Attacks not evaluated", "Bona fide not evaluated"
COUNTS = (FP, FN, SILENT_ATTACKS, SILENT_BONA_FIDE)
SHARES = (APCER, NPCER, ACER, ACCURACY)
TPRS = (TPR_2, TPR_3, TPR_4)
MEASURES = (*COUNTS, *SHARES, *TPRS)
PAPER = 0.5
ROUNDS = 400
Values = dict[str, float | None]


def measure(test: TestScores, accepted: Bools, weights: Floats) -> Values:
    """Every measure of `MEASURES`, presentations weighing ``weights``.

    Args:
        test: presentations; those without an answer are counted, and are in none of the rates.
        accepted: (rows,) decisions.
        weights: (rows,) how often each presentation was drawn; ones for the figures themselves.

    Returns:
        name -> count or share 0..1; a TPR is None with fewer than 1 / FPR attacks, whose share
        cannot be told from zero, and a rate is None without its class.
    """
    answered = test.answered
    attack, live = answered & test.attack, answered & ~test.attack
    attacks, lives = float(weights[attack].sum()), float(weights[live].sum())
    let_in = float(weights[attack & accepted].sum())
    refused = float(weights[live & ~accepted].sum())
    apcer = let_in / attacks if attacks else None
    npcer = refused / lives if lives else None
    found: Values = {FP: let_in, FN: refused, APCER: apcer, NPCER: npcer}
    found[SILENT_ATTACKS] = float(weights[test.attack & ~test.answered].sum())
    found[SILENT_BONA_FIDE] = float(weights[~test.attack & ~test.answered].sum())
    both = apcer is not None and npcer is not None
    found[ACER] = (apcer + npcer) / 2 if both else None  # type: ignore[operator]
    found[ACCURACY] = 1 - (let_in + refused) / (attacks + lives) if attacks + lives else None
    for name, limit in zip(TPRS, FPR_POINTS, strict=True):
        enough = attacks * limit >= 1 and lives
        found[name] = _tpr(test.score, attack, live, weights, limit) if enough else None
    return found


def _tpr(score: Floats, attack: Bools, live: Bools, weights: Floats, limit: float) -> float:
    """Share of bona fide accepted where at most ``limit`` of the attacks are."""
    order = np.argsort(-score[attack], kind="stable")
    levels = score[attack][order]
    share = np.cumsum(weights[attack][order]) / weights[attack].sum()
    over = np.flatnonzero(share > limit + 1e-12)
    # The first attack too many must be rejected, and with it whatever scores no higher.
    bar = levels[over[0]] if len(over) else -np.inf
    return float(weights[live & (score > bar)].sum() / weights[live].sum())


def row_runs(folder: Path, threshold: float | None) -> tuple[TestScores, Bools]:
    """A run's test presentations and decisions at a threshold; None takes development's."""
    half = folder / HALF
    path = half if threshold is not None and half.exists() else scores_path(folder, Split.TEST)
    test = read_test(path)
    level = threshold
    if level is None:
        level = load_operating_point(folder / OPERATING_POINT).threshold
    accepted = np.zeros(len(test), dtype=np.bool_)
    accepted[test.answered] = is_accepted(test.score[test.answered], level)
    return test, accepted


def sampled(
    runs: Sequence[tuple[TestScores, Bools]], rng: np.random.Generator, rounds: int
) -> dict[str, Interval | None]:
    """Intervals of the means over seeds, by measure; counts have none."""
    people = sorted(runs[0][0].subjects())
    number = {name: place for place, name in enumerate(people)}
    draws = draw_subjects(rng, rounds, len(people))
    who = [
        np.array([number[name] for name in test.subject.names])[test.subject.codes]
        for test, _ in runs
    ]
    found: dict[str, list[float]] = {name: [] for name in (*SHARES, *TPRS)}
    for drawn in draws:
        chosen = rng.integers(len(runs), size=len(runs))
        each = {
            seed: measure(*runs[seed], drawn[who[seed]].astype(np.float64)) for seed in set(chosen)
        }
        for name, values in found.items():
            taken = [each[seed][name] for seed in chosen]
            values.append(np.mean([np.nan if v is None else v for v in taken]).item())
    method = f"bootstrap of {len(people)} subjects, {len(runs)} seeds"
    return {
        name: percentile_interval(np.array(kept), CONFIDENCE, method) if kept else None
        for name, values in found.items()
        for kept in [[value for value in values if not np.isnan(value)]]
    }


def sheets_of(
    columns: Sequence[str],
    rows: Sequence[MeasuredRow],
    beside: Callable[[str, str], Mapping[str, str]],
) -> list[Sheet]:
    """The measures of all rows at the paper's threshold and at development's.

    Args:
        columns: of the published table: those are shown beside the measured ones.
        rows: measured.
        beside: (group, name) of a row -> what is published of it, by column.
    """
    at_half = "At the threshold 0.5, as the paper's"
    chosen = "At the threshold that development data chose"
    both = ((at_half, PAPER, columns), (chosen, None, ()))
    return [
        Sheet(title, NOTE, MEASURES, tuple(shown), tuple(_line(row, level, beside) for row in rows))
        for title, level, shown in both
    ]


NOTE = (
    "FP: accepted attacks; FN: rejected bona fide, mean over seeds. APCER pools the species, as "
    "the paper's. Not evaluated: presentations without an answer (no face, a turned head, no "
    "depth); none is accepted, and none is in a rate. Accuracy and rates in percent; TPR is "
    "refused with fewer than 1 / FPR attacks. Brackets: 95 %, over people and seeds."
)


def _line(
    row: MeasuredRow, level: float | None, beside: Callable[[str, str], Mapping[str, str]]
) -> SheetLine:
    runs = [row_runs(folder, level) for folder in row.folders]
    seen = [measure(test, accepted, np.ones(len(test))) for test, accepted in runs]
    # One stream a row, so that a row reads the same whatever rows stand beside it.
    intervals = sampled(runs, np.random.default_rng(0), ROUNDS)
    cells, values = [], {}
    for name in MEASURES:
        given = [one[name] for one in seen]
        known = [value for value in given if value is not None]
        whole = len(known) == len(given)
        cells.append(_cell(name, known, intervals.get(name)) if whole else "refused")
        interval = intervals.get(name) if whole else None
        values[name] = _record(known, interval) if whole else None
    group, name = row.planned.group, row.planned.name
    return SheetLine(group, name, beside(group, name), tuple(cells), values)


def _cell(name: str, values: Sequence[float], interval: Interval | None) -> str:
    mean = spread(values).mean
    if name in COUNTS:
        return f"{mean:.4g}"
    deviation = spread(values).deviation
    words = percent(mean, "")
    words += f" ± {percent(deviation, '')}" if deviation is not None else ""
    return f"{words} {bracket(interval)}".strip()


def _record(values: Sequence[float], interval: Interval | None) -> Mapping[str, object]:
    ends = None if interval is None else [interval.low, interval.high]
    return {"mean": spread(values).mean, "by_seed": list(values), "interval": ends}
