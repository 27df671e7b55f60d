"""Small pictures of the worst errors, embedded in the page so that it stays one file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from bonafide.capture.errors import CaptureError
from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources, open_source
from bonafide.capture.video import ClipReader
from bonafide.types import RgbImage

SIDE_PX = 200
LIMITS = Limits(max_pixels=40_000_000)


def thumbnail(path: Path) -> str | None:
    """A data URI of the photo, or of a clip's first frame; upright, at most `SIDE_PX` on a side.

    None for what the capture room cannot read: a report is not the place to fail over a picture.
    """
    try:
        rgb = _first_picture(path)
    except (CaptureError, StopIteration):
        return None
    picture = Image.fromarray(rgb)
    picture.thumbnail((SIDE_PX, SIDE_PX), reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _first_picture(path: Path) -> RgbImage:
    [source] = expand_sources([str(path)], LIMITS)
    opened = open_source(source, LIMITS)
    if isinstance(opened, ClipReader):
        with opened:
            return next(opened).rgb
    return opened.rgb
