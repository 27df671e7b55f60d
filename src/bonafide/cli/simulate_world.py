"""`bonafide simulate sheet-world`: look at the rendered world."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bonafide.types import BonafideError


def sheet_world(
    out: Annotated[Path, typer.Argument(help="Picture to write: .png or .jpg.")],
    seed: Annotated[int, typer.Option(help="Decides every picture.")] = 0,
    size: Annotated[int, typer.Option(help="Side of one picture, px.", min=64, max=640)] = 160,
    columns: Annotated[int, typer.Option(help="Presentations a row.", min=1, max=12)] = 3,
    people: Annotated[
        int, typer.Option(help="Instead: this many live people, twice each.", min=0, max=480)
    ] = 0,
) -> None:
    """Draw a contact sheet of every attack in colour, near infrared and depth (simulated)."""
    from PIL import Image

    from bonafide.simulator.world_sheet import people_sheet, species_sheet

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise BonafideError(
            f"cannot write a picture of type {out.suffix!r}.", where=str(out),
            remedy="End the name with .png or .jpg.",
        )  # fmt: skip
    with Console(stderr=True).status("drawing (simulated)") as status:
        if people:
            picture = people_sheet(seed, people, size=size, columns=2 * columns)
        else:
            picture = species_sheet(
                seed, size=size, columns=columns,
                progress=lambda name: status.update(f"drew {name} (simulated)"),
            )  # fmt: skip
    Image.fromarray(picture).save(out, quality=82)
    typer.echo(str(out))
