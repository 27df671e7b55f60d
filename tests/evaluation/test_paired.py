import numpy as np
import pytest
from scipy.stats import binomtest

from bonafide.evaluation.paired import PairedErrors, compare_errors, holm, mcnemar
from bonafide.types import BonafideError


def errors(species, subject, first, second):
    return PairedErrors(
        species, np.asarray(subject), np.asarray(first, float), np.asarray(second, float)
    )


def test_hand_counted_differences():
    result = compare_errors(
        errors(
            ["bona_fide"] * 4 + ["print"] * 2 + ["mask"] * 2,
            [1, 1, 2, 2, 1, 2, 1, 2],
            [0, 0, 0, 1, 1, 0, 0, 0],
            [1, 1, 0, 1, 0, 0, 1, 1],
        ),
        np.random.default_rng(0),
        rounds=200,
    )
    values = {name: (d.first, d.second) for name, d in result.items()}
    assert values == {
        "apcer:mask": (0, 1),
        "apcer:print": (0.5, 0),
        "apcer": (0.5, 1),
        "bpcer": (0.25, 0.75),
        "acer": (0.375, 0.875),
    }
    assert result["bpcer"].value == -0.5


def test_equal_models_do_not_differ():
    wrong = (np.arange(60) % 4 == 0).astype(float)
    result = compare_errors(
        errors(["bona_fide"] * 60, np.arange(60) // 3, wrong, wrong), np.random.default_rng(0), 100
    )
    assert result["bpcer"].p_value == 1
    assert result["bpcer"].interval is None


def test_pairing_sees_what_separate_intervals_cannot():
    # half of the people are hard for both; the second model errs on one presentation more of each
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(40), 10)
    hard = (subject % 2 == 0) & (rng.random(400) < 0.6)
    extra = np.tile(np.arange(10) == 3, 40) & ~hard
    result = compare_errors(
        errors(["bona_fide"] * 400, subject, hard, hard | extra), np.random.default_rng(2)
    )["bpcer"]
    assert result.value == pytest.approx(-extra.mean())
    assert result.interval.high < 0
    assert result.p_value < 0.01
    assert result.interval.high - result.interval.low < 0.08  # one model alone: about 0.2


def test_the_draw_against_really_drawing_people_and_presentations():
    rng = np.random.default_rng(3)
    first = rng.random((6, 5)) < rng.random((6, 1))
    second = rng.random((6, 5)) < rng.random((6, 1))
    slow = []
    for _ in range(4000):
        chosen = rng.integers(0, 6, 6)
        rows = rng.integers(0, 5, (6, 5))
        slow.append(first[chosen[:, None], rows].mean() - second[chosen[:, None], rows].mean())
    fast = compare_errors(
        errors(["print"] * 30, np.repeat(np.arange(6), 5), first.ravel(), second.ravel()),
        np.random.default_rng(4),
        rounds=4000,
    )["apcer"].interval
    assert (fast.low, fast.high) == pytest.approx(np.quantile(slow, [0.025, 0.975]), abs=0.05)


def test_p_values_are_uniform_when_nothing_differs():
    rng = np.random.default_rng(5)
    small = 0
    for _ in range(200):
        flip = rng.random(60) < 0.5
        one, other = rng.random(60) < 0.3, rng.random(60) < 0.3
        first, second = np.where(flip, one, other), np.where(flip, other, one)
        data = errors(["print"] * 60, np.arange(60), first, second)
        small += compare_errors(data, rng, rounds=200)["apcer"].p_value <= 0.1
    assert small / 200 < 0.17


def test_mean_errors_over_seeds_are_taken_as_they_are():
    result = compare_errors(
        errors(["print"] * 4, [0, 0, 1, 1], [1 / 3, 0, 2 / 3, 1], [0, 0, 0, 1]),
        np.random.default_rng(0),
        50,
    )
    assert result["apcer"].first == pytest.approx(0.5)


def test_nothing_in_common_is_refused():
    with pytest.raises(BonafideError, match="no presentation"):
        errors([], [], [], [])


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 9), (9, 1), (5, 5), (0, 6), (20, 40)])
def test_mcnemar_against_scipy(b, c):
    expected = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected)


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.5]) == pytest.approx([0.08, 0.03, 0.5])
    assert holm([]) == []
