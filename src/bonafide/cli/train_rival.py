"""`bonafide train rival`: any model of the catalogue, from a sample table to a run folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bonafide.cli.train import check_device, progress_bar, reporter, train_app

if TYPE_CHECKING:
    from bonafide.training.rival_settings import RivalSettings


@train_app.command("rival")
def train_rival(
    name: Annotated[str, typer.Argument(help="A model that `bonafide models` lists.")],
    data: Annotated[Path, typer.Option(help="A samples.csv with train and development rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder.")],
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimisation steps, of networks.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Published weights to begin with (.safetensors, .pth).")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    crops: Annotated[
        Path | None, typer.Option(help="Crop caches; beside the table if not given.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that cut crops.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes or GPUs to train on.")] = 1,
    target: Annotated[
        str, typer.Option(help="Operating point: eer, bpcer=0.05, apcer=0.05, ...")
    ] = "eer",
) -> None:
    """A rival of the papers' models: see `bonafide models` for their names."""
    from lightning.fabric import Fabric

    from bonafide.deploy.rival_run import run_rival

    chosen = {"steps": steps, "seed": seed, "weights": str(weights) if weights else None}
    config = _settings(name, settings, {k: v for k, v in chosen.items() if v is not None})
    check_device(device)
    fabric = Fabric(accelerator=device, devices=devices, precision=config.precision)  # type: ignore[arg-type]
    fabric.launch()
    folder = crops or data.with_suffix(".crops")
    with progress_bar() as bar:
        report = reporter(bar, config.steps)
        done = run_rival(
            config, data, output, fabric, crops=folder, workers=workers, resume=resume,
            target=target, report=report,
        )  # fmt: skip
    if fabric.is_global_zero and done is not None:
        typer.echo(f"{output}: {done}")


def _settings(name: str, file: Path | None, chosen: dict[str, Any]) -> RivalSettings:
    from bonafide.training.rival_settings import RivalSettings
    from bonafide.training.settings import load_settings

    if file is None:
        return replace(RivalSettings(name), **chosen)
    return replace(load_settings(RivalSettings, file), **{"model": name, **chosen})
