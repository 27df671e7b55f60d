"""The operating point: a threshold with the evidence it was chosen on.

This file holds the package's only comparison of a score with a threshold.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError, Decision, Reason, ReasonCode

Scores = npt.NDArray[np.float64]


@overload
def is_accepted(scores: float, threshold: float) -> bool: ...
@overload
def is_accepted(scores: Scores, threshold: float) -> npt.NDArray[np.bool_]: ...
def is_accepted(scores: float | Scores, threshold: float) -> bool | npt.NDArray[np.bool_]:
    """Accept as bona fide if and only if score >= threshold; equality accepts.

    Args:
        scores: one score or an array of any shape; higher is more bona fide.
        threshold: finite, or +-inf to reject or accept all finite scores.

    Raises:
        BonafideError: a score or the threshold is NaN; a non-response has no score and must be
            taken out before.
    """
    if math.isnan(threshold) or np.any(np.isnan(scores)):
        raise BonafideError(
            "a score or the threshold is NaN.",
            remedy="Count non-responses apart; they have no score to compare.",
        )
    accepted = np.asarray(scores) >= threshold
    return bool(accepted) if accepted.ndim == 0 else accepted


@dataclass(frozen=True, slots=True)
class DevelopmentEvidence:
    """What the threshold was chosen on, so that a reader can weigh it.

    Attributes:
        dataset: the development data's name; a simulated one says so.
        unit: frame, clip or presentation.
        bona_fide, attacks: presentations with a score.
        subjects: distinct capture subjects.
        attacks_by_species: species -> presentations with a score.
        apcer_by_species: species -> share accepted at the threshold, 0..1.
        bpcer: share of bona fide rejected at the threshold, 0..1.
    """

    dataset: str
    unit: str
    bona_fide: int
    attacks: int
    subjects: int
    attacks_by_species: dict[str, int] = field(default_factory=dict)
    apcer_by_species: dict[str, float] = field(default_factory=dict)
    bpcer: float = 0.0


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an operating point makes of one score, in the words of a verdict.

    Attributes:
        decision: bona_fide, attack, or not_evaluated where the score is uncertain.
        score: the score; None exactly when not evaluated.
        reasons: one blocking reason when not evaluated, else empty.
    """

    decision: Decision
    score: float | None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A named threshold. Made from development scores by `criteria.choose`, never on test data.

    Attributes:
        name: how reports and verdicts call it, such as "eer" or "bpcer=0.01".
        criterion: the rule in words that set it.
        threshold: finite; accepted if and only if score >= threshold.
        development: the evidence.
        attack_below: optional, below the threshold: only scores under it are answered "attack";
            from it up to the threshold the answer is not_evaluated, because uncertain. It takes
            nothing from the threshold: what lies below that is never accepted.
    """

    name: str
    criterion: str
    threshold: float
    development: DevelopmentEvidence
    attack_below: float | None = None

    def __post_init__(self) -> None:
        lower = self.attack_below
        # Not(lower < threshold), so that NaN is refused too.
        if lower is not None and not (math.isfinite(lower) and lower < self.threshold):
            raise BonafideError(
                f"attack_below is {lower} and the threshold {self.threshold}.",
                where=f"operating point {self.name!r}",
                remedy="attack_below must be a finite number below the threshold, or left out.",
            )
        if not math.isfinite(self.threshold):
            raise BonafideError(
                f"the threshold is {self.threshold}.",
                where=f"operating point {self.name!r}",
                remedy="Choose it again on development scores that hold both classes.",
            )

    def accepts(self, score: float) -> bool:
        """Whether one score is accepted as bona fide."""
        return is_accepted(score, self.threshold)

    def rule(self, score: float) -> Ruling:
        """The answer on one score: bona_fide, attack, or uncertain and so not evaluated."""
        if self.accepts(score):
            return Ruling(Decision.BONA_FIDE, score)
        if self.attack_below is None or not is_accepted(score, self.attack_below):
            return Ruling(Decision.ATTACK, score)
        advice = (
            f"The score {score:.4f} lies between {self.attack_below:.4f} and {self.threshold:.4f}: "
            "take another picture in other light, or let a person decide."
        )
        return Ruling(Decision.NOT_EVALUATED, None, (Reason(ReasonCode.UNCERTAIN, advice, True),))

    def without_doubt(self) -> OperatingPoint:
        """The same threshold without `attack_below`, for who needs the score of everything."""
        return replace(self, attack_below=None)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")


def load_operating_point(path: Path) -> OperatingPoint:
    """Read an operating point from JSON.

    Raises:
        BonafideError: the file is missing, not JSON, or has unknown or missing fields.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Name an operating point file that `bonafide evaluate` or a run wrote.",
        ) from error
    return parse_operating_point(text, where=str(path))


def parse_operating_point(text: str, *, where: str) -> OperatingPoint:
    """Read an operating point from its JSON text; ``where`` names the source in errors.

    Raises:
        BonafideError: the text is not JSON, or has unknown or missing fields.
    """
    try:
        record = json.loads(text)
        evidence = DevelopmentEvidence(**record.pop("development"))
        return OperatingPoint(development=evidence, **record)
    except (json.JSONDecodeError, TypeError, KeyError, AttributeError) as error:
        raise BonafideError(
            f"not an operating point: {error}.",
            where=where,
            remedy="Name an operating point file that `bonafide evaluate` or a run wrote.",
        ) from error
