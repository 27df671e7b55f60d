"""The bootstrap against a loop that really draws people and presentations, and its coverage."""

import numpy as np
import pytest

from bonafide.decision.scores import TestScores
from bonafide.evaluation.bootstrap import (
    Stratum,
    bootstrap_curve_figures,
    bootstrap_rates,
    draw_subjects,
    resample,
)
from bonafide.evaluation.rates import curve_figures, evaluate, judge
from tests.decision.tables import judged, table
from tests.evaluation.test_rates import at


def clustered(rng, subjects=20, each=10, shape=(0.5, 4.5)):
    """(subjects, each) error flags whose probability differs between people; mean 0.1."""
    share = rng.beta(*shape, subjects)
    return rng.random((subjects, each)) < share[:, None]


def test_draws_are_whole_samples_of_people():
    draws = draw_subjects(np.random.default_rng(0), 500, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert draws.mean() == pytest.approx(1)
    assert draws.var() == pytest.approx(6 / 7, rel=0.05)  # multinomial


def test_the_shortcut_has_the_distribution_of_drawing_one_by_one():
    rng = np.random.default_rng(1)
    flags = clustered(rng, subjects=8, each=5)
    slow = np.empty(4000)
    for i in range(len(slow)):
        people = rng.integers(0, 8, 8)
        slow[i] = np.mean([flags[p][rng.integers(0, 5, 5)].mean() for p in people])
    stratum = Stratum("print", np.full(8, 5), flags.sum(axis=1))
    trials, errors = resample([stratum], rng, 4000, 8)
    fast = errors[:, 0] / trials[:, 0]
    assert (trials == 40).all()
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.006)
    assert fast.std() == pytest.approx(slow.std(), rel=0.06)
    grid = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.quantile(fast, grid) == pytest.approx(np.quantile(slow, grid), abs=0.026)


def test_it_is_wider_than_the_exact_interval_when_people_differ():
    rng = np.random.default_rng(2)
    rows = [
        ("bona_fide", f"s{i}", float(not wrong))
        for i, flags in enumerate(clustered(rng, 20, 30, (0.1, 0.9)))
        for wrong in flags
    ]
    test = judged([*rows, ("print", "s0", 0.0), ("print", "s1", 0.0)])
    boot = bootstrap_rates(test, judge(test, at(0.5)), rng)["bpcer"]
    exact = evaluate(test, at(0.5)).bpcer.interval
    assert boot.high - boot.low > 2 * (exact.high - exact.low)
    assert "20 subjects" in boot.method


def test_rounds_without_variation_are_no_interval():
    test = judged([("bona_fide", "a", 1.0), ("bona_fide", "b", 1.0), ("print", "a", 0.0)])
    result = bootstrap_rates(test, judge(test, at(0.5)), np.random.default_rng(0), 50)
    assert set(result) == {"apcer:print", "apcer", "bpcer", "acer", "hter", "accuracy"}
    assert all(interval is None for interval in result.values())


def test_without_people_every_presentation_is_drawn_alone():
    rows = [("print", "", float(i % 2)) for i in range(50)] + [("bona_fide", "", 1.0)]
    test = judged(rows)
    result = bootstrap_rates(test, judge(test, at(0.5)), np.random.default_rng(0), 2000)
    assert "51 presentations" in result["apcer"].method
    half_width = 1.96 * (0.25 / 50) ** 0.5
    assert result["apcer"].high - result["apcer"].low == pytest.approx(2 * half_width, rel=0.12)


def test_the_same_seed_gives_the_same_intervals():
    rng = np.random.default_rng(4)
    rows = [("bona_fide", f"s{i % 9}", x) for i, x in enumerate(rng.normal(1, 1, 90))]
    rows += [("print", f"s{i % 9}", x) for i, x in enumerate(rng.normal(0, 1, 90))]
    test = judged(rows)
    pair = [bootstrap_curve_figures(test, np.random.default_rng(5), 30) for _ in range(2)]
    assert pair[0] == pair[1]
    assert pair[0]["eer"].low < curve_figures(test)["eer"].value < pair[0]["eer"].high


def test_weighted_curve_figures_equal_those_of_a_table_with_the_people_repeated(monkeypatch):
    rng = np.random.default_rng(6)
    rows = [("bona_fide", f"s{i % 5}", x) for i, x in enumerate(rng.normal(1, 1, 60).round(1))]
    rows += [("print", f"s{i % 5}", x) for i, x in enumerate(rng.normal(0, 1, 70).round(1))]
    rows += [("mask", f"s{i % 5}", x) for i, x in enumerate(rng.normal(0.5, 1, 50).round(1))]
    test = judged(rows)
    for _ in range(30):
        draws = draw_subjects(rng, 1, 5)
        monkeypatch.setattr("bonafide.evaluation.bootstrap.draw_subjects", lambda *_, d=draws: d)
        seen = {}
        monkeypatch.setattr(
            "bonafide.evaluation.bootstrap.percentile_interval",
            lambda samples, *_: float(samples[0]),
        )
        seen = bootstrap_curve_figures(test, rng, 1)
        repeated = [row for row in rows for _ in range(draws[0][int(row[1][1:])])]
        expected = curve_figures(table(repeated, TestScores))
        for name, value in seen.items():
            if expected[name].value is not None:
                assert value == pytest.approx(expected[name].value), name


@pytest.mark.slow
def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(8)
    hits = 0
    for _ in range(300):
        flags = clustered(rng, subjects=40, each=10)
        stratum = Stratum("print", np.full(40, 10), flags.sum(axis=1))
        trials, errors = resample([stratum], rng, 400, 40)
        low, high = np.quantile(errors / trials, [0.025, 0.975])
        hits += low <= 0.1 <= high
    assert 0.91 <= hits / 300 <= 0.995
