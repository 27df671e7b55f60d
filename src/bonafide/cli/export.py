"""`bonafide export`: from a run to one model file that needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="A run folder of `bonafide train`.")],
    output: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    probe: Annotated[Path, typer.Option(help="A crops.npy for the parity check.")],
    name: Annotated[str, typer.Option(help="The model's name.")] = "ms-fans",
    version: Annotated[str, typer.Option(help="The model's version.")] = "0",
) -> None:
    """Write the network, its preprocessing and operating point as one file, checked for parity."""
    from bonafide.deploy.package import export_run

    difference = export_run(run, output, probe=probe, name=name, version=version)
    size = output.stat().st_size / 1e6
    typer.echo(f"{output}: {size:.1f} MB, differs from torch by {difference:.1e} at most")
