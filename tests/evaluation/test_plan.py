from fractions import Fraction
from math import comb

import pytest

from bonafide.evaluation.intervals import upper_bound
from bonafide.evaluation.plan import design_effect, plan, presentations_needed
from bonafide.types import BonafideError


def at_most(k, n, p):
    p = Fraction(str(p))
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@pytest.mark.parametrize(("claim", "errors"), [(0.05, 0), (0.05, 3), (0.2, 1), (0.01, 2), (0.5, 0)])
def test_one_presentation_less_would_not_do(claim, errors):
    n = presentations_needed(claim, 0.95, errors)
    assert at_most(errors, n, claim) <= Fraction("0.05") < at_most(errors, n - 1, claim)


def test_known_sizes():
    # 59 without an error for 95 % confidence in 95 % reliability: Wilks, and every handbook
    assert [presentations_needed(0.05, 0.95, k) for k in range(4)] == [59, 93, 124, 153]
    assert presentations_needed(0.0001, 0.95, 0) == 29956  # just under 3 / 0.0001


def test_a_plan_carried_out_gives_the_claimed_bound():
    for row in plan(0.03, 0.9):
        assert upper_bound(row.allowed_errors, row.independent, 0.9) <= 0.03
        assert upper_bound(row.allowed_errors, row.independent - 1, 0.9) > 0.03


def test_several_presentations_of_a_person_weigh_less():
    assert design_effect(10, 0) == 1
    assert design_effect(10, 1) == 10
    row = plan(0.05, per_subject=10, correlation=0.1)[0]
    assert row.subjects == 12  # 59 * 1.9 / 10 = 11.2
    assert row.presentations == 120
    assert plan(0.05, per_subject=10, correlation=1.0)[0].subjects == 59  # one counts per person


def test_the_chance_to_pass_is_said():
    rows = plan(0.05, true_rate=0.01)
    assert rows[0].chance == pytest.approx(0.99**59)
    assert [row.chance for row in rows] == sorted(row.chance for row in rows)
    assert plan(0.05)[0].true_rate == pytest.approx(0.01)


@pytest.mark.parametrize(
    "arguments",
    [
        {"rate": 5},
        {"rate": 0},
        {"rate": 0.1, "confidence": 95},
        {"rate": 0.1, "true_rate": 1},
        {"rate": 0.1, "per_subject": 0},
        {"rate": 0.1, "correlation": 1.5},
    ],
)
def test_percent_for_shares_is_refused(arguments):
    with pytest.raises(BonafideError, match="plan"):
        plan(**arguments)
