"""Train, development and test without leaks: the checks that every loader ends with.

A loader is a function from a root folder to rows. Before it returns them it calls
`check_rows`: ids are unique, nobody stands in two splits, every split has both classes, and the
numbers are the published ones. ``partial=True`` says that only a part of the data is there (a
miniature, a simulated twin at a small size); it lifts the last demand and no other.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bonafide.datasets.errors import CountError, DatasetError, LayoutError, listing
from bonafide.datasets.sample_table import check_protocol
from bonafide.types import Label, Presentation, Split

Counts = Mapping[Split, tuple[int, int]]
"""Split -> (bona fide presentations, attack presentations)."""

DEFAULT_SEED = 0

DRAWN_SHARES = ((0.5, Split.TRAIN), (0.7, Split.DEVELOPMENT), (1.0, Split.TEST))
"""Upper end of each split's share of the people, for data that state no splits."""


def count_rows(rows: Iterable[Presentation]) -> dict[Split, tuple[int, int]]:
    """(bona fide, attacks) of each split that occurs, in the order train, development, test."""
    numbers = Counter((row.split, row.label) for row in rows)
    return {
        split: (numbers[split, Label.BONA_FIDE], numbers[split, Label.ATTACK])
        for split in Split
        if numbers[split, Label.BONA_FIDE] or numbers[split, Label.ATTACK]
    }


def check_rows(
    rows: Sequence[Presentation], *, published: Counts | None, partial: bool, where: str
) -> None:
    """Refuse rows that are no sound protocol.

    Args:
        rows: of all splits.
        published: numbers to assert, or None where none were published.
        partial: only a part of the data is there; ``published`` is not asserted and splits may
            be absent.
        where: the root or table, for the message.

    Raises:
        DatasetError: there are no rows, or an id stands twice.
        LeakError: capture subjects stand in more than one split; all are listed.
        CountError: a split is absent, or numbers differ; expected and found are listed.
        LayoutError: a split has one class only.
    """
    if not rows:
        raise DatasetError(
            "no presentation is left.",
            where=where,
            remedy="Correct the root folder, or choose a protocol of which the data are there.",
        )
    ids = Counter(row.presentation for row in rows)
    twice = sorted(name for name, times in ids.items() if times > 1)
    if twice:
        raise DatasetError(
            f"{len(twice)} presentation(s) stand twice:{listing(twice)}\n",
            where=where,
            remedy="Give every presentation an id of its own.",
        )
    check_protocol(rows, where=where)
    if not partial:
        _check_counts(count_rows(rows), published, where)


def rank_by_seed(subjects: Iterable[str], seed: int) -> list[str]:
    """Subjects in an order that depends on their names and the seed alone.

    They are sorted by SHA-256 of "seed:subject", so that the order is the same on every machine
    and version, and a subject that is added or missing moves nobody else across.

    >>> rank_by_seed(["c", "a", "b"], 0) == rank_by_seed(["b", "c", "a"], 0)
    True
    """
    return sorted(
        set(subjects), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()
    )


def draw_subjects(subjects: Iterable[str], share: float, seed: int, *, where: str) -> set[str]:
    """A part of the subjects, at least one and not all, for a split of its own.

    Args:
        subjects: names; doubles count once.
        share: of the subjects, in (0, 1); rounded to whole people, a half to the even number.
        seed: the draw's only randomness.
        where: for the message.

    Raises:
        LayoutError: there are fewer than two subjects.
    """
    ranked = rank_by_seed(subjects, seed)
    if len(ranked) < 2:
        raise LayoutError(
            f"{len(ranked)} subject(s) cannot be shared out to two splits.",
            where=where,
            remedy="Splits are made of whole people; at least two are needed.",
        )
    number = min(max(round(share * len(ranked)), 1), len(ranked) - 1)
    return set(ranked[:number])


def draw_splits(labels_of: Mapping[str, frozenset[Label]], seed: int) -> dict[str, Split]:
    """A split for every subject, where the data state none: half train, a fifth development.

    People of whom there are both classes, bona fide alone and attacks alone are shared out apart,
    so that no split loses a class by bad luck.

    Args:
        labels_of: subject -> classes of its presentations.
        seed: the draw's only randomness.
    """
    split_of: dict[str, Split] = {}
    for group in sorted(set(labels_of.values()), key=sorted):
        ranked = rank_by_seed((name for name in labels_of if labels_of[name] == group), seed)
        for position, subject in enumerate(ranked):
            share = (position + 0.5) / len(ranked)
            split_of[subject] = next(split for end, split in DRAWN_SHARES if share < end)
    return split_of


def with_development(
    rows: list[Presentation], share: float, seed: int, where: str
) -> list[Presentation]:
    """The same rows; if none is of development, a share of the train people is moved there."""
    if any(row.split is Split.DEVELOPMENT for row in rows):
        return rows
    people = {row.capture_subject for row in rows if row.split is Split.TRAIN}
    drawn = draw_subjects(people, share, seed, where=where)
    return [
        replace(row, split=Split.DEVELOPMENT)
        if row.split is Split.TRAIN and row.capture_subject in drawn
        else row
        for row in rows
    ]


def with_drawn_splits(rows: list[Presentation], seed: int) -> list[Presentation]:
    """The same rows with whole people shared out to splits; see `draw_splits`."""
    labels_of: dict[str, set[Label]] = defaultdict(set)
    for row in rows:
        labels_of[row.capture_subject].add(row.label)
    split_of = draw_splits({name: frozenset(found) for name, found in labels_of.items()}, seed)
    return [replace(row, split=split_of[row.capture_subject]) for row in rows]


def refuse_too_few_people(rows: Sequence[Presentation], where: str) -> None:
    """Refuse rows whose drawn splits do not all have both classes.

    Raises:
        LayoutError: a class has no presentation, or too few people for three splits.
    """
    for label in Label:
        mine = [row for row in rows if row.label is label]
        people = {row.capture_subject for row in mine}
        if not mine:
            raise LayoutError(
                f"there is no {label.value} presentation.",
                where=where,
                remedy="Both classes are needed, to train as well as to measure errors.",
            )
        if len({row.split for row in mine}) < len(Split):
            raise LayoutError(
                f"{len(people)} people with {label.value} presentations cannot be shared out to "
                "train, development and test.",
                where=where,
                remedy="Splits are made of whole people: add people (three at least), or make "
                "folders or a column that state the splits.",
            )


def _check_counts(found: Counts, published: Counts | None, where: str) -> None:
    absent = [split.value for split in Split if split not in found]
    wrong = [
        f"{split.value}: {found.get(split, (0, 0))[0]} bona fide and "
        f"{found.get(split, (0, 0))[1]} attacks found, "
        f"{numbers[0]} and {numbers[1]} published"
        for split, numbers in (published or {}).items()
        if found.get(split) != numbers
    ]
    if wrong or absent:
        what = listing(wrong or [f"{name}: no presentation" for name in absent])
        raise CountError(
            f"the numbers are not those of the complete data set:{what}\n",
            where=where,
            remedy="Complete the data, or say that only a part is there (partial).",
        )
