"""`bonafide check`: photos, clips, folders or a camera in, verdicts out."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.capture.limits import Limits
    from bonafide.deploy.answer import Answer
    from bonafide.deploy.detector import Examination
    from bonafide.deploy.load import AnyDetector

JUDGING, OUTPUT, LIMITS = "Judging", "Output", "Limits on input"
CAPTURE = "Colour, depth and infrared"


def _option(text: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel)


Paths = Annotated[
    list[str] | None, typer.Argument(help="Photos, clips, folders or quoted patterns.")
]
Camera = Annotated[
    str | None, typer.Option(help="Watch a camera (its number) or a clip as if it were one.")
]
Rgb = Annotated[Path | None, _option("Colour photo or clip, or a folder with all three.", CAPTURE)]
Depth = Annotated[
    Path | None, _option("Registered depth: 16-bit PNG, or lossless clip, in mm.", CAPTURE)
]
Infrared = Annotated[Path | None, _option("Registered infrared photo or clip.", CAPTURE)]
DepthScale = Annotated[float, _option("Millimetres of a depth level; 0: the model's.", CAPTURE)]
DepthOffset = Annotated[float, _option("Millimetres at depth level 0.", CAPTURE)]
OneView = Annotated[
    bool, _option("The three are one view at several resolutions.", CAPTURE, "--one-view")
]
Model = Annotated[
    Path | None,
    _option("An exported model, a run, skin-colour or ms-fans; else the usual one.", JUDGING),
]
Point = Annotated[Path | None, _option("JSON file of an operating point.", JUDGING)]
Rate = Annotated[float, _option("Frames of a clip looked at per second.", JUDGING)]
MinFace = Annotated[float, _option("Smallest face looked for, px.", JUDGING)]
Yunet = Annotated[
    Path | None, _option("Find faces with this YuNet file of yours instead.", JUDGING)
]
Threads = Annotated[int, _option("Threads of each network.", JUDGING)]
AsJson = Annotated[bool, _option("One JSON object a line.", OUTPUT, "--json")]
Scores = Annotated[Path | None, _option("Write path, score, decision, reason.", OUTPUT)]
Evidence = Annotated[Path | None, _option("Write a page with crops and weights there.", OUTPUT)]
MaxInt = Annotated[int | None, _option("", LIMITS)]
MaxSeconds = Annotated[float | None, _option("Length of a clip.", LIMITS)]


def check(
    paths: Paths = None,
    camera: Camera = None,
    rgb: Rgb = None,
    depth: Depth = None,
    infrared: Infrared = None,
    depth_scale: DepthScale = 0.0,
    depth_offset: DepthOffset = 0.0,
    one_view: OneView = False,
    model: Model = None,
    operating_point: Point = None,
    frames_per_second: Rate = 5.0,
    min_face: MinFace = 40.0,
    yunet: Yunet = None,
    threads: Threads = 1,
    as_json: AsJson = False,
    scores: Scores = None,
    evidence: Evidence = None,
    max_bytes: MaxInt = None,
    max_pixels: MaxInt = None,
    max_frames: MaxInt = None,
    max_seconds: MaxSeconds = None,
) -> None:
    """Is it a live face? Exit code 0: all bona fide. 1: some attack. 3: some not evaluated."""
    from bonafide.decision.operating_point import load_operating_point
    from bonafide.deploy.answer import exit_code
    from bonafide.deploy.load import load_detector
    from bonafide.deploy.runtime import model_path

    if bool(paths) + (camera is not None) + (rgb is not None) != 1:
        raise BonafideError(
            "give either paths, --camera or --rgb.", remedy="See: bonafide check --help."
        )
    limits = _limits(max_bytes, max_pixels, max_frames, max_seconds)
    point = load_operating_point(operating_point) if operating_point else None
    if rgb is not None:
        from bonafide.cli.check_capture import AskedCapture, answer_capture

        asked = AskedCapture(rgb, depth, infrared, depth_scale, depth_offset, one_view)
        answer = answer_capture(asked, model, limits, frames_per_second, min_face, threads, point)
        raise typer.Exit(exit_code(report(iter([answer]), as_json, scores, evidence)))
    detector = load_detector(
        model_path(model),
        operating_point=point,
        min_face_px=min_face,
        yunet=yunet,
        threads=threads,
    )
    if camera is not None:
        _watch(detector, camera, limits, frames_per_second)
        return
    answers = answer_all(detector, paths or [], limits, frames_per_second, not as_json)
    decisions = report(answers, as_json, scores, evidence)
    raise typer.Exit(exit_code(decisions))


def _watch(detector: AnyDetector, camera: str, limits: Limits, sample_hz: float) -> None:
    from bonafide.cli.watch import watch_camera
    from bonafide.deploy.detector import Detector

    if not isinstance(detector, Detector):
        raise BonafideError(
            "a clip model does not watch a camera.",
            where="--model",
            remedy="Record a clip and check that, or use a model that judges pictures.",
        )
    watch_camera(detector, camera, limits, sample_hz)


def _limits(
    max_bytes: int | None,
    max_pixels: int | None,
    max_frames: int | None,
    max_seconds: float | None,
) -> Limits:
    from bonafide.capture.limits import Limits

    given = {
        "max_bytes": max_bytes,
        "max_pixels": max_pixels,
        "max_frames": max_frames,
        "max_seconds": max_seconds,
    }
    return Limits(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def answer_all(
    detector: AnyDetector, paths: list[str], limits: Limits, sample_hz: float, progress: bool
) -> Iterator[tuple[Answer, Examination | None]]:
    """Answer one source after another; a source that cannot be read gets an answer too."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from bonafide.capture.sources import expand_sources
    from bonafide.deploy.files import answer_source

    sources = expand_sources(paths, limits)
    columns = (
        TextColumn("checking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    bar = Progress(
        *columns, console=console, transient=True, disable=not progress or len(sources) < 3
    )
    with bar:
        task = bar.add_task("checking", total=len(sources))
        for source in sources:
            yield answer_source(detector, source, limits, sample_hz)
            bar.advance(task)


def report(
    answers: Iterator[tuple[Answer, Examination | None]],
    as_json: bool,
    scores: Path | None,
    evidence: Path | None,
) -> list[Any]:
    """Hand every answer to every output as it comes, and return the decisions."""
    from bonafide.cli.render import VerdictTable
    from bonafide.deploy.answer import SCORES_HEADER
    from bonafide.deploy.evidence import EvidencePage

    decisions = []
    with ExitStack() as stack:
        writer = page = table = None
        if scores is not None:
            file = stack.enter_context(scores.open("w", newline="", encoding="utf-8"))
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(SCORES_HEADER)
        if evidence is not None:
            page = stack.enter_context(EvidencePage(evidence))
        if not as_json:
            table = VerdictTable()
        for answer, examination in answers:
            decisions.append(answer.verdict.decision)
            if writer is not None:
                writer.writerow(answer.score_row())
            if page is not None:
                page.add(answer, examination)
            if table is not None:
                table.add(answer)
            else:
                print(json.dumps(answer.to_json()), flush=True)
    if table is not None:
        table.print()
        if page is not None:
            print(f"evidence: {page.path}", file=sys.stderr)
    return decisions
