"""Frames -> presentations: the mean score of the frames that were evaluated."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from bonafide.decision.scores import WHOLE, Bools, Category, Floats, Integers, ScoreTable
from bonafide.types import BonafideError

Table = TypeVar("Table", bound=ScoreTable)
MIXED = "mixed"
"""Condition of a presentation whose frames do not agree on it."""


def to_presentations(table: Table) -> Table:
    """Turn a table of frames into one of presentations; one of presentations is returned as is.

    The score is the mean over the frames that have one. A presentation without such a frame is a
    non-response; its reason is the most frequent of its frames' (of several, the first). Label,
    species and subject must agree within a presentation; a condition on which the frames differ
    becomes "mixed", except that ``path`` is the first frame's. The type stays: development scores
    give development scores.

    Raises:
        BonafideError: frames do not name their presentation, or disagree about what it is.
    """
    if table.unit == "presentation":
        return table
    if "" in table.presentation.counts():
        raise BonafideError(
            "frames do not say which presentation they belong to.",
            where=table.source,
            remedy="Fill in the presentation column, or evaluate frames as frames.",
        )
    used, first, groups = np.unique(
        table.presentation.codes, return_index=True, return_inverse=True
    )
    order = np.argsort(first)  # presentations in the order of their first frame
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    first, groups = first[order], rank[groups]
    for name, column in (
        ("label", table.attack.astype(np.int64)),
        ("pai_species", table.species.codes),
        ("capture_subject", table.subject.codes),
    ):
        _check_agreement(table, name, column, first, groups)
    score = _mean_of_answered(table.score, groups, len(used))
    reason = _reason(table.reason, np.isnan(score), groups)
    return replace(
        table,
        score=score,
        attack=table.attack[first],
        species=table.species.take(first),
        presentation=table.presentation.take(first),
        subject=table.subject.take(first),
        reason=reason,
        frame=np.full(len(used), WHOLE, dtype=np.int64),
        conditions={
            name: column.take(first) if name == "path" else _common(column, first, groups)
            for name, column in table.conditions.items()
        },
    )


def _check_agreement(
    table: ScoreTable, name: str, column: Integers, first: Integers, groups: Integers
) -> None:
    differs = column != column[first][groups]
    if np.any(differs):
        row = int(np.argmax(differs))
        raise BonafideError(
            f"the frames of presentation {table.presentation.at(row)!r} disagree about {name}.",
            where=table.source,
            remedy="Give different presentations different ids.",
        )


def _mean_of_answered(score: Floats, groups: Integers, presentations: int) -> Floats:
    """Mean per group without NaN; NaN for a group that has nothing else.

    Differences from the group's lowest score are averaged, so that equal scores give exactly that
    score, however many there are, and stay tied with other presentations.
    """
    answered = ~np.isnan(score)
    groups, score = groups[answered], score[answered]
    lowest = np.full(presentations, np.inf)
    np.minimum.at(lowest, groups, score)
    total = np.bincount(groups, weights=score - lowest[groups], minlength=presentations)
    count = np.bincount(groups, minlength=presentations)
    mean = np.full(presentations, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return np.where(count > 0, lowest + mean, np.nan)


def _reason(reason: Category, unanswered: Bools, groups: Integers) -> Category:
    words = [""] * len(unanswered)
    rows = np.flatnonzero(unanswered[groups])
    tally: dict[int, dict[str, int]] = {}
    for row in rows.tolist():
        counts = tally.setdefault(int(groups[row]), {})
        word = reason.at(row)
        counts[word] = counts.get(word, 0) + 1
    for group, counts in tally.items():
        words[group] = max(counts, key=lambda word: counts[word])  # dict order: the first of ties
    return Category.of(words)


def _common(column: Category, first: Integers, groups: Integers) -> Category:
    codes = column.codes[first]
    differs = np.zeros(len(first), dtype=np.bool_)
    differs[groups[column.codes != codes[groups]]] = True
    if not differs.any():
        return column.take(first)
    names = (*column.names, MIXED)
    everything = np.arange(len(first))
    return Category(names, np.where(differs, len(names) - 1, codes)).take(everything)
