"""`bonafide compare`: report folders side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    reports: Annotated[list[Path], typer.Argument(help="Folders that `bonafide evaluate` wrote.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for comparison.html and .json.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    rounds: Annotated[int, typer.Option(min=100, help="Bootstrap rounds.")] = 1000,
) -> None:
    """Set models side by side, with paired significance and, for several seeds, the spread."""
    from datetime import date

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bonafide.evaluation.compare import compare as make_comparison
    from bonafide.evaluation.compare_report import MEASURE_NAMES, cell, verdict, write_comparison
    from bonafide.evaluation.words import bracket, percent

    comparison = make_comparison(reports, seed, rounds)
    console = Console()
    table = Table("", *(escape(model.name) for model in comparison.models))
    for name, words in MEASURE_NAMES.items():
        table.add_row(words, *(cell(model, name) for model in comparison.models))
    console.print(table)
    for pair in comparison.pairs:
        title = f"{pair.first} minus {pair.second}, {pair.common} presentations"
        if pair.refused:
            console.print(
                f"{title}: no paired test, {pair.refused}.", highlight=False, markup=False
            )
            continue
        table = Table(
            "rate", "difference", "95 % by subject", "p adjusted", "", title=escape(title)
        )
        for name, one in pair.differences.items():
            said = verdict(pair.first, pair.second, one.value, pair.adjusted[name])
            p_value = f"{pair.adjusted[name]:.2g}"
            table.add_row(
                name, percent(one.value), escape(bracket(one.interval)), p_value, escape(said)
            )
        console.print(table)
    if output is not None:
        write_comparison(output, comparison, date.today().isoformat())
        console.print(escape(f"comparison: {output / 'comparison.html'}"), highlight=False)
