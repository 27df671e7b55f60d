"""The side-by-side page of a benchmark: benchmark.html for people, benchmark.json for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import jinja2
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bonafide.deploy.benchmark import Benchmark
from bonafide.deploy.model_list import ModelRow, engineering
from bonafide.evaluation.compare import MEASURES, Run
from bonafide.evaluation.compare_report import MEASURE_NAMES, draw_dets, to_json, write_comparison
from bonafide.evaluation.drawing import (
    GRID,
    MUTED,
    VARIABLES,
    Drawing,
    Key,
    finish,
    new_axes,
    species_style,
)
from bonafide.evaluation.intervals import Spread, spread
from bonafide.evaluation.report import environment, make_folder
from bonafide.evaluation.words import NOTHING, percent

SHOWN = ("apcer", "bpcer", "acer", "eer", "auc")


def write_benchmark(folder: Path, result: Benchmark, date: str) -> Path:
    """Write benchmark.html and benchmark.json, and comparison.html of the same runs.

    Returns:
        the page's path.
    """
    make_folder(folder)
    if result.comparison is not None:
        write_comparison(folder, result.comparison, date)
    templates = environment()
    assert templates.loader is not None
    own = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    templates.loader = jinja2.ChoiceLoader([own, templates.loader])
    page = templates.get_template("benchmark.html.j2").render(
        result=result,
        date=date,
        shown={name: MEASURE_NAMES[name] for name in SHOWN},
        figures=cells(result),
        engineering=engineering,
        published=published,
        cost=draw_cost(result),
        dets=draw_dets(result.comparison.models) if result.comparison else None,
        simulated="simulated" in result.data,
    )
    path = folder / "benchmark.html"
    path.write_text(page, encoding="utf-8")
    text = json.dumps(as_json(result, date), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "benchmark.json").write_text(text + "\n", encoding="utf-8")
    return path


def cells(result: Benchmark) -> dict[str, dict[str, str]]:
    """Name -> measure -> its value, or mean ± deviation over seeds."""
    return {
        name: {measure: _cell(measure, _spread(runs, measure)) for measure in SHOWN}
        for name, runs in result.runs.items()
    }


def _spread(runs: list[Run], measure: str) -> Spread | None:
    values = [value for run in runs if (value := run.measure(measure)) is not None]
    return spread(values) if len(values) == len(runs) else None


def _cell(measure: str, one: Spread | None) -> str:
    if one is None:
        return NOTHING
    if measure == "auc":
        return f"{one.mean:.4f}" + ("" if one.deviation is None else f" ± {one.deviation:.4f}")
    unit = "" if one.deviation is not None else "\u00a0%"
    return percent(one.mean, unit) + (
        "" if one.deviation is None else f" ± {percent(one.deviation)}"
    )


def published(row: ModelRow) -> str:
    """The published cost beside ours in its own counting; empty where none is published."""
    if row.published_flops is None or row.counted_as_published is None:
        return ""
    return f"{engineering(row.published_flops)} / {engineering(row.counted_as_published)}"


def draw_cost(result: Benchmark) -> Drawing | None:
    """ACER (mean over seeds) against the milliseconds of one presentation at one thread."""
    points = [
        (row, found.mean)
        for row in result.rows
        if (found := _spread(result.runs[row.name], "acer")) is not None
    ]
    if not points:
        return None
    figure, axes = new_axes()
    scale_milliseconds(axes)
    for number, (row, acer) in enumerate(points):
        colour, dash = species_style(number)
        fill = "none" if dash else colour  # hollow when the colours begin again
        axes.plot(
            [row.milliseconds], [100 * acer], "o", color=colour, markerfacecolor=fill, markersize=6
        )
    axes.axhline(50, color=MUTED, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.grid(True, which="minor", axis="x", color=GRID, linewidth=0.25)
    axes.set_ylim(0, max(55.0, *(105 * acer for _, acer in points)))
    axes.set_xlabel("Milliseconds of one presentation, one thread, this machine")
    axes.set_ylabel("ACER, %")
    keys = tuple(
        Key(row.name, VARIABLES[species_style(n)[0]], 0) for n, (row, _) in enumerate(points)
    )
    return finish(figure, "cost", keys, "ACER of each model against its time per presentation.")


def scale_milliseconds(axes: Axes) -> None:
    """A logarithmic x axis with plain numbers, three a decade: more would lie on each other."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda milliseconds, _: f"{milliseconds:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def as_json(result: Benchmark, date: str) -> dict[str, object]:
    """Plain values; shares are 0..1."""
    return {
        "schema": "bonafide-benchmark-1",
        "date": date,
        "data": result.data,
        "presentations": result.counts,
        "budget": asdict(result.budget),
        "models": [
            {
                **asdict(row),
                "training_s": result.training_s[row.name],
                "runs": [run.folder.name for run in result.runs[row.name]],
                "measures": {
                    measure: None
                    if (found := _spread(result.runs[row.name], measure)) is None
                    else asdict(found)
                    for measure in MEASURES
                },
            }
            for row in result.rows
        ],
        "comparison": None if result.comparison is None else to_json(result.comparison)["pairs"],
    }
