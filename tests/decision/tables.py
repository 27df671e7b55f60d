"""Small score tables for tests, written as lists."""

import numpy as np

from bonafide.decision.scores import WHOLE, Category, DevelopmentScores, ScoreTable, TestScores


def table(rows, kind=ScoreTable, **conditions):
    """rows: (species, subject, score or None, [presentation], [frame])."""
    species = [row[0] for row in rows]
    score = np.array([np.nan if row[2] is None else row[2] for row in rows], dtype=float)
    names = [row[3] if len(row) > 3 else f"p{i}" for i, row in enumerate(rows)]
    frame = [row[4] if len(row) > 4 else WHOLE for row in rows]
    return kind(
        score=score,
        attack=np.array([name != "bona_fide" for name in species], dtype=bool),
        species=Category.of(species),
        presentation=Category.of(names),
        subject=Category.of([row[1] for row in rows]),
        reason=Category.of(["no_face" if row[2] is None else "" for row in rows]),
        frame=np.array(frame, dtype=np.int64),
        conditions={name: Category.of(words) for name, words in conditions.items()},
        source="list",
    )


def development(rows, **conditions):
    return table(rows, DevelopmentScores, **conditions)


def judged(rows, **conditions):
    return table(rows, TestScores, **conditions)


def scores_of(bona_fide, kind=DevelopmentScores, **attacks):
    """A table from plain lists: scores_of([.9], print=[.1])."""
    rows = [("bona_fide", f"s{i}", score) for i, score in enumerate(bona_fide)]
    for species, scores in attacks.items():
        rows += [(species, f"s{i}", score) for i, score in enumerate(scores)]
    return table(rows, kind)
