"""Models of several seeds against literal repetition and cases that can be told beforehand."""

import numpy as np
import pytest

from bonafide.evaluation.bootstrap import WeightedCurve, draw_subjects
from bonafide.evaluation.rates import curve_figures, judge, rates_of
from bonafide.evaluation.seeds import SeededRun, bootstrap_seeds
from bonafide.types import BonafideError
from tests.decision.tables import judged
from tests.evaluation.test_rates import at


def people_rows(gap, seed, people=12, each=4):
    """Bona fide and print scores of several people; a larger gap separates them better."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        shift = rng.normal(0, 0.5)
        for _ in range(each):
            rows.append(("bona_fide", f"s{person}", rng.normal(gap, 1) + shift))
            rows.append(("print", f"s{person}", rng.normal(0, 1) + shift))
    return rows


def run_of(rows, threshold=0.5):
    test = judged(rows)
    return SeededRun(test, judge(test, at(threshold)))


def test_weights_do_what_repeating_the_people_does():
    rows = people_rows(1.0, 0)
    test = judged(rows)
    names = sorted(test.subjects())
    who = np.array([names.index(row[1]) for row in rows])
    curve = WeightedCurve(test, who)
    for weights in draw_subjects(np.random.default_rng(1), 5, len(names)):
        repeated = [row for row in rows for _ in range(weights[names.index(row[1])])]
        assert curve.eer(weights) == pytest.approx(curve_figures(judged(repeated))["eer"].value)


def test_the_mean_over_seeds_is_observed_and_its_interval_holds_it():
    runs = [run_of(people_rows(1.5, seed)) for seed in range(3)]
    drawn = bootstrap_seeds({"a": runs}, np.random.default_rng(0), 300)
    hter = np.mean([rates_of(run.test, run.accepted).hter for run in runs])
    assert drawn.observed["a"][1] == pytest.approx(hter)
    for number, rate in enumerate(("eer", "hter", "accuracy")):
        interval = drawn.interval("a", rate)
        assert interval.low < drawn.observed["a"][number] < interval.high
    assert "12 subjects, 3 seeds" in drawn.method


def test_several_seeds_that_agree_leave_the_interval_of_one():
    run = run_of(people_rows(1.0, 0))
    one = bootstrap_seeds({"a": [run]}, np.random.default_rng(0), 400).interval("a", "eer")
    three = bootstrap_seeds({"a": [run] * 3}, np.random.default_rng(0), 400).interval("a", "eer")
    assert (one.low, one.high) == pytest.approx((three.low, three.high))


def test_seeds_that_disagree_widen_it():
    close = [run_of(people_rows(1.0, 0))] * 3
    apart = [run_of(people_rows(gap, 0)) for gap in (0.2, 1.0, 3.0)]
    drawn = bootstrap_seeds({"close": close, "apart": apart}, np.random.default_rng(0), 300)

    def width(name):
        interval = drawn.interval(name, "eer")
        return interval.high - interval.low

    assert width("apart") > 1.5 * width("close")


def test_a_clear_difference_is_shown_and_none_is_not():
    models = {
        "good": [run_of(people_rows(3.0, seed), 1.5) for seed in range(3)],
        "poor": [run_of(people_rows(0.5, seed), 0.2) for seed in range(3)],
        "also good": [run_of(people_rows(3.0, seed), 1.5) for seed in range(10, 13)],
    }
    drawn = bootstrap_seeds(models, np.random.default_rng(0), 500)
    for rate in ("eer", "hter"):
        clear = drawn.difference(["good"], ["poor"], rate)
        assert clear.value < -0.2
        assert clear.p_value < 0.01
        assert drawn.difference(["good"], ["also good"], rate).p_value > 0.05
        same = drawn.difference(["good", "poor"], ["poor", "good"], rate)
        assert same.value == 0
        assert same.p_value == 1


@pytest.mark.parametrize(
    ("rows", "others"),
    [
        (people_rows(1, 0, people=3), people_rows(1, 0, people=4)),
        ([("bona_fide", "", 1.0)], [("bona_fide", "", 1.0)]),
    ],
)
def test_other_people_or_nobody_named_is_refused(rows, others):
    with pytest.raises(BonafideError, match="same stated people"):
        bootstrap_seeds({"a": [run_of(rows)], "b": [run_of(others)]}, np.random.default_rng(0))


@pytest.mark.parametrize("bona_fide", [1, 3])
def test_accuracy_weighs_classes_by_their_numbers(bona_fide):
    rows = [("bona_fide", f"s{n}", (n % 3) / 2) for n in range(9) for _ in range(bona_fide)]
    rows += [("print", f"s{n}", (n % 2) / 1) for n in range(9)]
    drawn = bootstrap_seeds({"a": [run_of(rows)]}, np.random.default_rng(0), 50)
    right = 6 * bona_fide + 5  # bona fide at 0.5 and 1 of threshold 0.5; prints at 0
    assert drawn.observed["a"][2] == pytest.approx(right / (9 * bona_fide + 9))
    if bona_fide == 1:  # then every drawn person brings one of each
        np.testing.assert_allclose(drawn.sampled["a"][:, 2], 1 - drawn.sampled["a"][:, 1])
