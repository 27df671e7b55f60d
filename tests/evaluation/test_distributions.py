import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from bonafide.decision.scores import TestScores
from bonafide.evaluation.distributions import calibration, histograms
from tests.decision.tables import judged, scores_of


def test_histograms_count_everybody_once():
    test = scores_of([0.0, 0.5, 1.0], TestScores, print=[0.1, 0.12], mask=[None])
    result = histograms(test, 0.5)
    assert (result.edges[0], result.edges[-1]) == (0, 1)
    assert {name: int(n.sum()) for name, n in result.counts.items()} == {
        "bona_fide": 3, "mask": 0, "print": 2,
    }  # fmt: skip
    assert not result.clipped


def test_outliers_land_in_the_end_bins_and_the_threshold_is_inside():
    scores = [*np.linspace(-1, 1, 5000).tolist(), 1e9]
    result = histograms(scores_of(scores, TestScores, print=[0.0]), 30.0)
    assert result.clipped
    assert -2 < result.edges[0] < -0.9
    assert 30 <= result.edges[-1] < 1000
    assert result.counts["bona_fide"][-1] == 1
    assert histograms(judged([("print", "a", None)]), 0.5) is None


def test_calibration_against_scikit_learn():
    rng = np.random.default_rng(0)
    scores = rng.random(3000)
    truth = rng.random(3000) < scores**2
    test = scores_of(scores[truth].tolist(), TestScores, print=scores[~truth].tolist())
    result = calibration(test)
    expected_share, expected_mean = calibration_curve(truth, scores, n_bins=10)
    assert result.mean_score == pytest.approx(expected_mean)
    assert [r.value for r in result.bona_fide] == pytest.approx(expected_share)
    assert result.brier == pytest.approx(brier_score_loss(truth, scores))
    assert result.expected_error == pytest.approx(1 / 6, abs=0.03)  # mean of x - x**2


def test_scores_that_are_no_probabilities_are_not_judged_as_such():
    assert calibration(scores_of([1.2], TestScores, print=[0.1])) is None
    assert calibration(judged([("print", "a", 0.1)])) is None
