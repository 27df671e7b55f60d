"""Width and height of a photo from its header, before any decoder sees it.

Pillow checks a picture's size too, but for WebP only after libwebp has been handed the file and
has asked for its canvas; here 40 bytes are read, and nothing is allocated.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from bonafide.capture.errors import DamagedFileError, TruncatedFileError

# ITU-T T.81, table B.1: C4, C8 and CC look like frame headers and are none.
_JPEG_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}
# Bounds on the walk, far above any real file: 4,096 segments can hold 256 MB of metadata.
_JPEG_MOST_SEGMENTS, _JPEG_MOST_FILL = 4_096, 65_536
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA


def photo_size(file: BinaryIO, decoder: str, source: str) -> tuple[int, int]:
    """(width, height) in px as the header states them, before orientation.

    Args:
        file: a seekable file; left at an unspecified position.
        decoder: "JPEG", "PNG" or "WEBP", as `sniff` found.
        source: named in errors.

    Raises:
        TruncatedFileError: the file ends inside its header.
        DamagedFileError: the header breaks the format's rules.
    """
    file.seek(0)
    width, height = {"JPEG": _jpeg_size, "PNG": _png_size, "WEBP": _webp_size}[decoder](
        file, source
    )
    if width == 0 or height == 0:
        raise damaged(source, f"its header states {width} x {height} px")
    return width, height


def damaged(source: str, what: str) -> DamagedFileError:
    """The error for a file whose content breaks its format."""
    return DamagedFileError(
        f"is damaged: {what}.",
        where=source,
        remedy="Copy, export or record it again.",
    )


def truncated(source: str) -> TruncatedFileError:
    """The error for a file that ends too early."""
    return TruncatedFileError(
        "ends too early, as after a broken copy or download.",
        where=source,
        remedy="Copy or download it again.",
    )


def _take(file: BinaryIO, count: int, source: str) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise truncated(source)
    return data


def _png_size(file: BinaryIO, source: str) -> tuple[int, int]:
    head = _take(file, 24, source)
    if head[12:16] != b"IHDR":
        raise damaged(source, "the first chunk is not IHDR")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def _jpeg_size(file: BinaryIO, source: str) -> tuple[int, int]:
    file.seek(2)
    for _ in range(_JPEG_MOST_SEGMENTS):
        marker = _jpeg_marker(file, source)
        if marker in _JPEG_BARE_MARKERS:
            continue
        if marker in (_JPEG_END, _JPEG_SCAN):
            break
        (length,) = struct.unpack(">H", _take(file, 2, source))
        if marker in _JPEG_FRAME_HEADERS:
            _, height, width = struct.unpack(">BHH", _take(file, 5, source))
            return width, height
        if length < 2:
            raise damaged(source, "a segment is shorter than its own length field")
        file.seek(length - 2, 1)
    raise damaged(source, "it has no frame header before its picture data")


def _jpeg_marker(file: BinaryIO, source: str) -> int:
    """The next marker; any number of 0xFF may stand before it (ITU-T T.81, B.1.1.2)."""
    for _ in range(_JPEG_MOST_FILL):
        prefix = _take(file, 1, source)
        if prefix != b"\xff":
            break
        marker = _take(file, 1, source)
        if marker != b"\xff":
            return marker[0]
        file.seek(-1, 1)
    raise damaged(source, "a marker is missing between its segments")


def _webp_size(file: BinaryIO, source: str) -> tuple[int, int]:
    """RFC 9649, sections 2.5 to 2.7, and RFC 6386, section 9.1, for the lossy frame."""
    head = _take(file, 30, source)
    chunk, data = head[12:16], head[20:30]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if chunk == b"VP8L" and data[0] == 0x2F:
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise damaged(source, "the first chunk holds no picture")
