import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from sklearn.metrics import auc, det_curve, roc_auc_score

from bonafide.decision.scores import TestScores
from bonafide.evaluation.curves import POOLED, WORST, corners, det_curves, for_drawing
from tests.decision.tables import judged, scores_of

lists = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]), min_size=1, max_size=10)


@settings(max_examples=100, deadline=None)
@given(lists, lists)
def test_every_point_of_scikit_learn_lies_on_the_curve(bona_fide, attacks):
    curve = det_curves(scores_of(bona_fide, TestScores, print=attacks))[POOLED]
    truth = [1] * len(bona_fide) + [0] * len(attacks)
    fpr, fnr, _ = det_curve(truth, bona_fide + attacks, drop_intermediate=False)
    for x, y in zip(fpr, fnr, strict=True):
        low = np.interp(-x, -curve.apcer, curve.bpcer)
        on_a_wall = np.isclose(curve.apcer, x).any()  # there any bpcer of the wall will do
        walls = curve.bpcer[np.isclose(curve.apcer, x)]
        ok = walls.min() - 1e-12 <= y <= walls.max() + 1e-12 if on_a_wall else np.isclose(low, y)
        assert ok


@settings(max_examples=100, deadline=None)
@given(lists, lists)
def test_the_area_under_the_corners_is_the_auc(bona_fide, attacks):
    curve = det_curves(scores_of(bona_fide, TestScores, print=attacks))["print"]
    truth = [1] * len(bona_fide) + [0] * len(attacks)
    expected = roc_auc_score(truth, bona_fide + attacks)
    assert auc(curve.apcer, 1 - curve.bpcer) == pytest.approx(expected)


def test_a_hand_drawn_curve():
    # attacks .1 .5, live .5 .9 -> all in, first attack out, the tie at .5 out, all out
    curve = det_curves(scores_of([0.5, 0.9], TestScores, print=[0.1, 0.5]))["print"]
    points = list(zip(curve.apcer.tolist(), curve.bpcer.tolist(), strict=True))
    assert points == [(1, 0), (0.5, 0), (0, 0.5), (0, 1)]


def test_the_worst_species_is_the_upper_envelope():
    rng = np.random.default_rng(2)
    attacks = {"a": rng.normal(0, 1, 40).tolist(), "b": rng.normal(0.5, 0.2, 30).tolist()}
    bona_fide = rng.normal(1, 1, 50).tolist()
    curve = det_curves(scores_of(bona_fide, TestScores, **attacks))[WORST]
    expected = set()
    for t in [*sorted({*bona_fide, *attacks["a"], *attacks["b"]}), np.inf]:
        worst = max(sum(s >= t for s in x) / len(x) for x in attacks.values())
        expected.add((worst, sum(s < t for s in bona_fide) / 50))
    for x, y in expected:  # each lies on the drawn line, or that has lost a corner
        at = np.isclose(curve.apcer, x) | np.isclose(curve.bpcer, y)
        assert at.any()
        distance = np.abs(curve.apcer - x) + np.abs(curve.bpcer - y)
        position = int(np.argmin(distance))
        ends = slice(max(0, position - 1), position + 2)
        assert curve.apcer[ends].min() - 1e-12 <= x <= curve.apcer[ends].max() + 1e-12
        assert curve.bpcer[ends].min() - 1e-12 <= y <= curve.bpcer[ends].max() + 1e-12
    steps = np.minimum(np.abs(np.diff(curve.apcer)), np.abs(np.diff(curve.bpcer)))
    assert steps.max() == 0  # no ties between classes here, so the line never slants
    found = set(zip(curve.apcer.tolist(), curve.bpcer.tolist(), strict=True))
    assert found <= expected
    assert (1.0, 0.0) in found
    assert (0.0, 1.0) in found


def test_one_class_has_no_curve():
    assert det_curves(judged([("print", "a", 0.5)])) == {}
    assert det_curves(judged([("bona_fide", "a", 0.5), ("print", "a", None)])) == {}


def test_drawing_moves_no_point_visibly_and_is_short():
    rng = np.random.default_rng(5)
    test = scores_of(
        rng.normal(2, 1, 20_000).tolist(), TestScores, print=rng.normal(0, 1, 20_000).tolist()
    )
    exact = det_curves(test)["print"]
    drawn = for_drawing(exact)
    assert len(drawn.apcer) < 2500 < len(exact.apcer)
    end = ndtri(0.9999)
    position = np.clip(ndtri(exact.bpcer), -end, end)
    inside = (exact.apcer > 1e-3) & (exact.bpcer > 1e-3) & (exact.bpcer < 0.999)
    line = np.interp(-exact.apcer, -drawn.apcer, np.clip(ndtri(drawn.bpcer), -end, end))
    assert np.abs(line - position)[inside].max() < 4 * 2 * end / 400


def test_corners_keep_the_line():
    curve = det_curves(scores_of([1.0, 2, 3], TestScores, print=[0.0, 0.1, 0.2]))["print"]
    assert list(zip(curve.apcer, curve.bpcer, strict=True)) == [(1, 0), (0, 0), (0, 1)]
    assert len(corners(curve).apcer) == 3
