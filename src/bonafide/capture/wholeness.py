"""Does a file hold as many bytes as its own structure promises?

Decoders differ in what they say of a file that was cut off, and some say nothing: FFmpeg plays the
first half of a half-copied Matroska file as if it were all. The container's own lengths tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bonafide.capture.sniff import AVI, JPEG, MATROSKA, MP4, PNG, WEBP, MediaType

_TAIL_BYTES = 4096  # room for what some cameras write after a picture's end
_MAX_BOXES = 20_000  # fragments of a long clip; a file of nothing but tiny boxes ends here
_SEGMENT_ID = bytes.fromhex("18538067")


def ends_early(file: BinaryIO, media: MediaType) -> bool:
    """Whether the file was cut off, as far as its lengths and end marks tell.

    Args:
        file: seekable; left at an unspecified position.
        media: what `sniff` found.

    Returns:
        True when bytes are missing. False also where the format leaves the length open, as a
        browser's live WebM recording does. For JPEG and PNG the answer rests on an end mark near
        the end, so it explains a failure to decode but does not replace decoding.
    """
    size = file.seek(0, 2)
    if media in (JPEG, PNG):
        file.seek(max(0, size - _TAIL_BYTES))
        mark = b"\xff\xd9" if media == JPEG else b"IEND"
        return mark not in file.read()
    if media in (WEBP, AVI):
        return any(end > size for _, end in _riff_chunks(file, size))
    if media == MP4:
        boxes = list(_mp4_boxes(file, size))
        return boxes[-1][1] > size or b"moov" not in [name for name, _ in boxes]
    if media == MATROSKA:
        end = _matroska_end(file)
        return end is not None and end > size
    raise AssertionError(f"no rule for {media}")


def _riff_chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """(name, end) of the top-level chunks; a large AVI has several named RIFF."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(8)
        if head[:4] != b"RIFF":
            return
        length = int.from_bytes(head[4:], "little")
        if length == 0:  # a recorder that never came back to fill it in
            return
        position += 8 + length
        yield head[:4], position


def _mp4_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """(name, end) of the top-level boxes; ISO/IEC 14496-12, 4.2."""
    position = 0
    for _ in range(_MAX_BOXES):
        if position >= size:
            return
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:  # the length is in the eight bytes after the name
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # to the end of the file
            length = size - position
        position += max(length, 8)
        yield head[4:8], position


def _matroska_end(file: BinaryIO) -> int | None:
    """Where the segment ends by its own length; None when left open. RFC 8794, section 4."""
    file.seek(4)
    head_length = _ebml_length(file)
    if head_length is None:
        return None
    file.seek(head_length, 1)
    if file.read(4) != _SEGMENT_ID:
        return file.tell() + 1  # the segment itself is missing
    length = _ebml_length(file)
    return None if length is None else file.tell() + length


def _ebml_length(file: BinaryIO) -> int | None:
    """A length whose leading zero bits count its further bytes; all ones means unknown."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    extra = 8 - first[0].bit_length()
    value = first[0] & ((1 << (7 - extra)) - 1)
    value = int.from_bytes(bytes([value]) + file.read(extra), "big")
    return None if value == (1 << (7 * (extra + 1))) - 1 else value
