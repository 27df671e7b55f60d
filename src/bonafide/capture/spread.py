"""Frames spread evenly over a whole clip, for models that look at a few of them together."""

from __future__ import annotations

from pathlib import Path

from bonafide.capture.clip_info import ClipProbe
from bonafide.capture.limits import Limits, too_large
from bonafide.capture.video import ClipReader, decode_clip, open_clip, probe_clip, probe_data


def spread_frames(path: Path, count: int, limits: Limits | None = None) -> ClipReader:
    """Open a clip so that its first ``count`` frames are spread evenly over it, or all it has.

    The frames that follow, if any, are not part of them: take no more than ``count``.

    Raises:
        TooLargeError: besides, a clip that states no length and whose time stamps go beyond
            ``max_seconds``, even where the frames wanted come before.
        CaptureError: as `video.open_clip`.
    """
    limits = limits or Limits()
    rate_hz = _rate_hz(probe_clip(path, limits), count, str(path), limits)
    return open_clip(path, limits, sample_hz=rate_hz)


def decode_spread(data: bytes, source: str, count: int, limits: Limits | None = None) -> ClipReader:
    """As `spread_frames`, from memory; ``source`` names the clip in errors and frames."""
    limits = limits or Limits()
    rate_hz = _rate_hz(probe_data(data, source, limits), count, source, limits)
    return decode_clip(data, source, limits, sample_hz=rate_hz)


def _rate_hz(probe: ClipProbe, count: int, source: str, limits: Limits) -> float | None:
    # Whoever takes only `count` frames never reads up to the limit, so it is held here.
    if probe.span_s > limits.max_seconds:
        allowed = f"{limits.max_seconds:g} s"
        raise too_large(source, f"{probe.span_s:.1f} s", "max_seconds", allowed)
    return count / probe.span_s if probe.span_s > 0 else None
