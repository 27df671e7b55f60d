"""`bonafide score`: a sample table in, a score file for `bonafide evaluate` out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.deploy.load import AnyDetector


def score(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="[MODEL] TABLE",
            help="A run folder or an exported ONNX file, and the samples.csv to score; with --onnx "
            "the table alone.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The scores.csv to write.")],
    split: Annotated[str, typer.Option(help="Only this split: train, development or test.")] = "",
    unit: Annotated[str, typer.Option(help="presentation, or frame.")] = "presentation",
    frames_per_second: Annotated[
        float, typer.Option(help="Frames of a clip looked at per second.")
    ] = 5.0,
    threads: Annotated[int, typer.Option(help="Threads of each network.")] = 1,
    onnx: Annotated[
        Path | None, typer.Option(help="Score with an ONNX model of others instead.")
    ] = None,
    input_spec: Annotated[
        Path | None, typer.Option(help="TOML file that says what --onnx takes and gives.")
    ] = None,
) -> None:
    """Score every presentation of a table; what has no score gets its reason."""
    from rich.console import Console
    from rich.progress import track

    from bonafide.capture.limits import Limits
    from bonafide.datasets.sample_table import read_sample_table
    from bonafide.deploy.score_table import UNITS, score_table
    from bonafide.evaluation.score_writer import write_score_rows

    if unit not in UNITS:
        raise BonafideError(
            f"unknown unit {unit!r}.", where="--unit", remedy=f"One of {', '.join(UNITS)}."
        )
    model, table = _model_and_table(paths, onnx, input_spec)
    samples = [s for s in read_sample_table(table) if split in ("", s.split.value)]
    if not samples:
        raise BonafideError(
            f"no row of split {split!r}.", where=str(table), remedy="Name a split that it has."
        )
    detector = _detector(model, input_spec, threads)
    shown = track(samples, "scoring", console=Console(stderr=True), transient=True)
    rows = score_table(detector, shown, unit=unit, sample_hz=frames_per_second, limits=Limits())
    scratch = output.with_suffix(".partial")
    count = write_score_rows(scratch, rows)
    scratch.replace(output)
    typer.echo(f"{output}: {count} rows, one a {unit}, of {len(samples)} presentations")


def _model_and_table(
    paths: list[Path], onnx: Path | None, input_spec: Path | None
) -> tuple[Path, Path]:
    if (onnx is None) != (input_spec is None):
        raise BonafideError(
            "an ONNX model of others and its spec belong together.",
            where="--onnx, --input-spec",
            remedy="Give both; docs/rivals.md shows a spec.",
        )
    given = [*([] if onnx is None else [onnx]), *paths]
    if len(given) != 2:
        raise BonafideError(
            f"{len(given)} paths where a model and a table are needed.",
            where="score",
            remedy="Write: bonafide score MODEL samples.csv, or with --onnx: samples.csv alone.",
        )
    return given[0], given[1]


def _detector(model: Path, input_spec: Path | None, threads: int) -> AnyDetector:
    from bonafide.deploy.load import load_detector

    if input_spec is None:
        return load_detector(model, threads=threads)
    from bonafide.deploy.foreign import ForeignDetector, ForeignScorer, read_spec
    from bonafide.face.detect import MtcnnDetector

    scorer = ForeignScorer(model, read_spec(input_spec), threads=threads)
    return ForeignDetector(scorer, MtcnnDetector(threads=threads))
