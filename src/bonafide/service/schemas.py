"""The shapes of requests and responses, for the OpenAPI description; tests hold answers to them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from bonafide.service.refusal import STATUS
from bonafide.types import ReasonCode

DecisionWord = Literal["bona_fide", "attack", "not_evaluated"]
SHA256 = "d1700f99a6b89a1a01bf5d25eb947a95272618ca65c3a0003b0a29eefc63c8f4"


class ReasonBody(BaseModel):
    """Why a presentation was not evaluated (blocking), or what to know about a verdict (remark)."""

    code: ReasonCode
    severity: Literal["blocking", "remark"]
    advice: str


class BoxBody(BaseModel):
    """In px of the upright picture."""

    left: float
    top: float
    width: float
    height: float


class QualityBody(BaseModel):
    """What was measured of a face; docs/face.md says how."""

    size_px: float
    sharpness: float
    brightness: float = Field(description="Mean grey level, 0 to 255.")
    dark_share: float
    bright_share: float
    inside_share: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


class FaceBody(BaseModel):
    """A face found."""

    box: BoxBody
    confidence: float
    quality: QualityBody


class FramesBody(BaseModel):
    """How many frames were looked at, and how many could be judged."""

    seen: int
    evaluated: int


class FrameBody(BaseModel):
    """One frame of a clip; of models that judge frames together, those that they judged.

    ``score`` is null when it could not be judged, or is judged only together with the others;
    ``weight`` is the attention that a clip model paid to it (sum 1), null where it pays none.
    """

    index: int
    time_s: float
    score: float | None = None
    weight: float | None = None
    reason: ReasonCode | None = None


class StageBody(BaseModel):
    """One stage of a cascade; ``score`` is null when an earlier stage had rejected."""

    score: float | None
    threshold: float


class ModelBody(BaseModel):
    """Which model answered."""

    name: str
    version: str
    sha256: str
    trained_on: str


class CropBody(BaseModel):
    """A crop that the network saw."""

    scale: float
    weight: float
    inside_share: float
    jpeg: str = Field(description="JPEG in base64.")


class StripBody(BaseModel):
    """A frame that was judged together with others; ``index`` is its place in ``per_frame``."""

    index: int
    jpeg: str = Field(description="JPEG in base64.")


class PanelBody(BaseModel):
    """What a model of colour, depth and infrared saw, as a picture."""

    caption: str
    jpeg: str = Field(description="JPEG in base64.")


class EvidenceBody(BaseModel):
    """Pictures behind a verdict; only when asked for."""

    width_px: int
    height_px: int
    jpeg: str | None
    landmarks: list[list[float]]
    crops: list[CropBody]
    strip: list[StripBody]
    panels: list[PanelBody]


class VerdictBody(BaseModel):
    """The answer to an upload. ``accepted`` is true for bona_fide alone."""

    request_id: str
    decision: DecisionWord
    accepted: bool
    score: float | None = Field(
        description="0 attack to 1 bona fide; null when not evaluated. Of a cascade whose first "
        "stage rejected: that stage's score less 1, below 0."
    )
    threshold: float = Field(description="Bona fide if and only if score >= threshold.")
    operating_point: str
    reasons: list[ReasonBody]
    faces: list[FaceBody]
    modalities: list[Literal["rgb", "depth", "infrared"]]
    scale_weights: dict[str, float]
    stages: dict[str, StageBody] = Field(description="Of a cascade, in order; else empty.")
    frames: FramesBody
    per_frame: list[FrameBody]
    model: ModelBody
    timing_ms: dict[str, float]
    audit_id: str | None
    retained: Literal["none", "decision", "picture"]
    evidence: EvidenceBody | None = None


class ProblemBody(BaseModel):
    """A request without a verdict."""

    request_id: str
    accepted: Literal[False]
    code: str
    problem: str
    remedy: str


class SessionRequest(BaseModel):
    """What a new session may do."""

    evidence: bool = Field(False, description="The browser gets pictures with the verdict.")


class SessionBody(BaseModel):
    """A new session. The token is good for one upload and is not shown again."""

    session_id: str
    token: str
    expires_at: str
    uploads: list[str]


class SessionState(BaseModel):
    """What became of a session."""

    session_id: str
    status: Literal["created", "in_progress", "done", "refused", "expired"]
    expires_at: str
    answer: VerdictBody | ProblemBody | None


class GuidanceBody(BaseModel):
    """A quick look at one camera frame, without a verdict."""

    ready: bool
    width_px: int
    height_px: int
    reasons: list[ReasonBody]
    faces: list[FaceBody]


class PointBody(BaseModel):
    """An operating point and the development data behind it."""

    criterion: str
    threshold: float
    development: dict[str, Any]


class DepthUnitBody(BaseModel):
    """What a depth level means: mm_per_level x level + offset_mm."""

    mm_per_level: float
    offset_mm: float


class LimitsBody(BaseModel):
    """What an upload may ask for."""

    photo_bytes: int
    photo_pixels: int
    clip_bytes: int
    clip_pixels: int
    clip_frames: int
    clip_seconds: float


class AboutBody(BaseModel):
    """What this service runs."""

    version: str
    model: ModelBody
    operating_points: dict[str, PointBody]
    default_operating_point: str
    takes: list[Literal["photo", "clip", "multimodal"]] = Field(
        description="Uploads that the model judges, by their addresses under /v1/."
    )
    window_s: float | None = Field(description="Seconds of a clip that the model needs, if any.")
    depth_unit: DepthUnitBody | None = Field(
        description="Of depth without a stated unit; null: levels of 16 bits are millimetres, to a "
        "rival those of 8 bits a picture; or the model looks at no depth."
    )
    limits: LimitsBody
    retention: Literal["none", "decision", "picture"]
    key_required: bool
    sealed: bool = Field(description="Workers run behind a filter of system calls.")


class AliveBody(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class ReadyBody(BaseModel):
    """Whether uploads can be judged now."""

    status: Literal["ready", "not_ready"]
    workers: int
    inside: int
    capacity: int


VERDICT_EXAMPLE: dict[str, Any] = {
    "request_id": "7b0c4d1f6f6e4c6c9a1be2b9d0a4f3aa",
    "decision": "bona_fide",
    "accepted": True,
    "score": 0.574,
    "threshold": 0.551,
    "operating_point": "eer",
    "reasons": [],
    "faces": [
        {
            "box": {"left": 176.2, "top": 71.4, "width": 93.0, "height": 122.1},
            "confidence": 0.9999,
            "quality": {
                "size_px": 132.0, "sharpness": 412.0, "brightness": 158.3, "dark_share": 0.02,
                "bright_share": 0.04, "inside_share": 1.0, "yaw_deg": -3.0, "pitch_deg": 2.0,
                "roll_deg": 1.0,
            },
        }
    ],
    "modalities": ["rgb"],
    "scale_weights": {"1": 0.31, "1.2": 0.35, "1.4": 0.34},
    "stages": {},
    "frames": {"seen": 1, "evaluated": 1},
    "per_frame": [],
    "model": {"name": "ms-fans", "version": "1", "sha256": SHA256,
              "trained_on": "recapture (simulated)"},
    "timing_ms": {"decode": 1.9, "detect": 13.8, "crop": 1.5, "score": 1.3},
    "audit_id": "5f0d7b1e-7d1c-4e8e-9a54-4a4c6a2f2b0e",
    "retained": "decision",
}  # fmt: skip

PHOTO_EXAMPLES: dict[str, Any] = {"a model of faces": VERDICT_EXAMPLE}

_BY_FRAME: dict[str, Any] = {
    **VERDICT_EXAMPLE,
    "frames": {"seen": 3, "evaluated": 2},
    "per_frame": [
        {"index": 0, "time_s": 0.0, "score": 0.561, "weight": None, "reason": None},
        {"index": 6, "time_s": 0.2, "score": 0.587, "weight": None, "reason": None},
        {"index": 12, "time_s": 0.4, "score": None, "weight": None, "reason": "blurred"},
    ],
}

_TOGETHER: dict[str, Any] = {
    **VERDICT_EXAMPLE,
    "scale_weights": {},
    "frames": {"seen": 3, "evaluated": 3},
    "per_frame": [
        {"index": i, "time_s": time_s, "score": None, "weight": None, "reason": None}
        for i, time_s in enumerate((0.0, 0.7, 1.4))
    ],
    "model": {"name": "lstm_cnn", "version": "1", "sha256": SHA256,
              "trained_on": "casia-fasd twin (simulated)"},
    "timing_ms": {"decode": 14.0, "detect": 41.4, "crop": 4.5, "score": 8.1},
}  # fmt: skip

CLIP_EXAMPLES: dict[str, Any] = {
    "a model of faces": _BY_FRAME,
    "a rival that judges frames together": _TOGETHER,
}

_CASCADE: dict[str, Any] = {
    **VERDICT_EXAMPLE,
    "score": 0.914,
    "threshold": 0.5,
    "operating_point": "d_net eer + m_net eer",
    "modalities": ["rgb", "depth", "infrared"],
    "scale_weights": {},
    "stages": {
        "d_net": {"score": 0.972, "threshold": 0.61},
        "m_net": {"score": 0.914, "threshold": 0.5},
    },
    "model": {"name": "cascade d_net + m_net", "version": "1", "sha256": SHA256,
              "trained_on": "casia-surf twin (simulated)"},
    "timing_ms": {"decode": 6.1, "detect": 13.2, "align": 9.8, "d_net": 4.0, "m_net": 6.3},
}  # fmt: skip

_CAPTURE_RIVAL: dict[str, Any] = {
    **_CASCADE,
    "operating_point": "eer",
    "stages": {},
    "model": {"name": "casia_surf_fusion", "version": "1", "sha256": SHA256,
              "trained_on": "casia-surf twin (simulated)"},
    "timing_ms": {"decode": 6.1, "detect": 13.2, "crop": 4.8, "score": 9.0},
}  # fmt: skip

MULTIMODAL_EXAMPLES: dict[str, Any] = {
    "a cascade": _CASCADE,
    "a rival of captures": _CAPTURE_RIVAL,
}

PROBLEM_EXAMPLE: dict[str, Any] = {
    "request_id": "7b0c4d1f6f6e4c6c9a1be2b9d0a4f3aa",
    "accepted": False,
    "code": "unsupported_media",
    "problem": "the upload is a GIF picture.",
    "remedy": "Read are JPEG, PNG and WebP photos; convert it to one of these.",
}


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses for these refusal codes, joined by status."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({STATUS[code] for code in codes}):
        names = ", ".join(code for code in codes if STATUS[code] == status)
        found[status] = {
            "model": ProblemBody,
            "description": names,
            "content": {"application/json": {"example": PROBLEM_EXAMPLE}},
        }
    return found
