"""`bonafide calibrate`: an operating point for one's own camera, from live photos alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bonafide.types import BonafideError


def calibrate(
    folder: Annotated[
        Path,
        typer.Argument(help="Live photos and clips; one folder a person if there are several."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON file to write.")],
    bpcer: Annotated[float, typer.Option(help="Share of live people that may be refused.")] = 0.05,
    confidence: Annotated[float, typer.Option(help="Of the claim, one-sided.")] = 0.95,
    model: Annotated[
        Path | None,
        typer.Option(help="An exported model, or ms-fans; the shipped one if not given."),
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
    scores, unusable, people = [], [], set()
    for answer, _ in answer_all(detector, [str(folder)], Limits(), 5.0, True):
        if answer.verdict.score is None:
            unusable.append(answer)
            continue
        scores.append(answer.verdict.score)
        inside = Path(answer.path).relative_to(folder).parts
        people.add(inside[0] if len(inside) > 1 else "")
    subjects = len(people) if people != {""} else 0
    made = choose(np.array(scores), bpcer, confidence, name=folder.name, subjects=subjects)
    made.point.save(output)
    for answer in unusable:
        codes = answer.score_row()[-1]
        typer.echo(f"not used: {answer.path}: {codes}", err=True)
    own = detector.operating_point
    typer.echo(
        f"{output}: threshold {made.point.threshold:.4f} from {made.scores} live presentations"
        + (f" of {subjects} people" if subjects else "")
        + f"; BPCER at most {made.bpcer_bound:.1%} with {confidence:.0%} confidence.\n"
        f"The model's own threshold was {own.threshold:.4f} ({own.name}).\n"
        "No attack was seen: what this threshold lets pass is not known. A lower one than the "
        "model's own lets more attacks pass; measure with `bonafide evaluate`."
    )
