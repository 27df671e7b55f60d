"""`bonafide train rival`: any model of the catalogue, from a sample table to a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bonafide.cli.train import check_device, progress_bar, reporter
from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.decision.operating_point import OperatingPoint
    from bonafide.deploy.rival_run import Place
    from bonafide.training.rival_machine import MachineSettings
    from bonafide.training.rival_settings import RivalSettings


def train_rival(
    name: Annotated[str, typer.Argument(help="A model that `bonafide models` lists.")],
    data: Annotated[Path, typer.Option(help="A samples.csv with train and development rows.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The run folder.")],
    settings: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimisation steps; networks only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Published weights, .safetensors, .pth or .caffemodel."),
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
    """A model that the papers, or users, compare with; `bonafide models` lists them."""
    from bonafide.deploy.rival_run import Place, run_machine
    from bonafide.models.catalogue import MACHINES
    from bonafide.training.rival_machine import MachineSettings
    from bonafide.training.rival_settings import RivalSettings

    check_device(device)
    chosen = {"steps": steps, "seed": seed, "weights": weights}
    chosen = {key: value for key, value in chosen.items() if value is not None}
    place = Place(data, output, crops or data.with_suffix(".crops"), workers)
    if name in MACHINES:
        machine = _settings(MachineSettings, name, settings, chosen)
        with progress_bar() as bar:
            report = reporter(bar, 1)
            point = run_machine(machine, place, resume=resume, target=target, report=report)
    else:
        config = _settings(RivalSettings, name, settings, chosen)
        point = _train_network(config, place, (device, devices), resume, target)
    typer.echo(f"{output}: operating point {point.name}: {point.threshold:.4f}")


def _train_network(
    config: RivalSettings, place: Place, where: tuple[str, int], resume: bool, target: str
) -> OperatingPoint:
    from bonafide.deploy.rival_run import run_network
    from bonafide.training.processes import fabric_of

    device, devices = where
    fabric = fabric_of(device, devices, config.precision)
    fabric.launch()
    with progress_bar() as bar:
        report = reporter(bar, config.steps)
        return run_network(config, place, fabric, resume=resume, target=target, report=report)


def _settings(
    kind: type[Any], name: str, file: Path | None, chosen: dict[str, Any]
) -> RivalSettings | MachineSettings:
    """The settings of a file and the verb's options; the name on the command line stands."""
    from bonafide.training.settings import read_toml, settings_from

    values: dict[str, Any] = {}
    if file is not None:
        parsed = read_toml(file)
        values = parsed.get("settings", parsed)
    if values.get("model", name) != name:
        raise BonafideError(
            f"is for the model {values['model']!r}.",
            where=str(file),
            remedy=f"Name its model on the command line, or write settings for {name}.",
        )
    where = str(file) if file is not None else "the options"
    return settings_from(kind, {**values, "model": name, **chosen}, where=where)
