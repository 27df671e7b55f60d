"""Judge what lies at a path: photo or clip, readable or not, always with an answer."""

from __future__ import annotations

from dataclasses import replace

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.errors import CaptureError
from bonafide.capture.limits import Limits
from bonafide.capture.sources import Source, open_source
from bonafide.capture.video import ClipReader
from bonafide.deploy.answer import Answer, unreadable
from bonafide.deploy.detector import Detector, Examination, Stopwatch
from bonafide.types import Reason, ReasonCode


def answer_source(
    detector: Detector, source: Source, limits: Limits, sample_hz: float
) -> tuple[Answer, Examination | None]:
    """Judge one source of a run.

    Args:
        detector: judges.
        source: an entry of `capture.sources.expand_sources`.
        limits: on bytes, pixels, frames and seconds.
        sample_hz: frames of a clip looked at per second.

    Returns:
        The answer, and the evidence; None for a file that cannot be read, whose answer is
        not_evaluated with the reader's own message.
    """
    watch = Stopwatch()
    try:
        opened = open_source(source, limits, sample_hz=sample_hz)
        watch.lap("decode")
        if isinstance(opened, ClipReader):
            with opened:
                examination = detector.examine_clip(opened, watch)
                examination = with_damage(examination, opened.report)
        else:
            examination = detector.examine(opened.rgb, watch)
    except CaptureError as error:
        point = detector.operating_point
        verdict = unreadable(str(error), point.threshold, point.name)
        return Answer(str(source.path), verdict, detector.model_id), None
    return Answer(str(source.path), examination.verdict, detector.model_id), examination


def with_damage(examination: Examination, report: ClipReport) -> Examination:
    """The examination with a remark on what of the clip was lost, if anything was."""
    if not report.is_damaged:
        return examination
    lost = report.damaged_packets + report.damaged_frames
    advice = f"{lost} packets or frames of the clip were damaged; the rest was judged."
    remark = Reason(ReasonCode.DAMAGED_CLIP, advice, blocking=False)
    verdict = examination.verdict
    return replace(examination, verdict=replace(verdict, reasons=(*verdict.reasons, remark)))
