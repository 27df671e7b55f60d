"""What an audit needs of one media file: bare facts of the container, and two tiny pictures."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.capture.image import read_image
from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import expand_sources
from bonafide.capture.video import open_clip, probe_clip
from bonafide.types import BonafideError, Presentation, RgbImage

GREY_PX = 64
COLOUR_PX = 12

# ITU-T T.81, table K.1: the luminance table that encoders of the IJG family scale by quality.
_K1 = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What is known of a file without looking at its content.

    Attributes:
        size_bytes: of the file.
        frames: pictures in it, 1 for a photo.
        width_px, height_px: as stored upright.
        duration_s: from the first to the last time stamp, 0.0 for a photo.
        rate_hz: by the time stamps, 0.0 for a photo.
        codec, container: FFmpeg's names; for a photo its format twice.
        jpeg_quality: estimated from the luminance table, 1..100; 0.0 for anything but JPEG.
    """

    size_bytes: int
    frames: int
    width_px: int
    height_px: int
    duration_s: float
    rate_hz: float
    codec: str
    container: str
    jpeg_quality: float


@dataclass(frozen=True, slots=True)
class MediaLook:
    """Facts, and the first picture made tiny.

    Attributes:
        facts: of the file.
        grey: (64, 64) float32, 0..255, the whole first picture squeezed to a square, turned by
            the row's ``rotation_deg``.
        colour: (12, 12, 3) float32, 0..255, R, G, B, the same picture.
        black_share: share of the first picture's pixels that are 0 in R, G and B, 0..1.
    """

    facts: MediaFacts
    grey: npt.NDArray[np.float32]
    colour: npt.NDArray[np.float32]
    black_share: float


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        BonafideError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Check the table's paths.",
        ) from error


def look_at(row: Presentation) -> MediaLook:
    """Read a row's RGB file: the whole container, one picture.

    Raises:
        BonafideError: the file cannot be read.
    """
    path = Path(row.path)
    facts, rgb = _look_at_clip(path) if _is_clip(path) else _look_at_photo(path)
    return _shrink(facts, np.rot90(rgb, -row.rotation_deg // 90))


def first_picture(row: Presentation) -> RgbImage:
    """The photo, or the clip's first frame, turned upright.

    Raises:
        BonafideError: the file cannot be read.
    """
    path = Path(row.path)
    rgb = _look_at_clip(path)[1] if _is_clip(path) else read_image(path).rgb
    return np.ascontiguousarray(np.rot90(rgb, -row.rotation_deg // 90))


def _is_clip(path: Path) -> bool:
    source = expand_sources([str(path)])[0]
    if source.error is not None:
        raise source.error
    return source.kind is MediaKind.CLIP


def _look_at_clip(path: Path) -> tuple[MediaFacts, RgbImage]:
    probe = probe_clip(path)
    with open_clip(path, until_s=math.inf) as clip:
        rgb = next(clip).rgb
    facts = MediaFacts(
        size_bytes=path.stat().st_size,
        frames=probe.packets,
        width_px=probe.info.width_px,
        height_px=probe.info.height_px,
        duration_s=probe.span_s,
        rate_hz=probe.measured_rate_hz or 0.0,
        codec=probe.info.codec,
        container=probe.info.container,
        jpeg_quality=0.0,
    )
    return facts, rgb


def _look_at_photo(path: Path) -> tuple[MediaFacts, RgbImage]:
    from PIL import Image

    rgb = read_image(path).rgb
    with Image.open(path) as image:
        name, tables = image.format or "", getattr(image, "quantization", None)
    facts = MediaFacts(
        size_bytes=path.stat().st_size,
        frames=1,
        width_px=rgb.shape[1],
        height_px=rgb.shape[0],
        duration_s=0.0,
        rate_hz=0.0,
        codec=name,
        container=name,
        jpeg_quality=jpeg_quality(tables[0]) if tables else 0.0,
    )
    return facts, rgb


def jpeg_quality(table: Sequence[int]) -> float:
    """The quality, 1..100, at which the IJG's encoder would write the nearest luminance table.

    The encoder multiplies table K.1 by 5000/q % below 50 and by 200 - 2q % from there on, and keeps
    entries in 1..255. Entries are compared sorted, so that their order in the file does not matter.

    Args:
        table: 64 entries.
    """
    quality = np.arange(1, 101)
    scale = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    scaled = np.clip((_K1[None, :] * scale[:, None] + 50) // 100, 1, 255)
    away = np.abs(np.sort(scaled, axis=1) - np.sort(np.asarray(table))).sum(axis=1)
    return float(quality[np.argmin(away)])


def _shrink(facts: MediaFacts, rgb: RgbImage) -> MediaLook:
    import cv2

    rgb = np.ascontiguousarray(rgb)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    area = cv2.INTER_AREA
    small_grey = cv2.resize(grey, (GREY_PX, GREY_PX), interpolation=area)
    small_colour = cv2.resize(rgb.astype(np.float32), (COLOUR_PX, COLOUR_PX), interpolation=area)
    return MediaLook(
        facts=facts,
        grey=np.asarray(small_grey, dtype=np.float32),
        colour=np.asarray(small_colour, dtype=np.float32),
        black_share=float(np.mean(rgb.max(axis=2) == 0)),
    )
