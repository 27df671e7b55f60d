"""Binomial and beta functions beside scipy's and closed forms."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.decision.binomial import beta_cdf, beta_quantile, binomial_cdf


@pytest.mark.parametrize("trials", [1, 2, 10, 59, 1000, 50_000, 1_000_000])
@pytest.mark.parametrize("share", [1e-6, 0.003, 0.05, 0.5, 0.97])
def test_binomial_cdf_is_scipys(trials, share):
    mean = trials * share
    spread = (mean * (1 - share)) ** 0.5
    for z in (-4, -1, 0, 1, 4):
        events = int(np.clip(round(mean + z * spread), 0, trials))
        expected = scipy.stats.binom.cdf(events, trials, share)
        assert binomial_cdf(events, trials, share) == pytest.approx(expected, rel=1e-11)


@given(
    st.integers(0, 2000), st.integers(1, 2000), st.sampled_from([0.005, 0.025, 0.05, 0.5, 0.975])
)
@settings(max_examples=150, deadline=None)
def test_beta_quantiles_are_scipys(a, b, share):
    expected = scipy.special.betaincinv(a + 1, b, share)
    assert beta_quantile(share, a + 1, b) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("a", "b"), [(1, 1_000_000), (3, 400_000), (20_000, 20_000)])
@pytest.mark.parametrize("share", [0.005, 0.5, 0.975])
def test_quantiles_of_many_trials(a, b, share):
    expected = scipy.special.betaincinv(a, b, share)
    assert beta_quantile(share, a, b) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("n", [1, 7, 400])
def test_closed_forms(n):
    for x in (0.001, 0.3, 0.9):
        assert beta_cdf(x, n, 1) == pytest.approx(x**n, rel=1e-12)
        assert beta_cdf(x, 1, n) == pytest.approx(1 - (1 - x) ** n, rel=1e-12)
        assert beta_cdf(x, n, n) + beta_cdf(1 - x, n, n) == pytest.approx(1, rel=1e-12)
    assert beta_quantile(0.5, n, n) == pytest.approx(0.5)
    assert beta_quantile(0.95, 1, n) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-12)


def test_ends():
    assert binomial_cdf(-1, 5, 0.5) == 0
    assert binomial_cdf(5, 5, 0.5) == 1
    assert binomial_cdf(0, 5, 0.0) == 1
    assert beta_cdf(0, 2, 3) == 0
    assert beta_cdf(1, 2, 3) == 1
