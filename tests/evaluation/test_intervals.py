"""Intervals against exact binomial sums and published values."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.evaluation.intervals import (
    clopper_pearson,
    percentile_interval,
    rate,
    rule_of_three,
    spread,
    upper_bound,
)
from bonafide.types import BonafideError


def probability(counts, trials, share):
    """P(X in counts) for a binomial X, exactly."""
    p = Fraction(share)
    return float(sum(comb(trials, k) * p**k * (1 - p) ** (trials - k) for k in counts))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_at_the_ends_the_tails_weigh_half_of_the_error_each(trials, data, confidence):
    events = data.draw(st.integers(0, trials))
    interval = clopper_pearson(events, trials, confidence)
    tail = (1 - confidence) / 2
    if events:
        assert probability(range(events, trials + 1), trials, interval.low) == pytest.approx(tail)
    else:
        assert interval.low == 0
    if events < trials:
        assert probability(range(events + 1), trials, interval.high) == pytest.approx(tail)
    else:
        assert interval.high == 1


def test_published_values():
    # 3 of 150: 0.4 to 5.7 %; 0 of 10: up to 30.85 % two-sided (any table of exact intervals)
    three = clopper_pearson(3, 150)
    assert (round(three.low, 3), round(three.high, 3)) == (0.004, 0.057)
    assert clopper_pearson(0, 10).high == pytest.approx(0.3085, abs=5e-5)


@pytest.mark.parametrize("trials", [30, 150, 300, 3000])
def test_no_error_one_sided_is_the_rule_of_three(trials):
    exact = upper_bound(0, trials)
    assert exact == pytest.approx(1 - 0.05 ** (1 / trials))
    assert exact < rule_of_three(trials) < 1.06 * exact


def test_coverage_is_at_least_what_it_says():
    for share in (0.01, 0.1, 0.5):
        covered = [k for k in range(51) if (i := clopper_pearson(k, 50)).low <= share <= i.high]
        assert probability(covered, 50, share) >= 0.95


def test_no_data_is_no_rate():
    assert rate(0, 0).value is None
    assert rate(0, 0).interval is None
    assert upper_bound(4, 4) == 1


@pytest.mark.parametrize("arguments", [(1, 0), (3, 2), (-1, 2), (1, 2, 1.0), (1, 2, 95)])
def test_nonsense_is_refused(arguments):
    with pytest.raises(BonafideError, match="interval"):
        clopper_pearson(*arguments)


def test_percentiles_leave_empty_rounds_out_and_refuse_when_most_are():
    samples = np.r_[np.linspace(0, 1, 101), [np.nan] * 20]
    interval = percentile_interval(samples, 0.9, "m")
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.95))
    assert percentile_interval(np.r_[0.1, 0.2, [np.nan] * 3], 0.9, "m") is None
    assert percentile_interval(np.zeros(10), 0.9, "m") is None


def test_spread_by_hand_and_against_numpy():
    values = [0.03, 0.05, 0.04, 0.08]
    result = spread(values)
    assert result.mean == pytest.approx(0.05)
    assert result.deviation == pytest.approx(np.std(values, ddof=1))
    assert (result.low, result.high, result.runs) == (0.03, 0.08, 4)
    assert spread([0.1]).deviation is None
    assert spread([0.7258064516129032] * 3).deviation == 0.0
    with pytest.raises(BonafideError):
        spread([])
