"""The command line: one verb per stage, each a thin layer over the Python API.

Verbs import what they need when they run, so that `bonafide --help` answers at once.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from bonafide.cli.simulate import simulate_app
from bonafide.types import BonafideError

WRONG_USE = 2

app = typer.Typer(
    name="bonafide",
    help="Face presentation attack detection: a live face, or a print, a screen, a mask?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(simulate_app)


def main() -> None:
    """Run the command line; expected failures end as one line on stderr and exit code 2."""
    try:
        app()
    except BonafideError as error:
        Console(stderr=True).print(f"[bold red]error[/]: {error}", highlight=False)
        sys.exit(WRONG_USE)
