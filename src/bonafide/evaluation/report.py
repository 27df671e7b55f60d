"""Write an assessment as a folder: a page for people, JSON and CSV for programs.

==================== ==========================================================================
report.html          one self-contained page; opens without a network
report.json          every figure with counts and intervals
rates.csv            the rates alone, one a row
decisions.csv        the judged scores with each decision, a score file `compare` reads
operating_point.json the threshold with its evidence
==================== ==========================================================================
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2
import numpy as np

from bonafide.decision.scores import ScoreTable
from bonafide.evaluation.assessment import Assessment, WorstError
from bonafide.evaluation.figures import COLUMN_WORDS, draw_all
from bonafide.evaluation.intervals import Interval, Rate, upper_bound
from bonafide.evaluation.pictures import thumbnail
from bonafide.evaluation.rates import CurveFigure, OperatingRates
from bonafide.evaluation.score_writer import write_table
from bonafide.evaluation.words import bracket, counted, percent, stated, thousands
from bonafide.types import BonafideError, Decision

SCHEMA = "bonafide-report-1"
RATE_COLUMNS = ("column", "group", "rate", "species", "events", "trials", "value", "low", "high")
FIGURE_NAMES = {
    "eer": "EER (attacks pooled)",
    "auc": "AUC (attacks pooled)",
    "bpcer10": "BPCER at APCER ≤ 10 % (BPCER10)",
    "bpcer20": "BPCER at APCER ≤ 5 % (BPCER20)",
    "bpcer100": "BPCER at APCER ≤ 1 % (BPCER100)",
    "tpr_at_fpr_1e-02": "TPR at FPR 10⁻²",
    "tpr_at_fpr_1e-03": "TPR at FPR 10⁻³",
    "tpr_at_fpr_1e-04": "TPR at FPR 10⁻⁴",
}


@dataclass(frozen=True, slots=True)
class Heading:
    """What the computation cannot know.

    Attributes:
        title: of the page, such as the model's name.
        date: of the evaluation, as text.
        pictures: folder that relative ``path`` fields count from; None shows no pictures. Faces
            are personal data: who may read the report decides.
    """

    title: str
    date: str
    pictures: Path | None


def write_report(folder: Path, assessment: Assessment, heading: Heading) -> None:
    """Write the folder's five files; it is made if need be, and files of it are overwritten."""
    make_folder(folder)
    (folder / "report.html").write_text(render(assessment, heading), encoding="utf-8")
    record = to_json(assessment, heading)
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    with (folder / "rates.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(RATE_COLUMNS)
        writer.writerows(rate_rows(assessment))
    _write_decisions(folder / "decisions.csv", assessment)
    assessment.point.save(folder / "operating_point.json")


def make_folder(folder: Path) -> None:
    """Make a folder for output.

    Raises:
        BonafideError: it cannot be made, or there is a file of that name.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BonafideError(
            f"cannot be made ({error.strerror}).", where=str(folder), remedy="Name another folder."
        ) from error


def _write_decisions(path: Path, assessment: Assessment) -> None:
    table: ScoreTable = assessment.test
    words = np.where(assessment.accepted, Decision.BONA_FIDE.value, Decision.ATTACK.value)
    words = np.where(table.answered, words, Decision.NOT_EVALUATED.value)
    write_table(path, table, {"decision": words.tolist()})


def render(assessment: Assessment, heading: Heading) -> str:
    """The page as HTML text."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            a=assessment,
            heading=heading,
            headline=headline(assessment),
            drawings=draw_all(assessment),
            figure_names=FIGURE_NAMES,
            column_words=COLUMN_WORDS,
            false_accepts=_with_pictures(assessment.false_accepts, heading.pictures),
            false_rejects=_with_pictures(assessment.false_rejects, heading.pictures),
        )
    )


def environment() -> jinja2.Environment:
    """Templates beside this file, HTML-escaped, with the words module's functions as filters."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    templates.filters |= {
        "percent": percent, "counted": counted, "bracket": bracket, "thousands": thousands,
        "stated": stated,
    }  # fmt: skip
    return templates


def _with_pictures(
    errors: list[WorstError], folder: Path | None
) -> list[tuple[WorstError, str | None]]:
    if folder is None:
        return [(error, None) for error in errors]
    return [(error, thumbnail(folder / error.path) if error.path else None) for error in errors]


def headline(assessment: Assessment) -> list[str]:
    """The result in sentences for somebody who does not know the abbreviations."""
    rates, unit = assessment.rates, assessment.test.unit
    sentences = []
    worst = rates.apcer
    if worst is not None:
        sentences.append(
            f"Of {thousands(worst.trials)} attack {unit}s of the kind it handles worst "
            f"({rates.worst_species}), {thousands(worst.events)} were taken for a live person: "
            f"{percent(worst.value)}."
        )
        sentences.append(
            f"With {stated(assessment.confidence)} confidence for each kind of attack tested, "
            f"fewer than {percent(claim(assessment))} of such attacks get through. "
            "Of kinds that were not tested, nothing is known."
        )
    if rates.bpcer.trials:
        sentences.append(
            f"Of {thousands(rates.bpcer.trials)} live {unit}s, "
            f"{thousands(rates.bpcer.events)} were refused: {percent(rates.bpcer.value)}."
        )
    silent = sum(assessment.non_answers.values())
    if silent:
        sentences.append(
            f"{thousands(silent)} of {thousands(len(assessment.test))} {unit}s got no "
            "answer and are counted apart."
        )
    return sentences


def claim(assessment: Assessment) -> float:
    """The APCER, 0..1, that the test allows to claim for every species with answered attacks.

    For each the larger of the exact one-sided bound, which takes presentations for independent,
    and the upper end of the bootstrap by subject, which does not; over species the largest.
    """
    bounds = [0.0]
    for name, one in assessment.rates.apcer_by_species.items():
        if one.trials:
            bounds.append(upper_bound(one.events, one.trials, assessment.confidence))
            by_subject = assessment.rate_intervals.get(f"apcer:{name}")
            bounds.append(by_subject.high if by_subject is not None else 0.0)
    return max(bounds)


def to_json(assessment: Assessment, heading: Heading) -> dict[str, object]:
    """All figures as plain values; shares are 0..1, missing ones null."""
    test, record = assessment.test, assessment.record
    return {
        "schema": SCHEMA,
        "title": heading.title,
        "date": heading.date,
        "model": None if record is None else {
            "name": record.name, "seed": record.seed, "record": record.entries,
        },
        "operating_point": asdict(assessment.point),
        "confidence": assessment.confidence,
        "test": {
            "source": test.source,
            "datasets": test.datasets(),
            "unit": test.unit,
            "subjects": len(test.subjects()),
            "presentations": test.species.counts(),
        },
        "headline": headline(assessment),
        "cautions": assessment.cautions,
        "rates": _rates_json(assessment.rates),
        "intervals_by_subject": {
            name: _interval_json(i) for name, i in assessment.rate_intervals.items()
        },
        "on_this_data": {
            name: _figure_json(figure, assessment.figure_intervals.get(name))
            for name, figure in assessment.figures.items()
        },
        "frames": None if assessment.frames is None else _rates_json(assessment.frames),
        "subjects": {
            name: {
                "any_error": _rate_json(people.any_error),
                "mean_share": people.mean_share,
                "worst_subject": people.worst_subject,
                "worst_share": people.worst_share,
                "correlation": people.correlation,
            }
            for name, people in assessment.subjects.items()
        },
        "groups": [
            {"column": g.column, "value": g.value, "rates": _rates_json(g.rates)}
            for g in assessment.groups
        ],
        "non_answers": [
            {"label": label, "reason": reason, "presentations": n}
            for (label, reason), n in assessment.non_answers.items()
        ],
        "calibration": None if assessment.calibration is None else {
            "expected_error": assessment.calibration.expected_error,
            "brier": assessment.calibration.brier,
        },
        "false_accepts": [asdict(error) for error in assessment.false_accepts],
        "false_rejects": [asdict(error) for error in assessment.false_rejects],
    }  # fmt: skip


def _interval_json(interval: Interval | None) -> dict[str, object] | None:
    return None if interval is None else asdict(interval)


def _rate_json(one: Rate) -> dict[str, object]:
    interval = _interval_json(one.interval)
    return {"events": one.events, "trials": one.trials, "value": one.value, "interval": interval}


def _figure_json(figure: CurveFigure, interval: Interval | None) -> dict[str, object]:
    return {"value": figure.value, "note": figure.note, "interval": _interval_json(interval)}


def _rates_json(rates: OperatingRates) -> dict[str, object]:
    return {
        "apcer_by_species": {k: _rate_json(v) for k, v in rates.apcer_by_species.items()},
        "worst_species": rates.worst_species,
        "bpcer": _rate_json(rates.bpcer),
        "acer_not_normative": rates.acer,
        "hter": rates.hter,
        "accuracy": _rate_json(rates.accuracy),
        "attacks_accepted_pooled": _rate_json(rates.attacks_accepted),
        "apnrr_by_species": {k: _rate_json(v) for k, v in rates.apnrr_by_species.items()},
        "bpnrr": _rate_json(rates.bpnrr),
    }


def rate_rows(assessment: Assessment) -> Iterator[list[str]]:
    """Rows of rates.csv, see `RATE_COLUMNS`; value and interval are shares, empty without data."""
    yield from _rows_of("all", "", assessment.rates)
    if assessment.frames is not None:
        yield from _rows_of("unit", "frame", assessment.frames)
    for name, people in assessment.subjects.items():
        yield ["unit", "subject", "any_error", name, *_numbers(people.any_error)]
    for group in assessment.groups:
        yield from _rows_of(group.column, group.value, group.rates)


def _rows_of(column: str, value: str, rates: OperatingRates) -> Iterator[list[str]]:
    named = [("apcer", name, one) for name, one in rates.apcer_by_species.items()]
    named += [("bpcer", "bona_fide", rates.bpcer), ("accuracy", "", rates.accuracy)]
    named += [("apnrr", name, one) for name, one in rates.apnrr_by_species.items()]
    named += [("bpnrr", "bona_fide", rates.bpnrr)]
    for rate_name, species, one in named:
        yield [column, value, rate_name, species, *_numbers(one)]


def _numbers(one: Rate) -> list[str]:
    shares = (
        ("", "", "")
        if one.interval is None
        else (repr(one.value), repr(one.interval.low), repr(one.interval.high))
    )
    return [str(one.events), str(one.trials), *shares]
