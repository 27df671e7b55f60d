"""`bonafide check --rgb A --depth B --infrared C`: photos or clips through the cascade."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.capture.limits import Limits
    from bonafide.decision.operating_point import OperatingPoint
    from bonafide.deploy.answer import Answer
    from bonafide.deploy.detector import Examination


@dataclass(frozen=True, slots=True)
class AskedCapture:
    """The options of `bonafide check` on one capture, as they were given."""

    rgb: Path
    depth: Path | None
    infrared: Path | None
    depth_scale: float
    depth_offset: float
    one_view: bool


def answer_capture(
    asked: AskedCapture,
    model: Path | None,
    limits: Limits,
    sample_hz: float,
    min_face: float,
    threads: int,
    operating_point: OperatingPoint | None = None,
) -> tuple[Answer, Examination | None]:
    """Judge three photos or clips, or a folder that holds them.

    Raises:
        BonafideError: no model is named, or it judges no captures; a folder is named besides files.
    """
    from bonafide.capture.multimodal import DepthUnit, find_modalities
    from bonafide.deploy.captures import is_capture_model, load_capture_detector
    from bonafide.deploy.cascade import CascadeDetector
    from bonafide.deploy.cascade_clip import CaptureFiles, answer_capture_files

    if model is None or not is_capture_model(model):
        raise BonafideError(
            "judging colour, depth and infrared needs a model of the three."
            if model is None
            else "judges no such capture.",
            where="--model" if model is None else str(model),
            remedy="Name a run of `train cascade` or of a rival for captures, or its export.",
        )
    paths = asked.rgb, asked.depth, asked.infrared
    if asked.rgb.is_dir():
        if asked.depth is not None or asked.infrared is not None:
            raise BonafideError(
                "is a folder, and single files are named besides.",
                where=str(asked.rgb),
                remedy="Give the folder alone, or three files.",
            )
        paths = find_modalities(asked.rgb)
    detector = load_capture_detector(
        model, min_face_px=min_face, threads=threads, operating_point=operating_point
    )
    unit = DepthUnit(asked.depth_scale, asked.depth_offset) if asked.depth_scale else None
    if not isinstance(detector, CascadeDetector):
        return detector.answer_files(*paths, limits, unit=unit)
    files = CaptureFiles(*paths, unit, asked.one_view)
    return answer_capture_files(detector, files, limits, sample_hz)
