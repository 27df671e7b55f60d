"""What is wrong with a sample table that its loader cannot see: leaks, twins, shortcuts, balance.

An audit reports and refuses nothing: it is run on any table, also on one that a loader would not
have made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np

from bonafide.datasets.fingerprint import (
    MAX_DISTANCE,
    fingerprint,
    is_flat,
    near_duplicates,
)
from bonafide.datasets.media import MediaLook, look_at, sha256_of
from bonafide.datasets.probes import Probe, run_probes
from bonafide.datasets.sample_table import digest_of
from bonafide.types import BonafideError, Label, Presentation, Split

CONDITIONS = ("session", "device", "light", "quality")


@dataclass(frozen=True, slots=True)
class SharedSubject:
    """A person who stands in several splits, with the number of presentations in each."""

    subject: str
    presentations: dict[Split, int]


@dataclass(frozen=True, slots=True)
class SameFile:
    """Rows whose RGB files have the same bytes.

    Attributes:
        rows: two or more.
        across_splits: they are in different splits: a leak.
        across_labels: some say bona fide and some attack: one label is wrong.
    """

    rows: tuple[Presentation, ...]
    across_splits: bool
    across_labels: bool


@dataclass(frozen=True, slots=True)
class LookAlike:
    """Two rows of different splits whose first pictures differ in few bits of 128."""

    first: Presentation
    second: Presentation
    distance: int


@dataclass(frozen=True, slots=True)
class SpeciesCount:
    """Presentations and people of one species in one split."""

    split: Split
    species: str
    presentations: int
    subjects: int


@dataclass(frozen=True, slots=True)
class SubjectBalance:
    """How presentations are shared among the people of one split.

    Attributes:
        split: the split.
        subjects: people.
        with_both: people of whom there are bona fide and attack presentations.
        fewest, middle, most: presentations of a person; the middle is the median.
    """

    split: Split
    subjects: int
    with_both: int
    fewest: int
    middle: float
    most: int


@dataclass(frozen=True, slots=True)
class ConditionCount:
    """Presentations of each class under one stated condition, such as light = adverse."""

    condition: str
    value: str
    bona_fide: int
    attacks: int

    @property
    def is_one_sided(self) -> bool:
        """Whether one class alone was recorded so: knowing the condition tells the label."""
        return self.bona_fide == 0 or self.attacks == 0


@dataclass(frozen=True, slots=True)
class Audit:
    """All findings on one sample table.

    Attributes:
        datasets: names, those of simulated data say so.
        rows, subjects: numbers.
        digest: of the table, `digest_of`.
        seed: of folds and shuffles.
        shared_subjects, same_files, look_alikes: leaks; a look-alike is for a person to judge.
        species, subject_balance, conditions: tables of balance.
        probes: shortcut probes, the strongest first; empty without two people and two classes.
        unreadable: path and error of media that could not be read; they are left out of the rest.
        flat: readable rows whose first picture is too even for a fingerprint.
    """

    datasets: tuple[str, ...]
    rows: int
    subjects: int
    digest: str
    seed: int
    shared_subjects: list[SharedSubject]
    same_files: list[SameFile]
    look_alikes: list[LookAlike]
    species: list[SpeciesCount]
    subject_balance: list[SubjectBalance]
    conditions: list[ConditionCount]
    probes: list[Probe]
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    flat: int = 0

    @property
    def leaks(self) -> int:
        """People in several splits, and files that are in several splits or under both labels."""
        files = sum(same.across_splits or same.across_labels for same in self.same_files)
        return len(self.shared_subjects) + files


def audit(
    rows: Sequence[Presentation],
    *,
    seed: int = 0,
    max_distance: int = MAX_DISTANCE,
    on_row: Callable[[], None] | None = None,
) -> Audit:
    """Read every row's RGB file once, and look for what should not be.

    Args:
        rows: a sample table, media paths absolute.
        seed: folds and shuffles of the probes.
        max_distance: bits of 128 that look-alikes may differ in.
        on_row: called after each file, for a progress bar.
    """
    hashed: list[Presentation] = []
    seen: list[Presentation] = []
    looks: list[MediaLook] = []
    unreadable: list[tuple[str, str]] = []
    for row in rows:
        try:
            hashed.append(replace(row, sha256=row.sha256 or sha256_of(Path(row.path))))
            look = look_at(row)
        except BonafideError as error:
            unreadable.append((row.path, error.problem))
        else:
            seen.append(row)
            looks.append(look)
        if on_row:
            on_row()
    return Audit(
        datasets=tuple(sorted({row.dataset for row in rows})),
        rows=len(rows),
        subjects=len({row.capture_subject for row in rows}),
        digest=digest_of(rows),
        seed=seed,
        shared_subjects=shared_subjects(rows),
        same_files=same_files(hashed),
        look_alikes=look_alikes(seen, looks, max_distance),
        species=species_counts(rows),
        subject_balance=subject_balance(rows),
        conditions=condition_counts(rows),
        probes=run_probes(seen, looks, seed=seed),
        unreadable=unreadable,
        flat=sum(is_flat(look.grey) for look in looks),
    )


def shared_subjects(rows: Sequence[Presentation]) -> list[SharedSubject]:
    """People who stand in more than one split, by name."""
    numbers: dict[str, Counter[Split]] = defaultdict(Counter)
    for row in rows:
        numbers[row.capture_subject][row.split] += 1
    return [
        SharedSubject(subject, {split: splits[split] for split in Split if splits[split]})
        for subject, splits in sorted(numbers.items())
        if len(splits) > 1
    ]


def same_files(rows: Sequence[Presentation]) -> list[SameFile]:
    """Groups of rows with one SHA-256, those across splits or labels first."""
    groups: dict[str, list[Presentation]] = defaultdict(list)
    for row in rows:
        groups[row.sha256].append(row)
    found = [
        SameFile(
            rows=tuple(group),
            across_splits=len({row.split for row in group}) > 1,
            across_labels=len({row.label for row in group}) > 1,
        )
        for group in groups.values()
        if len(group) > 1
    ]
    return sorted(found, key=lambda same: (not same.across_splits, not same.across_labels))


def look_alikes(
    rows: Sequence[Presentation], looks: Sequence[MediaLook], max_distance: int
) -> list[LookAlike]:
    """Near-duplicates between different splits, nearest first; flat pictures are left out."""
    kept = [index for index, look in enumerate(looks) if not is_flat(look.grey)]
    if not kept:
        return []
    prints = np.array([fingerprint(looks[index].grey) for index in kept])
    groups = [rows[index].split.value for index in kept]
    return [
        LookAlike(rows[kept[pair.first]], rows[kept[pair.second]], pair.distance)
        for pair in near_duplicates(prints, groups, max_distance)
    ]


def species_counts(rows: Sequence[Presentation]) -> list[SpeciesCount]:
    """Presentations and people by split and species, bona fide first."""
    members: dict[tuple[Split, str], list[str]] = defaultdict(list)
    for row in rows:
        members[row.split, row.pai_species].append(row.capture_subject)
    order = {split: number for number, split in enumerate(Split)}
    keys = sorted(members, key=lambda key: (order[key[0]], key[1] != "bona_fide", key[1]))
    return [
        SpeciesCount(
            split, species, len(members[split, species]), len(set(members[split, species]))
        )
        for split, species in keys
    ]


def subject_balance(rows: Sequence[Presentation]) -> list[SubjectBalance]:
    """How many presentations each person of a split has."""
    labels: dict[Split, dict[str, list[Label]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        labels[row.split][row.capture_subject].append(row.label)
    found = []
    for split in Split:
        people = list(labels[split].values())
        if people:
            numbers = [len(of_person) for of_person in people]
            both = sum(len(set(of_person)) == 2 for of_person in people)
            found.append(
                SubjectBalance(
                    split, len(people), both, min(numbers), median(numbers), max(numbers)
                )
            )
    return found


def condition_counts(rows: Sequence[Presentation]) -> list[ConditionCount]:
    """Classes under every stated condition, for conditions of which two or more values occur."""
    found = []
    for name in CONDITIONS:
        numbers: dict[str, Counter[Label]] = defaultdict(Counter)
        for row in rows:
            numbers[getattr(row, name)][row.label] += 1
        if len(numbers) > 1:
            found += [
                ConditionCount(name, value or "(not stated)", of[Label.BONA_FIDE], of[Label.ATTACK])
                for value, of in sorted(numbers.items())
            ]
    return found
