"""Writing score files: what `bonafide score` must put into one, and tables back into files."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from bonafide.decision.scores import WHOLE, Category, Integers, ScoreTable
from bonafide.types import SCORE_COLUMNS, BonafideError, Label, Presentation, ReasonCode


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One answer, or non-response, of a model.

    Attributes:
        sample: what was judged.
        frame: its index from 0, or None when the row is the whole presentation. All rows of a
            file are alike in this.
        score: higher is more bona fide; None exactly for a non-response.
        reason: why there is no score; None exactly when there is one.
    """

    sample: Presentation
    frame: int | None
    score: float | None
    reason: ReasonCode | None = None

    def __post_init__(self) -> None:
        if (self.score is None) != (self.reason is not None):
            raise BonafideError(
                "a row has a score, or a reason for having none, never both or neither.",
                where=self.sample.presentation,
            )
        if self.score is not None and not np.isfinite(self.score):
            raise BonafideError(f"the score is {self.score}.", where=self.sample.presentation)

    def fields(self) -> dict[str, str]:
        """Column of `types.SCORE_COLUMNS` -> text; floats in the shortest exact form."""
        sample = self.sample
        return {
            "presentation": sample.presentation,
            "frame": "" if self.frame is None else str(self.frame),
            "label": sample.label.value,
            "pai_species": sample.pai_species,
            "capture_subject": sample.capture_subject,
            "score": "" if self.score is None else repr(float(self.score)),
            "reason": "" if self.reason is None else self.reason.value,
            "split": sample.split.value,
            "dataset": sample.dataset,
            "pai_detail": sample.pai_detail,
            "session": sample.session,
            "device": sample.device,
            "light": sample.light,
            "quality": sample.quality,
            "path": sample.path,
        }


def write_score_rows(path: Path, rows: Iterable[ScoreRow]) -> int:
    """Write scores.csv row by row, so that a long run needs no memory; returns the row count.

    ``path`` fields are written as they are: relative ones count from the score file's folder.
    """
    count = 0
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, SCORE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row.fields())
            count += 1
    return count


def rows_of_pictures(
    samples: Sequence[Presentation],
    shown: Sequence[Presentation],
    scores: Sequence[float],
    missed: Iterable[tuple[str, str]],
) -> Iterator[ScoreRow]:
    """One row for every scored picture, and one for every presentation that gave none.

    Rows are frames as soon as one presentation has several pictures, whole presentations
    otherwise.

    Args:
        samples: all presentations.
        shown: the presentation of each picture, such as `CropCache.samples`.
        scores: of each picture.
        missed: (presentation, reason code) of those without a picture.
    """
    counts = Counter(sample.presentation for sample in shown)
    by_frame = max(counts.values()) > 1
    seen: Counter[str] = Counter()
    for sample, score in zip(shown, scores, strict=True):
        frame = seen[sample.presentation] if by_frame else None
        seen[sample.presentation] += 1
        yield ScoreRow(sample, frame, score)
    by_id = {sample.presentation: sample for sample in samples}
    for presentation, reason in missed:
        yield ScoreRow(by_id[presentation], 0 if by_frame else None, None, ReasonCode(reason))


def write_table(
    path: Path, table: ScoreTable, extra: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write a table in memory as a score file that `score_file.read_scores` reads back.

    Args:
        path: where to.
        table: its conditions become columns; those of `types.SCORE_COLUMNS` come first.
        extra: further columns, such as the decision, one word a row.
    """
    words: dict[str, Iterable[str]] = {
        "presentation": _words(table.presentation),
        "frame": _frames(table.frame),
        "label": np.where(table.attack, Label.ATTACK.value, Label.BONA_FIDE.value).tolist(),
        "pai_species": _words(table.species),
        "capture_subject": _words(table.subject),
        "score": ("" if score != score else repr(score) for score in table.score.tolist()),
        "reason": _words(table.reason),
    }
    words |= {name: _words(column) for name, column in table.conditions.items()}
    words |= dict(extra or {})
    names = [*SCORE_COLUMNS, *(name for name in words if name not in SCORE_COLUMNS)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        columns = [words.get(name, repeat("", len(table))) for name in names]
        writer.writerows(zip(*columns, strict=True))


def _words(column: Category) -> Iterator[str]:
    return map(column.names.__getitem__, column.codes.tolist())


def _frames(frame: Integers) -> Iterator[str]:
    return ("" if index == WHOLE else str(index) for index in frame.tolist())
