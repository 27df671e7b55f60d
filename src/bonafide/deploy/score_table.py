"""Score a sample table: every row gets a score, or a reason for having none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from bonafide.capture.errors import CaptureError
from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources
from bonafide.deploy.detector import Examination
from bonafide.deploy.files import examine_source
from bonafide.deploy.load import AnyDetector
from bonafide.evaluation.score_writer import ScoreRow
from bonafide.types import Presentation, ReasonCode

UNITS = ("presentation", "frame")


def score_table(
    detector: AnyDetector,
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
    detector: AnyDetector, sample: Presentation, sample_hz: float, limits: Limits
) -> Examination | None:
    [source] = expand_sources([str(Path(sample.path))], limits)
    try:
        return examine_source(detector, source, limits, sample_hz, sample.rotation_deg)
    except CaptureError:
        return None
