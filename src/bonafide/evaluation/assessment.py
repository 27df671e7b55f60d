"""Everything a report shows, computed; nothing here draws or writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.operating_point import OperatingPoint
from bonafide.decision.scores import Bools, DevelopmentScores, TestScores, check_disjoint
from bonafide.evaluation.bootstrap import ROUNDS, bootstrap_curve_figures, bootstrap_rates
from bonafide.evaluation.breakdown import Group, SubjectRates, by_condition, by_subject
from bonafide.evaluation.cautions import cautions, check_training
from bonafide.evaluation.curves import Curve, det_curves, for_drawing
from bonafide.evaluation.distributions import Calibration, Histograms, calibration, histograms
from bonafide.evaluation.intervals import CONFIDENCE, Interval
from bonafide.evaluation.rates import (
    CurveFigure,
    OperatingRates,
    curve_figures,
    evaluate,
    judge,
    rates_of,
)
from bonafide.evaluation.record import ModelRecord

SHOWN_ERRORS = 8


@dataclass(frozen=True, slots=True)
class WorstError:
    """A wrongly decided presentation."""

    presentation: str
    species: str
    subject: str
    score: float
    path: str


@dataclass(frozen=True, eq=False)
class Assessment:
    """A test set judged at an operating point.

    Attributes:
        test: what was judged, in the unit of the figures.
        accepted: (rows,) the decisions.
        point: the operating point.
        confidence: of all intervals.
        rates: at the operating point.
        rate_intervals: bootstrap by subject, see `bootstrap.bootstrap_rates`.
        figures: of the whole curve, see `rates.curve_figures`.
        figure_intervals: bootstrap by subject of these.
        curves: for drawing.
        histograms, calibration: None where there is nothing to show.
        groups: by condition.
        frames: rates of single frames at the same threshold; None when the data has none or when
            ``rates`` are of frames themselves.
        subjects: errors counted by person.
        non_answers: (label, reason) -> presentations.
        false_accepts, false_rejects: the worst, worst first.
        cautions: sentences for the reader.
        record: of the model, or None.
    """

    test: TestScores
    accepted: Bools
    point: OperatingPoint
    confidence: float
    rates: OperatingRates
    rate_intervals: dict[str, Interval | None]
    figures: dict[str, CurveFigure]
    figure_intervals: dict[str, Interval | None]
    curves: dict[str, Curve]
    histograms: Histograms | None
    calibration: Calibration | None
    groups: list[Group]
    frames: OperatingRates | None
    subjects: dict[str, SubjectRates]
    non_answers: dict[tuple[str, str], int]
    false_accepts: list[WorstError]
    false_rejects: list[WorstError]
    cautions: list[str]
    record: ModelRecord | None


def assess(
    test: TestScores,
    point: OperatingPoint,
    *,
    development: DevelopmentScores | None = None,
    record: ModelRecord | None = None,
    columns: Sequence[str] = (),
    unit: str = "presentation",
    seed: int = 0,
    rounds: int = ROUNDS,
    confidence: float = CONFIDENCE,
) -> Assessment:
    """Judge test scores at an operating point and compute all figures of the report.

    Args:
        test: frames or presentations; frames are averaged unless ``unit`` is "frame".
        point: chosen elsewhere, on scores of the same unit.
        development: what it was chosen on, to hold that nobody is in both.
        record: of the model.
        columns: further columns to break down by.
        unit: "presentation" or "frame".
        seed: of the bootstrap.
        rounds: of the bootstrap; 0 leaves it out.
        confidence: of all intervals.

    Raises:
        BonafideError: development or training shares people with the test, or a column is missing.
    """
    if development is not None:
        check_disjoint(development, test)
    if record is not None:
        check_training(test, record)
    judged = test if unit == "frame" else to_presentations(test)
    accepted = judge(judged, point)
    rates = rates_of(judged, accepted, confidence)
    rng = np.random.default_rng(seed)
    has_frames = test.unit == "frame" and judged is not test
    return Assessment(
        test=judged,
        accepted=accepted,
        point=point,
        confidence=confidence,
        rates=rates,
        rate_intervals=(
            bootstrap_rates(judged, accepted, rng, rounds, confidence) if rounds else {}
        ),
        figures=curve_figures(judged),
        figure_intervals=(
            bootstrap_curve_figures(judged, rng, rounds, confidence) if rounds else {}
        ),
        curves={name: for_drawing(curve) for name, curve in det_curves(judged).items()},
        histograms=histograms(judged, point.threshold),
        calibration=calibration(judged, confidence),
        groups=by_condition(judged, point, columns, confidence),
        frames=evaluate(test, point, confidence) if has_frames else None,
        subjects=by_subject(judged, accepted, confidence),
        non_answers=_non_answers(judged),
        false_accepts=_worst(judged, judged.attack & accepted, descending=True),
        false_rejects=_worst(
            judged, judged.answered & ~judged.attack & ~accepted, descending=False
        ),
        cautions=cautions(judged, point, rates, development, record),
        record=record,
    )


def _non_answers(test: TestScores) -> dict[tuple[str, str], int]:
    counts = {}
    for label, mask in (("bona fide", ~test.attack), ("attack", test.attack)):
        rows = mask & ~test.answered
        if rows.any():
            for reason, n in sorted(test.reason.take(rows).counts().items()):
                counts[label, reason] = n
    return counts


def _worst(test: TestScores, wrong: Bools, *, descending: bool) -> list[WorstError]:
    rows = np.flatnonzero(wrong)
    scores = -test.score[rows] if descending else test.score[rows]
    path = test.conditions.get("path")
    return [
        WorstError(
            test.presentation.at(row) or f"row {row + 1}",
            test.species.at(row),
            test.subject.at(row),
            float(test.score[row]),
            "" if path is None else path.at(row),
        )
        for row in rows[np.argsort(scores, kind="stable")][:SHOWN_ERRORS].tolist()
    ]
