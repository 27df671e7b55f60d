"""`bonafide train cascade`: one stage of the RGB + depth + infrared cascade."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.cli.train import check_device, progress_bar, reporter
from bonafide.types import BonafideError

if TYPE_CHECKING:
    from torch import Tensor

    from bonafide.training.cascade_settings import CascadeSettings


def train_cascade(
    data: Annotated[Path, typer.Option(help="A samples.csv with train and development rows.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The cascade's folder; each stage has its own.")
    ],
    stage: Annotated[str, typer.Option(help="d_net, m_net, or fine_tune (after m_net).")],
    settings: Annotated[
        Path | None, typer.Option(help="TOML file of settings; the paper's where it says nothing.")
    ] = None,
    fusion: Annotated[
        str, typer.Option(help="What the net sees, such as stack,summation,difference or f1,f3.")
    ] = "",
    fmix: Annotated[bool, typer.Option(help="Mix summation and difference pictures.")] = True,
    attenuation: Annotated[
        float | None, typer.Option(help="c in 1/m; estimated from the data if not given.")
    ] = None,
    depth_scale: Annotated[
        float, typer.Option(help="Millimetres of a depth level; 0: 16-bit PNG in mm.")
    ] = 0.0,
    depth_offset: Annotated[float, typer.Option(help="Millimetres at depth level 0.")] = 0.0,
    one_view: Annotated[
        bool, typer.Option("--one-view", help="One view at several resolutions, as in CASIA-SURF.")
    ] = False,
    backbone: Annotated[str, typer.Option(help="se_resnext50, resnext50, small, ...")] = "",
    weights: Annotated[
        Path | None, typer.Option(help="Begin with timm's seresnext50_32x4d (safetensors).")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimisation steps.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and augmentation.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    captures: Annotated[
        Path | None, typer.Option(help="Cache of aligned captures; beside the table if not given.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that align captures.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    devices: Annotated[int, typer.Option(help="Processes or GPUs to train on.")] = 1,
    target: Annotated[
        str, typer.Option(help="Operating point: eer, bpcer=0.01, threshold=0.5 (the paper), ...")
    ] = "",
) -> None:
    """Cascade (paper 3): D-Net on depth, then M-Net on fused colour and infrared."""
    config = _settings(stage, settings)
    config = _changed(config, fusion, fmix, attenuation, backbone, steps, seed)
    config = replace(
        config,
        depth_scale=depth_scale or config.depth_scale,
        depth_offset_mm=depth_offset or config.depth_offset_mm,
        one_view=one_view or config.one_view,
    )
    check_device(device)
    cache = captures or data.with_suffix(".captures")
    _train(config, data, output, weights, cache, workers, device, devices, resume, target)


def _train(
    config: CascadeSettings,
    data: Path,
    output: Path,
    weights: Path | None,
    cache: Path,
    workers: int,
    device: str,
    devices: int,
    resume: bool,
    target: str,
) -> None:
    from bonafide.deploy.cascade_scores import score_stage
    from bonafide.training.cascade_data import open_captures, resolve, training_data
    from bonafide.training.cascade_task import CascadeTask, go_on_from, imagenet_start
    from bonafide.training.processes import fabric_of
    from bonafide.training.run import train_run
    from bonafide.types import Split

    start: dict[str, Tensor] | None = None
    if config.stage == "fine_tune":
        config, start = go_on_from(output / "m_net", config)
    elif weights is not None:
        start = imagenet_start(config, weights)
    fabric = fabric_of(device, devices, config.precision)
    fabric.launch()
    run = output / config.stage
    with progress_bar() as bar:
        report = reporter(bar, config.steps)
        caches = open_captures(data, cache, config, workers, report)
        config = resolve(config, caches.captures[Split.TRAIN])
        task = CascadeTask(config, training_data(caches, config), start)
        progress = train_run(task, caches.run_data(), run, fabric, resume=resume, report=report)
    if fabric.is_global_zero:
        point = score_stage(run, caches, target)
        typer.echo(
            f"{run}: best at step {progress.best_step} of {progress.step}, development loss "
            f"{progress.best_measure:.4f}; operating point {point.name}: {point.threshold:.4f}"
        )


def _settings(stage: str, file: Path | None) -> CascadeSettings:
    """The paper's settings of the stage, changed by the file."""
    from bonafide.training.cascade_settings import CascadeSettings, paper_settings
    from bonafide.training.settings import read_toml, settings_from

    paper = paper_settings(stage)
    if file is None:
        return paper
    parsed = read_toml(file)
    values = parsed.get("settings", parsed)
    if values.get("stage", stage) != stage:
        raise BonafideError(
            f"is for stage {values['stage']!r}.",
            where=str(file),
            remedy=f"Ask for --stage {values['stage']}, or take that line out.",
        )
    whole = {name: getattr(paper, name) for name in paper.__dataclass_fields__}
    return settings_from(CascadeSettings, {**whole, **values}, where=str(file))


def _changed(
    config: CascadeSettings,
    fusion: str,
    fmix: bool,
    attenuation: float | None,
    backbone: str,
    steps: int | None,
    seed: int | None,
) -> CascadeSettings:
    from bonafide.training.cascade_settings import with_branches

    if not fmix:
        config = replace(config, fmix=0.0)
    if fusion:
        config = with_branches(config, tuple(name.strip() for name in fusion.split(",")))
    if attenuation is not None:
        config = replace(config, attenuation_per_m=attenuation, estimate_attenuation=False)
    return replace(
        config,
        backbone=backbone or config.backbone,
        steps=config.steps if steps is None else steps,
        seed=config.seed if seed is None else seed,
    )
