"""One pass over a clip: the magnified clip, its x-t slice, and a contact sheet of several alphas.

Memory does not depend on the clip's length: frames wait only as long as the band needs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from bonafide.capture.limits import Limits
from bonafide.capture.video import probe_clip, read_frames
from bonafide.cues.clip_writer import ClipWriter
from bonafide.cues.contact_sheet import Column, contact_sheet
from bonafide.cues.magnification import Magnified, Magnifier
from bonafide.cues.magnification_settings import (
    ClipTooShortError,
    MagnificationError,
    Settings,
    check_band,
)
from bonafide.cues.x_t_slice import Line, XtSlice
from bonafide.types import Frame, RgbImage

LONG_CLIPS = Limits(max_frames=1_000_000, max_seconds=6 * 3600)
"""A person asked for this clip, and no more of it is held for being long."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MagnifyJob:
    """What to read and what to write.

    Attributes:
        source, out: the clips.
        settings: what to magnify.
        side_by_side: the original on the left, the magnified frame on the right.
        slice_file: picture of the x-t slices before and after; None for none.
        slice_line: which line; the middle column if None.
        sheet_file: picture of the clip under `sheet_alphas`; None for none.
        sheet_alphas: beside the original, which is always the first column.
        limits: on the source; its length does not matter to memory.
    """

    source: Path
    out: Path
    settings: Settings
    side_by_side: bool = False
    slice_file: Path | None = None
    slice_line: Line | None = None
    sheet_file: Path | None = None
    sheet_alphas: tuple[float, ...] = ()
    limits: Limits = LONG_CLIPS


class _Look:
    """The clip under one alpha: its slice, and the frame in its middle."""

    def __init__(self, title: str, line: Line, middle_s: float) -> None:
        self.title = title
        self.slice = XtSlice(line)
        self.frame: RgbImage | None = None
        self._middle_s = middle_s

    def take(self, frame: RgbImage, time_s: float) -> None:
        if self.frame is None and time_s >= self._middle_s:
            self.frame = frame
        self.slice.add(frame, time_s)


def magnify_file(job: MagnifyJob, progress: Progress = lambda _done, _total: None) -> list[Path]:
    """Do the job; the band is checked against the clip's time stamps before anything is written.

    Args:
        job: what to do.
        progress: called with frames done and frames in all.

    Returns:
        The files written.

    Raises:
        CaptureError: the clip cannot be read.
        BeyondNyquistError, ClipTooShortError: it is unfit for the band.
        ClipWriteError, SliceError, MagnificationError: something cannot be written or drawn.
    """
    _check_pictures(job)
    probe = probe_clip(job.source, job.limits)
    if probe.measured_rate_hz is None:
        raise ClipTooShortError(
            "a single frame, or no time stamps.",
            where=str(job.source),
            remedy="Name a clip; magnification compares frames over time.",
        )
    check_band(job.settings, rate_hz=probe.measured_rate_hz, duration_s=probe.span_s)
    line = job.slice_line or Line("column", probe.info.width_px // 2)
    original = _Look("original", line, probe.span_s / 2)
    chosen = _Look(_title(job.settings), line, probe.span_s / 2)
    others = {
        alpha: _Look(f"alpha {alpha:g}", line, probe.span_s / 2) for alpha in job.sheet_alphas
    }
    magnifiers = {
        alpha: Magnifier(replace(job.settings, alpha=alpha)) for alpha in job.sheet_alphas
    }
    with ClipWriter(job.out) as writer:
        for done, (before, after) in enumerate(_pairs(job, others, magnifiers), 1):
            original.take(before, after.time_s)
            chosen.take(after.frame, after.time_s)
            shown = np.hstack([before, after.frame]) if job.side_by_side else after.frame
            writer.write(shown, after.time_s)
            progress(done, max(done, probe.packets))
    if job.slice_file:
        columns = [Column(each.title, None, each.slice) for each in (original, chosen)]
        Image.fromarray(contact_sheet(columns, width_px=560)).save(job.slice_file)
    if job.sheet_file:
        looks = [original, *others.values()]
        columns = [Column(each.title, each.frame, each.slice) for each in looks]
        Image.fromarray(contact_sheet(columns)).save(job.sheet_file)
    return [path for path in (job.out, job.slice_file, job.sheet_file) if path]


def _pairs(
    job: MagnifyJob, others: dict[float, _Look], magnifiers: dict[float, Magnifier]
) -> Iterator[tuple[RgbImage, Magnified]]:
    """Each original frame with its magnified one; feeds the sheet's alphas on the way."""
    magnifier = Magnifier(job.settings)
    waiting: deque[RgbImage] = deque()

    def push(frame: Frame) -> list[Magnified]:
        waiting.append(frame.rgb)
        for alpha, other in magnifiers.items():
            for done in other.push(frame.rgb, frame.time_s):
                others[alpha].take(*done)
        return magnifier.push(frame.rgb, frame.time_s)

    for frame in read_frames(job.source, job.limits):
        for done in push(frame):
            yield waiting.popleft(), done
    for alpha, other in magnifiers.items():
        for done in other.finish():
            others[alpha].take(*done)
    for done in magnifier.finish():
        yield waiting.popleft(), done


def _check_pictures(job: MagnifyJob) -> None:
    for path in (job.slice_file, job.sheet_file):
        if path and (path.suffix.lower() not in (".png", ".jpg") or not path.parent.is_dir()):
            raise MagnificationError(
                "no picture can be written there.",
                where=str(path),
                remedy="Name a file ending in .png or .jpg in a folder that exists.",
            )
    if job.out.resolve() == job.source.resolve():
        raise MagnificationError(
            "would be written over the clip it is made from.",
            where=str(job.out),
            remedy="Name another file.",
        )


def _title(settings: Settings) -> str:
    return f"alpha {settings.alpha:g}, {settings.low_hz:.3g} - {settings.high_hz:.3g} Hz"
