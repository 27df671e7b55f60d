"""`bonafide magnify`: a clip in, the same clip with its small motions or colours grown out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.cues.magnification_settings import Settings
    from bonafide.cues.x_t_slice import Line

SourceFile = Annotated[Path, typer.Argument(help="Clip to read.")]
TargetFile = Annotated[Path, typer.Argument(help="Clip to write: .mp4, .mov or .mkv.")]
Preset = Annotated[
    str, typer.Option(help="Where the settings start from, such as face-motion or face-pulse.")
]
Alpha = Annotated[float | None, typer.Option(help="Motion grows by 1 + alpha.")]
Low = Annotated[float | None, typer.Option(help="Lower edge of the band, Hz.")]
High = Annotated[float | None, typer.Option(help="Upper edge of the band, Hz.")]
CutoffPx = Annotated[
    float | None,
    typer.Option(help="Motion: wavelength from which alpha holds in full, px; 0 for all."),
]
Level = Annotated[int | None, typer.Option(help="Colour: how often to halve the picture.")]
Chroma = Annotated[float | None, typer.Option(help="Share of alpha for colour against luma, 0..1.")]
SideBySide = Annotated[bool, typer.Option("--side-by-side", help="Put the original on the left.")]
SliceFile = Annotated[
    Path | None, typer.Option("--slice", help="Picture to write: one line of the clip over time.")
]
SliceAt = Annotated[
    str | None,
    typer.Option(help="The line: column:X or row:Y, px. The middle column if left out."),
]
SheetFile = Annotated[
    Path | None, typer.Option("--sheet", help="Picture to write: several alphas side by side.")
]
Alphas = Annotated[str, typer.Option(help="The alphas on the sheet.")]


def magnify(
    source: SourceFile,
    out: TargetFile,
    preset: Preset = "face-motion",
    alpha: Alpha = None,
    low: Low = None,
    high: High = None,
    cutoff_px: CutoffPx = None,
    level: Level = None,
    chroma: Chroma = None,
    side_by_side: SideBySide = False,
    slice_file: SliceFile = None,
    slice_at: SliceAt = None,
    sheet: SheetFile = None,
    alphas: Alphas = "5,10,20,40",
) -> None:
    """Magnify small motions (or colour changes, such as the pulse) of a clip."""
    from bonafide.cues.magnify_file import MagnifyJob, magnify_file

    settings = _settings(preset, alpha, low, high, cutoff_px, level, chroma)
    job = MagnifyJob(
        source=source,
        out=out,
        settings=settings,
        side_by_side=side_by_side,
        slice_file=slice_file,
        slice_line=_line(slice_at),
        sheet_file=sheet,
        sheet_alphas=_numbers(alphas) if sheet else (),
    )
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("frames", total=None)
        written = magnify_file(
            job, lambda done, total: bar.update(task, completed=done, total=total)
        )
    for path in written:
        typer.echo(str(path))


def _settings(
    preset: str,
    alpha: float | None,
    low: float | None,
    high: float | None,
    cutoff_px: float | None,
    level: int | None,
    chroma: float | None,
) -> Settings:
    from bonafide.cues.magnification_settings import PRESETS

    if preset not in PRESETS:
        raise BonafideError(
            f"{preset!r} is unknown.", where="--preset", remedy=f"Choose of {', '.join(PRESETS)}."
        )
    settings = PRESETS[preset]
    given = {
        "alpha": alpha,
        "low_hz": low,
        "high_hz": high,
        "cutoff_px": cutoff_px,
        "level": level,
        "chroma": chroma,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    for name in changes:
        if not hasattr(settings, name):
            raise BonafideError(
                f"preset {preset!r} has no such setting.",
                where=f"--{name.replace('_', '-')}",
                remedy="--cutoff-px is for presets of motion, --level for those of colour.",
            )
    return replace(settings, **changes)


def _line(text: str | None) -> Line | None:
    from bonafide.cues.x_t_slice import Line

    if text is None:
        return None
    axis, _, position = text.partition(":")
    if axis == "column" and position.isdigit():
        return Line("column", int(position))
    if axis == "row" and position.isdigit():
        return Line("row", int(position))
    raise BonafideError(
        f"{text!r} names no line.", where="--slice-at", remedy="Write column:320 or row:240."
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in text.split(","))
    except ValueError as error:
        raise BonafideError(
            f"{text!r} is no list of numbers.", where="--alphas", remedy="Write 5,10,20,40."
        ) from error
