"""Writes a clip whose frames keep their own time stamps."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np

from bonafide.types import BonafideError, RgbImage

CLOCK = Fraction(1, 90_000)
"""Tick of the written stamps, seconds; MP4's usual. Containers with a coarser clock round to it."""

_SUFFIXES = (".mp4", ".mov", ".mkv")


class ClipWriteError(BonafideError):
    """A clip cannot be written."""


class ClipWriter:
    """H.264 (libx264, or MPEG-4 where FFmpeg was built without it), yuv420p, for a ``with``.

    Writes beside the target and renames at the end, so that a run that fails leaves no clip.
    """

    def __init__(self, path: Path) -> None:
        """Begin a clip; nothing is written before the first frame.

        Args:
            path: .mp4, .mov or .mkv, in a folder that exists; replaced if it is there.

        Raises:
            ClipWriteError: another suffix, or no such folder.
        """
        if path.suffix.lower() not in _SUFFIXES or not path.parent.is_dir():
            raise ClipWriteError(
                "no clip can be written there.",
                where=str(path),
                remedy=f"Name a file ending in {', '.join(_SUFFIXES)} in a folder that exists.",
            )
        self._path = path
        self._partial = path.with_name(f".{path.stem}.partial{path.suffix}")
        self._container: av.container.OutputContainer | None = None
        self._last = -1

    def write(self, rgb: RgbImage, time_s: float) -> None:
        """Add a frame; an odd side is continued by one px, as yuv420p needs.

        Args:
            rgb: (H, W, 3), uint8, the same size each time.
            time_s: seconds; must increase by at least one tick of `CLOCK`.
        """
        height, width = rgb.shape[:2]
        rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        if self._container is None:
            self._container, self._stream = self._begin(rgb.shape[1], rgb.shape[0])
        ticks = round(time_s / CLOCK)
        if ticks <= self._last:
            raise ClipWriteError(
                f"time stamp {time_s:g} s does not increase.",
                where=str(self._path),
                remedy="Pass the frames in display order.",
            )
        self._last = ticks
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        picture.pts, picture.time_base = ticks, CLOCK
        self._container.mux(self._stream.encode(picture))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._container is None:
            return
        try:
            if kind is None:
                self._container.mux(self._stream.encode())
        finally:
            self._container.close()
            if kind is None:
                self._partial.replace(self._path)
            else:
                self._partial.unlink(missing_ok=True)

    def _begin(
        self, width: int, height: int
    ) -> tuple[av.container.OutputContainer, av.VideoStream]:
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        container = av.open(str(self._partial), mode="w")
        # The rate is only a hint for players; the stamps decide.
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = CLOCK
        if codec == "libx264":
            stream.options = {"crf": "16", "preset": "veryfast"}
        else:
            stream.codec_context.time_base = Fraction(1, 60_000)  # MPEG-4's clock has 16 bits
            stream.bit_rate = 8 * width * height
        return container, stream
