"""`bonafide calibrate`: an operating point for one's own camera, from live photos alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.decision.calibrate import Calibration
    from bonafide.decision.operating_point import OperatingPoint


def calibrate(
    folder: Annotated[
        Path,
        typer.Argument(help="Live photos and clips; one folder a person if there are several."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")],
    bpcer: Annotated[float, typer.Option(help="Share of live people that may be refused.")] = 0.05,
    confidence: Annotated[float, typer.Option(help="Of the claim, one-sided.")] = 0.95,
    called_attack: Annotated[
        float | None,
        typer.Option(
            help="Share of live people, below --bpcer, that may be answered attack; further "
            "refusals are then not_evaluated, because uncertain."
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="An exported model, skin-colour or ms-fans; else the usual one."),
    ] = None,
) -> None:
    """Set the operating point for your own camera from photos of live people alone."""
    import numpy as np

    from bonafide.capture.limits import Limits
    from bonafide.cli.check import answer_all
    from bonafide.decision.calibrate import calibrate as choose
    from bonafide.deploy.detector import Detector
    from bonafide.deploy.runtime import model_path

    if not folder.is_dir():
        raise BonafideError(
            "is not a folder.", where=str(folder), remedy="Name a folder of live photos."
        )
    detector = Detector.load(model_path(model))
    own = detector.operating_point
    detector.operating_point = own.without_doubt()
    scores, unusable, people = [], [], set()
    for answer, _ in answer_all(detector, [str(folder)], Limits(), 5.0, True):
        if answer.verdict.score is None:
            unusable.append(answer)
            continue
        scores.append(answer.verdict.score)
        inside = Path(answer.path).relative_to(folder).parts
        people.add(inside[0] if len(inside) > 1 else "")
    subjects = len(people) if people != {""} else 0
    made = choose(
        np.array(scores),
        bpcer,
        confidence,
        name=folder.name,
        subjects=subjects,
        called_attack=called_attack,
    )
    made.point.save(output)
    for answer in unusable:
        codes = answer.score_row()[-1]
        typer.echo(f"not used: {answer.path}: {codes}", err=True)
    typer.echo(_words(made, output, subjects, own))


def _words(made: Calibration, output: Path, subjects: int, own: OperatingPoint) -> str:
    return (
        f"{output}: threshold {made.point.threshold:.4f} from {made.scores} live presentations"
        + (f" of {subjects} people" if subjects else "")
        + f"; BPCER at most {made.bpcer_bound:.1%} with {made.confidence:.0%} confidence.\n"
        + _band_words(made)
        + f"The model's own threshold was {own.threshold:.4f} ({own.name}).\n"
        "No attack was seen: what this threshold lets pass is not known. A lower one than the "
        "model's own lets more attacks pass; measure with `bonafide evaluate`."
    )


def _band_words(made: Calibration) -> str:
    if made.point.attack_below is None:
        return ""
    return (
        f"From {made.point.attack_below:.4f} up to it the answer is not_evaluated, uncertain; at "
        f"most {made.called_attack_bound:.1%} of live people are called attacks.\n"
    )
