"""A threshold from bona fide scores alone keeps its promise."""

import numpy as np
import pytest
from scipy import stats

from bonafide.decision.calibrate import calibrate, scores_needed
from bonafide.types import BonafideError


@pytest.mark.parametrize(
    ("bpcer", "confidence", "n"),
    [(0.05, 0.95, 59), (0.01, 0.95, 299), (0.1, 0.9, 22), (0.5, 0.5, 1)],
)
def test_scores_needed_are_those_of_the_zero_error_test(bpcer, confidence, n):
    """No error in n: (1 - bpcer)^n <= 1 - confidence for the first time."""
    assert scores_needed(bpcer, confidence) == n
    assert (1 - bpcer) ** n <= 1 - confidence + 1e-12 < (1 - bpcer) ** (n - 1) + 1e-9


def test_the_rank_is_the_highest_whose_binomial_test_holds():
    """Independent reference: P(Binomial(n, bpcer) >= r) >= confidence, by scipy's own sum."""
    for n in (59, 93, 200, 1000):
        made = calibrate(np.linspace(0, 1, n), 0.05, name="made up")
        holds = [r for r in range(1, n) if stats.binom.sf(r - 1, n, 0.05) >= 0.95]
        assert made.rank == max(holds)
        assert made.bpcer_bound <= 0.05


@pytest.mark.slow
def test_the_claim_is_kept_in_95_of_100_repetitions():
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(2000):
        threshold = calibrate(rng.random(150), 0.05, name="made up").point.threshold
        broken += threshold > 0.05  # for uniform scores the threshold is the true BPCER
    assert broken / 2000 < 0.06


def test_too_few_scores_say_how_many_are_needed():
    with pytest.raises(BonafideError, match="at least 59"):
        calibrate(np.ones(58), 0.05, name="folder")


def test_what_cannot_be_a_score_or_a_share_is_refused():
    with pytest.raises(BonafideError, match="NaN"):
        calibrate(np.array([np.nan] * 60), 0.05, name="folder")
    with pytest.raises(BonafideError, match="five percent"):
        calibrate(np.ones(60), 5, name="folder")


def test_equal_scores_are_all_accepted():
    made = calibrate(np.full(80, 0.7), 0.05, name="folder", subjects=4)
    assert made.point.accepts(0.7)
    assert made.point.development.bpcer == 0
    assert (made.point.development.attacks, made.point.development.subjects) == (0, 4)


def test_the_band_holds_both_claims():
    """Independent reference for both thresholds: the binomial tail, by scipy's own sum."""
    scores = np.linspace(0, 1, 400)
    made = calibrate(scores, 0.15, name="made up", called_attack=0.02)
    for share, threshold in ((0.15, made.point.threshold), (0.02, made.point.attack_below)):
        rank = max(r for r in range(1, 400) if stats.binom.sf(r - 1, 400, share) >= 0.95)
        assert threshold == scores[rank - 1]
    assert made.called_attack_bound <= 0.02 < made.bpcer_bound <= 0.15
    assert made.point.threshold == calibrate(scores, 0.15, name="made up").point.threshold


def test_a_band_needs_its_own_number_of_photos_and_a_smaller_share():
    with pytest.raises(BonafideError, match="at least 299"):
        calibrate(np.linspace(0, 1, 100), 0.15, name="folder", called_attack=0.01)
    with pytest.raises(BonafideError, match="called_attack"):
        calibrate(np.linspace(0, 1, 100), 0.05, name="folder", called_attack=0.05)


def test_equal_scores_leave_no_band():
    made = calibrate(np.full(400, 0.7), 0.15, name="folder", called_attack=0.02)
    assert made.point.attack_below is None
    assert made.called_attack_bound == made.bpcer_bound
