"""`bonafide evaluate`: score files in, report folder out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError, Label

if TYPE_CHECKING:
    from bonafide.decision.operating_point import OperatingPoint
    from bonafide.decision.scores import DevelopmentScores


TestFile = Annotated[Path, typer.Option(help="Score file (CSV) to judge.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the report.")]
Development = Annotated[
    Path | None, typer.Option(help="Score file (CSV) of other people, for the threshold.")
]
Target = Annotated[
    str | None,
    typer.Option(
        help="How to choose the threshold on the development scores: eer, eer-worst-species, "
        "bpcer=0.01, apcer=0.05 or threshold=0.5."
    ),
]
PointFile = Annotated[
    Path | None, typer.Option(help="Use the threshold of this JSON file instead.")
]
Unit = Annotated[
    str, typer.Option(help="What to judge: presentation (frames are averaged) or frame.")
]
LabelWords = Annotated[
    list[str] | None,
    typer.Option(help="What a word in the label column means, e.g. live=bona_fide."),
]
By = Annotated[list[str] | None, typer.Option(help="A further column to break the rates down by.")]
RecordFile = Annotated[
    Path | None, typer.Option(help="The model's run.toml (or JSON), shown in the report.")
]
Title = Annotated[str | None, typer.Option(help="Title of the report.")]
Pictures = Annotated[bool, typer.Option(help="Embed pictures of the worst errors (personal data).")]
PicturesRoot = Annotated[Path | None, typer.Option(help="Folder that the path column counts from.")]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap.")]
Rounds = Annotated[int, typer.Option(min=0, help="Bootstrap rounds; 0 leaves it out.")]


def evaluate(
    test: TestFile,
    output: Output,
    development: Development = None,
    target: Target = None,
    operating_point: PointFile = None,
    unit: Unit = "presentation",
    label: LabelWords = None,
    by: By = None,
    model_record: RecordFile = None,
    title: Title = None,
    pictures: Pictures = True,
    pictures_root: PicturesRoot = None,
    seed: Seed = 0,
    rounds: Rounds = 1000,
) -> None:
    """Judge test scores at a threshold from development scores; write HTML, JSON and CSV."""
    from datetime import date

    from rich.console import Console
    from rich.markup import escape

    from bonafide.evaluation.assessment import assess
    from bonafide.evaluation.record import read_record
    from bonafide.evaluation.report import Heading, headline, write_report
    from bonafide.evaluation.score_file import read_development, read_test

    if unit not in ("presentation", "frame"):
        raise BonafideError(f"unknown unit {unit!r}.", where="--unit", remedy="presentation, frame")
    words = _label_words(label or [])
    known = None if development is None else read_development(development, words)
    point = _operating_point(known, target, operating_point, unit)
    record = None if model_record is None else read_record(model_record)
    assessment = assess(
        read_test(test, words),
        point,
        development=known,
        record=record,
        columns=by or [],
        unit=unit,
        seed=seed,
        rounds=rounds,
    )
    name = title or (record.name if record else "") or test.stem
    folder = (pictures_root or test.parent) if pictures else None
    write_report(output, assessment, Heading(name, date.today().isoformat(), folder))
    console = Console()
    for sentence in headline(assessment):
        console.print(escape(sentence), highlight=False)
    for caution in assessment.cautions:
        console.print(f"[yellow]note[/] {escape(caution)}", highlight=False)
    console.print(escape(f"report: {output / 'report.html'}"), highlight=False)


def _operating_point(
    development: DevelopmentScores | None, target: str | None, file: Path | None, unit: str
) -> OperatingPoint:
    from bonafide.decision.aggregate import to_presentations
    from bonafide.decision.criteria import choose
    from bonafide.decision.operating_point import load_operating_point

    if (target is None) == (file is None):
        raise BonafideError(
            "give either a target or an operating point file.",
            where="--target, --operating-point",
            remedy="For example --development dev.csv --target bpcer=0.01.",
        )
    if file is not None:
        return load_operating_point(file)
    if development is None or target is None:
        raise BonafideError(
            "a target needs development scores to choose the threshold on.",
            where="--development",
            remedy="Give the scores of other people than those in the test.",
        )
    return choose(target, development if unit == "frame" else to_presentations(development))


def _label_words(pairs: list[str]) -> dict[str, Label]:
    words = {label.value: label for label in Label}
    for pair in pairs:
        word, _, meaning = pair.rpartition("=")
        if not word or meaning not in (Label.BONA_FIDE, Label.ATTACK):
            raise BonafideError(
                f"{pair!r} does not say what a word means.",
                where="--label",
                remedy="Write --label live=bona_fide --label spoof=attack.",
            )
        words[word] = Label(meaning)
    return words
