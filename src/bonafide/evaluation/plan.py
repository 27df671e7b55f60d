"""How many presentations a claim needs, before anybody is invited to the laboratory."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bonafide.decision.binomial import binomial_cdf
from bonafide.evaluation.intervals import CONFIDENCE
from bonafide.types import BonafideError


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One way to show the claim.

    Attributes:
        allowed_errors: errors that may be seen.
        independent: presentations needed if each came from another person.
        presentations: needed with several from each person (``independent`` times the design
            effect, filled up to whole subjects).
        subjects: people needed.
        chance: probability of seeing no more errors than allowed if the true rate is
            ``true_rate``; with fewer than an even chance the test is likely to be failed by a
            system that is good enough.
        true_rate: the rate that ``chance`` is for.
    """

    allowed_errors: int
    independent: int
    presentations: int
    subjects: int
    chance: float
    true_rate: float


def presentations_needed(rate: float, confidence: float, allowed_errors: int) -> int:
    """The smallest n for which so few errors in n show, one-sided and exactly, a lower rate.

    That is P(X <= allowed_errors) <= 1 - confidence for X ~ Binomial(n, rate). For 0 errors it is
    log(1 - confidence) / log(1 - rate), close to the rule of three, 3 / rate, at 95 %.

    >>> presentations_needed(0.05, 0.95, 0), presentations_needed(0.05, 0.95, 1)
    (59, 93)
    """
    _check_share("rate", rate)
    _check_share("confidence", confidence)
    if allowed_errors < 0:
        raise BonafideError(f"{allowed_errors} errors cannot be allowed.", where="plan")
    low, high = allowed_errors, allowed_errors + 1  # not enough, perhaps enough
    while binomial_cdf(allowed_errors, high, rate) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = binomial_cdf(allowed_errors, middle, rate) <= 1 - confidence
        low, high = (low, middle) if enough else (middle, high)
    return high


def design_effect(per_subject: int, correlation: float) -> float:
    """1 + (m - 1) rho: how many correlated presentations weigh as much as an independent one.

    Args:
        per_subject: m presentations of each person, of the species or class in question.
        correlation: rho, 0..1: how much more alike errors of one person are than of two. 0 when
            people make no difference, 1 when a person is always or never wrong.
    """
    if per_subject < 1 or not 0 <= correlation <= 1:
        raise BonafideError(
            f"{per_subject} presentations a subject with correlation {correlation}.",
            where="plan",
            remedy="Give at least 1 presentation and a correlation from 0 to 1.",
        )
    return 1 + (per_subject - 1) * correlation


def plan(
    rate: float,
    confidence: float = CONFIDENCE,
    *,
    most_errors: int = 3,
    per_subject: int = 1,
    correlation: float = 0.1,
    true_rate: float | None = None,
) -> list[PlanRow]:
    """Sample sizes to show that a rate is below ``rate``, for 0, 1, ... allowed errors.

    Args:
        rate: the claim, such as 0.05 for "APCER below 5 %". For APCER the numbers are for EACH
            PAI species.
        confidence: one-sided.
        most_errors: the last row's allowed errors.
        per_subject, correlation: see `design_effect`.
        true_rate: what the system is hoped to do; by default a fifth of ``rate``.

    Raises:
        BonafideError: a rate or the confidence is not between 0 and 1, or a count is negative.
    """
    hoped = rate / 5 if true_rate is None else true_rate
    if not 0 <= hoped < 1:
        raise BonafideError(f"a true rate of {hoped} is no share.", where="plan")
    effect = design_effect(per_subject, correlation)
    rows = []
    for errors in range(most_errors + 1):
        independent = presentations_needed(rate, confidence, errors)
        subjects = math.ceil(round(independent * effect / per_subject, 9))
        chance = binomial_cdf(errors, independent, hoped)
        rows.append(PlanRow(errors, independent, subjects * per_subject, subjects, chance, hoped))
    return rows


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise BonafideError(
            f"{name} {value:g} is not between 0 and 1.",
            where="plan",
            remedy="For five percent write 0.05.",
        )
