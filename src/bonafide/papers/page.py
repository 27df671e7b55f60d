"""Write a reproduced table: table.json for programs, index.html for people.

Published and measured figures never share a field or a cell, and every measured row says whether
its data are simulated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import jinja2

from bonafide.evaluation.intervals import Interval, Spread
from bonafide.evaluation.report import environment
from bonafide.papers.data import PreparedData
from bonafide.papers.measure import MeasuredRow, TestedClaim
from bonafide.papers.plan import Cost, Figure, Plan, Sheet
from bonafide.papers.published import PublishedRow
from bonafide.types import Split

SCHEMA = "bonafide-reproduction-1"
JSON, PAGE = "table.json", "index.html"
RATE_WORDS = {"eer": "EER", "hter": "HTER", "accuracy": "ACC"}


@dataclass(frozen=True)
class Reproduced:
    """A table that was run, ready to be written.

    Attributes:
        plan: what was run.
        data: data sets by name.
        rows: measured, in the plan's order.
        claims: tested.
        costs: model -> its cost, None where it is not measured.
        figures: of the page.
        sheets: further measures of the rows.
        command, commit, version, date, machine: how, from what, when and on what it was made.
    """

    plan: Plan
    data: Mapping[str, PreparedData]
    rows: Sequence[MeasuredRow]
    claims: Sequence[TestedClaim]
    costs: Mapping[str, Cost | None]
    figures: Sequence[Figure]
    sheets: Sequence[Sheet]
    command: str
    commit: str
    version: str
    date: str
    machine: str


@dataclass(frozen=True)
class Line:
    """One line of the table: what was published, what was measured, or both.

    Of a row that is tested on another data set, ``data`` is that; a simulated one goes first.
    """

    group: str
    name: str
    published: PublishedRow | None
    measured: MeasuredRow | None
    cost: Cost | None
    data: PreparedData | None


def lines_of(reproduced: Reproduced) -> list[Line]:
    """The paper's rows in its order, then our own that it does not have."""
    planned = {(row.planned.group, row.planned.name): row for row in reproduced.rows}
    lines = []
    for published in reproduced.plan.published.rows:
        row = planned.pop((published.group, published.name), None)
        lines.append(_line(published.group, published.name, published, row, reproduced))
    return lines + [
        _line(group, name, None, row, reproduced) for (group, name), row in planned.items()
    ]


def _line(
    group: str,
    name: str,
    published: PublishedRow | None,
    row: MeasuredRow | None,
    reproduced: Reproduced,
) -> Line:
    if row is None:
        return Line(group, name, published, None, None, None)
    planned = row.planned
    both = [reproduced.data[each] for each in (planned.test, planned.dataset) if each]
    data = next((each for each in both if each.simulated), both[0])
    return Line(group, name, published, row, reproduced.costs[row.model], data)


def write_reproduction(folder: Path, reproduced: Reproduced) -> None:
    """Write table.json and index.html, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json(reproduced), indent=1, ensure_ascii=False, allow_nan=False)
    _write(folder / JSON, text + "\n")
    templates = environment()
    own = jinja2.FileSystemLoader(Path(__file__).parent)
    assert templates.loader is not None
    templates.loader = jinja2.ChoiceLoader([own, templates.loader])
    page = templates.get_template("reproduction.html.j2").render(
        r=reproduced,
        lines=lines_of(reproduced),
        rate_words=RATE_WORDS,
        Split=Split,
        simulated=any(data.simulated for data in reproduced.data.values()),
    )
    _write(folder / PAGE, page)


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.partial")
    scratch.write_text(text, encoding="utf-8")
    os.replace(scratch, path)


def to_json(reproduced: Reproduced) -> dict[str, object]:
    """Plain values: published figures as printed, measured shares 0..1."""
    plan = reproduced.plan
    return {
        "schema": SCHEMA,
        "table": plan.published.key,
        "title": plan.published.title,
        "command": reproduced.command,
        "commit": reproduced.commit,
        "version": reproduced.version,
        "date": reproduced.date,
        "machine": reproduced.machine,
        "notes": list(plan.notes),
        "data": {name: _data_json(data) for name, data in reproduced.data.items()},
        "rows": [_line_json(line) for line in lines_of(reproduced)],
        "sheets": [_sheet_json(sheet, reproduced) for sheet in reproduced.sheets],
        "claims": [_claim_json(tested) for tested in reproduced.claims],
    }


def _data_json(data: PreparedData) -> dict[str, object]:
    return {
        "dataset": data.title,
        "simulated": data.simulated,
        "digest": data.digest,
        "remarks": list(data.remarks),
        "splits": {
            split.value: {
                "bona_fide": bona_fide,
                "attacks": attacks,
                "capture_subjects": data.subjects(split),
            }
            for split, (bona_fide, attacks) in data.counts().items()
        },
    }


def _line_json(line: Line) -> dict[str, object]:
    published = line.published
    return {
        "group": line.group,
        "name": line.name,
        "published": None if published is None else {
            "section": published.section,
            "printed": dict(published.printed),
            "flaw": published.flaw,
        },
        "measured": _measured_json(line),
    }  # fmt: skip


def _measured_json(line: Line) -> dict[str, object] | None:
    row, cost, data = line.measured, line.cost, line.data
    if row is None or data is None:
        return None
    candidate, lowest = row.lowest_on_test
    return {
        "simulated": data.simulated,
        "dataset": data.title,
        "model": row.model,
        "remark": row.planned.remark,
        "rates": {name: _spread_json(one) for name, one in row.rates.items()},
        "intervals": {name: _interval_json(one) for name, one in row.intervals.items()},
        "by_seed": {str(seed): rates for seed, rates in row.by_seed.items()},
        "presentations": row.presentations,
        "without_answer": row.silent,
        "lowest_eer_on_test": {"model": candidate, "eer": lowest} if candidate else None,
        "cost": None if cost is None else asdict(cost),
    }


def _sheet_json(sheet: Sheet, reproduced: Reproduced) -> dict[str, object]:
    lines = zip(sheet.lines, reproduced.rows, strict=True)
    return {
        "title": sheet.title,
        "rows": [
            {
                "group": line.group,
                "name": line.name,
                "simulated": reproduced.data[row.planned.dataset].simulated,
                "published": {name: line.printed.get(name, "") for name in sheet.published},
                "measured": dict(line.values),
            }
            for line, row in lines
        ],
    }


def _spread_json(one: Spread) -> dict[str, object]:
    return asdict(one)


def _interval_json(one: Interval | None) -> dict[str, object] | None:
    return None if one is None else asdict(one)


def _claim_json(tested: TestedClaim) -> dict[str, object]:
    return {
        "claim": tested.claim.words,
        "rate": tested.rate,
        "first": [list(row) for row in tested.claim.first],
        "second": [list(row) for row in tested.claim.second],
        "difference": tested.difference.value,
        "interval": _interval_json(tested.difference.interval),
        "p_value": tested.difference.p_value,
        "p_adjusted": tested.adjusted,
        "by_seed": {str(seed): value for seed, value in tested.by_seed.items()},
        "verdict": tested.verdict,
    }
