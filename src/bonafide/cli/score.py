"""`bonafide score`: a sample table in, a score file for `bonafide evaluate` out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bonafide.types import BonafideError


def score(
    model: Annotated[Path, typer.Argument(help="A run folder, or an exported ONNX file.")],
    table: Annotated[Path, typer.Argument(help="The samples.csv to score.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The scores.csv to write.")],
    split: Annotated[str, typer.Option(help="Only this split: train, development or test.")] = "",
    unit: Annotated[str, typer.Option(help="presentation, or frame.")] = "presentation",
    frames_per_second: Annotated[
        float, typer.Option(help="Frames of a clip looked at per second.")
    ] = 5.0,
    threads: Annotated[int, typer.Option(help="Threads of each network.")] = 1,
) -> None:
    """Score every presentation of a table; what has no score gets its reason."""
    from rich.console import Console
    from rich.progress import track

    from bonafide.capture.limits import Limits
    from bonafide.datasets.sample_table import read_sample_table
    from bonafide.deploy.load import load_detector
    from bonafide.deploy.score_table import UNITS, score_table
    from bonafide.evaluation.score_writer import write_score_rows
    from bonafide.training.cascade_settings import is_cascade

    if unit not in UNITS:
        raise BonafideError(
            f"unknown unit {unit!r}.", where="--unit", remedy=f"One of {', '.join(UNITS)}."
        )
    samples = [s for s in read_sample_table(table) if split in ("", s.split.value)]
    if not samples:
        raise BonafideError(
            f"no row of split {split!r}.", where=str(table), remedy="Name a split that it has."
        )
    shown = track(samples, "scoring", console=Console(stderr=True), transient=True)
    if is_cascade(model):
        from bonafide.deploy.cascade import CascadeDetector, score_captures

        rows = score_captures(CascadeDetector.load(model, threads=threads), shown, Limits())
    else:
        detector = load_detector(model, threads=threads)
        rows = score_table(detector, shown, unit=unit, sample_hz=frames_per_second, limits=Limits())
    scratch = output.with_suffix(".partial")
    count = write_score_rows(scratch, rows)
    scratch.replace(output)
    typer.echo(f"{output}: {count} rows, one a {unit}, of {len(samples)} presentations")
