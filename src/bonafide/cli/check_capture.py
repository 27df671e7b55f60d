"""`bonafide check --rgb A --depth B --infrared C`: one capture through the cascade."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.capture.limits import Limits
    from bonafide.decision.operating_point import OperatingPoint
    from bonafide.deploy.answer import Answer
    from bonafide.deploy.detector import Examination


def answer_capture(
    rgb: Path,
    depth: Path | None,
    infrared: Path | None,
    model: Path | None,
    depth_scale: float,
    depth_offset: float,
    limits: Limits,
    min_face: float,
    threads: int,
    operating_point: OperatingPoint | None = None,
) -> tuple[Answer, Examination | None]:
    """Judge three files, or a folder that holds them.

    Raises:
        BonafideError: no model is named, or it is no cascade; a folder is named besides files.
    """
    from bonafide.capture.multimodal import DepthUnit, find_modalities
    from bonafide.deploy.captures import is_capture_model, load_capture_detector
    from bonafide.deploy.cascade import CascadeDetector, answer_files

    if model is None or not is_capture_model(model):
        raise BonafideError(
            "judging colour, depth and infrared needs a cascade."
            if model is None
            else "is no cascade.",
            where="--model" if model is None else str(model),
            remedy="Name a cascade's folder (bonafide train cascade) or its export by --model.",
        )
    if rgb.is_dir():
        if depth is not None or infrared is not None:
            raise BonafideError(
                "is a folder, and single files are named besides.",
                where=str(rgb),
                remedy="Give the folder alone, or three files.",
            )
        rgb, depth, infrared = find_modalities(rgb)
    detector = load_capture_detector(
        model, min_face_px=min_face, threads=threads, operating_point=operating_point
    )
    if not isinstance(detector, CascadeDetector):
        return detector.answer_files(rgb, depth, infrared, limits)
    unit = DepthUnit(depth_scale, depth_offset) if depth_scale else None
    return answer_files(detector, rgb, depth, infrared, limits, unit)
