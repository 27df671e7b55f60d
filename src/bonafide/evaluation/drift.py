"""Has anything drifted between two periods: scores, decisions, non-answers, quality?

With enough rows every difference is significant, and with few a large one may be chance. So an
alarm needs both: a p value below ``alpha`` after adjustment for all questions asked (Holm), and an
effect of at least the stated size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.decision.scores import Bools, Floats
from bonafide.evaluation.intervals import CONFIDENCE, Interval, Rate, newcombe, rate
from bonafide.evaluation.paired import holm
from bonafide.evaluation.period import QUALITY, Period
from bonafide.evaluation.two_samples import (
    fisher_exact,
    ks_p_value,
    ks_statistic,
    stability_index,
)
from bonafide.types import BonafideError, Decision

SCORE = "score"
ACCEPTED, SILENT, REASON = "accepted", "not_evaluated", "reason:"


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """When to raise the alarm.

    Attributes:
        alpha: probability of any false alarm of a comparison, if all rows are independent.
        min_stability_index: least effect of a distribution: its population stability index above
            what an unchanged one has on average. 0.1 is what credit scoring calls a moderate and
            0.25 a major shift; a normal distribution moved by a third of its deviation has 0.1.
        min_rate_change: least effect of a rate, in either direction, as a share.
        bins: of the stability index.
        min_rows: values that each period must have for a question to be asked.
    """

    alpha: float = 0.01
    min_stability_index: float = 0.1
    min_rate_change: float = 0.02
    bins: int = 10
    min_rows: int = 50

    def __post_init__(self) -> None:
        shares = {"alpha": self.alpha, "min_rate_change": self.min_rate_change}
        for name, value in shares.items():
            if not 0 < value < 1:
                raise BonafideError(
                    f"{value:g} is not between 0 and 1.", where=name, remedy="Write 1 % as 0.01."
                )
        if self.bins < 2 or self.min_rows < 2 or not self.min_stability_index > 0:
            raise BonafideError(
                "bins and min_rows are at least 2, min_stability_index is above 0.",
                where="drift settings",
            )


@dataclass(frozen=True, eq=False)
class Shift:
    """A measured quantity in both periods.

    Attributes:
        name: "score" or a measure of `period.QUALITY`.
        values: those of the baseline and of the current period, finite ones only.
        medians: of both.
        distance: Kolmogorov-Smirnov, 0..1.
        p_value, adjusted: that it is chance; adjusted for all questions.
        index: population stability index.
        expected_index: its mean without a change.
        alarm: both conditions hold.
    """

    name: str
    values: tuple[Floats, Floats]
    medians: tuple[float, float]
    distance: float
    p_value: float
    adjusted: float
    index: float
    expected_index: float
    alarm: bool


@dataclass(frozen=True, slots=True)
class RateChange:
    """A share of presentations in both periods.

    Attributes:
        name: "accepted" (of those answered), "not_evaluated" (of all), or "reason:CODE" (of all).
        baseline, current: counts with exact intervals.
        difference: current minus baseline, -1..1.
        interval: of the difference.
        p_value, adjusted: that it is chance; adjusted for all questions.
        alarm: both conditions hold.
    """

    name: str
    baseline: Rate
    current: Rate
    difference: float
    interval: Interval
    p_value: float
    adjusted: float
    alarm: bool


@dataclass(frozen=True, eq=False)
class Drift:
    """The comparison of two periods.

    Attributes:
        settings: when to raise the alarm.
        baseline, current: the periods.
        shifts: the score first, then quality.
        changes: acceptance, non-answers, then their reasons.
        cautions: what to know before relying on it.
    """

    settings: DriftSettings
    baseline: Period
    current: Period
    shifts: tuple[Shift, ...]
    changes: tuple[RateChange, ...]
    cautions: tuple[str, ...]

    @property
    def alarms(self) -> tuple[str, ...]:
        """Names of what raised the alarm."""
        found: list[Shift | RateChange] = [*self.shifts, *self.changes]
        return tuple(one.name for one in found if one.alarm)


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked of a distribution, or of a rate, before p values are adjusted."""

    name: str
    p_value: float
    values: tuple[Floats, Floats] | None = None
    rates: tuple[Rate, Rate] | None = None


def compare_periods(
    baseline: Period, current: Period, settings: DriftSettings | None = None
) -> Drift:
    """Ask of every measure that both periods have whether it drifted.

    Rows are taken for independent. Several presentations of one person are not, and then p values
    are too small; the least effect sizes guard against that.
    """
    settings = settings or DriftSettings()
    questions, cautions = _distributions(baseline, current, settings)
    more, further = _rates(baseline, current, settings)
    questions += more
    adjusted = holm([question.p_value for question in questions])
    shifts, changes = [], []
    for question, p_value in zip(questions, adjusted, strict=True):
        if question.values is not None:
            shifts.append(_shift(question, question.values, p_value, settings))
        elif question.rates is not None:
            changes.append(_change(question, question.rates, p_value, settings))
    cautions = [*_provenance(baseline, current), *cautions, *further]
    return Drift(settings, baseline, current, tuple(shifts), tuple(changes), tuple(cautions))


def _distributions(
    baseline: Period, current: Period, settings: DriftSettings
) -> tuple[list[_Question], list[str]]:
    columns = ({SCORE: one.score, **one.quality} for one in (baseline, current))
    before, after = columns
    questions, cautions = [], []
    for name in (SCORE, *QUALITY):
        if (name in before) != (name in after):
            where = baseline.source if name in before else current.source
            cautions.append(f"Only {where} tells {name}; it is not compared.")
        if name not in before or name not in after:
            continue
        a, b = (values[~np.isnan(values)] for values in (before[name], after[name]))
        if min(len(a), len(b)) < settings.min_rows:
            cautions.append(_too_few(name, len(a), len(b), settings))
            continue
        p_value = ks_p_value(ks_statistic(a, b), len(a), len(b))
        questions.append(_Question(name, p_value, values=(a, b)))
    return questions, cautions


def _rates(
    baseline: Period, current: Period, settings: DriftSettings
) -> tuple[list[_Question], list[str]]:
    questions, cautions = [], []
    for name in (ACCEPTED, SILENT, *_reasons(baseline, current)):
        rates = _rate(baseline, name), _rate(current, name)
        a, b = rates
        if min(a.trials, b.trials) < settings.min_rows:
            cautions.append(_too_few(name, a.trials, b.trials, settings))
            continue
        p_value = fisher_exact(a.events, a.trials, b.events, b.trials)
        questions.append(_Question(name, p_value, rates=rates))
    return questions, cautions


def _reasons(baseline: Period, current: Period) -> list[str]:
    codes = {*baseline.reason.counts(), *current.reason.counts()} - {""}
    return [f"{REASON}{code}" for code in sorted(codes)]


def _rate(period: Period, name: str) -> Rate:
    silent: Bools = period.decision.mask(Decision.NOT_EVALUATED.value)
    if name == ACCEPTED:
        accepted = np.count_nonzero(period.decision.mask(Decision.BONA_FIDE.value))
        return rate(int(accepted), int(np.count_nonzero(~silent)))
    mask = silent if name == SILENT else period.reason.mask(name.removeprefix(REASON))
    return rate(int(np.count_nonzero(mask)), len(period))


def _too_few(name: str, before: int, after: int, settings: DriftSettings) -> str:
    return (
        f"{name} is not compared: {before} and {after} values, and each period needs "
        f"{settings.min_rows}."
    )


def _shift(
    question: _Question, values: tuple[Floats, Floats], adjusted: float, settings: DriftSettings
) -> Shift:
    a, b = values
    index, expected = stability_index(a, b, settings.bins)
    large = index - expected >= settings.min_stability_index
    return Shift(
        question.name,
        values,
        (float(np.median(a)), float(np.median(b))),
        ks_statistic(a, b),
        question.p_value,
        adjusted,
        index,
        expected,
        large and adjusted < settings.alpha,
    )


def _change(
    question: _Question, rates: tuple[Rate, Rate], adjusted: float, settings: DriftSettings
) -> RateChange:
    before, after = rates
    difference = after.events / after.trials - before.events / before.trials
    large = abs(difference) >= settings.min_rate_change
    return RateChange(
        question.name,
        before,
        after,
        difference,
        newcombe(after, before, CONFIDENCE),
        question.p_value,
        adjusted,
        large and adjusted < settings.alpha,
    )


def _provenance(baseline: Period, current: Period) -> list[str]:
    cautions = []
    for period in (baseline, current):
        if len(period.models) > 1:
            cautions.append(f"{period.source} holds answers of {len(period.models)} models.")
    if baseline.models and current.models and baseline.models != current.models:
        cautions.append(
            "The periods were answered by different models; scores may differ for that."
        )
    if baseline.thresholds and current.thresholds and baseline.thresholds != current.thresholds:
        cautions.append(
            "The periods have different thresholds; acceptance may differ for that alone."
        )
    return cautions
