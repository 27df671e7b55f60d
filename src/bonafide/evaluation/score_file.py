"""Score files: the CSV between a model and its evaluation, whoever wrote it.

Columns are found by name and may stand in any order. Required are ``label``, ``pai_species`` and
``score``; the rest of `types.SCORE_COLUMNS` is used when there, and any further column (such as
an age group) is kept as a condition to break results down by.

* ``label``: "bona_fide" or "attack". Other words are an error unless the caller maps them;
  which of 0 and 1 is the attack is never guessed.
* ``pai_species``: "bona_fide" exactly for bona fide rows.
* ``score``: a finite decimal number, higher is more bona fide. Empty exactly for a non-response,
  whose code then stands in ``reason``.
* ``frame``: an index from 0 in every row, or empty in every row (a row is a presentation).
* ``presentation``: without it every row is a presentation of its own, without a name.
* ``capture_subject``: without it people cannot be told apart, and the report says so.

UTF-8 (a byte order mark is allowed), commas, a header, quotes as RFC 4180 has them.
"""

from __future__ import annotations

import csv
import gc
import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np

from bonafide.decision.scores import (
    WHOLE,
    Bools,
    Category,
    DevelopmentScores,
    Floats,
    Integers,
    ScoreTable,
    TestScores,
)
from bonafide.types import BONA_FIDE_SPECIES, SCORE_COLUMNS, BonafideError, Label

REQUIRED = ("label", "pai_species", "score")
CORE = (*REQUIRED, "presentation", "frame", "capture_subject", "reason")
LABEL_WORDS: dict[str, Label] = {label.value: label for label in Label}
CHUNK_ROWS = 1000  # small enough that turning rows into columns stays in the processor's cache


class ScoreFileError(BonafideError):
    """A score file does not say what it must; ``where`` names file, line and column."""


def read_development(
    path: Path, label_words: Mapping[str, Label] = LABEL_WORDS
) -> DevelopmentScores:
    """Read a file to choose a threshold on; see `read_scores`."""
    return DevelopmentScores.from_table(read_scores(path, label_words))


def read_test(path: Path, label_words: Mapping[str, Label] = LABEL_WORDS) -> TestScores:
    """Read a file to judge at an operating point; see `read_scores`."""
    return TestScores.from_table(read_scores(path, label_words))


def read_scores(path: Path, label_words: Mapping[str, Label] = LABEL_WORDS) -> ScoreTable:
    """Read a score file, rows in file order.

    Args:
        path: the CSV file.
        label_words: what the words in the label column mean, such as
            ``{"1": Label.BONA_FIDE, "0": Label.ATTACK}`` for a tool that writes numbers.

    Raises:
        ScoreFileError: anything that the module's header forbids; line and column are named.
    """
    raw = _read_columns(path)
    rows = len(raw.score)
    columns = {name: raw.category(name) for name in raw.words}
    label = columns["label"]
    attack = _attacks(raw, label, label_words)
    species = columns["pai_species"]
    raw.refuse(species.mask(""), "pai_species", "is empty.")
    raw.refuse(
        species.mask(BONA_FIDE_SPECIES) == attack,
        "pai_species",
        f"contradicts the label; bona fide rows, and only they, carry {BONA_FIDE_SPECIES!r}.",
    )
    reason = columns.get("reason") or Category.constant("", rows)
    _check_reasons(raw, reason)
    frame = _frames(raw, columns.get("frame"))
    presentation = _whole_column(raw, columns, "presentation")
    subject = _whole_column(raw, columns, "capture_subject")
    if presentation is not None:
        _refuse_duplicates(raw, presentation, frame)
    return ScoreTable(
        score=raw.score,
        attack=attack,
        species=species,
        presentation=presentation or Category.constant("", rows),
        subject=subject or Category.constant("", rows),
        reason=reason,
        frame=np.full(rows, WHOLE, dtype=np.int64) if frame is None else frame,
        conditions={name: column for name, column in columns.items() if name not in CORE},
        source=str(path),
    )


@dataclass
class _Words:
    """A column on its way to a `Category`; the loops over words run in C."""

    index: dict[str, int] = field(default_factory=dict)
    codes: list[Integers] = field(default_factory=list)

    def add(self, words: Sequence[str]) -> None:
        if words.count(words[0]) == len(words):  # an empty or constant column, as most are
            code = self.index.setdefault(words[0], len(self.index))
            self.codes.append(np.full(len(words), code, dtype=np.int64))
            return
        new = (word for word in dict.fromkeys(words) if word not in self.index)
        self.index.update(zip(list(new), itertools.count(len(self.index)), strict=False))
        self.codes.append(np.fromiter(map(self.index.__getitem__, words), np.int64, len(words)))


@dataclass
class _RawFile:
    """The columns as read, and a way to blame a line."""

    path: Path
    score: Floats
    words: dict[str, _Words]

    def category(self, name: str) -> Category:
        words = self.words[name]
        return Category(tuple(words.index), np.concatenate(words.codes))

    def refuse(self, bad: Bools, column: str, problem: str, remedy: str = "") -> None:
        if np.any(bad):
            _blame(self.path, int(np.argmax(bad)), column, problem, remedy)


def _blame(path: Path, row: int, column: str, problem: str, remedy: str = "") -> NoReturn:
    """Raise for data row ``row`` (from 0), reading the file once more to find its line."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream)
        records = (reader.line_num for record in reader if record)
        line = next(itertools.islice(records, row + 1, None), 0)
    raise ScoreFileError(
        problem,
        where=f"{path}, line {line}, column {column}",
        remedy=remedy or "Correct the line; nothing is guessed.",
    )


def _read_columns(path: Path) -> _RawFile:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream, _no_garbage_collection():
            reader = csv.reader(stream, strict=True)
            header = _check_header(path, next(reader, []))
            words = {name: _Words() for name in header if name != "score"}
            scores: list[Floats] = []
            row = 0
            for chunk in _chunks(reader):
                _add_chunk(path, header, chunk, words, scores, row)
                row += len(chunk)
    except OSError as error:
        raise ScoreFileError(
            f"cannot be read ({error.strerror}).", where=str(path), remedy="Name a score file."
        ) from error
    except UnicodeDecodeError as error:
        raise ScoreFileError(
            f"is not UTF-8 text (byte {error.start}).", where=str(path), remedy="Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise ScoreFileError(
            f"is not CSV: {error}.",
            where=f"{path}, line {reader.line_num}",
            remedy="Quote fields that hold commas, quotes or line ends.",
        ) from error
    if row == 0:
        raise ScoreFileError("has no rows.", where=str(path), remedy="Score some samples first.")
    return _RawFile(path, np.concatenate(scores), words)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Millions of short lists without cycles come and go: looking for cycles costs a quarter."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _chunks(reader: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    records = filter(None, reader)  # blank lines, as at the file's end, are no records
    while chunk := list(itertools.islice(records, CHUNK_ROWS)):
        yield chunk


def _check_header(path: Path, header: list[str]) -> list[str]:
    missing = [name for name in REQUIRED if name not in header]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if missing or repeated:
        problem = f"missing {missing}" if missing else f"repeated {repeated}"
        raise ScoreFileError(
            f"the header has {problem}; found {header}.",
            where=f"{path}, line 1",
            remedy=f"Required are {', '.join(REQUIRED)}, separated by commas; "
            f"known are {', '.join(SCORE_COLUMNS)}.",
        )
    return header


def _add_chunk(
    path: Path,
    header: list[str],
    chunk: list[list[str]],
    words: dict[str, _Words],
    scores: list[Floats],
    row: int,
) -> None:
    widths = set(map(len, chunk))
    if widths != {len(header)}:
        bad = next(i for i, record in enumerate(chunk) if len(record) != len(header))
        _blame(path, row + bad, "any", f"has {len(chunk[bad])} fields, the header {len(header)}.")
    for name, column in zip(header, zip(*chunk, strict=True), strict=True):
        if name == "score":
            scores.append(_floats(path, column, row))
        else:
            words[name].add(column)


def _floats(path: Path, column: Sequence[str], row: int) -> Floats:
    """Parse scores; empty becomes NaN, anything that is no finite number is blamed."""
    try:
        values = np.fromiter(map(float, column), np.float64, len(column))
        if np.all(np.isfinite(values)):
            return values
    except ValueError:
        pass  # an empty or bad field: go through them one by one
    values = np.full(len(column), np.nan)
    for position, text in enumerate(column):
        if text == "":
            continue
        try:
            values[position] = float(text)
        except ValueError:
            _blame(path, row + position, "score", f"{text!r} is not a number.")
        if not np.isfinite(values[position]):
            _blame(
                path,
                row + position,
                "score",
                f"{text!r} is not a finite number.",
                "A non-response has an empty score and its reason in the reason column.",
            )
    return values


def _attacks(raw: _RawFile, label: Category, label_words: Mapping[str, Label]) -> Bools:
    counts = label.counts()
    unknown = [name for name in counts if name not in label_words]
    if unknown:
        found = ", ".join(f"{name!r} ({n} rows)" for name, n in counts.items())
        raw.refuse(
            label.mask(unknown[0]),
            "label",
            f"{unknown[0]!r} is not a known label; the file holds {found}.",
            f"Use {' and '.join(map(repr, LABEL_WORDS))}, or say what the words mean "
            "(--label WORD=bona_fide --label WORD=attack).",
        )
    is_attack = np.array([label_words[name] is Label.ATTACK for name in label.names])
    marked: Bools = is_attack[label.codes]
    return marked


def _check_reasons(raw: _RawFile, reason: Category) -> None:
    stated = ~reason.mask("")
    unscored = np.isnan(raw.score)
    remedy = "A row has a score, or a reason for having none, never both or neither."
    raw.refuse(unscored & ~stated, "score", "is empty and no reason is given.", remedy)
    raw.refuse(~unscored & stated, "reason", "stands beside a score.", remedy)


def _frames(raw: _RawFile, column: Category | None) -> Integers | None:
    if column is None or column.names == ("",):
        return None
    raw.refuse(column.mask(""), "frame", "is empty here and filled in elsewhere.")
    for name in column.names:
        if not (name.isascii() and name.isdigit()):
            raw.refuse(column.mask(name), "frame", f"{name!r} is not an index from 0.")
    return np.array([int(name) for name in column.names], dtype=np.int64)[column.codes]


def _whole_column(raw: _RawFile, columns: dict[str, Category], name: str) -> Category | None:
    """The column when it is filled in every row, None when it is missing or empty."""
    column = columns.get(name)
    if column is None or column.names == ("",):
        return None
    raw.refuse(column.mask(""), name, "is empty here and filled in elsewhere.")
    return column


def _refuse_duplicates(raw: _RawFile, presentation: Category, frame: Integers | None) -> None:
    key = presentation.codes
    if frame is not None:
        _, frame_rank = np.unique(frame, return_inverse=True)
        key = key * (int(frame_rank.max()) + 1) + frame_rank
    elif len(presentation.names) == len(key):
        return
    _, first = np.unique(key, return_index=True)
    if len(first) < len(key):
        repeated = np.ones(len(key), dtype=np.bool_)
        repeated[first] = False
        row = int(np.argmax(repeated))
        raw.refuse(
            repeated, "presentation", f"{presentation.at(row)!r} has a row for this already."
        )
