"""What a file is, told by its first bytes; its name is never asked.

Only the formats listed here are ever handed to a decoder, and each to exactly one: a text file
that calls itself a clip cannot reach FFmpeg's playlist readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bonafide.capture.errors import WrongTypeError

HEAD_BYTES = 64
"""How many bytes `identify` wants to see."""

READ_FORMATS = "JPEG, PNG and WebP photos; MP4, MOV, 3GP, MKV, WebM and AVI clips"


class MediaKind(StrEnum):
    """A photo is one picture; a clip has time stamps."""

    PHOTO = "photo"
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class MediaType:
    """A format that is read.

    Attributes:
        kind: photo or clip.
        decoder: the one decoder it goes to: a Pillow format, or a demuxer of FFmpeg.
    """

    kind: MediaKind
    decoder: str


JPEG = MediaType(MediaKind.PHOTO, "JPEG")
PNG = MediaType(MediaKind.PHOTO, "PNG")
WEBP = MediaType(MediaKind.PHOTO, "WEBP")
MP4 = MediaType(MediaKind.CLIP, "mov")
MATROSKA = MediaType(MediaKind.CLIP, "matroska")
AVI = MediaType(MediaKind.CLIP, "avi")

# ISO/IEC 14496-12 says a file starts with `ftyp`; QuickTime files older than that, and
# recordings cut into pieces, start with one of the other boxes.
_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp")
# Still pictures in the same boxes; their brands are registered at mp4ra.org.
_PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis", b"jxl ")

_KNOWN_STRANGERS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"#EXTM3U", "a playlist, which could name other files or addresses"),
    (b"ffconcat", "a playlist, which could name other files or addresses"),
    (b"\x47\x40", "an MPEG transport stream"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"\x30\x26\xb2\x75", "a Windows Media file"),
    (b"FLV", "a Flash video"),
    (b"OggS", "an Ogg file"),
    (b"\x93NUMPY", "a numpy array"),
)


def sniff(head: bytes) -> MediaType | None:
    """The format that the first `HEAD_BYTES` bytes show, or None for anything not read.

    >>> sniff(bytes.fromhex("ffd8ffe0")).kind
    <MediaKind.PHOTO: 'photo'>
    >>> sniff(b"#EXTM3U file:///etc/passwd") is None
    True
    """
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return MATROSKA
    if head.startswith(b"RIFF"):
        return {b"WEBP": WEBP, b"AVI ": AVI}.get(head[8:12])
    if head[4:8] in _MP4_FIRST_BOXES and not _is_boxed_picture(head):
        return MP4
    return None


def identify(head: bytes, source: str) -> MediaType:
    """As `sniff`, with an error that says what the file is instead.

    Raises:
        WrongTypeError: it is none of the formats that are read.
    """
    found = sniff(head)
    if found is None:
        raise WrongTypeError(
            f"is {describe_stranger(head)}.",
            where=source,
            remedy=f"Read are {READ_FORMATS}; convert it to one of these.",
        )
    return found


def expect(head: bytes, source: str, kind: MediaKind) -> MediaType:
    """As `identify`, and of the given kind.

    Raises:
        WrongTypeError: it is not read, or is a clip where a photo is wanted, or the reverse.
    """
    found = identify(head, source)
    if found.kind is not kind:
        raise WrongTypeError(
            f"is a {found.kind.value}, where a {kind.value} is wanted.",
            where=source,
            remedy=f"Open it as a {found.kind.value}, whatever its name says.",
        )
    return found


def describe_stranger(head: bytes) -> str:
    """What a file that is not read seems to be, for an error message."""
    if head[4:8] == b"ftyp" and _is_boxed_picture(head):
        return "a HEIC, AVIF or JPEG XL picture"
    for magic, name in _KNOWN_STRANGERS:
        if head.startswith(magic):
            return name
    if head and all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head):
        return "a text"
    return "of no format that is read"


def _is_boxed_picture(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS
