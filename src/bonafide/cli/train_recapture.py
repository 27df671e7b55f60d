"""`bonafide train recapture`: a small network over the aligned face: live, print or replay?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bonafide.cli.train import check_device, progress_bar, reporter, score_and_tell


def train_recapture(
    data: Annotated[Path, typer.Option(help="A samples.csv with train and development rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder.")],
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimisation steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    crops: Annotated[
        Path | None, typer.Option(help="Crop cache; beside the table if not given.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that cut crops.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes or GPUs to train on.")] = 1,
    target: Annotated[
        str, typer.Option(help="Operating point: eer, bpcer=0.05, apcer=0.05, ...")
    ] = "eer",
) -> None:
    """A small network: live, print or replay, blind to what tells live sources apart."""
    from bonafide.training.face_caches import open_caches
    from bonafide.training.processes import fabric_of
    from bonafide.training.recapture_settings import RecaptureSettings
    from bonafide.training.recapture_task import RecaptureTask, training_data
    from bonafide.training.run import train_run
    from bonafide.training.settings import load_settings

    config = load_settings(RecaptureSettings, settings) if settings else RecaptureSettings()
    config = replace(config, steps=config.steps if steps is None else steps)
    config = replace(config, seed=config.seed if seed is None else seed)
    check_device(device)
    fabric = fabric_of(device, devices, config.precision)
    fabric.launch()
    folder = crops or data.with_suffix(".aligned")
    with progress_bar() as bar:
        report = reporter(bar, config.steps)
        caches = open_caches(data, folder, config.crops(), workers, report)
        task = RecaptureTask(config, training_data(caches))
        progress = train_run(task, caches.run_data(), output, fabric, resume=resume, report=report)
    if fabric.is_global_zero:
        score_and_tell(output, caches, target, progress)
