"""Kolmogorov-Smirnov, Fisher, Newcombe and PSI beside scipy, printed examples and simulation."""

import numpy as np
import pytest
from scipy import stats

from bonafide.evaluation.intervals import newcombe, rate, wilson
from bonafide.evaluation.two_samples import (
    fisher_exact,
    ks_p_value,
    ks_statistic,
    stability_index,
)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 5), (7, 12), (40, 300), (150, 150)])
@pytest.mark.parametrize("shift", [0.0, 0.6, 3.0])
def test_ks_is_scipys_exact_one(n, m, shift):
    rng = np.random.default_rng(n * m)
    a, b = rng.normal(0, 1, n), rng.normal(shift, 1, m)
    expected = stats.ks_2samp(a, b, method="exact")
    assert ks_statistic(a, b) == pytest.approx(expected.statistic)
    assert ks_p_value(expected.statistic, n, m) == pytest.approx(expected.pvalue, abs=1e-9)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.05])
def test_ks_of_many_values_is_near_scipys(shift):
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 9000), rng.normal(shift, 1, 6000)
    expected = stats.ks_2samp(a, b, method="asymp")
    assert ks_p_value(ks_statistic(a, b), 9000, 6000) == pytest.approx(expected.pvalue, rel=0.03)


def test_ks_is_one_distribution_function_against_another_with_ties_too():
    a, b = np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 1, 1])
    assert ks_statistic(a, b) == 0.25
    assert ks_p_value(0.0, 4, 4) == 1
    assert ks_p_value(1.0, 4, 4) == pytest.approx(2 / 70)


@pytest.mark.parametrize(
    "table", [(0, 10, 0, 10), (3, 4, 1, 4), (1, 90, 9, 80), (500, 4000, 430, 4100), (0, 9, 9, 9)]
)
def test_fisher_is_scipys(table):
    a, n, b, m = table
    expected = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert fisher_exact(*table) == pytest.approx(expected, rel=1e-7)


def test_newcombe_gives_the_figures_of_his_paper():
    """Newcombe 1998, table II, method 10, examples (a), (c), (e), (h)."""
    printed = [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((10, 10, 0, 10), (0.6075, 1.0000)),
    ]
    for (a, n, b, m), expected in printed:
        found = newcombe(rate(a, n), rate(b, m))
        assert (found.low, found.high) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(("events", "trials"), [(0, 9), (3, 40), (40, 40), (700, 9000)])
def test_wilson_is_scipys(events, trials):
    expected = stats.binomtest(events, trials).proportion_ci(0.9, method="wilson")
    found = wilson(events, trials, 0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_stability_index_of_a_known_change():
    """Half of the values leave the lower half: p = (1/2, 1/2), q = (1/4, 3/4)."""
    first = np.concatenate([np.full(5000, 0.0), np.full(5000, 1.0)]) + np.linspace(0, 0.1, 10000)
    second = np.concatenate([np.full(2500, 0.0), np.full(7500, 1.0)]) + np.linspace(0, 0.1, 10000)
    expected = 0.25 * np.log(0.75 / 0.5) - 0.25 * np.log(0.25 / 0.5)
    assert stability_index(first, second, 2)[0] == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (5000, 300)])
def test_the_stability_index_without_a_change_is_on_average_what_is_said(n, m):
    rng = np.random.default_rng(4)
    found = [stability_index(rng.normal(size=n), rng.normal(size=m), 10) for _ in range(400)]
    assert np.mean([index for index, _ in found]) == pytest.approx(found[0][1], rel=0.1)
