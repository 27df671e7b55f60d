"""What a worker does with one upload: decode, judge, and put the answer into JSON."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bonafide.capture.errors import (
    CaptureError,
    EmptyFileError,
    NoFramesError,
    NoVideoStreamError,
    TooLargeError,
    WrongTypeError,
)
from bonafide.capture.image import decode_image
from bonafide.capture.video import decode_clip
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.answer import face_to_json
from bonafide.deploy.clip import FrameScore
from bonafide.deploy.detector import Detector, Examination, Stopwatch
from bonafide.deploy.files import with_damage
from bonafide.face.prepare import prepare_face
from bonafide.service.settings import ServiceSettings
from bonafide.types import BonafideError, Reason, RgbImage

UPLOAD = "upload"
"""How messages call an upload; its own name stays with the client."""

SHOWN_PX = 640
KEPT_QUALITY, SHOWN_QUALITY = 92, 85

_CODES: tuple[tuple[type[CaptureError], str], ...] = (
    (WrongTypeError, "unsupported_media"),
    (TooLargeError, "media_too_large"),
    (EmptyFileError, "empty_upload"),
    (NoVideoStreamError, "damaged_media"),
    (NoFramesError, "damaged_media"),
    (CaptureError, "damaged_media"),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks of a worker, besides the upload itself.

    Attributes:
        kind: photo, clip or guidance.
        point: name of the operating point; None for the model's own.
        evidence: whether the answer carries pictures for a page.
        keep: whether the judged picture is wanted for the audit store.
    """

    kind: str
    point: str | None = None
    evidence: bool = False
    keep: bool = False


class Judge:
    """A loaded model with its operating points.

    Attributes:
        detectors: name of the operating point -> the detector that decides by it; the model's own
            comes first.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        """Load the model.

        Raises:
            BonafideError: the model or a point cannot be read, or two points share a name.
        """
        cv2.setNumThreads(1)
        self.settings = settings
        first = Detector.load(settings.model, min_face_px=settings.min_face_px)
        self.detectors = {first.operating_point.name: first}
        for path in settings.operating_points:
            self._add_point(first, path)

    def _add_point(self, first: Detector, path: Path) -> None:
        point = load_operating_point(path)
        if point.name in self.detectors:
            raise BonafideError(
                f"a second operating point is called {point.name!r}.",
                where=str(path),
                remedy="Give it a name of its own.",
            )
        self.detectors[point.name] = Detector(first.scorer, first.faces, point, first.limits)

    def describe(self) -> dict[str, Any]:
        """The model and its operating points, as GET /v1/model shows them."""
        first = next(iter(self.detectors.values()))
        points = {
            name: {"criterion": one.operating_point.criterion,
                   "threshold": one.operating_point.threshold,
                   "development": asdict(one.operating_point.development)}
            for name, one in self.detectors.items()
        }  # fmt: skip
        return {"model": asdict(first.model_id), "operating_points": points}

    def answer(self, wish: Wish, upload: bytes | bytearray) -> dict[str, Any]:
        """Judge an upload.

        Returns:
            ``answer``: what the client gets; ``kept``: a JPEG in base64 or None. Or, when it cannot
            be decoded, ``code``, ``problem`` and ``remedy`` of a refusal.
        """
        try:
            if wish.kind == "guidance":
                return {"answer": self._guidance(upload), "kept": None}
            return self._verdict(wish, upload)
        except CaptureError as error:
            code = next(code for kind, code in _CODES if isinstance(error, kind))
            return {"code": code, "problem": f"the {UPLOAD} {error.problem}",
                    "remedy": error.remedy}  # fmt: skip

    def _verdict(self, wish: Wish, upload: bytes | bytearray) -> dict[str, Any]:
        names = list(self.detectors)
        detector = self.detectors[wish.point or names[0]]
        watch = Stopwatch()
        if wish.kind == "photo":
            frame = decode_image(bytes(upload), UPLOAD, self.settings.photo)
            watch.lap("decode")
            examination = detector.examine(frame.rgb, watch)
        else:
            examination = self._examine_clip(detector, upload, watch)
        answer = answer_to_json(examination, detector)
        if wish.evidence:
            answer["evidence"] = evidence_to_json(examination)
        kept = None
        if wish.keep and examination.picture is not None:
            kept = _jpeg(examination.picture, KEPT_QUALITY)
        return {"answer": answer, "kept": kept}

    def _examine_clip(
        self, detector: Detector, upload: bytes | bytearray, watch: Stopwatch
    ) -> Examination:
        settings = self.settings
        with decode_clip(
            bytes(upload), UPLOAD, settings.clip, sample_hz=settings.sample_hz
        ) as opened:
            watch.lap("decode")
            return with_damage(detector.examine_clip(opened, watch), opened.report)

    def _guidance(self, upload: bytes | bytearray) -> dict[str, Any]:
        """One quick look, without a verdict: where the face is, and what to do better."""
        frame = decode_image(bytes(upload), UPLOAD, self.settings.photo)
        detector = next(iter(self.detectors.values()))
        record = detector.scorer.record
        faces = detector.faces.detect(frame.rgb)
        prepared = prepare_face(frame.rgb, faces, record.scales, record.crop_px, detector.limits)
        height, width = frame.rgb.shape[:2]
        return {
            "ready": prepared.crops is not None,
            "width_px": width,
            "height_px": height,
            "reasons": [reason_to_json(reason) for reason in prepared.reasons],
            "faces": [face_to_json(face) for face in prepared.faces],
        }


def answer_to_json(examination: Examination, detector: Detector) -> dict[str, Any]:
    """The verdict as the service words it; the service itself adds what only it knows."""
    verdict = examination.verdict
    return {
        "decision": verdict.decision.value,
        "accepted": verdict.decision.value == "bona_fide",
        "score": verdict.score,
        "threshold": verdict.threshold,
        "operating_point": verdict.operating_point,
        "reasons": [reason_to_json(reason) for reason in verdict.reasons],
        "faces": [face_to_json(face) for face in verdict.faces],
        "modalities": ["rgb"],
        "scale_weights": {f"{s:g}": w for s, w in verdict.scale_weights.items()},
        "frames": {"seen": verdict.frames_seen, "evaluated": verdict.frames_evaluated},
        "per_frame": [_frame_to_json(frame) for frame in examination.frames],
        "model": asdict(detector.model_id),
        "timing_ms": {stage: round(ms, 3) for stage, ms in verdict.timing_ms.items()},
    }


def reason_to_json(reason: Reason) -> dict[str, str]:
    """A reason's code, severity (blocking or remark) and advice."""
    severity = "blocking" if reason.blocking else "remark"
    return {"code": reason.code.value, "severity": severity, "advice": reason.advice}


def evidence_to_json(examination: Examination) -> dict[str, Any]:
    """The judged picture, at most `SHOWN_PX` wide or high, and the crops, as JPEG in base64."""
    rgb, stack = examination.picture, examination.crops
    weights = examination.verdict.scale_weights
    crops = []
    if stack is not None:
        for i, scale in enumerate(stack.scales):
            crops.append(
                {
                    "scale": scale,
                    "weight": weights.get(scale, 0.0),
                    "inside_share": round(float(stack.inside_share[i]), 4),
                    "jpeg": _jpeg(stack.crops[i], SHOWN_QUALITY),
                }
            )
    if rgb is None:
        return {"width_px": 0, "height_px": 0, "jpeg": None, "landmarks": [], "crops": crops}
    face = examination.face
    return {
        "width_px": rgb.shape[1],
        "height_px": rgb.shape[0],
        "jpeg": _jpeg(_shrunk(rgb), SHOWN_QUALITY),
        "landmarks": [] if face is None else np.round(face.landmarks, 1).tolist(),
        "crops": crops,
    }


def _frame_to_json(frame: FrameScore) -> dict[str, Any]:
    reason = None if frame.reason is None else frame.reason.value
    return {"index": frame.index, "time_s": round(frame.time_s, 3), "score": frame.score,
            "reason": reason}  # fmt: skip


def _shrunk(rgb: RgbImage) -> RgbImage:
    zoom = SHOWN_PX / max(rgb.shape[:2])
    if zoom >= 1:
        return rgb
    size = max(round(rgb.shape[1] * zoom), 1), max(round(rgb.shape[0] * zoom), 1)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(rgb: RgbImage, quality: int) -> str:
    done, jpeg = cv2.imencode(
        ".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done, "OpenCV encodes any uint8 picture as JPEG"
    return base64.b64encode(jpeg.tobytes()).decode()
