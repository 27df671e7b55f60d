"""`bonafide train skin-colour`: the small colour classifier that the package ships."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bonafide.cli.train import progress_bar, reporter


def train_skin_colour(
    data: Annotated[Path, typer.Option(help="A samples.csv with train and development rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder.")],
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the order of samples.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    crops: Annotated[
        Path | None, typer.Option(help="Crop cache; beside the table if not given.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that cut crops.")] = 2,
    target: Annotated[
        str, typer.Option(help="Operating point: eer, bpcer=0.05, apcer=0.05, ...")
    ] = "eer",
) -> None:
    """Statistics of a face's colour, one linear classifier: seconds on a CPU."""
    from lightning.fabric import Fabric

    from bonafide.deploy.run_scores import score_run
    from bonafide.training.face_caches import open_caches
    from bonafide.training.run import train_run
    from bonafide.training.settings import load_settings
    from bonafide.training.skin_colour_settings import SkinColourSettings
    from bonafide.training.skin_colour_task import SkinColourTask, training_data

    config = load_settings(SkinColourSettings, settings) if settings else SkinColourSettings()
    config = config if seed is None else replace(config, seed=seed)
    folder = crops or data.with_suffix(".face")
    fabric = Fabric(accelerator="cpu", devices=1)
    with progress_bar() as bar:
        report = reporter(bar, config.steps)
        caches = open_caches(data, folder, config.crops(), workers, report)
        task = SkinColourTask(config, training_data(caches))
        train_run(task, caches.run_data(), output, fabric, resume=resume, report=report)
    point = score_run(output, caches, target)
    typer.echo(f"{output}: operating point {point.name}: {point.threshold:.4f}")
