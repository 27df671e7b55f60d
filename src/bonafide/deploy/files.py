"""Judge what lies at a path: photo or clip, readable or not, always with an answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.errors import CaptureError
from bonafide.capture.limits import Limits
from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import Source, open_source
from bonafide.deploy.answer import Answer, unreadable
from bonafide.deploy.clip_detector import ClipDetector
from bonafide.deploy.detector import Detector, Examination, Stopwatch
from bonafide.deploy.load import AnyDetector
from bonafide.deploy.view_clips import ViewClipDetector
from bonafide.types import Frame, Reason, ReasonCode


def answer_source(
    detector: AnyDetector, source: Source, limits: Limits, sample_hz: float
) -> tuple[Answer, Examination | None]:
    """Judge one source of a run.

    Args:
        detector: judges.
        source: an entry of `capture.sources.expand_sources`.
        limits: on bytes, pixels, frames and seconds.
        sample_hz: see `examine_source`.

    Returns:
        The answer, and the evidence; None for a file that cannot be read, whose answer is
        not_evaluated with the reader's own message.
    """
    try:
        examination = examine_source(detector, source, limits, sample_hz)
    except CaptureError as error:
        point = detector.operating_point
        verdict = unreadable(str(error), point.threshold, point.name)
        return Answer(str(source.path), verdict, detector.model_id), None
    return Answer(str(source.path), examination.verdict, detector.model_id), examination


def examine_source(
    detector: AnyDetector,
    source: Source,
    limits: Limits,
    sample_hz: float,
    rotation_deg: int = 0,
) -> Examination:
    """Judge one photo or clip, whatever the model wants of it.

    Args:
        detector: judges.
        source: an entry of `capture.sources.expand_sources`.
        limits: on bytes, pixels, frames and seconds.
        sample_hz: frames of a clip looked at per second; a clip model takes those that it needs.
        rotation_deg: clockwise turn to apply, as a sample table may state it.

    Raises:
        CaptureError: it cannot be read.
    """
    watch = Stopwatch()
    if (
        source.error is None
        and source.kind is MediaKind.CLIP
        and isinstance(detector, ClipDetector | ViewClipDetector)
    ):
        examination, clip = detector.examine_file(source.path, limits, rotation_deg, watch)
        return with_damage(examination, clip.report)
    opened = open_source(source, limits, sample_hz=sample_hz)
    watch.lap("decode")
    turns = -rotation_deg // 90
    if isinstance(opened, Frame):
        return detector.examine(_turned(opened, turns).rgb, watch)
    assert isinstance(detector, Detector)
    with opened:
        examination = detector.examine_clip((_turned(frame, turns) for frame in opened), watch)
        return with_damage(examination, opened.report)


def _turned(frame: Frame, turns: int) -> Frame:
    """The frame after quarter turns, counterclockwise."""
    return replace(frame, rgb=np.ascontiguousarray(np.rot90(frame.rgb, turns))) if turns else frame


def with_damage(examination: Examination, report: ClipReport | None) -> Examination:
    """The examination with a remark on what of the clip was lost, if anything was."""
    if report is None or not report.is_damaged:
        return examination
    lost = report.damaged_packets + report.damaged_frames
    advice = f"{lost} packets or frames of the clip were damaged; the rest was judged."
    remark = Reason(ReasonCode.DAMAGED_CLIP, advice, blocking=False)
    verdict = examination.verdict
    return replace(examination, verdict=replace(verdict, reasons=(*verdict.reasons, remark)))
