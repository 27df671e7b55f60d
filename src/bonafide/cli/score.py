"""`bonafide score`: a sample table to a score file, or any number of inputs to a folder of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bonafide.types import BonafideError

TABLE, BATCH = "A sample table", "Any number of inputs"


def _option(text: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel)


ModelArgument = Annotated[
    Path | None, typer.Argument(metavar="[MODEL]", help="A run folder, or an exported ONNX file.")
]
TableArgument = Annotated[
    Path | None, typer.Argument(metavar="[TABLE]", help="The samples.csv to score.")
]
Output = Annotated[
    str, typer.Option("--output", "-o", help="The scores.csv to write; with --input a folder.")
]
Rate = Annotated[float, typer.Option(help="Frames of a clip looked at per second.")]
Threads = Annotated[int, typer.Option(help="Threads of each network.")]
SplitName = Annotated[str, _option("Only this split: train, development or test.", TABLE)]
Unit = Annotated[str, _option("presentation, or frame.", TABLE)]
Onnx = Annotated[
    Path | None, _option("Instead of MODEL: an ONNX model of others, with --input-spec.", TABLE)
]
InputSpec = Annotated[Path | None, _option("TOML file: what --onnx takes and gives.", TABLE)]
Inputs = Annotated[
    list[str] | None,
    _option("Files, folders, patterns, URLs, or tables with a column path.", BATCH, "--input"),
]
Engine = Annotated[str, _option("local (processes), or ray (several machines).", BATCH)]
ModelFile = Annotated[
    Path | None, _option("An exported model; the shipped one if not given.", BATCH, "--model")
]
Point = Annotated[Path | None, _option("JSON file of an operating point.", BATCH)]
Workers = Annotated[int | None, _option("One for each CPU if not given.", BATCH)]
Form = Annotated[str, _option("parquet, or csv.", BATCH, "--format")]
PartRows = Annotated[int, _option("Inputs in a part; what a kill costs.", BATCH)]
RayAddress = Annotated[str, _option("Of a running cluster; otherwise one is started.", BATCH)]
MinFace = Annotated[float, _option("Smallest face looked for, px.", BATCH)]
Timeout = Annotated[float, _option("Seconds that one input may take.", BATCH)]
MaxInt = Annotated[int | None, _option("Limit on one input.", BATCH)]
MaxSeconds = Annotated[float | None, _option("Limit on one input.", BATCH)]


def score(
    output: Output,
    model: ModelArgument = None,
    table: TableArgument = None,
    split: SplitName = "",
    unit: Unit = "presentation",
    onnx: Onnx = None,
    input_spec: InputSpec = None,
    frames_per_second: Rate = 5.0,
    threads: Threads = 1,
    inputs: Inputs = None,
    engine: Engine = "local",
    model_file: ModelFile = None,
    operating_point: Point = None,
    workers: Workers = None,
    form: Form = "parquet",
    part_rows: PartRows = 256,
    ray_address: RayAddress = "",
    min_face: MinFace = 40.0,
    timeout: Timeout = 600.0,
    max_bytes: MaxInt = None,
    max_pixels: MaxInt = None,
    max_frames: MaxInt = None,
    max_seconds: MaxSeconds = None,
) -> None:
    """Score every presentation of MODEL TABLE, or every --input; what has no score has a reason."""
    if not inputs:
        from bonafide.cli.score_samples import chosen_model, score_samples

        chosen = chosen_model(model, table, onnx, input_spec)
        score_samples(chosen, Path(output), split, unit, frames_per_second, threads)
        return
    if model is not None or onnx is not None:
        raise BonafideError(
            "give either MODEL and TABLE, or --input and, if not the shipped one, --model.",
            remedy="See: bonafide score --help.",
        )
    from bonafide.cli.score_batch import Engines, score_batch
    from bonafide.deploy.batch_child import JudgeSettings

    limits = {
        "max_bytes": max_bytes,
        "max_pixels": max_pixels,
        "max_frames": max_frames,
        "max_seconds": max_seconds,
    }
    settings = JudgeSettings(
        operating_point="" if operating_point is None else _point_text(operating_point),
        sample_hz=frames_per_second,
        min_face_px=min_face,
        threads=threads,
        timeout_s=timeout,
        **{name: value for name, value in limits.items() if value is not None},  # type: ignore[arg-type]
    )
    how = Engines(engine, workers, ray_address)
    score_batch(inputs or [], output, model_file, settings, how, form, part_rows)


def _point_text(path: Path) -> str:
    import json
    from dataclasses import asdict

    from bonafide.decision.operating_point import load_operating_point

    return json.dumps(asdict(load_operating_point(path)))
