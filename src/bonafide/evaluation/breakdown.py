"""The same rates for parts of the data: by condition, and by frame, presentation and subject."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.decision.operating_point import OperatingPoint
from bonafide.decision.scores import Bools, Integers, TestScores
from bonafide.evaluation.intervals import CONFIDENCE, Rate, rate
from bonafide.evaluation.rates import OperatingRates, judge, rates_of
from bonafide.types import BONA_FIDE_SPECIES, BonafideError

CONDITIONS = ("dataset", "pai_detail", "session", "device", "light", "quality")
"""Columns that are broken down unasked when the file fills them; pai_detail is the instrument."""
MOST_VALUES = 40
NOT_STATED = "(not stated)"


@dataclass(frozen=True, slots=True)
class Group:
    """The rates of the rows that share one value of one column."""

    column: str
    value: str
    rates: OperatingRates


@dataclass(frozen=True, slots=True)
class SubjectRates:
    """Errors counted by person.

    A person's share of wrong answers is averaged over people, so that those with many
    presentations do not outweigh the others.

    Attributes:
        any_error: people with at least one wrong answer, among people with an answer.
        mean_share: mean over people of the share of their presentations answered wrongly, 0..1.
        worst_subject: the one with the highest share; "" when nobody had an error.
        worst_share: that share.
        correlation: of errors within a person, estimated; see `within_subject_correlation`.
    """

    any_error: Rate
    mean_share: float
    worst_subject: str
    worst_share: float
    correlation: float | None


def by_condition(
    test: TestScores,
    point: OperatingPoint,
    columns: Sequence[str] = (),
    confidence: float = CONFIDENCE,
) -> list[Group]:
    """Rates for each value of each condition; groups in the columns' order, then by value.

    Args:
        test: presentations.
        point: the operating point.
        columns: further columns, such as an age group of the user's own file. `CONDITIONS` are
            taken anyway where they hold 2 to `MOST_VALUES` values.
        confidence: of the exact intervals.

    Raises:
        BonafideError: a column asked for is not there or has more than `MOST_VALUES` values.
    """
    accepted = judge(test, point)
    for name in columns:
        if name not in test.conditions:
            raise BonafideError(
                f"there is no column {name!r} to break down by.",
                where=test.source,
                remedy=f"The file has {', '.join(sorted(test.conditions)) or 'no such columns'}.",
            )
        values = len(test.conditions[name].counts())
        if values > MOST_VALUES:
            raise BonafideError(
                f"column {name!r} has {values} values; at most {MOST_VALUES} make a table.",
                where=test.source,
                remedy="Group the values first.",
            )
    groups = []
    for name in dict.fromkeys((*CONDITIONS, *columns)):
        column = test.conditions.get(name)
        if column is None:
            continue
        # an instrument is a property of attacks; bona fide rows have none to state
        relevant = test.attack if name == "pai_detail" else np.ones(len(test), dtype=np.bool_)
        values_here = sorted(column.take(relevant).counts(), key=_natural)
        if name not in columns and not 2 <= len(values_here) <= MOST_VALUES:
            continue
        for value in values_here:
            rows = column.mask(value) & relevant
            groups.append(
                Group(name, value or NOT_STATED, rates_of(test, accepted, confidence, rows))
            )
    return groups


def _natural(text: str) -> list[tuple[int, str]]:
    """Sorting key that puts "camera 2" before "camera 10"."""
    parts = re.findall(r"\d+|\D+", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def by_subject(
    test: TestScores, accepted: Bools, confidence: float = CONFIDENCE
) -> dict[str, SubjectRates]:
    """Species (and "bona_fide") -> errors counted by person; empty without stated subjects."""
    if not test.has_subjects:
        return {}
    names = test.subject.names
    result = {}
    for species in [BONA_FIDE_SPECIES, *test.attack_species()]:
        rows = test.answered & test.species.mask(species)
        wrong = rows & (accepted != (species == BONA_FIDE_SPECIES))
        n = np.bincount(test.subject.codes[rows], minlength=len(names))
        e = np.bincount(test.subject.codes[wrong], minlength=len(names))
        seen = n > 0
        if not seen.any():
            continue
        share = np.zeros(len(names))
        np.divide(e, n, out=share, where=seen)
        worst = int(np.argmax(share))
        result[species] = SubjectRates(
            rate(int(np.count_nonzero(e)), int(np.count_nonzero(seen)), confidence),
            float(share[seen].mean()),
            names[worst] if share[worst] > 0 else "",
            float(share[worst]),
            within_subject_correlation(e[seen], n[seen]),
        )
    return result


def within_subject_correlation(errors: Integers, trials: Integers) -> float | None:
    """How much more alike errors of one person are than of two: the rho of `plan.design_effect`.

    The intraclass correlation from a one-way analysis of variance of the 0/1 errors, cut to 0..1.

    Args:
        errors, trials: (subjects,) counts, each of ``trials`` at least 1.

    Returns:
        rho; None when all or none are errors, with one subject, or one presentation of each:
        then nothing can be told.
    """
    subjects, total = len(trials), int(trials.sum())
    if subjects < 2 or total == subjects or errors.sum() in (0, total):
        return None
    share = errors / trials
    between = float((trials * (share - errors.sum() / total) ** 2).sum()) / (subjects - 1)
    within = float((errors * (1 - share)).sum()) / (total - subjects)
    size = (total - float((trials**2).sum()) / total) / (subjects - 1)
    spread = between + (size - 1) * within
    return min(1.0, max(0.0, (between - within) / spread)) if spread > 0 else None
