"""Two independent samples: do their distributions, or their rates, differ, and by how much?"""

from __future__ import annotations

import math

import numpy as np

from bonafide.decision.scores import Floats, Integers
from bonafide.types import BonafideError

EXACT_ROWS = 2000
"""Up to so many values together the Kolmogorov-Smirnov p value is counted, not approximated."""


def ks_statistic(first: Floats, second: Floats) -> float:
    """The largest distance of the two empirical distribution functions, 0..1 (two-sided)."""
    first, second = np.sort(first), np.sort(second)
    points = np.concatenate([first, second])
    below = np.searchsorted(first, points, side="right") / len(first)
    below_second = np.searchsorted(second, points, side="right") / len(second)
    return float(np.abs(below - below_second).max())


def ks_p_value(distance: float, n: int, m: int) -> float:
    """P(distance at least this large) for samples of n and m from one continuous distribution.

    Counted over all orders of the two samples up to `EXACT_ROWS` values (Hodges, Arkiv för
    Matematik 3, 1958), beyond that Kolmogorov's limit with Stephens' correction for finite samples
    (J. Royal Statistical Society B 32, 1970). Ties make it too large, never too small.
    """
    if n + m <= EXACT_ROWS:
        return _ks_exact(distance, n, m)
    root = math.sqrt(n * m / (n + m))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:  # the series needs many terms, and the probability is 1 to 12 digits
        return 1.0
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * math.fsum(terms)))


def _ks_exact(distance: float, n: int, m: int) -> float:
    """Walk all orders of n and m values at once, one value a step, dropping those that go too far.

    ``share[i]`` is the probability that of the values so far i are of the first sample and the
    distance was never reached; the next is of the first with probability (n - i) / left.
    """
    limit = round(distance * n * m)  # distances are whole numbers of 1 / (n m)
    if limit <= 0:
        return 1.0
    i = np.arange(n + 1)
    share = np.zeros(n + 1)
    share[0] = 1.0
    for step in range(n + m):
        j = step - i
        left = n + m - step
        to_first = share * (n - i) / left
        share = share * np.clip(m - j, 0, None) / left
        share[1:] += to_first[:-1]
        reached = np.abs(i * m - (step + 1 - i) * n) >= limit
        share[reached] = 0.0
    return float(min(1.0, max(0.0, 1.0 - share[n])))


def stability_index(first: Floats, second: Floats, bins: int) -> tuple[float, float]:
    """Population stability index, and what it is on average when nothing has changed.

    PSI = sum over bins of (q - p) log(q / p), with p and q the shares of the first and second
    sample between quantiles of the first. Half a count is added to every bin, so that an empty one
    does not make it infinite. Without a change it is about (bins - 1) (1 / n + 1 / m) on average
    (Yurdakul and Naranjo, J. Risk Model Validation 14, 2020): small samples look unstable.

    Args:
        first: (n,) the baseline.
        second: (m,) the current values.
        bins: at most; quantiles that fall together make fewer.

    Returns:
        (index, its mean without a change).
    """
    edges = np.unique(np.quantile(first, np.linspace(0, 1, bins + 1)[1:-1]))
    p, q = _shares(first, edges), _shares(second, edges)
    index = float(np.sum((q - p) * np.log(q / p)))
    return index, len(edges) * (1 / len(first) + 1 / len(second))


def _shares(values: Floats, edges: Floats) -> Floats:
    counts: Integers = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
    return np.asarray((counts + 0.5) / (len(values) + 0.5 * (len(edges) + 1)), np.float64)


def fisher_exact(events: int, trials: int, other_events: int, other_trials: int) -> float:
    """Two-sided p value of Fisher's exact test that two shares are equal.

    It adds up the tables with the same sums that are at most as likely as the one seen.

    >>> round(fisher_exact(3, 4, 1, 4), 4)  # Fisher's tea: 34 of 70 tables
    0.4857

    Raises:
        BonafideError: not 0 <= events <= trials.
    """
    if not (0 <= events <= trials and 0 <= other_events <= other_trials):
        raise BonafideError("events and trials do not fit.", where="fisher_exact")
    total = events + other_events
    low, high = max(0, total - other_trials), min(total, trials)
    k = np.arange(low, high, dtype=np.float64)
    # log of P(k + 1) / P(k), added up: relative probabilities without a factorial
    ratio = np.log((trials - k) * (total - k)) - np.log((k + 1) * (other_trials - total + k + 1))
    logs = np.concatenate([[0.0], np.cumsum(ratio)])
    weights = np.exp(logs - logs.max())
    seen = weights[events - low]
    return float(min(1.0, weights[weights <= seen * (1 + 1e-7)].sum() / weights.sum()))
