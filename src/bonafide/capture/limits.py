"""Limits on what is read: a hostile or mistaken file is refused before it costs memory or time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bonafide.capture.errors import CaptureError, TooLargeError

PILLOW_PIXEL_GUARD = 89_478_485
"""Pillow's own default guard (a quarter GiB of 3-byte pixels); it stays in force behind ours."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one photo or clip may ask for. Exceeding one is an error, never a silent cut.

    Attributes:
        max_bytes: size of the file, 1 GiB: about two minutes of a phone's 4K clip at 60 Mbit/s.
        max_pixels: width x height of one picture, 64 million: any 50-megapixel phone photo, and
            192 MB as RGB. At most `PILLOW_PIXEL_GUARD`.
        max_frames: decoded frames of a clip, 7,200: two minutes at 60 Hz.
        max_seconds: length of a clip, 120 s by its time stamps.
    """

    max_bytes: int = 1 << 30
    max_pixels: int = 64_000_000
    max_frames: int = 7_200
    max_seconds: float = 120.0

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_pixels", "max_frames", "max_seconds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise CaptureError(
                    f"a limit must be a positive number, not {value}.",
                    where=name,
                    remedy="Give the largest value you are ready to read.",
                )
        if self.max_pixels > PILLOW_PIXEL_GUARD:
            raise CaptureError(
                f"{self.max_pixels:,} is above Pillow's own guard of {PILLOW_PIXEL_GUARD:,}.",
                where="max_pixels",
                remedy="Stay at or below that number; scale larger photos down first.",
            )

    def check_bytes(self, size: int, source: str) -> None:
        """Refuse a file of ``size`` bytes above ``max_bytes``.

        Raises:
            TooLargeError: it is.
        """
        if size > self.max_bytes:
            raise too_large(source, f"{size:,} bytes", "max_bytes", f"{self.max_bytes:,} bytes")

    def check_pixels(self, width: int, height: int, source: str) -> None:
        """Refuse a picture of ``width`` x ``height`` px above ``max_pixels``.

        Raises:
            TooLargeError: it is.
        """
        if width * height > self.max_pixels:
            asked = f"{width} x {height} px"
            raise too_large(source, asked, "max_pixels", f"{self.max_pixels:,} px")


def too_large(source: str, asked: str, limit: str, allowed: str) -> TooLargeError:
    """The error for ``source`` asking for ``asked`` where the setting allows ``allowed``."""
    return TooLargeError(
        f"asks for {asked}, and {allowed} are allowed.",
        where=source,
        remedy=f"Make it smaller or shorter, or raise the limit {limit} if you trust the file.",
    )
