"""A verdict as the JSON object, the score row and the exit code that callers see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bonafide.types import Decision, FaceReport, Reason, ReasonCode, Verdict

ALL_BONA_FIDE = 0
SOME_ATTACK = 1
SOME_NOT_EVALUATED = 3

SCORES_HEADER = ("path", "score", "decision", "reason")


@dataclass(frozen=True)
class ModelId:
    """Which model answered: name, version, sha256 of its file, what it was trained on."""

    name: str
    version: str
    sha256: str
    trained_on: str


@dataclass(frozen=True)
class Answer:
    """The verdict on one input, with where it came from and who gave it."""

    path: str
    verdict: Verdict
    model: ModelId

    def to_json(self) -> dict[str, Any]:
        """The object that `bonafide check --json` prints; docs/check.md lists its fields."""
        verdict = self.verdict
        stages = {name: asdict(answer) for name, answer in verdict.stages.items()}
        return {
            "path": self.path,
            "decision": verdict.decision.value,
            "score": verdict.score,
            "threshold": verdict.threshold,
            "operating_point": verdict.operating_point,
            "reasons": [reason_to_json(reason) for reason in verdict.reasons],
            "faces": [face_to_json(face) for face in verdict.faces],
            "scale_weights": {f"{s:g}": w for s, w in verdict.scale_weights.items()},
            "frames": {"seen": verdict.frames_seen, "evaluated": verdict.frames_evaluated},
            "model": asdict(self.model),
            "timing_ms": {stage: round(ms, 3) for stage, ms in verdict.timing_ms.items()},
            **({"stages": stages} if stages else {}),
        }

    def score_row(self) -> tuple[str, str, str, str]:
        """The values of `SCORES_HEADER`; the score is empty when there is none."""
        verdict = self.verdict
        score = "" if verdict.score is None else f"{verdict.score:.6f}"
        blocking = [reason.code.value for reason in verdict.reasons if reason.blocking]
        return self.path, score, verdict.decision.value, " ".join(blocking)


def reason_to_json(reason: Reason) -> dict[str, Any]:
    """A reason's code, advice, and whether it prevented the evaluation."""
    return {"code": reason.code.value, "advice": reason.advice, "blocking": reason.blocking}


def face_to_json(face: FaceReport) -> dict[str, Any]:
    """A face's box in px, the detector's confidence and its quality, rounded for reading."""
    box = {name: round(value, 1) for name, value in asdict(face.box).items()}
    quality = asdict(face.quality)
    pose = {name: round(value, 1) for name, value in quality.pop("pose").items()}
    rounded = {name: round(value, 3) for name, value in quality.items()}
    return {"box": box, "confidence": round(face.confidence, 4), "quality": {**rounded, **pose}}


def unreadable(advice: str, threshold: float, operating_point: str) -> Verdict:
    """The verdict on a file that could not be read: not evaluated, with the reader's own words."""
    reason = Reason(ReasonCode.UNREADABLE, advice, blocking=True)
    return Verdict(Decision.NOT_EVALUATED, None, threshold, operating_point, (reason,))


def exit_code(decisions: Iterable[Decision]) -> int:
    """0 all bona fide; 1 some attack; 3 none attacked but some not evaluated (or none at all).

    >>> exit_code([Decision.BONA_FIDE, Decision.NOT_EVALUATED])
    3
    >>> exit_code([Decision.NOT_EVALUATED, Decision.ATTACK])
    1
    """
    seen: Sequence[Decision] = list(decisions)
    if Decision.ATTACK in seen:
        return SOME_ATTACK
    if not seen or Decision.NOT_EVALUATED in seen:
        return SOME_NOT_EVALUATED
    return ALL_BONA_FIDE
