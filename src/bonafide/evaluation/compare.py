"""Models side by side: each with its own operating point, on the same presentations.

A report folder is one run. Runs whose records give the same model name and different seeds are
one model, shown as mean and spread; its error on a presentation is then the mean over its runs.
Only presentations that every compared run answered enter a paired test.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from bonafide.decision.operating_point import load_operating_point
from bonafide.decision.scores import Bools, Category, Floats, Integers, TestScores
from bonafide.evaluation.bootstrap import ROUNDS
from bonafide.evaluation.curves import POOLED, WORST, Curve, det_curves, for_drawing
from bonafide.evaluation.intervals import Spread, spread
from bonafide.evaluation.paired import Difference, PairedErrors, compare_errors, holm, mcnemar
from bonafide.evaluation.rates import (
    CurveFigure,
    OperatingRates,
    curve_figures,
    judge,
    rates_of,
)
from bonafide.evaluation.score_file import read_test
from bonafide.types import BonafideError

MEASURES = ("apcer", "bpcer", "acer", "hter", "accuracy", "eer", "auc")


@dataclass(frozen=True, eq=False)
class Run:
    """One report folder.

    Attributes:
        folder: where it was read from.
        name: the model's name in its record, or the folder's.
        seed: the record's; "" when it has none.
        threshold_name: the operating point's.
        test: the judged presentations.
        accepted: (rows,) the decisions.
        rates: at its operating point.
        figures: of its curve.
        curve: the worst species' DET curve, for drawing; None when a class is missing.
    """

    folder: Path
    name: str
    seed: str
    threshold_name: str
    test: TestScores
    accepted: Bools
    rates: OperatingRates
    figures: dict[str, CurveFigure]
    curve: Curve | None

    def measure(self, name: str) -> float | None:
        """One of `MEASURES`, 0..1; None where the data has no class for it."""
        worst = self.rates.apcer
        values = {
            "apcer": None if worst is None else worst.value,
            "bpcer": self.rates.bpcer.value,
            "acer": self.rates.acer,
            "hter": self.rates.hter,
            "accuracy": self.rates.accuracy.value,
            "eer": self.figures["eer"].value,
            "auc": self.figures["auc"].value,
        }
        return values[name]


@dataclass(frozen=True, eq=False)
class Model:
    """A model with its runs, and the spread of each measure over them."""

    name: str
    runs: tuple[Run, ...]

    def spread(self, name: str) -> Spread | None:
        """Mean and spread of one of `MEASURES`; None when a run lacks it."""
        values = [value for run in self.runs if (value := run.measure(name)) is not None]
        return spread(values) if len(values) == len(self.runs) else None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the presentations both answered.

    Attributes:
        first, second: names.
        common: presentations both answered.
        left_out: presentations of either that the other lacks or did not answer.
        differences: rate -> first minus second, see `paired.compare_errors`.
        adjusted: rate -> its p value adjusted for all pairs compared here (Holm).
        mcnemar: exact p of the decisions' discordance, presentations taken for independent; None
            for models of several runs.
        refused: why there is no paired test; then the rest is empty.
    """

    first: str
    second: str
    common: int
    left_out: int
    differences: dict[str, Difference]
    adjusted: dict[str, float]
    mcnemar: float | None
    refused: str = ""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models in the order given, and every pair of them."""

    models: tuple[Model, ...]
    pairs: tuple[Pair, ...]


def load_run(folder: Path) -> Run:
    """Read a report folder that `report.write_report` wrote.

    Raises:
        BonafideError: one of its files is missing or damaged.
    """
    try:
        record = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        model = record["model"] or {"name": "", "seed": ""}
        name, seed = str(model["name"]), str(model["seed"])
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise BonafideError(
            f"is not a report folder ({type(error).__name__} in report.json).",
            where=str(folder),
            remedy="Name folders that `bonafide evaluate -o` wrote.",
        ) from error
    point = load_operating_point(folder / "operating_point.json")
    test = read_test(folder / "decisions.csv")
    accepted = judge(test, point)
    curves = det_curves(test)
    return Run(
        folder=folder,
        name=name or folder.resolve().name,
        seed=seed,
        threshold_name=point.name,
        test=test,
        accepted=accepted,
        rates=rates_of(test, accepted),
        figures=curve_figures(test),
        curve=for_drawing(curves.get(WORST, curves[POOLED])) if curves else None,
    )


def compare(folders: Sequence[Path], seed: int = 0, rounds: int = ROUNDS) -> Comparison:
    """Compare two or more report folders.

    Args:
        folders: report folders; the order of models is that of their first folder.
        seed: of the bootstrap.
        rounds: of the bootstrap.

    Raises:
        BonafideError: fewer than two folders; or two runs of one model with the same seed.
    """
    if len(folders) < 2:
        raise BonafideError("a comparison needs two reports.", where="compare")
    models = _models([load_run(folder) for folder in folders])
    rng = np.random.default_rng(seed)
    pairs = [_pair(a, b, rng, rounds) for a, b in combinations(models, 2)]
    asked = [(i, name) for i, pair in enumerate(pairs) for name in pair.differences]
    p_values = holm([pairs[i].differences[name].p_value for i, name in asked])
    for (i, name), p_value in zip(asked, p_values, strict=True):
        pairs[i].adjusted[name] = p_value
    return Comparison(tuple(models), tuple(pairs))


def _models(runs: Sequence[Run]) -> list[Model]:
    by_name: dict[str, list[Run]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    for name, members in by_name.items():
        if len({run.seed for run in members}) < len(members):
            raise BonafideError(
                f"several reports are of model {name!r} with the same seed.",
                where=", ".join(str(run.folder) for run in members),
                remedy="Give each its name, or its seed, in the model record.",
            )
    return [Model(name, tuple(members)) for name, members in by_name.items()]


def _pair(first: Model, second: Model, rng: np.random.Generator, rounds: int) -> Pair:
    runs = [*first.runs, *second.runs]
    refused = _why_not(runs)
    rows = [] if refused else _common_rows(runs)
    common = len(rows[0]) if rows else 0
    largest = max(len(run.test) for run in runs)
    if not common:
        why = refused or "no presentation was answered by both"
        return Pair(first.name, second.name, 0, largest, {}, {}, None, why)
    wrong = [
        (run.accepted == run.test.attack)[mine].astype(np.float64)
        for run, mine in zip(runs, rows, strict=True)
    ]
    split = len(first.runs)
    first_wrong = np.asarray(np.mean(wrong[:split], axis=0), dtype=np.float64)
    second_wrong = np.asarray(np.mean(wrong[split:], axis=0), dtype=np.float64)
    test, mine = runs[0].test, rows[0]
    people = test.subject.codes[mine] if test.has_subjects else np.arange(common)
    species = [test.species.names[code] for code in test.species.codes[mine]]
    errors = PairedErrors(species, people, first_wrong, second_wrong)
    return Pair(
        first.name,
        second.name,
        common,
        largest - common,
        compare_errors(errors, rng, rounds),
        {},
        _mcnemar(first_wrong, second_wrong) if len(runs) == 2 else None,
    )


def _mcnemar(first: Floats, second: Floats) -> float:
    only_first = int(np.count_nonzero(first > second))
    return mcnemar(only_first, int(np.count_nonzero(second > first)))


def _why_not(runs: Sequence[Run]) -> str:
    if len({run.test.unit for run in runs}) > 1:
        return "one judged frames, the other presentations"
    for run in runs:
        if "" in run.test.presentation.names:
            return f"the scores of {run.folder} do not name their presentations"
    return ""


def _common_rows(runs: Sequence[Run]) -> list[Integers]:
    """For each run the rows of the presentations all runs answered, in the same order.

    Raises:
        BonafideError: two runs disagree about what a presentation is.
    """
    positions = [_positions(run) for run in runs]
    shared = [key for key in positions[0] if all(key in other for other in positions[1:])]
    rows = [np.array([known[key] for key in shared], dtype=np.int64) for known in positions]
    reference = runs[0].test
    for run, mine in zip(runs[1:], rows[1:], strict=True):
        differs = _words(run.test.species, mine) != _words(reference.species, rows[0])
        if np.any(differs):
            row = int(rows[0][np.argmax(differs)])
            raise BonafideError(
                f"presentation {reference.presentation.at(row)!r} is of another species in "
                f"{run.folder}.",
                where=str(runs[0].folder),
                remedy="Compare models on the same test set.",
            )
    return rows


def _positions(run: Run) -> dict[tuple[str, int], int]:
    test = run.test
    names = test.presentation.names
    rows = np.flatnonzero(test.answered)
    codes, frames = test.presentation.codes[rows].tolist(), test.frame[rows].tolist()
    return {
        (names[code], frame): row
        for code, frame, row in zip(codes, frames, rows.tolist(), strict=True)
    }


def _words(column: Category, rows: Integers) -> np.typing.NDArray[np.str_]:
    return np.asarray(column.names)[column.codes[rows]]
