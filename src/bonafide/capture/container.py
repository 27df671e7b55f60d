"""The one place where FFmpeg is handed a file: which demuxer, which options, which stream.

Uploaded clips are hostile until read. Two locks, each enough by itself, keep FFmpeg from opening
anything but the bytes it is given: the demuxer is forced by content, so that playlist readers (HLS,
concat, DASH) are never tried; and as FFmpeg reads from our file object it needs no protocol at all,
so its list of allowed ones, which nested readers inherit, names none, not even local files.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, cast

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from bonafide.capture.clip_info import ClipInfo, ClipReport
from bonafide.capture.errors import NoVideoStreamError
from bonafide.capture.headers import damaged, truncated
from bonafide.capture.limits import Limits
from bonafide.capture.orientation import (
    UPRIGHT,
    orientation_of_matrix,
    orientation_of_rotation,
    turn_of,
)
from bonafide.capture.sniff import HEAD_BYTES, MediaKind, expect
from bonafide.capture.wholeness import ends_early

FFMPEG_ERRORS = (av.FFmpegError, OSError, ValueError, OverflowError, MemoryError)
"""What PyAV raises on damaged input; several of its types derive from Python's."""

DEMUXER_OPTIONS = {"protocol_whitelist": "none"}
"""No protocol has this name. An empty list would mean "all of them"."""

_METADATA: dict[str, Any] = (
    {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
)
"""Titles that are no UTF-8 must not hide the pictures; PyAV 19 takes no word for it any more."""

_READ_BUFFER_BYTES = 1 << 18
_GIVE_UP_AFTER = 16  # demuxing errors in a row: the demuxer stands still


@dataclass(frozen=True, slots=True)
class OpenClip:
    """An opened clip.

    Attributes:
        container: FFmpeg's demuxer on the file.
        stream: the main video stream, its decoder set up.
        cut_short: the file ends before its own structure says.
        tick: the unit of its time stamps, seconds.
    """

    container: InputContainer
    stream: VideoStream
    cut_short: bool
    tick: Fraction


def open_container(file: BinaryIO, source: str, limits: Limits, threads: int) -> OpenClip:
    """Open a clip and set up the decoder of its main video stream.

    Args:
        file: a seekable file, at its start.
        source: named in errors.
        limits: its ``max_pixels`` also bounds what the decoder allocates.
        threads: decoder threads.

    Raises:
        WrongTypeError: not a clip by content.
        TruncatedFileError: the file is cut off before its pictures can be found.
        DamagedFileError: FFmpeg cannot make sense of the file.
        NoVideoStreamError: no picture stream, or one without a decoder.
        TooLargeError: its pictures are too large.
    """
    media = expect(file.read(HEAD_BYTES), source, MediaKind.CLIP)
    cut_short = ends_early(file, media)
    file.seek(0)
    # With room for the decoder's rounding up to whole blocks and its margins; the exact check of
    # the limit is ours.
    decoder_options = {"max_pixels": str(2 * limits.max_pixels + 1_000_000)}
    try:
        container = av.open(
            file,
            mode="r",
            format=media.decoder,
            options={**DEMUXER_OPTIONS, **decoder_options},
            **_METADATA,
            buffer_size=_READ_BUFFER_BYTES,
        )
    except FFMPEG_ERRORS as error:
        if cut_short:
            raise truncated(source) from error
        raise damaged(source, "no video can be made out in it") from error
    try:
        stream = _main_stream(container, source)
        context = stream.codec_context
        limits.check_pixels(context.width, context.height, source)
        context.options = decoder_options
        context.thread_type = "NONE" if threads == 1 else "AUTO"
        context.thread_count = threads
    except BaseException:
        container.close()
        raise
    return OpenClip(container, stream, cut_short, stream.time_base or Fraction(1, av.time_base))


def packets_of(clip: OpenClip, report: ClipReport) -> Iterator[av.Packet[VideoStream]]:
    """Every packet of the stream, going on after those that the demuxer refuses.

    The last packet is empty: decoding it empties the decoder.
    """
    refused = 0
    while refused < _GIVE_UP_AFTER:
        try:
            for packet in clip.container.demux(clip.stream):
                refused = 0
                yield packet
            return
        except FFMPEG_ERRORS:
            refused += 1
            report.damaged_packets += 1


def frames_of(clip: OpenClip, report: ClipReport) -> Iterator[VideoFrame]:
    """Every decoded picture in display order, corrupt ones too, going on after damaged packets."""
    for packet in packets_of(clip, report):
        try:
            pictures = packet.decode()
        except EOFError:
            continue  # emptied already, after the demuxer had ended once before
        except FFMPEG_ERRORS:
            report.damaged_packets += 1
            continue
        yield from pictures


def orientation_of(picture: VideoFrame, source: str) -> int:
    """The EXIF number of the display matrix that travels with a picture.

    Raises:
        DamagedFileError: the matrix is no quarter turn, so there is no upright picture.
    """
    try:
        side_data = picture.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV does not know every kind that FFmpeg attaches (spatial phone video has one). This
        # reading loses mirroring, which no such camera writes.
        found = orientation_of_rotation(-picture.rotation)
    else:
        if side_data is None:
            return UPRIGHT
        buffer: Any = side_data  # PyAV's stubs do not say that it is one
        found = orientation_of_matrix(struct.unpack_from("=9i", buffer))
    if found is None:
        raise damaged(source, "its rotation is no quarter turn")
    return found


def describe(clip: OpenClip, picture: VideoFrame, orientation: int) -> ClipInfo:
    """What the container and its first picture state."""
    stream = clip.stream
    rotation_deg, mirrored = turn_of(orientation)
    width, height = picture.width, picture.height
    if rotation_deg in (90, 270):
        width, height = height, width
    aspect = stream.sample_aspect_ratio
    return ClipInfo(
        container=clip.container.format.name,
        codec=stream.codec_context.name,
        width_px=width,
        height_px=height,
        rotation_deg=rotation_deg,
        mirrored=mirrored,
        pixel_aspect=float(aspect) if aspect else 1.0,
        nominal_rate_hz=float(stream.average_rate) if stream.average_rate else None,
        duration_s=stated_duration(clip),
        frames=stream.frames or None,
        cut_short=clip.cut_short,
    )


def stated_duration(clip: OpenClip) -> float | None:
    """Seconds as the stream, or else the container, states them; None when neither does."""
    container, stream = clip.container, clip.stream
    if stream.duration and stream.duration > 0 and stream.time_base:
        return float(stream.duration * stream.time_base)
    if container.duration and container.duration > 0:
        return float(Fraction(container.duration, av.time_base))
    return None


def _main_stream(container: InputContainer, source: str) -> VideoStream:
    # FFmpeg's own choice; cover art in a sound file counts as video there, but not here.
    stream = cast(VideoStream | None, container.streams.best("video"))
    if stream is None or "attached_pic" in str(stream.disposition):
        raise NoVideoStreamError(
            "holds no video stream.",
            where=source,
            remedy="It may be a sound recording; name a clip with pictures.",
        )
    if stream.codec_context is None:
        raise NoVideoStreamError(
            "holds video that no decoder here can read.",
            where=source,
            remedy="Convert it to H.264 in MP4.",
        )
    return stream
