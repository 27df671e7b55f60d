"""Verdicts and their evidence as JSON, in a worker; the service adds what only it knows."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np

from bonafide.deploy.answer import ModelId, face_to_json
from bonafide.deploy.clip import FrameScore
from bonafide.deploy.detector import Examination, JudgedClip
from bonafide.types import Reason, RgbImage

SHOWN_PX = 640
STRIP_PX, STRIP_FRAMES = 112, 16
"""Side of a judged clip's frames in the evidence, and how many of them are sent."""

KEPT_QUALITY, SHOWN_QUALITY = 92, 85


def answer_to_json(
    examination: Examination, model: ModelId, modalities: Sequence[str]
) -> dict[str, Any]:
    """The verdict as the service words it.

    Args:
        examination: the verdict with its evidence.
        model: which model answers.
        modalities: what it looked at: rgb, or rgb, depth and infrared.
    """
    verdict = examination.verdict
    return {
        "decision": verdict.decision.value,
        "accepted": verdict.decision.value == "bona_fide",
        "score": verdict.score,
        "threshold": verdict.threshold,
        "operating_point": verdict.operating_point,
        "reasons": [reason_to_json(reason) for reason in verdict.reasons],
        "faces": [face_to_json(face) for face in verdict.faces],
        "modalities": list(modalities),
        "scale_weights": {f"{s:g}": w for s, w in verdict.scale_weights.items()},
        "stages": {
            name: {"score": stage.score, "threshold": stage.threshold}
            for name, stage in verdict.stages.items()
        },
        "frames": {"seen": verdict.frames_seen, "evaluated": verdict.frames_evaluated},
        "per_frame": _frames_to_json(examination),
        "model": asdict(model),
        "timing_ms": {stage: round(ms, 3) for stage, ms in verdict.timing_ms.items()},
    }


def reason_to_json(reason: Reason) -> dict[str, str]:
    """A reason's code, severity (blocking or remark) and advice."""
    severity = "blocking" if reason.blocking else "remark"
    return {"code": reason.code.value, "severity": severity, "advice": reason.advice}


def evidence_to_json(examination: Examination) -> dict[str, Any]:
    """The pictures behind a verdict, as JPEG in base64.

    The judged picture, at most `SHOWN_PX` wide or high, and what the networks saw: crops of one
    face, frames of a clip model, planes of a cascade.
    """
    rgb, face, clip = examination.picture, examination.face, examination.clip
    shown: dict[str, Any] = {"width_px": 0, "height_px": 0, "jpeg": None, "landmarks": []}
    if rgb is not None:
        shown = {
            "width_px": rgb.shape[1],
            "height_px": rgb.shape[0],
            "jpeg": jpeg_of(_shrunk(rgb, SHOWN_PX), SHOWN_QUALITY),
            "landmarks": [] if face is None else np.round(face.landmarks, 1).tolist(),
        }
    return {
        **shown,
        "crops": _crops_to_json(examination),
        "strip": [] if clip is None else _strip_to_json(clip),
        "panels": [
            {"caption": caption, "jpeg": jpeg_of(panel, SHOWN_QUALITY)}
            for caption, panel in examination.panels.items()
        ],
    }


def jpeg_of(rgb: RgbImage, quality: int) -> str:
    """A picture, (h, w, 3) uint8 RGB, as JPEG in base64."""
    done, jpeg = cv2.imencode(
        ".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    assert done, "OpenCV encodes any uint8 picture as JPEG"
    return base64.b64encode(jpeg.tobytes()).decode()


def _crops_to_json(examination: Examination) -> list[dict[str, Any]]:
    stack, weights = examination.crops, examination.verdict.scale_weights
    if stack is None:
        return []
    return [
        {
            "scale": scale,
            "weight": weights.get(scale, 0.0),
            "inside_share": round(float(stack.inside_share[i]), 4),
            "jpeg": jpeg_of(stack.crops[i], SHOWN_QUALITY),
        }
        for i, scale in enumerate(stack.scales)
    ]


def _strip_to_json(clip: JudgedClip) -> list[dict[str, Any]]:
    """The frames that a clip model judged, at most `STRIP_FRAMES` of them, evenly chosen."""
    count = len(clip.frames)
    shown = np.unique(np.linspace(0, count - 1, min(count, STRIP_FRAMES)).round().astype(int))
    return [
        {"index": i, "jpeg": jpeg_of(_shrunk(clip.frames[i], STRIP_PX), SHOWN_QUALITY)}
        for i in shown.tolist()
    ]


def _frames_to_json(examination: Examination) -> list[dict[str, Any]]:
    """Frames judged one by one; of a clip model the frames that it judged together."""
    clip = examination.clip
    if clip is None:
        return [_frame_to_json(frame, None) for frame in examination.frames]
    frames = examination.frames or tuple(
        FrameScore(index, time_s, None, None) for index, time_s in enumerate(clip.times_s.tolist())
    )
    weights = [None] * len(frames) if clip.weights is None else clip.weights.tolist()
    return [_frame_to_json(*pair) for pair in zip(frames, weights, strict=True)]


def _frame_to_json(frame: FrameScore, weight: float | None) -> dict[str, Any]:
    reason = None if frame.reason is None else frame.reason.value
    return {"index": frame.index, "time_s": round(frame.time_s, 3), "score": frame.score,
            "weight": weight, "reason": reason}  # fmt: skip


def _shrunk(rgb: RgbImage, largest_px: int) -> RgbImage:
    zoom = largest_px / max(rgb.shape[:2])
    if zoom >= 1:
        return rgb
    size = max(round(rgb.shape[1] * zoom), 1), max(round(rgb.shape[0] * zoom), 1)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
