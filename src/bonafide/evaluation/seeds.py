"""Models trained from several seeds: intervals of their mean rates, and of the differences.

A model is its training procedure, so its rate is the mean over its seeds. Each round draws people
with replacement, the same people for every model and seed, and for every model its seeds with
replacement. The intervals so cover other people and other seeds; with three seeds the latter are
known only roughly. All of a drawn person's presentations come along, as for every figure that
needs the whole curve (`bootstrap`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.decision.scores import Bools, Floats, Integers, TestScores
from bonafide.evaluation.bootstrap import ROUNDS, WeightedCurve, draw_subjects
from bonafide.evaluation.intervals import CONFIDENCE, Interval, percentile_interval
from bonafide.evaluation.paired import Difference, difference_of
from bonafide.evaluation.rates import curve_figures, rates_of
from bonafide.types import BonafideError

RATES = ("eer", "hter", "accuracy")


@dataclass(frozen=True, eq=False)
class SeededRun:
    """One run of a model: its test presentations and its own decisions on them."""

    test: TestScores
    accepted: Bools


@dataclass(frozen=True, eq=False)
class SeedBootstrap:
    """Bootstrap samples of every model's mean rates.

    Attributes:
        observed: model -> (3,) EER, HTER and accuracy, mean over its seeds; see `RATES`.
        sampled: model -> (rounds, 3) the same in each round.
        method: what was drawn, in words.
    """

    observed: dict[str, Floats]
    sampled: dict[str, Floats]
    method: str

    def interval(self, model: str, rate: str, confidence: float = CONFIDENCE) -> Interval | None:
        """Of a model's mean rate; None where nothing varies."""
        return percentile_interval(
            self.sampled[model][:, RATES.index(rate)], confidence, self.method
        )

    def difference(
        self,
        first: Sequence[str],
        second: Sequence[str],
        rate: str,
        confidence: float = CONFIDENCE,
    ) -> Difference:
        """First minus second, the same people drawn for both; of an error, below zero is better.

        Of several models the mean rate counts.
        """
        column, sides = RATES.index(rate), (first, second)
        observed = [np.mean([self.observed[name][column] for name in side]) for side in sides]
        sampled = [
            np.mean([self.sampled[name][:, column] for name in side], axis=0) for side in sides
        ]
        return difference_of(np.array(observed), np.stack(sampled, axis=1), confidence, self.method)


def bootstrap_seeds(
    models: Mapping[str, Sequence[SeededRun]],
    rng: np.random.Generator,
    rounds: int = ROUNDS,
) -> SeedBootstrap:
    """Resample people and seeds.

    Args:
        models: name -> its runs, one a seed; presentations, with stated subjects.
        rng: source of randomness.
        rounds: bootstrap rounds.

    Raises:
        BonafideError: runs were tested on different people, or on people who are not stated.
    """
    people = _people(models)
    draws = draw_subjects(rng, rounds, len(people))
    observed, sampled = {}, {}
    for name, runs in models.items():
        observed[name] = np.mean([_observed(run) for run in runs], axis=0)
        each = np.stack([_resample(run, people, draws) for run in runs])  # (seeds, rounds, 3)
        chosen = rng.integers(len(runs), size=(rounds, len(runs)))
        sampled[name] = each[chosen.T, np.arange(rounds)].mean(axis=0)
    seeds = max((len(runs) for runs in models.values()), default=0)
    return SeedBootstrap(observed, sampled, f"bootstrap of {len(people)} subjects, {seeds} seeds")


def _people(models: Mapping[str, Sequence[SeededRun]]) -> list[str]:
    groups = {frozenset(run.test.subjects()) for runs in models.values() for run in runs}
    if len(groups) != 1 or not next(iter(groups)):
        raise BonafideError(
            "the runs were not tested on the same stated people.",
            where="bootstrap over seeds",
            remedy="Test every run on the same sample table, with capture subjects.",
        )
    return sorted(next(iter(groups)))


def _observed(run: SeededRun) -> Floats:
    eer = curve_figures(run.test)["eer"].value
    rates = rates_of(run.test, run.accepted)
    values = (eer, rates.hter, rates.accuracy.value)
    return np.array([np.nan if value is None else value for value in values])


def _resample(run: SeededRun, people: Sequence[str], draws: Integers) -> Floats:
    test = run.test
    index = {name: number for number, name in enumerate(people)}
    codes = np.array([index[name] for name in test.subject.names], dtype=np.int64)
    who = codes[test.subject.codes]
    curve = WeightedCurve(test, who)
    eer = np.array([curve.eer(weights) for weights in draws])
    errors = [
        _weighted_share(who, test.answered & (test.attack == attack), run.accepted == attack, draws)
        for attack in (True, False)
    ]
    right = _weighted_share(who, test.answered, run.accepted != test.attack, draws)
    return np.stack([eer, (errors[0] + errors[1]) / 2, right], axis=1)


def _weighted_share(who: Integers, rows: Bools, wrong: Bools, draws: Integers) -> Floats:
    """(rounds,) share of the drawn people's ``rows`` that are wrong; NaN without any."""
    size = draws.shape[1]
    trials = draws @ np.bincount(who[rows], minlength=size)
    errors = draws @ np.bincount(who[rows & wrong], minlength=size)
    share = np.full(len(draws), np.nan)
    np.divide(errors, trials, out=share, where=trials > 0)
    return share
