"""How far a counted rate may be from the truth.

Exact intervals assume independent trials: right for presentations of different people, too narrow
when many presentations come from each person. `bootstrap` handles people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from bonafide.decision.binomial import beta_quantile
from bonafide.decision.scores import Floats
from bonafide.types import BonafideError

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval of a share or a difference of shares.

    Attributes:
        low, high: its ends; shares in 0..1, differences in -1..1.
        confidence: such as 0.95.
        method: how it was made, in words.
    """

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Rate:
    """Events among trials, such as accepted attacks among attacks.

    Attributes:
        events, trials: the counts.
        interval: Clopper-Pearson; None without trials.
    """

    events: int
    trials: int
    interval: Interval | None

    @property
    def value(self) -> float | None:
        """events / trials, 0..1; None without trials (no data is not zero)."""
        return self.events / self.trials if self.trials else None


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and spread of a figure over repeated runs.

    Attributes:
        mean: arithmetic mean.
        deviation: standard deviation with n - 1; None for a single run.
        low, high: the smallest and largest.
        runs: how many.
    """

    mean: float
    deviation: float | None
    low: float
    high: float
    runs: int


def rate(events: int, trials: int, confidence: float = CONFIDENCE) -> Rate:
    """Count with its exact interval.

    >>> three = rate(3, 150)
    >>> f"{three.value:.3f} [{three.interval.low:.4f}, {three.interval.high:.4f}]"
    '0.020 [0.0041, 0.0573]'
    """
    interval = clopper_pearson(events, trials, confidence) if trials else None
    return Rate(int(events), int(trials), interval)


def clopper_pearson(events: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Exact two-sided interval of a binomial share (Clopper and Pearson, Biometrika 26, 1934).

    Each side errs with probability at most (1 - confidence) / 2, whatever the true share is.

    Raises:
        BonafideError: not 0 <= events <= trials, no trial, or a confidence outside (0, 1).
    """
    _check(events, trials, confidence)
    tail = (1 - confidence) / 2
    low = beta_quantile(tail, events, trials - events + 1) if events else 0.0
    high = beta_quantile(1 - tail, events + 1, trials - events) if events < trials else 1.0
    return Interval(low, high, confidence, "Clopper-Pearson")


def upper_bound(events: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Exact one-sided bound: the largest share that still explains so few events.

    A claim "APCER is below the bound" is wrong with probability at most 1 - confidence. With no
    event seen it is 1 - (1 - confidence) ** (1 / trials), for 0.95 just under 3 / trials.
    """
    _check(events, trials, confidence)
    if events == trials:
        return 1.0
    return beta_quantile(confidence, events + 1, trials - events)


def wilson(events: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Score interval of a binomial share (Wilson, J. American Statistical Association 22, 1927).

    Raises:
        BonafideError: as `clopper_pearson`.
    """
    _check(events, trials, confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, square = events / trials, z * z / trials
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    low = max(0.0, middle - half) if events else 0.0
    high = min(1.0, middle + half) if events < trials else 1.0
    return Interval(low, high, confidence, "Wilson")


def newcombe(first: Rate, second: Rate, confidence: float = CONFIDENCE) -> Interval:
    """Interval of first - second for two independent samples.

    Method 10 of Newcombe, "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17, 1998: the Wilson intervals of both, put together.

    >>> one = newcombe(rate(56, 70), rate(48, 80))  # his example (a): 0.0524, 0.3339
    >>> f"{one.low:.4f} {one.high:.4f}"
    '0.0524 0.3339'
    """
    a = wilson(first.events, first.trials, confidence)
    b = wilson(second.events, second.trials, confidence)
    p, q = first.events / first.trials, second.events / second.trials
    low = p - q - math.hypot(p - a.low, b.high - q)
    high = p - q + math.hypot(a.high - p, q - b.low)
    return Interval(low, high, confidence, "Newcombe")


def rule_of_three(trials: int) -> float:
    """3 / trials: what no error in so many trials allows to claim at 95 %; at most 1."""
    _check(0, trials, CONFIDENCE)
    return min(1.0, 3 / trials)


def percentile_interval(samples: Floats, confidence: float, method: str) -> Interval | None:
    """The middle part of bootstrap samples; NaN ones (a class was not drawn) are left out.

    None when fewer than half of the samples are left, or when all are equal: then the data holds
    no variation to resample, and an exact interval must be used.
    """
    valid = samples[~np.isnan(samples)]
    if len(valid) * 2 < len(samples) or len(valid) == 0 or np.ptp(valid) == 0:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(valid, [tail, 1 - tail])
    return Interval(float(low), float(high), confidence, method)


def spread(values: Sequence[float]) -> Spread:
    """Mean and spread over runs with different seeds.

    >>> spread([0.02, 0.04])
    Spread(mean=0.03, deviation=0.01414213562373095, low=0.02, high=0.04, runs=2)
    """
    if not values:
        raise BonafideError("no run to take the mean of.", where="spread")
    n = len(values)
    if n > 1 and min(values) == max(values):  # a mean off by a rounding would give them a spread
        return Spread(values[0], 0.0, values[0], values[0], n)
    mean = math.fsum(values) / n
    squares = math.fsum((value - mean) ** 2 for value in values)
    deviation = math.sqrt(squares / (n - 1)) if n > 1 else None
    return Spread(mean, deviation, min(values), max(values), n)


def _check(events: int, trials: int, confidence: float) -> None:
    if not 0 <= events <= trials or trials < 1:
        raise BonafideError(f"{events} events in {trials} trials.", where="interval")
    if not 0 < confidence < 1:
        raise BonafideError(
            f"confidence {confidence} is not between 0 and 1.",
            where="interval",
            remedy="Write 0.95 for 95 percent.",
        )
