"""`bonafide monitor`: has anything drifted between two periods?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ALARM = 1

Folder = Annotated[
    Path | None, typer.Option("--output", "-o", help="Folder for the page and its JSON.")
]
Alpha = Annotated[float, typer.Option(help="Probability of a false alarm.")]
StabilityIndex = Annotated[
    float, typer.Option(help="Least shift of a distribution that matters (stability index).")
]
RateChange = Annotated[float, typer.Option(help="Least change of a rate that matters, a share.")]
MinRows = Annotated[int, typer.Option(help="Values that each period must have.")]


def monitor(
    baseline: Annotated[Path, typer.Argument(help="A period that was in order.")],
    current: Annotated[Path, typer.Argument(help="The period to look at.")],
    output: Folder = None,
    alpha: Alpha = 0.01,
    min_stability_index: StabilityIndex = 0.1,
    min_rate_change: RateChange = 0.02,
    min_rows: MinRows = 50,
) -> None:
    """Drift of scores, decisions, non-answers and quality. Exit code 0: quiet. 1: alarm."""
    from datetime import date

    from rich.console import Console
    from rich.markup import escape

    from bonafide.evaluation.drift import DriftSettings, compare_periods
    from bonafide.evaluation.period import read_period

    settings = DriftSettings(alpha, min_stability_index, min_rate_change, min_rows=min_rows)
    drift = compare_periods(read_period(baseline), read_period(current), settings)
    from bonafide.evaluation.drift_report import PAGE, lines, write_drift

    console = Console()
    for line in lines(drift):
        console.print(escape(line), highlight=False)
    for caution in drift.cautions:
        console.print(f"[yellow]note[/] {escape(caution)}", highlight=False)
    if output is not None:
        write_drift(output, drift, date.today().isoformat())
        console.print(escape(f"report: {output / PAGE}"), highlight=False)
    raise typer.Exit(ALARM if drift.alarms else 0)
