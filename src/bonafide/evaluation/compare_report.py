"""Write a comparison: comparison.html for people, comparison.json for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bonafide.evaluation.compare import MEASURES, Comparison, Model
from bonafide.evaluation.drawing import VARIABLES, Drawing, Key, finish, new_axes, species_style
from bonafide.evaluation.figures import draw_curve, mark_point, set_probit_axes
from bonafide.evaluation.intervals import Spread
from bonafide.evaluation.report import environment, make_folder
from bonafide.evaluation.words import percent

SIGNIFICANT = 0.05
MEASURE_NAMES = {
    "apcer": "APCER, worst species",
    "bpcer": "BPCER",
    "acer": "ACER (not normative)",
    "hter": "HTER",
    "accuracy": "Accuracy",
    "eer": "EER, on this data",
    "auc": "AUC, on this data",
}


def write_comparison(folder: Path, comparison: Comparison, date: str) -> None:
    """Write comparison.html and comparison.json into a folder, which is made if need be."""
    make_folder(folder)
    page = (
        environment()
        .get_template("compare.html.j2")
        .render(
            comparison=comparison,
            date=date,
            det=draw_dets(comparison.models),
            measures=MEASURE_NAMES,
            cell=cell,
            verdict=verdict,
            significant=SIGNIFICANT,
        )
    )
    (folder / "comparison.html").write_text(page, encoding="utf-8")
    text = json.dumps(to_json(comparison), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "comparison.json").write_text(text + "\n", encoding="utf-8")


def cell(model: Model, measure: str) -> str:
    """One measure of a model: its value, or mean ± deviation over its runs."""
    one = model.spread(measure)
    if one is None:
        return percent(None)
    if measure == "auc":
        text = f"{one.mean:.4f}"
        return text if one.deviation is None else f"{text} ± {one.deviation:.4f}"
    text = percent(one.mean)
    return text if one.deviation is None else f"{percent(one.mean, '')} ± {percent(one.deviation)}"


def verdict(first: str, second: str, difference: float, adjusted: float) -> str:
    """What a p value allows to say."""
    if adjusted >= SIGNIFICANT or difference == 0:
        return "no difference shown"
    return f"{first if difference < 0 else second} errs less"


def draw_dets(models: tuple[Model, ...]) -> Drawing | None:
    """The worst species' DET curve of every run; runs of a model share its colour."""
    runs = [(number, run) for number, model in enumerate(models) for run in model.runs]
    if any(run.curve is None for _, run in runs):
        return None
    figure, axes = new_axes()
    trials = [one.trials for _, run in runs for one in run.rates.apcer_by_species.values()]
    trials += [run.rates.bpcer.trials for _, run in runs]
    shares = [run.measure(name) or 0 for _, run in runs for name in ("apcer", "bpcer", "eer")]
    low = set_probit_axes(axes, 1 / (2 * max(trials)), max(shares))
    for number, run in runs:
        colour, dash = species_style(number)
        if run.curve is not None:
            draw_curve(axes, run.curve, colour, dash, 1.1, low)
        mark_point(axes, run.measure("apcer"), run.measure("bpcer"), colour, low)
    styles = [species_style(number) for number in range(len(models))]
    keys = tuple(
        Key(model.name, VARIABLES[colour], dash)
        for model, (colour, dash) in zip(models, styles, strict=True)
    )
    description = "DET curves of the worst species for each model; circles: operating points."
    return finish(figure, "det", keys, description)


def to_json(comparison: Comparison) -> dict[str, object]:
    """Plain values; shares are 0..1."""
    return {
        "schema": "bonafide-comparison-1",
        "models": [
            {
                "name": model.name,
                "runs": [{"folder": str(run.folder), "seed": run.seed} for run in model.runs],
                "measures": {name: _spread_json(model.spread(name)) for name in MEASURES},
            }
            for model in comparison.models
        ],
        "pairs": [asdict(pair) for pair in comparison.pairs],
    }


def _spread_json(one: Spread | None) -> dict[str, object] | None:
    return None if one is None else asdict(one)
