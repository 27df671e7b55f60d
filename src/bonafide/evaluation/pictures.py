"""Small pictures of the worst errors, embedded in the page so that it stays one file."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

SIDE_PX = 200
MOST_PIXELS = 40_000_000
MOST_BYTES = 30_000_000
FORMATS = ("JPEG", "PNG", "WEBP")


def thumbnail(path: Path) -> str | None:
    """A data URI of the picture, upright, at most `SIDE_PX` on a side; None if it has none.

    None for a clip, a missing file, another format than `FORMATS`, or more than `MOST_BYTES` or
    `MOST_PIXELS`: a report is not the place to fail over a picture.
    """
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.draft("RGB", (2 * SIDE_PX, 2 * SIDE_PX))  # decodes a JPEG at a smaller scale
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((SIDE_PX, SIDE_PX))
            buffer = io.BytesIO()
            upright.save(buffer, "JPEG", quality=80)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None  # Pillow raises all of these on damaged files
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
