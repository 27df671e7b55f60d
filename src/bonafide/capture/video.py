"""Clips: a stream of upright RGB frames with the container's own time stamps.

One pass, one frame in memory at a time. Every frame is decoded, because later ones are built on
it; but only those that are asked for are converted to RGB.

A limit that is reached is an error, not a cut: a verdict on the first two minutes of a longer clip
would look like a verdict on the clip. Who wants only its beginning says so with ``until_s``, and
the report then carries the fact.
"""

from __future__ import annotations

import heapq
import io
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from bonafide.capture import container as clip_container
from bonafide.capture.clip_info import ClipInfo, ClipProbe, ClipReport
from bonafide.capture.colour import picture_to_levels, picture_to_rgb
from bonafide.capture.errors import CaptureError, NoFramesError
from bonafide.capture.files import check_size, open_regular
from bonafide.capture.limits import Limits, too_large
from bonafide.capture.orientation import turn_upright
from bonafide.types import Frame, RgbImage

SLOT_TOLERANCE_S = 0.002
"""How early a frame may come and still open the next sampling interval: the rounding of Matroska's
millisecond clock, at both ends, must not decide which frames are taken."""


@dataclass(frozen=True, slots=True)
class LevelFrame:
    """One picture of a one-channel clip, such as depth.

    Attributes:
        levels: (h, w) uint8 or uint16 as stored; upright.
        time_s: from the clip's first frame.
    """

    levels: npt.NDArray[np.uint8 | np.uint16]
    time_s: float


_MAX_REORDERED = 16  # ITU-T H.264, A.3.1: the decoded picture buffer holds at most 16 pictures


class ClipReader(Iterator[Frame]):
    """One pass over a clip, in display order with strictly increasing time stamps.

    Opening decodes the first frame, so that a clip without pictures fails here and not later.

    Attributes:
        source: the name given in errors and frames.
        info: what the clip states.
        report: what was met so far: damage, counts, the measured rate.
    """

    def __init__(
        self,
        file: BinaryIO,
        source: str,
        limits: Limits | None = None,
        *,
        sample_hz: float | None = None,
        until_s: float | None = None,
        threads: int = 1,
    ) -> None:
        """Open a clip; prefer `open_clip` and `decode_clip`.

        Args:
            file: a seekable file at its start; closed with the reader.
            source: what to call it.
            limits: bytes, pixels, frames, seconds; `Limits()` when None.
            sample_hz: deliver at most this many frames a second, on a fixed grid of the clip's own
                time: the first frame of each interval 1 / sample_hz. None delivers all.
            until_s: stop, as asked, before the first frame at or after this time.
            threads: decoder threads; one keeps memory and timing comparable.

        Raises:
            CaptureError: see `open_clip`.
        """
        self.source = source
        self.report = ClipReport()
        self._file = file
        self._limits = limits or Limits()
        self._sample_hz = _positive(sample_hz, "sample_hz")
        self._until_s = _positive(until_s, "until_s")
        self._threads = int(_positive(threads, "threads") or 1)
        self._clip = clip_container.open_container(file, source, self._limits, self._threads)
        try:
            self._pictures: Iterator[tuple[VideoFrame, float]] = self._timed()
            self.info = self._open_first()
        except BaseException:
            self.close()
            raise
        self._frames: Iterator[Frame] = self._sampled()

    def __next__(self) -> Frame:
        """The next frame.

        Raises:
            TooLargeError: the clip is longer than the limits allow.
            DamagedFileError: its rotation changes to something that is no quarter turn.
        """
        return next(self._frames)

    def levels(self) -> Iterator[LevelFrame]:
        """Every picture as a measurement of one channel; in the place of taking frames.

        Raises:
            DamagedFileError: the pictures have colours.
        """
        for picture, time_s in self._pictures:
            self._limits.check_pixels(picture.width, picture.height, self.source)
            levels: npt.NDArray[Any] = picture_to_levels(picture, self.source)
            self.report.delivered += 1
            yield LevelFrame(turn_upright(levels, self._orientation), time_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the decoder and the file; taking frames ends."""
        self._frames, self._pictures = iter(()), iter(())
        self._clip.container.close()
        self._file.close()

    def _open_first(self) -> ClipInfo:
        self._check_statements()
        first = next(self._pictures, None)
        if first is None:
            raise NoFramesError(
                "holds a video stream, but not one frame can be decoded.",
                where=self.source,
                remedy="Copy it again; a recording that was never finished cannot be read.",
            )
        self._pictures = itertools.chain([first], self._pictures)
        self._set_orientation(first[0])
        return clip_container.describe(self._clip, first[0], self._orientation)

    def _check_statements(self) -> None:
        """Refuse a clip that states it is too long, before decoding it up to the limit."""
        if self._until_s is not None:
            return
        duration_s = clip_container.stated_duration(self._clip)
        if duration_s is not None and duration_s > self._limits.max_seconds:
            raise self._too_long(duration_s)
        if self._clip.stream.frames > self._limits.max_frames:
            raise self._too_many(self._clip.stream.frames)

    def _timed(self) -> Iterator[tuple[VideoFrame, float]]:
        """Decoded pictures with seconds from the first, strictly increasing, within the limits."""
        report, first, last = self.report, None, -1
        for picture, ticks in self._stamped():
            if first is None:
                first = ticks
            if picture.is_corrupt:
                report.damaged_frames += 1
                continue
            if ticks - first <= last:
                report.untimed_frames += 1
                continue
            last = ticks - first
            time_s = float(last * self._clip.tick)
            if self._until_s is not None and time_s >= self._until_s:
                report.stopped_at_s = self._until_s
                return
            if time_s > self._limits.max_seconds:
                raise self._too_long(time_s)
            if report.decoded == self._limits.max_frames:
                raise self._too_many(report.decoded + 1)
            report.decoded += 1
            report.last_time_s = time_s
            yield picture, time_s
        report.finished = True

    def _stamped(self) -> Iterator[tuple[VideoFrame, int]]:
        """Pictures in display order with time stamps in ticks.

        AVI stores no display times, only one slot per packet in decoding order. With B-frames the
        decoder still delivers pictures in display order, but each with the slot its packet had; the
        slots, sorted, belong to the pictures in turn. At most 16 pictures wait for that.
        """
        window = _MAX_REORDERED if self._reorders() else 0
        waiting: deque[VideoFrame] = deque()
        slots: list[int] = []
        for picture in clip_container.frames_of(self._clip, self.report):
            ticks = picture.pts if picture.pts is not None else picture.dts
            if ticks is None:
                self.report.untimed_frames += 1
                continue
            waiting.append(picture)
            heapq.heappush(slots, ticks)
            if len(waiting) > window:
                yield waiting.popleft(), heapq.heappop(slots)
        while waiting:
            yield waiting.popleft(), heapq.heappop(slots)

    def _reorders(self) -> bool:
        return (
            self._clip.container.format.name == "avi"
            and self._clip.stream.codec_context.has_b_frames
        )

    def _sampled(self) -> Iterator[Frame]:
        last_slot = -1
        for picture, time_s in self._pictures:
            slot = last_slot + 1
            if self._sample_hz is not None:
                slot = math.floor((time_s + SLOT_TOLERANCE_S) * self._sample_hz)
            if slot <= last_slot:
                continue
            index = self.report.decoded - 1
            try:
                rgb = self._to_rgb(picture)
            except clip_container.FFMPEG_ERRORS:
                self.report.damaged_frames += 1
                continue
            last_slot = slot
            self.report.delivered += 1
            yield Frame(rgb=rgb, index=index, time_s=time_s, source=self.source)

    def _to_rgb(self, picture: VideoFrame) -> RgbImage:
        self._limits.check_pixels(picture.width, picture.height, self.source)
        if picture.rotation != self._rotation:
            self._set_orientation(picture)
        return turn_upright(picture_to_rgb(picture, self._threads), self._orientation)

    def _set_orientation(self, picture: VideoFrame) -> None:
        """Read the display matrix, which belongs to the stream and practically never changes.

        Not for every picture: PyAV ties a picture and its side data into a circle, and a circle of
        a megabyte waits for the garbage collector (measured: 70 MB over 540 frames).
        """
        self._rotation = picture.rotation
        self._orientation = clip_container.orientation_of(picture, self.source)

    def _too_long(self, seconds: float) -> CaptureError:
        allowed = f"{self._limits.max_seconds:g} s"
        return too_large(self.source, f"{seconds:.1f} s", "max_seconds", allowed)

    def _too_many(self, frames: int) -> CaptureError:
        allowed = f"{self._limits.max_frames:,} frames"
        return too_large(self.source, f"{frames:,} frames", "max_frames", allowed)


def open_clip(
    path: Path,
    limits: Limits | None = None,
    *,
    sample_hz: float | None = None,
    until_s: float | None = None,
    threads: int = 1,
) -> ClipReader:
    """Open a clip file; arguments as for `ClipReader`. Use it in a ``with``.

    Raises:
        MissingFileError, UnreadableFileError, EmptyFileError, WrongTypeError, TruncatedFileError,
        DamagedFileError, NoVideoStreamError, NoFramesError, TooLargeError: as they say.
    """
    limits = limits or Limits()
    file = open_regular(path, limits)
    try:
        return ClipReader(
            file, str(path), limits, sample_hz=sample_hz, until_s=until_s, threads=threads
        )
    except BaseException:
        file.close()
        raise


def decode_clip(
    data: bytes,
    source: str,
    limits: Limits | None = None,
    *,
    sample_hz: float | None = None,
    until_s: float | None = None,
    threads: int = 1,
) -> ClipReader:
    """As `open_clip`, from memory; ``source`` names the clip in errors and frames."""
    limits = limits or Limits()
    check_size(len(data), source, limits)
    return ClipReader(
        io.BytesIO(data), source, limits, sample_hz=sample_hz, until_s=until_s, threads=threads
    )


def read_frames(
    path: Path,
    limits: Limits | None = None,
    *,
    sample_hz: float | None = None,
    until_s: float | None = None,
) -> Iterator[Frame]:
    """The frames of a clip, when its report is of no interest; see `open_clip`.

    Raises:
        CaptureError: as `open_clip`, at the first frame.
    """
    with open_clip(path, limits, sample_hz=sample_hz, until_s=until_s) as clip:
        yield from clip


def probe_clip(path: Path, limits: Limits | None = None) -> ClipProbe:
    """What a clip states, and what its packets' time stamps say; one picture is decoded.

    Args:
        path: a local clip file.
        limits: bytes, pixels and frames; ``max_seconds`` is not applied, so that a clip that is too
            long can be looked at.

    Raises:
        CaptureError: as `open_clip`.
    """
    limits = limits or Limits()
    return _probe(lambda: open_regular(path, limits), str(path), limits)


def probe_data(data: bytes, source: str, limits: Limits | None = None) -> ClipProbe:
    """As `probe_clip`, from memory; ``source`` names the clip in errors."""
    limits = limits or Limits()
    check_size(len(data), source, limits)
    return _probe(lambda: io.BytesIO(data), source, limits)


def _probe(open_file: Callable[[], BinaryIO], source: str, limits: Limits) -> ClipProbe:
    with open_file() as file, ClipReader(file, source, limits, until_s=math.inf) as clip:
        info = clip.info
    with open_file() as file:
        opened = clip_container.open_container(file, source, limits, 1)
        with opened.container:
            stamps = []
            for packet in clip_container.packets_of(opened, ClipReport()):
                ticks = packet.pts if packet.pts is not None else packet.dts
                if ticks is not None and packet.size:
                    stamps.append(ticks)
                if len(stamps) > limits.max_frames:
                    allowed = f"{limits.max_frames:,} frames"
                    raise too_large(source, f"more than {allowed}", "max_frames", allowed)
    return _measure(info, sorted(stamps), float(opened.tick))


def _measure(info: ClipInfo, stamps: list[int], tick_s: float) -> ClipProbe:
    gaps = [tick_s * (after - before) for before, after in itertools.pairwise(stamps)]
    span_s = tick_s * (stamps[-1] - stamps[0]) if stamps else 0.0
    return ClipProbe(
        info=info,
        packets=len(stamps),
        span_s=span_s,
        measured_rate_hz=len(gaps) / span_s if span_s > 0 else None,
        shortest_gap_s=min(gaps, default=0.0),
        longest_gap_s=max(gaps, default=0.0),
    )


def _positive(value: float | None, name: str) -> float | None:
    if value is not None and not value > 0:
        raise CaptureError(
            f"must be above 0, not {value}.", where=name, remedy="Leave it out for no limit."
        )
    return value
