"""Rates against hand counts, loops with fractions, and scikit-learn."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.decision.scores import TestScores
from bonafide.evaluation.rates import curve_figures, evaluate, judge
from tests.decision.tables import judged, scores_of

few = st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0])
lists = st.lists(few, min_size=1, max_size=10)


def at(threshold):
    return OperatingPoint("test", "by hand", threshold, DevelopmentEvidence("d", "clip", 1, 1, 1))


HAND = [
    ("bona_fide", "a", 0.9), ("bona_fide", "a", 0.5), ("bona_fide", "b", 0.4),
    ("bona_fide", "b", None),
    ("print", "a", 0.1), ("print", "a", 0.5), ("print", "b", 0.2), ("print", "b", 0.49),
    ("mask", "a", 0.7), ("mask", "b", 0.3), ("mask", "b", None), ("mask", "b", None),
    ("cut", "b", None),
]  # fmt: skip


def test_a_hand_counted_list():
    # threshold 0.5, equality accepts: live 0.9 and 0.5 in, 0.4 out; print 0.5 in; mask 0.7 in
    result = evaluate(judged(HAND), at(0.5))
    counts = {name: (r.events, r.trials) for name, r in result.apcer_by_species.items()}
    assert counts == {"cut": (0, 0), "mask": (1, 2), "print": (1, 4)}
    assert result.worst_species == "mask"
    assert result.apcer.value == 0.5
    assert result.apcer_by_species["cut"].value is None
    assert (result.bpcer.events, result.bpcer.trials) == (1, 3)
    assert result.npcer is result.bpcer
    assert result.acer == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert result.hter == pytest.approx((2 / 6 + 1 / 3) / 2)
    assert (result.accuracy.events, result.accuracy.trials) == (6, 9)
    missing = {name: (r.events, r.trials) for name, r in result.apnrr_by_species.items()}
    assert missing == {"cut": (1, 1), "mask": (2, 4), "print": (0, 4)}
    assert (result.bpnrr.events, result.bpnrr.trials) == (1, 4)


def test_a_non_response_is_never_accepted():
    assert not judge(judged(HAND), at(-1e9))[[3, 10, 11, 12]].any()


@pytest.mark.parametrize(
    ("rows", "missing"),
    [([("print", "a", 0.1)], "bona fide"), ([("bona_fide", "a", 0.1)], "attack")],
)
def test_one_class_has_no_rate_for_the_other(rows, missing):
    test = judged(rows)
    result = evaluate(test, at(0.5))
    assert result.acer is None
    assert result.hter is None
    assert all(missing in figure.note for figure in curve_figures(test).values())
    if missing == "attack":
        assert result.worst_species is None
        assert result.apcer is None
        assert result.bpcer.value == 1
    else:
        assert result.bpcer.value is None
        assert result.apcer.value == 0


@settings(max_examples=200, deadline=None)
@given(lists, lists, lists, few)
def test_against_counting_one_by_one(bona_fide, print_, replay, threshold):
    test = scores_of(bona_fide, TestScores, print=print_, replay=replay)
    result = evaluate(test, at(threshold))
    apcer = [
        Fraction(sum(s >= threshold for s in scores), len(scores)) for scores in (print_, replay)
    ]
    bpcer = Fraction(sum(s < threshold for s in bona_fide), len(bona_fide))
    assert result.apcer.value == float(max(apcer))
    assert result.bpcer.value == float(bpcer)
    assert result.acer == pytest.approx(float((max(apcer) + bpcer) / 2))


@settings(max_examples=200, deadline=None)
@given(lists, lists, lists)
def test_curve_figures_against_trying_every_threshold(bona_fide, print_, replay):
    test = scores_of(bona_fide, TestScores, print=print_, replay=replay)
    figures = curve_figures(test)
    attacks = print_ + replay
    pairs = [(b > a) + 0.5 * (b == a) for b in bona_fide for a in attacks]
    assert figures["auc"].value == pytest.approx(sum(pairs) / len(pairs))
    candidates = []
    for t in [*sorted({*bona_fide, *attacks}), float("inf")]:
        worst = max(Fraction(sum(s >= t for s in x), len(x)) for x in (print_, replay))
        pooled = Fraction(sum(s >= t for s in attacks), len(attacks))
        candidates.append((worst, pooled, Fraction(sum(s < t for s in bona_fide), len(bona_fide))))
    for name, limit in (("bpcer10", 0.1), ("bpcer20", 0.05), ("bpcer100", 0.01)):
        lowest = min(c[2] for c in candidates if c[0] <= Fraction(str(limit)))
        assert figures[name].value == pytest.approx(float(lowest))
    closest = min(candidates, key=lambda c: (abs(c[1] - c[2]), c[1] + c[2]))
    assert figures["eer"].value == pytest.approx(float(closest[1] + closest[2]) / 2)


def test_against_scikit_learn():
    rng = np.random.default_rng(7)
    bona_fide = np.round(rng.normal(1, 1, 5000), 2)  # rounding makes ties
    attacks = np.round(rng.normal(-1, 1, 20000), 2)
    test = scores_of(bona_fide.tolist(), TestScores, print=attacks.tolist())
    figures = curve_figures(test)
    truth = np.r_[np.ones(5000), np.zeros(20000)]
    scores = np.r_[bona_fide, attacks]
    assert figures["auc"].value == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    fpr, tpr, _ = roc_curve(truth, scores, drop_intermediate=False)
    for limit in (1e-2, 1e-3, 1e-4):
        assert figures[f"tpr_at_fpr_{limit:.0e}"].value == tpr[fpr <= limit].max()


@pytest.mark.parametrize(("attacks", "refused"), [(99, 3), (100, 2), (1000, 1), (10_000, 0)])
def test_tpr_at_a_rate_that_too_few_attacks_can_show_is_refused(attacks, refused):
    figures = curve_figures(scores_of([1.0], TestScores, print=[0.0] * attacks))
    notes = [f.note for name, f in figures.items() if name.startswith("tpr") and f.value is None]
    assert len(notes) == refused
    assert all(f"{attacks} attacks cannot show" in note for note in notes)


def test_bpcer100_says_when_a_species_is_too_small_to_allow_an_error():
    test = scores_of([1.0, 0.3], TestScores, print=[0.0] * 200, mask=[0.5] * 50)
    figure = curve_figures(test)["bpcer100"]
    assert figure.value == 0.5
    assert "mask" in figure.note
    assert "print" not in figure.note


def test_constant_scores_carry_no_information():
    figures = curve_figures(scores_of([0.5] * 10, TestScores, print=[0.5] * 20))
    assert figures["eer"].value == 0.5
    assert figures["auc"].value == 0.5
    assert figures["bpcer10"].value == 1


def test_an_eer_threshold_chosen_on_the_same_scores_gives_the_eer():
    rng = np.random.default_rng(3)
    bona_fide, attacks = rng.normal(1, 1, 301).tolist(), rng.normal(0, 1, 407).tolist()
    point = choose("eer", scores_of(bona_fide, print=attacks))
    test = scores_of(bona_fide, TestScores, print=attacks)
    assert evaluate(test, point).hter == pytest.approx(curve_figures(test)["eer"].value)


def test_the_worst_of_two_equal_species_is_the_less_certain_one():
    test = scores_of([1.0], TestScores, many=[0.0] * 99 + [1.0] * 1, few=[0.0] * 0 + [0.0] * 5)
    assert evaluate(test, at(0.5)).worst_species == "many"
    test = scores_of([1.0], TestScores, many=[0.0] * 100, few=[0.0] * 5)
    assert evaluate(test, at(0.5)).worst_species == "few"
