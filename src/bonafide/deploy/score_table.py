"""Score a sample table: every row gets a score, or a reason for having none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from bonafide.capture.errors import CaptureError
from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources, open_source
from bonafide.capture.video import ClipReader
from bonafide.deploy.detector import Detector, Examination
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.types import Frame, Presentation, ReasonCode

UNITS = ("presentation", "frame")


def score_table(
    detector: Detector,
    samples: Iterable[Presentation],
    *,
    unit: str,
    sample_hz: float,
    limits: Limits,
) -> Iterator[ScoreRow]:
    """Score rows of a sample table, in its order.

    Args:
        detector: judges, with the preprocessing that `check` uses.
        samples: rows of a table; their rotation is applied.
        unit: "presentation" gives one row each; "frame" one row per frame looked at, a photo being
            one frame.
        sample_hz: frames of a clip looked at per second.
        limits: on bytes, pixels, frames and seconds.

    Yields:
        Rows for `write_score_rows`. A file that cannot be read is a row with reason unreadable.
    """
    for sample in samples:
        examination = _examine(detector, sample, sample_hz, limits)
        if examination is None:
            frame = 0 if unit == "frame" else None
            yield ScoreRow(sample, frame, None, ReasonCode.UNREADABLE)
        elif unit == "frame" and examination.frames:
            for judged in examination.frames:
                yield ScoreRow(sample, judged.index, judged.score, judged.reason)
        else:
            yield _whole(sample, 0 if unit == "frame" else None, examination)


def _whole(sample: Presentation, frame: int | None, examination: Examination) -> ScoreRow:
    verdict = examination.verdict
    blocking = [reason.code for reason in verdict.reasons if reason.blocking]
    reason = None if verdict.score is not None else blocking[0]
    return ScoreRow(sample, frame, verdict.score, reason)


def _examine(
    detector: Detector, sample: Presentation, sample_hz: float, limits: Limits
) -> Examination | None:
    turns = -sample.rotation_deg // 90
    [source] = expand_sources([str(Path(sample.path))], limits)
    try:
        opened = open_source(source, limits, sample_hz=sample_hz)
        if isinstance(opened, ClipReader):
            with opened:
                return detector.examine_clip(_turned(frame, turns) for frame in opened)
        return detector.examine(_turned(opened, turns).rgb)
    except CaptureError:
        return None


def _turned(frame: Frame, turns: int) -> Frame:
    """The frame after quarter turns, counterclockwise."""
    return replace(frame, rgb=np.ascontiguousarray(np.rot90(frame.rgb, turns))) if turns else frame
