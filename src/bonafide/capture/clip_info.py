"""What is known of a clip: what its container states, and what one pass over it met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a clip's container and first picture state. Statements, not measurements.

    Attributes:
        container: FFmpeg's name of the demuxer.
        codec: FFmpeg's name of the decoder.
        width_px, height_px: of the upright picture, as frames are delivered.
        rotation_deg: the clockwise turn that is applied to every frame, 0, 90, 180 or 270.
        mirrored: whether a left-right mirroring is applied before that turn.
        pixel_aspect: width / height of one pixel; not applied, so 1.0 is what a face room expects.
        nominal_rate_hz: the stated frame rate; None when none is stated.
        duration_s: the stated length; None when none is stated, as in browser recordings.
        frames: the stated number of frames; None when none is stated, as in Matroska.
        cut_short: the file ends before its own structure says, as after a broken copy; the frames
            up to there are read.
    """

    container: str
    codec: str
    width_px: int
    height_px: int
    rotation_deg: int
    mirrored: bool
    pixel_aspect: float
    nominal_rate_hz: float | None
    duration_s: float | None
    frames: int | None
    cut_short: bool


@dataclass(slots=True)
class ClipReport:
    """What one pass over a clip met so far; it grows while frames are taken.

    Attributes:
        decoded: frames decoded; `Frame.index` counts these.
        delivered: frames handed out, fewer than decoded when sampling.
        damaged_packets: packets that the demuxer or the decoder refused.
        damaged_frames: decoded pictures left out, because the decoder marked them corrupt.
        untimed_frames: decoded pictures left out, because their time stamp is missing or not later
            than that of the picture before.
        last_time_s: time stamp of the last decoded frame, seconds from the first.
        finished: the clip's end was reached.
        stopped_at_s: the `until_s` at which reading stopped as asked; None when it did not.
    """

    decoded: int = 0
    delivered: int = 0
    damaged_packets: int = 0
    damaged_frames: int = 0
    untimed_frames: int = 0
    last_time_s: float = 0.0
    finished: bool = False
    stopped_at_s: float | None = None

    @property
    def measured_rate_hz(self) -> float | None:
        """Mean rate by the time stamps, or None before the second frame."""
        return (self.decoded - 1) / self.last_time_s if self.decoded > 1 else None

    @property
    def is_damaged(self) -> bool:
        """Whether anything that the clip holds was left out for damage."""
        return self.damaged_packets + self.damaged_frames + self.untimed_frames > 0


@dataclass(frozen=True, slots=True)
class ClipProbe:
    """A clip's statements beside what its packets' time stamps say, without decoding them all.

    Attributes:
        info: the statements.
        packets: picture packets in the file.
        span_s: from the first to the last time stamp.
        measured_rate_hz: (packets - 1) / span; None when there is one packet.
        shortest_gap_s, longest_gap_s: between neighbouring time stamps; equal up to the container's
            clock (1 ms in Matroska) when the frame rate is constant. 0.0 when there is one packet.
    """

    info: ClipInfo
    packets: int
    span_s: float
    measured_rate_hz: float | None
    shortest_gap_s: float
    longest_gap_s: float
