"""`bonafide fuse`: skin colour and recapture networks as one model of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bonafide.cli.train import progress_bar, reporter


def fuse(
    skin_run: Annotated[Path, typer.Argument(help="A run folder of `train skin-colour`.")],
    net_runs: Annotated[
        list[Path], typer.Argument(help="Run folders of `train recapture`, such as several seeds.")
    ],
    data: Annotated[Path, typer.Option(help="A samples.csv; its development sets the threshold.")],
    bona_fide: Annotated[
        Path, typer.Option(help="A folder of live photos of people that no run was trained on.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder to make.")],
    crops: Annotated[
        Path | None, typer.Option(help="Crop caches; beside the table if not given.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that cut crops.")] = 2,
    target: Annotated[
        str, typer.Option(help="Operating point: eer, bpcer=0.05, apcer=0.05, ...")
    ] = "eer",
) -> None:
    """Average runs, each in deviations from its mean over live photos; the result exports."""
    from bonafide.deploy.fuse import FusionData, Parts, fuse_runs

    on = FusionData(data, bona_fide, crops or data.with_suffix(".fusion"), workers)
    with progress_bar() as bar:
        report = reporter(bar, 1)
        point = fuse_runs(Parts(skin_run, net_runs), on, output, target=target, report=report)
    typer.echo(f"{output}: operating point {point.name}: {point.threshold:.4f}")
