import numpy as np
import pytest

from bonafide.evaluation.breakdown import by_condition, by_subject, within_subject_correlation
from bonafide.evaluation.rates import judge
from bonafide.types import BonafideError
from tests.decision.tables import judged
from tests.evaluation.test_rates import at

ROWS = [
    ("bona_fide", "a", 0.9), ("bona_fide", "a", 0.1), ("bona_fide", "b", 0.9),
    ("print", "a", 0.6), ("print", "a", 0.1), ("print", "b", None), ("mask", "c", 0.2),
]  # fmt: skip
LIGHT = ["day", "night", "night", "day", "night", "night", ""]


def test_groups_by_hand():
    test = judged(ROWS, light=LIGHT, device=["phone"] * 7, age=["20"] * 7)
    groups = {(g.column, g.value): g.rates for g in by_condition(test, at(0.5), ["age"])}
    assert list(groups) == [
        ("light", "(not stated)"), ("light", "day"), ("light", "night"), ("age", "20"),
    ]  # fmt: skip
    day, night = groups["light", "day"], groups["light", "night"]
    assert (day.bpcer.events, day.bpcer.trials) == (0, 1)
    assert (day.apcer.events, day.apcer.trials) == (1, 1)
    assert (night.bpcer.events, night.bpcer.trials) == (1, 2)
    assert night.apnrr_by_species["print"].events == 1
    assert "mask" not in night.apcer_by_species
    assert groups["light", "(not stated)"].bpcer.value is None


def test_numbers_in_names_are_sorted_as_numbers():
    names = ["camera 10", "camera 9", "10", "9", "b", ""]
    test = judged(ROWS[:6], device=names)
    values = [group.value for group in by_condition(test, at(0.5))]
    assert values == ["(not stated)", "b", "camera 9", "camera 10", "9", "10"]


def test_groups_add_up_to_the_whole():
    test = judged(ROWS, light=LIGHT)
    groups = by_condition(test, at(0.5))
    assert sum(g.rates.bpcer.events for g in groups) == 1
    assert sum(g.rates.attacks_accepted.trials for g in groups) == 3


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(BonafideError, match="'skin'"):
        by_condition(judged(ROWS, light=LIGHT), at(0.5), ["skin"])
    many = judged([("print", "a", 0.1)] * 50, code=[str(i) for i in range(50)])
    with pytest.raises(BonafideError, match="50 values"):
        by_condition(many, at(0.5), ["code"])


def test_people_weigh_alike():
    test = judged(ROWS)
    people = by_subject(test, judge(test, at(0.5)))
    live = people["bona_fide"]
    assert (live.any_error.events, live.any_error.trials) == (1, 2)
    assert live.mean_share == pytest.approx((1 / 2 + 0) / 2)
    assert (live.worst_subject, live.worst_share) == ("a", 0.5)
    assert (people["print"].any_error.events, people["print"].any_error.trials) == (1, 1)
    assert people["mask"].worst_subject == ""


def test_errors_of_one_person_are_alike_or_not():
    three = np.array([3, 3, 3])
    assert within_subject_correlation(np.array([3, 0, 0]), three) == 1  # always or never
    assert within_subject_correlation(np.array([1, 1, 1]), three) == 0  # people make no difference
    for errors, trials in (([0, 0], [3, 3]), ([3, 3], [3, 3]), ([1], [3]), ([1, 0], [1, 1])):
        assert within_subject_correlation(np.array(errors), np.array(trials)) is None


@pytest.mark.parametrize(("a", "b"), [(0.5, 4.5), (2.0, 18.0), (5.0, 5.0)])
def test_the_correlation_of_a_beta_binomial_is_found(a, b):
    rng = np.random.default_rng(0)
    trials = rng.integers(2, 12, 4000)
    errors = rng.binomial(trials, rng.beta(a, b, 4000))
    found = within_subject_correlation(errors, trials)
    assert found == pytest.approx(1 / (a + b + 1), abs=0.02)


def test_unknown_people_cannot_be_counted():
    test = judged([("print", "", 0.1)])
    assert by_subject(test, judge(test, at(0.5))) == {}
