"""Criteria against an exhaustive search over thresholds with exact fractions."""

import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

import bonafide
from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import is_accepted
from bonafide.decision.scores import DevelopmentScores, TestScores
from bonafide.types import BonafideError
from tests.decision.tables import development, scores_of

few = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 3.0])  # many ties
lists = st.lists(few, min_size=1, max_size=12)


def rates(point_threshold, bona_fide, attacks):
    """(worst APCER, pooled APCER, BPCER) as fractions, by counting one score after another."""
    accepted = {
        name: sum(1 for s in scores if s >= point_threshold) for name, scores in attacks.items()
    }
    worst = max(Fraction(accepted[name], len(scores)) for name, scores in attacks.items())
    pooled = Fraction(sum(accepted.values()), sum(map(len, attacks.values())))
    bpcer = Fraction(sum(1 for s in bona_fide if s < point_threshold), len(bona_fide))
    return worst, pooled, bpcer


def every_decision(bona_fide, attacks):
    """One threshold for each way to cut the scores in two."""
    values = sorted({*bona_fide, *(s for scores in attacks.values() for s in scores)})
    return [*values, math.inf]


@settings(max_examples=300, deadline=None)
@given(lists, lists, lists, st.sampled_from([0.0, 0.05, 0.1, 0.25, 1 / 3, 0.5]))
def test_limits_hold_and_no_other_threshold_does_better(bona_fide, print_, replay, limit):
    attacks = {"print": print_, "replay": replay}
    if len({*bona_fide, *print_, *replay}) == 1:
        return
    scores = scores_of(bona_fide, **attacks)
    candidates = [rates(t, bona_fide, attacks) for t in every_decision(bona_fide, attacks)]

    point = choose(f"bpcer={limit!r}", scores)
    worst, _, bpcer = rates(point.threshold, bona_fide, attacks)
    allowed = [c for c in candidates if float(c[2]) <= limit]
    assert float(bpcer) <= limit
    assert worst == min(c[0] for c in allowed)

    allowed = [c for c in candidates if float(c[0]) <= limit]
    if min(c[2] for c in allowed) == 1:
        with pytest.raises(BonafideError, match="refuse every bona fide"):
            choose(f"apcer={limit!r}", scores)
    else:
        point = choose(f"apcer={limit!r}", scores)
        worst, _, bpcer = rates(point.threshold, bona_fide, attacks)
        assert float(worst) <= limit
        assert bpcer == min(c[2] for c in allowed)


@settings(max_examples=300, deadline=None)
@given(lists, lists, lists)
def test_eer_is_the_closest_pair_of_rates(bona_fide, print_, replay):
    attacks = {"print": print_, "replay": replay}
    if len({*bona_fide, *print_, *replay}) == 1:
        return
    candidates = [rates(t, bona_fide, attacks) for t in every_decision(bona_fide, attacks)]
    for target, which in (("eer", 1), ("eer-worst-species", 0)):
        point = choose(target, scores_of(bona_fide, **attacks))
        found = rates(point.threshold, bona_fide, attacks)
        gap = min(abs(c[which] - c[2]) for c in candidates)
        assert abs(found[which] - found[2]) == gap
        tied = [c for c in candidates if abs(c[which] - c[2]) == gap]
        assert found[which] + found[2] == min(c[which] + c[2] for c in tied)


def test_eer_agrees_with_scikit_learn_on_many_scores():
    rng = np.random.default_rng(4)
    bona_fide, attacks = rng.normal(1, 1, 4000), rng.normal(-1, 1.5, 3000)
    point = choose("eer", scores_of(bona_fide.tolist(), print=attacks.tolist()))
    truth = np.r_[np.ones(4000), np.zeros(3000)]
    far, tpr, thresholds = roc_curve(truth, np.r_[bona_fide, attacks], drop_intermediate=False)
    best = np.argmin(np.abs(far - (1 - tpr)))
    assert point.development.apcer_by_species["print"] == pytest.approx(far[best])
    assert point.development.bpcer == pytest.approx(1 - tpr[best])
    assert abs(point.threshold - thresholds[best]) < 0.01


def test_the_threshold_lies_in_the_middle_of_the_gap():
    point = choose("eer", scores_of([0.8, 0.9], print=[0.1, 0.2]))
    assert point.threshold == pytest.approx(0.5)
    assert point.development.bpcer == 0


def test_neighbouring_floats_leave_no_middle_and_still_separate():
    upper = math.nextafter(0.5, 1)
    point = choose("eer", scores_of([upper], print=[0.5]))
    assert is_accepted(upper, point.threshold)
    assert not is_accepted(0.5, point.threshold)


def test_huge_scores_do_not_overflow():
    point = choose("eer", scores_of([1.7e308], print=[-1.7e308]))
    assert point.threshold == 0


def test_every_bona_fide_above_every_attack_but_equal_scores_are_accepted():
    # hand count: 4 live, 1 of them tied with an attack; refusing nobody accepts that attack
    point = choose("bpcer=0", scores_of([0.5, 0.6, 0.7, 0.8], print=[0.1, 0.5], mask=[0.2]))
    assert point.development.apcer_by_species == {"print": 0.5, "mask": 0.0}
    assert 0.2 < point.threshold <= 0.5


def test_apcer_holds_for_the_small_species_too():
    bona_fide = [0.9] * 10
    # pooled, one of 21 accepted is below 5 %; of the species mask it is all
    scores = scores_of(bona_fide, print=[0.1] * 20, mask=[0.8])
    assert choose("apcer=0.05", scores).threshold > 0.8


def test_evidence_counts_people_and_leaves_non_responses_out():
    rows = [("bona_fide", "a", 0.9), ("bona_fide", "b", 0.8), ("bona_fide", "c", None)]
    rows += [("print", "a", 0.1), ("print", "d", 0.85), ("mask", "a", 0.2)]
    point = choose("threshold=0.8", development(rows, dataset=["twin (simulated)"] * 6))
    assert point.development.bona_fide == 2
    assert point.development.attacks == 3
    assert point.development.subjects == 3
    assert point.development.attacks_by_species == {"print": 2, "mask": 1}
    assert point.development.apcer_by_species == {"print": 0.5, "mask": 0.0}
    assert point.development.bpcer == 0
    assert point.development.dataset == "twin (simulated)"
    assert point.development.unit == "presentation"


@pytest.mark.parametrize(
    ("target", "scores", "message"),
    [
        ("eer", scores_of([0.1, 0.2]), "both|bona fide and of attacks"),
        ("eer", scores_of([], print=[0.1]), "bona fide and of attacks"),
        ("eer", scores_of([0.5], print=[0.5]), "all 2 scores equal"),
        ("eer", scores_of([0.5], print=[0.4], mask=[None]), "'mask'"),
        ("EER", scores_of([0.5], print=[0.4]), "unknown target"),
        ("eer=3", scores_of([0.5], print=[0.4]), "unknown target"),
        ("bpcer", scores_of([0.5], print=[0.4]), "unknown target"),
        ("bpcer=x", scores_of([0.5], print=[0.4]), "not a number"),
        ("bpcer=5", scores_of([0.5], print=[0.4]), "share"),
        ("apcer=-0.1", scores_of([0.5], print=[0.4]), "share"),
        ("threshold=nan", scores_of([0.5], print=[0.4]), "not a number"),
    ],
)
def test_what_cannot_be_chosen_is_refused(target, scores, message):
    with pytest.raises(BonafideError, match=message):
        choose(target, scores)


def test_test_scores_are_refused_at_run_time_too():
    scores = scores_of([0.5], TestScores, print=[0.4])
    with pytest.raises(BonafideError, match="TestScores"):
        choose("eer", scores)
    with pytest.raises(BonafideError, match="cannot become development"):
        DevelopmentScores.from_table(scores)


SNIPPET = """
from bonafide.decision.criteria import choose, measure
from bonafide.decision.scores import DevelopmentScores, ScoreTable, TestScores
from bonafide.evaluation.rates import evaluate

def wrong(test: TestScores, table: ScoreTable, development: DevelopmentScores) -> None:
    choose("eer", test)
    choose("eer", table)
    measure(test, 0.5)
    evaluate(development, choose("eer", development))

def right(test: TestScores, development: DevelopmentScores) -> None:
    evaluate(test, choose("eer", development))
"""


@pytest.mark.slow
def test_the_type_checker_refuses_to_choose_on_test_scores(tmp_path):
    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET)
    root = Path(bonafide.__file__).parents[1]
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--follow-imports=silent",
            "--cache-dir",
            str(tmp_path / "cache"),
            "--ignore-missing-imports",
            str(file),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ, MYPYPATH=str(root)),
    )
    errors = [line for line in found.stdout.splitlines() if "error:" in line]
    lines = SNIPPET.splitlines()
    guilty = [lines[int(line.split(":")[1]) - 1].strip() for line in errors]
    assert guilty == [line.strip() for line in lines[6:10]], found.stdout + found.stderr
    assert all("[arg-type]" in line for line in errors)
