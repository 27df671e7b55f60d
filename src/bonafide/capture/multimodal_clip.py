"""A clip of three registered sensors: colour, depth and infrared as three files, frame by frame.

Frames belong together by their time stamps, which count from each clip's first frame. Depth must be
coded without loss, in one channel of 16 bits (millimetres) or 8 (with a stated `DepthUnit`), such
as FFV1 with gray16le in Matroska: a lossy codec smears the border between face and background.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bonafide.capture.clip_info import ClipProbe, ClipReport
from bonafide.capture.errors import (
    DepthUnitError,
    MissingModalityError,
    NoFramesError,
    UnmatchedClipsError,
)
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import (
    DepthUnit,
    MultimodalCapture,
    depth_in_mm,
    eight_bits,
    to_one_size,
)
from bonafide.capture.video import ClipReader, LevelFrame, open_clip, probe_clip
from bonafide.types import Frame

LOSSLESS = ("ffv1", "png", "rawvideo", "huffyuv", "ffvhuff", "utvideo")
"""FFmpeg's names of codecs that keep every level. H.264 can, too, but a file does not say so."""

MAX_APART_S = 0.02
"""Farthest that time stamps of one instant may lie apart: sensors of 30 Hz that start freely are at
most 17 ms apart, in which a head moves by some millimetres."""

RATE_LIMIT = 0.15
"""Largest relative difference of the three measured frame rates: a sensor may drop a tenth of its
frames, but 25 Hz and 30 Hz are two settings."""

LENGTH_LIMIT_S = 0.25
"""Largest difference of the three lengths: sensors do not stop at one instant."""


@dataclass(frozen=True, slots=True)
class CaptureFrame:
    """One instant of a clip.

    Attributes:
        capture: its three pictures.
        index, time_s: of the colour frame, see `types.Frame`.
    """

    capture: MultimodalCapture
    index: int
    time_s: float


class CaptureClipReader(Iterator[CaptureFrame]):
    """One pass over three clips; use it in a ``with``.

    Attributes:
        unmatched: colour frames left out so far, because depth or infrared has none beside them.
    """

    def __init__(
        self,
        rgb: Path,
        depth: Path | None,
        infrared: Path | None,
        unit: DepthUnit | None = None,
        limits: Limits | None = None,
        *,
        sample_hz: float | None = None,
        one_view: bool = False,
    ) -> None:
        """Open three clips and hold them against each other.

        Args:
            rgb, depth, infrared: files; None stands for one that is not there.
            unit, one_view: as for `multimodal.read_multimodal`.
            limits: on each.
            sample_hz: colour frames a second at most, see `ClipReader`.

        Raises:
            MissingModalityError: one is not there.
            UnmatchedClipsError: their rates or lengths differ.
            DepthUnitError: depth is coded with loss.
            CaptureError: as for `open_clip`.
        """
        if depth is None or infrared is None:
            raise MissingModalityError(
                "comes without depth or infrared.",
                where=str(rgb),
                remedy="Name all three clips; a missing one is never made up.",
            )
        self._unit, self._one_view = unit, one_view
        self._source, self._depth_name = str(rgb), str(depth)
        self.unmatched = 0
        check_clips({path.name: probe_clip(path, limits) for path in (rgb, depth, infrared)})
        with ExitStack() as stack:
            self._colour = stack.enter_context(open_clip(rgb, limits, sample_hz=sample_hz))
            far = stack.enter_context(open_clip(depth, limits))
            light = stack.enter_context(open_clip(infrared, limits))
            _check_depth_codec(far)
            self._depth, self._infrared = _Nearest(far), _Nearest(light)
            self._clips = self._colour, far, light
            self._open = stack.pop_all()

    def reports(self) -> tuple[ClipReport, ...]:
        """What each pass met so far: colour, depth, infrared."""
        return tuple(clip.report for clip in self._clips)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def __next__(self) -> CaptureFrame:
        """The next instant that all three show.

        Raises:
            SizeMismatchError, DepthUnitError: as for `read_multimodal`.
        """
        for frame in self._colour:
            depth, light = self._depth.at(frame.time_s), self._infrared.at(frame.time_s)
            if depth is None or light is None:
                self.unmatched += 1
                continue
            return CaptureFrame(self._joined(frame, depth, light), frame.index, frame.time_s)
        raise StopIteration

    def _joined(self, frame: Frame, depth: LevelFrame, light: LevelFrame) -> MultimodalCapture:
        depth_mm = depth_in_mm(depth.levels, self._unit, self._depth_name)
        infrared = eight_bits(light.levels)
        if self._one_view:
            depth_mm, infrared = to_one_size(frame.rgb, depth_mm, infrared, self._source)
        return MultimodalCapture(frame.rgb, depth_mm, infrared, self._source)


class _Nearest:
    """The frame of a clip nearest to a time, asked for in rising order; two are held."""

    def __init__(self, clip: ClipReader) -> None:
        self._frames = clip.levels()
        self._held: list[LevelFrame] = []

    def at(self, time_s: float) -> LevelFrame | None:
        """The nearest frame, or None where that is farther than `MAX_APART_S`."""
        while not self._held or self._held[-1].time_s < time_s:
            following = next(self._frames, None)
            if following is None:
                break
            self._held = [*self._held[-1:], following]
        if not self._held:
            return None
        best = min(self._held, key=lambda frame: abs(frame.time_s - time_s))
        return best if abs(best.time_s - time_s) <= MAX_APART_S else None


def check_clips(probes: dict[str, ClipProbe]) -> None:
    """Refuse clips that cannot be of one recording.

    Args:
        probes: name -> what is known of a clip, colour first.

    Raises:
        UnmatchedClipsError: rates or lengths differ beyond `RATE_LIMIT` or `LENGTH_LIMIT_S`.
        NoFramesError: a clip of one frame has no rate.
    """
    rates = {name: probe.measured_rate_hz for name, probe in probes.items()}
    for name, rate in rates.items():
        if rate is None:
            raise NoFramesError(
                "is a clip of one frame.",
                where=name,
                remedy="Save it as a photo, or record longer.",
            )
    known = [rate for rate in rates.values() if rate is not None]
    if max(known) > (1 + RATE_LIMIT) * min(known):
        told = ", ".join(f"{name} {rate:.4g} Hz" for name, rate in rates.items())
        raise UnmatchedClipsError(
            f"the three clips differ in frame rate: {told}.",
            where=next(iter(probes)),
            remedy="Record all three at one rate, or resample with true time stamps.",
        )
    spans = {name: probe.span_s for name, probe in probes.items()}
    if max(spans.values()) - min(spans.values()) > LENGTH_LIMIT_S:
        told = ", ".join(f"{name} {span:.2f} s" for name, span in spans.items())
        raise UnmatchedClipsError(
            f"the three clips differ in length: {told}.",
            where=next(iter(probes)),
            remedy="Cut the three at the same instants; time counts from each clip's first frame.",
        )


def _check_depth_codec(clip: ClipReader) -> None:
    if clip.info.codec not in LOSSLESS:
        raise DepthUnitError(
            f"is depth coded as {clip.info.codec}, which may lose levels.",
            where=clip.source,
            remedy="Code it without loss: ffmpeg -i IN -c:v ffv1 -pix_fmt gray16le OUT.mkv.",
        )
