"""`bonafide score MODEL TABLE`: every presentation of a sample table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bonafide.deploy.load import AnyDetector
    from bonafide.evaluation.score_writer import ScoreRow
    from bonafide.types import Presentation


@dataclass(frozen=True)
class ChosenModel:
    """What scores which table.

    Attributes:
        model: a run folder or an ONNX file.
        table: a samples.csv.
        input_spec: of an ONNX file of others; None for models of ours.
    """

    model: Path
    table: Path
    input_spec: Path | None


def chosen_model(
    model: Path | None, table: Path | None, onnx: Path | None, input_spec: Path | None
) -> ChosenModel:
    """Sort out the two paths, or --onnx, --input-spec and one path.

    Raises:
        BonafideError: too few or too many of them.
    """
    if (onnx is None) != (input_spec is None):
        raise BonafideError(
            "an ONNX model of others and its spec belong together.",
            where="--onnx, --input-spec",
            remedy="Give both; docs/rivals.md shows a spec.",
        )
    given = [path for path in (onnx, model, table) if path is not None]
    if len(given) != 2:
        raise BonafideError(
            f"{len(given)} paths where a model and a table are needed.",
            where="score",
            remedy="Give either MODEL and TABLE, or --onnx, --input-spec and TABLE, or --input.",
        )
    return ChosenModel(given[0], given[1], input_spec)


def score_samples(
    chosen: ChosenModel,
    output: Path,
    split: str,
    unit: str,
    frames_per_second: float,
    threads: int,
) -> None:
    """Write the score file of a sample table."""
    from rich.console import Console
    from rich.progress import track

    from bonafide.capture.limits import Limits
    from bonafide.datasets.sample_table import read_sample_table
    from bonafide.deploy.captures import is_capture_model
    from bonafide.deploy.score_table import UNITS, score_table
    from bonafide.evaluation.score_writer import write_score_rows

    if unit not in UNITS:
        raise BonafideError(
            f"unknown unit {unit!r}.", where="--unit", remedy=f"One of {', '.join(UNITS)}."
        )
    samples = [s for s in read_sample_table(chosen.table) if split in ("", s.split.value)]
    if not samples:
        raise BonafideError(
            f"no row of split {split!r}.",
            where=str(chosen.table),
            remedy="Name a split that it has.",
        )
    shown = track(samples, "scoring", console=Console(stderr=True), transient=True)
    if chosen.input_spec is None and is_capture_model(chosen.model):
        rows = _capture_rows(chosen.model, shown, threads)
    else:
        detector = _detector(chosen, threads)
        # Every presentation needs its score here; a threshold may yet be chosen on them.
        detector.operating_point = detector.operating_point.without_doubt()
        rows = score_table(detector, shown, unit=unit, sample_hz=frames_per_second, limits=Limits())
    scratch = output.with_suffix(".partial")
    count = write_score_rows(scratch, rows)
    scratch.replace(output)
    typer.echo(f"{output}: {count} rows, one a {unit}, of {len(samples)} presentations")


def _capture_rows(model: Path, samples: Iterable[Presentation], threads: int) -> Iterator[ScoreRow]:
    from bonafide.capture.limits import Limits
    from bonafide.deploy.captures import load_capture_detector
    from bonafide.deploy.cascade import CascadeDetector, score_captures

    detector = load_capture_detector(model, threads=threads)
    if isinstance(detector, CascadeDetector):
        return score_captures(detector.without_doubt(), samples, Limits())
    detector.operating_point = detector.operating_point.without_doubt()
    return detector.rows(samples, Limits())


def _detector(chosen: ChosenModel, threads: int) -> AnyDetector:
    from bonafide.deploy.load import load_detector

    if chosen.input_spec is None:
        return load_detector(chosen.model, threads=threads)
    from bonafide.deploy.foreign import ForeignDetector, ForeignScorer, read_spec
    from bonafide.face.detect import MtcnnDetector

    scorer = ForeignScorer(chosen.model, read_spec(chosen.input_spec), threads=threads)
    return ForeignDetector(scorer, MtcnnDetector(threads=threads))
