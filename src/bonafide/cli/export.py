"""`bonafide export`: from a run to one model file that needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="A run folder of `bonafide train`, or a cascade's.")],
    output: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    probe: Annotated[
        Path | None,
        typer.Option(
            help="Faces for the parity check: a crops.npy, clips.npy or features.npy of the run's "
            "cache, or a cascade's captures folder; a bundled face if not given."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="The model's name; its family's if not given.")] = "",
    version: Annotated[str, typer.Option(help="The model's version.")] = "0",
) -> None:
    """Write the model, its preprocessing and operating point as one file, checked for parity."""
    from bonafide.deploy.package import export_run

    difference = export_run(run, output, probe=probe, name=name, version=version)
    size = output.stat().st_size / 1e6
    typer.echo(f"{output}: {size:.1f} MB, differs from the run by {difference:.1e} at most")
