"""`bonafide train motion` and `bonafide train texture`: the second paper's models, on clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bonafide.cli.train import check_device, progress_bar, reporter
from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.training.motion_settings import MotionSettings
    from bonafide.training.texture_run import TextureSettings

MAGNIFY = "face-motion"

Data = Annotated[Path, typer.Option(help="A samples.csv of clips, train and development rows.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The run folder.")]
SettingsFile = Annotated[
    Path | None, typer.Option(help="TOML file of settings; the paper's where it says nothing.")
]
Magnify = Annotated[bool, typer.Option("--magnify", help=f"Magnify clips by preset {MAGNIFY}.")]
Preset = Annotated[str, typer.Option(help="Magnify by another preset of `bonafide magnify`.")]
Order = Annotated[
    str, typer.Option(help="in_order; or, to take the motion out, shuffled or still.")
]
WindowS = Annotated[float | None, typer.Option(help="Seconds of every clip that are looked at.")]
Seed = Annotated[int | None, typer.Option(help="Of weights and order.")]
Workers = Annotated[int, typer.Option(help="Processes that read clips.")]
Variant = Annotated[str, typer.Option(help="cnn, cnn-lstm or cnn-lstm-a.")]
Cnn = Annotated[str, typer.Option(help="vgg16, or small for a CPU.")]
Weights = Annotated[Path | None, typer.Option(help="Initial weights of `bonafide weights`.")]
FreezeCnn = Annotated[
    bool, typer.Option("--freeze-cnn", help="Train the LSTM alone, on stored pool5.")
]
FramesOption = Annotated[int | None, typer.Option(help="Frames of every clip.")]
Steps = Annotated[int | None, typer.Option(help="Optimisation steps.")]
Resume = Annotated[bool, typer.Option(help="Go on with an interrupted run.")]
Clips = Annotated[Path | None, typer.Option(help="Clip cache; beside the table if not given.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Devices = Annotated[int, typer.Option(help="Processes or GPUs to train on.")]
Target = Annotated[str, typer.Option(help="Operating point: eer, bpcer=0.05, apcer=0.05, ...")]


def train_motion(
    data: Data,
    output: Output,
    variant: Variant = "",
    cnn: Cnn = "",
    weights: Weights = None,
    freeze_cnn: FreezeCnn = False,
    magnify: Magnify = False,
    preset: Preset = "",
    order: Order = "",
    frames: FramesOption = None,
    window_s: WindowS = None,
    settings: SettingsFile = None,
    steps: Steps = None,
    seed: Seed = None,
    resume: Resume = False,
    clips: Clips = None,
    workers: Workers = 2,
    device: Device = "auto",
    devices: Devices = 1,
    target: Target = "eer",
) -> None:
    """Motion CNN-LSTM (paper 2): a CNN over the frames of a clip, an LSTM with attention."""
    from bonafide.deploy.motion_table import finish_motion
    from bonafide.training.motion_settings import MotionSettings
    from bonafide.training.processes import fabric_of
    from bonafide.training.settings import load_settings

    chosen = load_settings(MotionSettings, settings) if settings else MotionSettings()
    given = {"variant": variant, "cnn": cnn, "frames": frames, "steps": steps, "seed": seed}
    given |= {"window_s": window_s, "order": order, "preset": _preset(magnify, preset)}
    chosen, initial = _with_weights(_changed(chosen, given | {"freeze_cnn": freeze_cnn}), weights)
    check_device(device)
    fabric = fabric_of(device, devices, chosen.precision)
    fabric.launch()
    if fabric.is_global_zero:
        typer.echo(f"initial weights of the CNN: {chosen.initial}")
    with progress_bar() as bar:
        finished = finish_motion(
            chosen,
            data,
            output,
            clips or _cache(data, "clips", chosen),
            fabric,
            initial=initial,
            resume=resume,
            workers=workers,
            report=reporter(bar, chosen.steps),
            target=target,
        )
    if finished is not None:
        progress, point = finished
        typer.echo(
            f"{output}: best at step {progress.best_step} of {progress.step}, development loss "
            f"{progress.best_measure:.4f}; operating point {point.name}: {point.threshold:.4f}"
        )


def train_texture(
    data: Data,
    output: Output,
    cue: Annotated[str, typer.Option(help="lbp, lbp-top, lbp-multi-scale or lbp-colour.")] = "",
    magnify: Magnify = False,
    preset: Preset = "",
    order: Order = "",
    window_s: WindowS = None,
    rows_per_clip: Annotated[
        int | None, typer.Option(help="Frames of a clip to train on; 0 for all.")
    ] = None,
    settings: SettingsFile = None,
    seed: Seed = None,
    features: Annotated[
        Path | None, typer.Option(help="Feature cache; beside the table if not given.")
    ] = None,
    workers: Workers = 2,
    target: Target = "eer",
) -> None:
    """LBP or LBP-TOP and a support vector machine, which paper 2 compares with."""
    from bonafide.deploy.motion_table import finish_texture
    from bonafide.training.settings import load_settings
    from bonafide.training.texture_run import TextureSettings

    chosen = load_settings(TextureSettings, settings) if settings else TextureSettings()
    given = {"cue": cue.replace("-", "_"), "order": order, "preset": _preset(magnify, preset)}
    given |= {"window_s": window_s, "rows_per_clip": rows_per_clip, "seed": seed}
    chosen = _changed(chosen, given)
    if (output / "run.toml").exists():
        raise BonafideError(
            "holds a run already.", where=str(output), remedy="Name another folder with -o."
        )
    folder = features or _cache(data, chosen.cue, chosen)
    with progress_bar() as bar:
        machine, point = finish_texture(
            chosen, data, output, folder, workers=workers, report=reporter(bar, 1), target=target
        )
    typer.echo(
        f"{output}: {len(machine.support)} support vectors; operating point {point.name}: "
        f"{point.threshold:.4f}"
    )


def _cache(data: Path, kind: str, settings: MotionSettings | TextureSettings) -> Path:
    """Beside the table; magnified clips and controls have folders of their own."""
    order = "" if settings.order == "in_order" else settings.order
    return data.with_suffix("." + "-".join(part for part in (kind, settings.preset, order) if part))


def _preset(magnify: bool, preset: str) -> str:
    return preset or (MAGNIFY if magnify else "")


def _changed(settings: Any, given: dict[str, Any]) -> Any:
    """The settings with what the command line gave; "", None and False give nothing."""
    changes = {
        name: value
        for name, value in given.items()
        if value is not None and value is not False and value != ""
    }
    return replace(settings, **changes)


def _with_weights(settings: MotionSettings, file: Path | None) -> tuple[MotionSettings, Any]:
    """The settings with what a file of weights says of itself, and the weights."""
    from bonafide.models.initial_weights import load_initial_weights

    if file is not None:
        initial, record = load_initial_weights(file, settings.cnn)
        said = {"initial": record.kind, "initial_sha256": record.source_sha256}
        return replace(settings, **said), initial
    if settings.initial != "random":
        raise BonafideError(
            f"the settings begin with {settings.initial} weights, and no file of them is named.",
            where="--weights",
            remedy="Name what `bonafide weights` wrote.",
        )
    return settings, {}
