"""`bonafide train`: from a sample table to a run folder, which `bonafide export` packs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.cli.data_option import (
    Data,
    Partial,
    Protocol,
    Species,
    SplitSeed,
    Wanted,
    table_of,
)
from bonafide.types import BonafideError

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from rich.progress import Progress as Bar

    from bonafide.cli.data_option import Wanted
    from bonafide.training.checkpoint import Progress
    from bonafide.training.face_caches import Caches
    from bonafide.training.ms_fans_settings import MsFansSettings
    from bonafide.training.run import Reporter

DEVICES = ("auto", "cpu", "cuda")

train_app = typer.Typer(name="train", no_args_is_help=True, help="Train a model on a sample table.")


@train_app.command("ms-fans")
def train_ms_fans(
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder.")],
    settings: Annotated[
        Path | None, typer.Option(help="TOML file of settings; the paper's where it says nothing.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimisation steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    scales: Annotated[str, typer.Option(help="Crop scales, such as 1.1,1.2,1.3.")] = "",
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    protocol: Protocol = None,
    species: Species = None,
    split_seed: SplitSeed = None,
    partial: Partial = False,
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
    """MS-FANS (paper 1): crops at several scales, one CNN, an LSTM that weighs the scales."""
    from bonafide.training.face_caches import open_caches
    from bonafide.training.ms_fans_settings import MsFansSettings
    from bonafide.training.ms_fans_task import MsFansTask, training_data
    from bonafide.training.processes import fabric_of
    from bonafide.training.run import train_run
    from bonafide.training.settings import load_settings

    config = load_settings(MsFansSettings, settings) if settings else MsFansSettings()
    config = _changed(config, steps, seed, scales)
    check_device(device)
    fabric = fabric_of(device, devices, config.precision)
    fabric.launch()
    table = _shared_table(
        data, Wanted(protocol, species or [], split_seed, partial), output, fabric
    )
    with progress_bar() as bar:
        report = reporter(bar, config.steps)
        caches = open_caches(
            table, crops or table.with_suffix(".crops"), config.crops(), workers, report
        )
        task = MsFansTask(config, training_data(caches))
        progress = train_run(task, caches.run_data(), output, fabric, resume=resume, report=report)
    if fabric.is_global_zero:
        score_and_tell(output, caches, target, progress)


def score_and_tell(output: Path, caches: Caches, target: str, progress: Progress) -> None:
    """Score a finished run of a network that judges faces, and say how it ended."""
    from bonafide.deploy.run_scores import score_run

    point = score_run(output, caches, target)
    typer.echo(
        f"{output}: best at step {progress.best_step} of {progress.step}, development loss "
        f"{progress.best_measure:.4f}; operating point {point.name}: {point.threshold:.4f}"
    )


def _shared_table(data: str, wanted: Wanted, output: Path, fabric: Fabric) -> Path:
    """The sample table; the first process writes it, the others find what it has written."""

    if fabric.is_global_zero:
        table_of(data, wanted, output)
    fabric.barrier()
    return table_of(data, wanted, output)


def check_device(device: str) -> None:
    """Refuse a device that is no word of `DEVICES` or is not there.

    Raises:
        BonafideError: as said.
    """
    import torch

    if device not in DEVICES:
        raise BonafideError(
            f"unknown device {device!r}.",
            where="--device",
            remedy=f"One of {', '.join(DEVICES)}.",
        )
    if device == "cuda" and not torch.cuda.is_available():
        raise BonafideError(
            "torch sees no CUDA device.",
            where="--device cuda",
            remedy="Use --device cpu, or install a CUDA build of torch and its driver.",
        )


def _changed(
    config: MsFansSettings, steps: int | None, seed: int | None, scales: str
) -> MsFansSettings:
    if steps is not None:
        config = replace(config, steps=steps)
    if seed is not None:
        config = replace(config, seed=seed)
    if scales:
        config = replace(config, scales=tuple(float(scale) for scale in scales.split(",")))
    return config


def progress_bar() -> Bar:
    """Bars on stderr, with how many of how many and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def reporter(bar: Bar, steps: int) -> Reporter:
    """A run's reports as tasks of the bar."""
    from bonafide.training.run import Reporter

    training = bar.add_task("training", total=steps, visible=False)

    def preparing(split: str, samples: int) -> Callable[[], None]:
        task = bar.add_task(f"preparing {split}", total=samples, visible=False)
        return lambda: bar.update(task, advance=1, visible=True)

    def on_step(progress: Progress, loss: float) -> None:
        best = f"{progress.best_measure:.3f}" if progress.best_step >= 0 else "-"
        text = f"training  loss {loss:.3f}  best development {best}"
        bar.update(training, completed=progress.step, description=text, visible=True)

    return Reporter(preparing, on_step)
