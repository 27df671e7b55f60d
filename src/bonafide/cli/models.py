"""`bonafide models`: every model that can be trained here, with what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

from bonafide.cli.render import PIPED_WIDTH


def models(
    milliseconds: Annotated[
        bool, typer.Option("--milliseconds", help="Also time one presentation at one thread.")
    ] = False,
    only: Annotated[str, typer.Option(help="Only these, such as resnet18,cdcn.")] = "",
    json_output: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the models: paper, modality, input, parameters, FLOPs and the tables they stand in."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bonafide.deploy.model_list import FIELDS, list_models

    rows = list_models(only.split(",") if only else [], timed=milliseconds)
    if json_output:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    shown = {k: words for k, words in FIELDS.items() if milliseconds or k != "milliseconds"}
    for key, words in shown.items():
        right = key in ("parameters", "multiply_adds", "milliseconds")
        wraps = key in ("title", "paper", "input", "tables")
        table.add_column(words, justify="right" if right else "left", no_wrap=not wraps)
    for row in rows:
        table.add_row(*(escape(row.cell(key)) for key in shown))
    console = Console()
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)
