"""`bonafide simulate`: simulated captures, openly labelled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bonafide.cli.simulate_twin import add_twins
from bonafide.cli.simulate_world import sheet_world

simulate_app = typer.Typer(
    name="simulate",
    help="Simulated presentations. Never evidence about real attacks.",
    no_args_is_help=True,
)


@simulate_app.callback()
def simulate() -> None:
    """Simulated presentations. Never evidence about real attacks."""


@simulate_app.command()
def recapture(
    portraits: Annotated[Path, typer.Argument(help="Folder of bona fide photos.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    seed: Annotated[int, typer.Option(help="Decides every picture.")] = 0,
    per_subject: Annotated[int, typer.Option(help="Samples of each kind per person.")] = 3,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Write simulated prints and replays of real photos, and the live captures beside them."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from bonafide.simulator.recapture_set import write_recapture_set

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("people (simulated)", total=None)
        table = write_recapture_set(
            portraits,
            out,
            seed,
            per_subject,
            workers,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    typer.echo(str(table))


@simulate_app.command()
def sheet(
    portraits: Annotated[Path, typer.Argument(help="Folder of bona fide photos.")],
    out: Annotated[Path, typer.Argument(help="Picture to write, such as sheet.png.")],
    seed: Annotated[int, typer.Option(help="Decides every picture.")] = 0,
    people: Annotated[int, typer.Option(help="Columns.")] = 8,
) -> None:
    """Draw one contact sheet: live, print and replay of a few people, one row each (simulated)."""
    import numpy as np
    from PIL import Image

    from bonafide.simulator.demo import contact_sheet
    from bonafide.simulator.portraits import find_portraits, read_photo, trim_border

    rng = np.random.default_rng(seed)
    found = find_portraits(portraits)
    chosen = rng.choice(len(found), min(people, len(found)), replace=False)
    photos = [trim_border(read_photo(found[i].path)) for i in chosen]
    Image.fromarray(contact_sheet(photos, rng)).save(out)
    typer.echo(str(out))


simulate_app.command("sheet-world")(sheet_world)
add_twins(simulate_app)
