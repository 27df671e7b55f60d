"""Score tables in memory, and the two types that keep a threshold's choice away from test data.

`DevelopmentScores` and `TestScores` hold the same columns but are siblings, not relatives by
inheritance of each other: `criteria.choose` takes the first, everything in `evaluation` takes the
second, and a type checker refuses one in the place of the other (DESIGN, law 3). Both also check
the ``split`` column when the rows have one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bonafide.types import BONA_FIDE_SPECIES, BonafideError, Split

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
WHOLE = -1
"""Value in ``ScoreTable.frame`` for a row that is a whole presentation."""


@dataclass(frozen=True, eq=False)
class Category:
    """A column of words, each distinct word stored once.

    Attributes:
        names: the distinct words.
        codes: (rows,) int64, the position in ``names`` of each row's word.

    >>> Category.of(["print", "replay", "print"]).counts()
    {'print': 2, 'replay': 1}
    """

    names: tuple[str, ...]
    codes: Integers

    @classmethod
    def of(cls, words: Sequence[str]) -> Category:
        """Encode one word a row; names come in the order of their first appearance."""
        index: dict[str, int] = {}
        codes = [index.setdefault(word, len(index)) for word in words]
        return cls(tuple(index), np.asarray(codes, dtype=np.int64))

    @classmethod
    def constant(cls, word: str, rows: int) -> Category:
        """The same word in every row."""
        return cls((word,), np.zeros(rows, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.codes)

    def at(self, row: int) -> str:
        """The word of one row."""
        return self.names[int(self.codes[row])]

    def take(self, rows: Integers | Bools) -> Category:
        """The column at some rows, given by position or mask; names without a row are dropped."""
        kept, codes = np.unique(self.codes[rows], return_inverse=True)
        return Category(tuple(self.names[code] for code in kept), codes.astype(np.int64))

    def counts(self) -> dict[str, int]:
        """Word -> number of rows, without words that no row has."""
        counts = np.bincount(self.codes, minlength=len(self.names))
        return {name: int(n) for name, n in zip(self.names, counts, strict=True) if n}

    def mask(self, word: str) -> Bools:
        """(rows,) whether the row has this word."""
        if word not in self.names:
            return np.zeros(len(self), dtype=np.bool_)
        same: Bools = self.codes == self.names.index(word)
        return same


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores with ground truth, one row a frame or one row a presentation.

    Attributes:
        score: (rows,) float64, finite, higher is more bona fide; NaN exactly where the row is a
            non-response.
        attack: (rows,) bool, ground truth.
        species: PAI species; "bona_fide" exactly where ``attack`` is false.
        presentation: id of the presentation; the single name "" when rows are presentations and
            the data does not name them.
        subject: capture subject; the single name "" when the data does not state subjects.
        reason: why there is no score; "" exactly where there is one.
        frame: (rows,) int64 index of the frame, or `WHOLE`; all rows alike.
        conditions: further columns, such as dataset, device, light, quality, path.
        source: the file or run that the rows come from, for messages.

    Raises:
        BonafideError: the columns contradict each other; the message names the row, from 0.
    """

    score: Floats
    attack: Bools
    species: Category
    presentation: Category
    subject: Category
    reason: Category
    frame: Integers
    conditions: dict[str, Category] = field(default_factory=dict)
    source: str = "scores"

    def __post_init__(self) -> None:
        rows = len(self.score)
        categories = (self.species, self.presentation, self.subject, self.reason)
        lengths = {len(self.attack), len(self.frame), *map(len, categories)}
        lengths |= {len(column) for column in self.conditions.values()}
        if lengths != {rows}:
            raise BonafideError("columns differ in length.", where=self.source)
        self._refuse(np.isinf(self.score), "score", "is infinite.")
        self._refuse(
            np.isnan(self.score) != ~self.reason.mask(""),
            "score",
            "is missing without a reason, or NaN, or stands beside a reason for having none.",
        )
        self._refuse(
            self.species.mask(BONA_FIDE_SPECIES) == self.attack,
            "pai_species",
            f"contradicts the label: bona fide rows, and only they, carry {BONA_FIDE_SPECIES!r}.",
        )
        self._refuse(self.species.mask(""), "pai_species", "is empty.")
        whole = self.frame == WHOLE
        if rows and not (whole.all() or not whole.any()):
            self._refuse(whole, "frame", "is empty in some rows and filled in others.")

    def _refuse(self, bad: Bools, column: str, problem: str) -> None:
        if np.any(bad):
            row = int(np.argmax(bad))
            name = self.presentation.at(row) or "unnamed"
            raise BonafideError(
                f"{column} of row {row} (presentation {name!r}) {problem}",
                where=self.source,
                remedy="Correct the row; nothing is guessed.",
            )

    def __len__(self) -> int:
        return len(self.score)

    @property
    def answered(self) -> Bools:
        """(rows,) whether the row has a score."""
        return ~np.isnan(self.score)

    @property
    def unit(self) -> str:
        """What one row is: "frame" or "presentation"."""
        return "frame" if len(self) and self.frame[0] != WHOLE else "presentation"

    @property
    def has_subjects(self) -> bool:
        """Whether capture subjects are stated."""
        return bool(len(self)) and "" not in self.subject.names

    @property
    def bona_fide_scores(self) -> Floats:
        """Scores of answered bona fide rows, in table order."""
        return self.score[self.answered & ~self.attack]

    @property
    def attack_scores(self) -> Floats:
        """Scores of answered attack rows, all species, in table order."""
        return self.score[self.answered & self.attack]

    def attack_scores_by_species(self) -> dict[str, Floats]:
        """PAI species -> scores of its answered rows; sorted by name.

        A species without an answer has an empty array.
        """
        answered = self.answered
        return {
            name: self.score[answered & self.species.mask(name)] for name in self.attack_species()
        }

    def attack_species(self) -> list[str]:
        """The PAI species that have rows, sorted."""
        return sorted(set(self.species.counts()) - {BONA_FIDE_SPECIES})

    def subjects(self) -> set[str]:
        """The stated capture subjects."""
        return set(self.subject.counts()) - {""}

    def datasets(self) -> list[str]:
        """The stated data set names, sorted."""
        stated = self.conditions.get("dataset")
        return sorted(set(stated.counts()) - {""}) if stated is not None else []


def _check_split(table: ScoreTable, wanted: Split) -> None:
    column = table.conditions.get("split")
    other = {} if column is None else column.counts()
    other = {name: n for name, n in other.items() if name not in ("", wanted.value)}
    if other:
        found = ", ".join(f"{name!r} ({n} rows)" for name, n in sorted(other.items()))
        raise BonafideError(
            f"the split column says {found} where {wanted.value!r} is needed.",
            where=table.source,
            remedy="Give the rows of that part of the protocol only.",
        )


class DevelopmentScores(ScoreTable):
    """Scores that a threshold may be chosen on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_split(self, Split.DEVELOPMENT)

    @classmethod
    def from_table(cls, table: ScoreTable) -> DevelopmentScores:
        """Declare a table development data.

        Raises:
            BonafideError: it is declared test data already, or its split column says otherwise.
        """
        if isinstance(table, TestScores):
            raise BonafideError(
                "test scores cannot become development scores.",
                where=table.source,
                remedy="Choose thresholds on other people than those the figures are for.",
            )
        return cls(**vars(table))


class TestScores(ScoreTable):
    """Scores to be judged at an operating point that was chosen elsewhere."""

    __test__: ClassVar[bool] = False  # or pytest takes the name for a test class

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_split(self, Split.TEST)

    @classmethod
    def from_table(cls, table: ScoreTable) -> TestScores:
        """Declare a table test data.

        Raises:
            BonafideError: it is declared development data already, or its split column says
                otherwise.
        """
        if isinstance(table, DevelopmentScores):
            raise BonafideError(
                "development scores cannot become test scores.",
                where=table.source,
                remedy="The threshold was fitted to them; test on other people.",
            )
        return cls(**vars(table))


def check_disjoint(development: DevelopmentScores, test: TestScores) -> None:
    """Hold that nobody and nothing is in both development and test.

    Raises:
        BonafideError: capture subjects, or presentation ids of the same data set, are shared.
    """
    shared = sorted(development.subjects() & test.subjects())
    if shared:
        raise BonafideError(
            f"{len(shared)} capture subjects are also in the development data: "
            f"{', '.join(shared[:5])}{' ...' if len(shared) > 5 else ''}.",
            where=test.source,
            remedy="Split by person; figures on people the threshold has seen are too good.",
        )
    both = _presentation_keys(development) & _presentation_keys(test)
    if both:
        example = sorted(both)[0][1]
        raise BonafideError(
            f"{len(both)} presentations, such as {example!r}, are also in the development data.",
            where=test.source,
            remedy="Split by person; figures on data the threshold has seen are too good. If these "
            "are different presentations, give them different ids or state their dataset.",
        )


def _presentation_keys(table: ScoreTable) -> set[tuple[str, str]]:
    dataset = table.conditions.get("dataset") or Category.constant("", len(table))
    names = table.presentation.names
    pairs = np.unique(dataset.codes * len(names) + table.presentation.codes)
    keys = (
        (dataset.names[pair // len(names)], names[pair % len(names)]) for pair in pairs.tolist()
    )
    return {(dataset_name, name) for dataset_name, name in keys if name}
