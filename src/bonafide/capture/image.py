"""Photos: bytes to one upright RGB picture.

What is done, in order: the type by content, the size by header against the limit, decoding,
orientation, RGB. Not done: ICC profiles are not applied and wide-gamut values stay as stored, as in
OpenCV, because the models were trained on pixels read that way.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from bonafide.capture.files import check_size, open_regular
from bonafide.capture.headers import damaged, photo_size, truncated
from bonafide.capture.limits import Limits, too_large
from bonafide.capture.orientation import UPRIGHT, turn_upright
from bonafide.capture.sniff import HEAD_BYTES, MediaKind, expect
from bonafide.capture.wholeness import ends_early
from bonafide.types import Frame, RgbImage

BACKGROUND_RGB = (255, 255, 255)
"""What shows through transparent pixels: white, the page that a cut-out portrait is shown on."""

ALIKE_LEVELS = 3.0
"""Mean spread of R, G, B up to which a picture is grey: JPEG's chroma is not quite still."""

_ORIENTATION_TAG = 0x0112

# Pillow's plugins let the errors of their own parsing through. OSError, SyntaxError and ValueError
# were seen in half a million mutated files (tests/capture/test_capture_fuzz.py is the short run of
# that); the others are what its sources can raise on content. No TypeError or AttributeError:
# those would be mistakes of ours.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
)


def read_image(path: Path, limits: Limits | None = None) -> Frame:
    """Read a JPEG, PNG or WebP photo.

    Args:
        path: a local file; its extension is not looked at.
        limits: bytes and pixels allowed; `Limits()` when None.

    Returns:
        The picture: upright (all eight EXIF orientations), RGB, uint8; grey repeated, CMYK
        converted, palettes resolved, alpha laid over `BACKGROUND_RGB`, the high byte of 16-bit
        samples. Of an animated WebP or PNG, the first picture.

    Raises:
        MissingFileError, UnreadableFileError, EmptyFileError, WrongTypeError, TooLargeError,
        TruncatedFileError, DamagedFileError: as they say. A photo is whole or an error: what a
        cut-off file lacks is never filled in. (A JPEG altered inside its entropy-coded data may
        still decode, to a picture with wrong patches: the format has no checksum.)
    """
    limits = limits or Limits()
    with open_regular(path, limits) as file:
        return _decode(file, str(path), limits)


def decode_image(data: bytes, source: str, limits: Limits | None = None) -> Frame:
    """As `read_image`, from memory; ``source`` names the picture in errors and in the frame."""
    limits = limits or Limits()
    check_size(len(data), source, limits)
    return _decode(io.BytesIO(data), source, limits)


def read_levels(path: Path, limits: Limits | None = None) -> npt.NDArray[np.uint8 | np.uint16]:
    """Read a one-channel measurement, such as depth, with its levels as they are stored.

    Args:
        path: a PNG of 8 or 16 bits, or a JPEG or WebP; three alike channels count as one.
        limits: bytes and pixels allowed; `Limits()` when None.

    Returns:
        (height, width) uint8, or uint16 exactly for a file of 16 bits. EXIF orientation is heeded.

    Raises:
        DamagedFileError: it is a colour picture. The others as for `read_image`.
    """
    limits = limits or Limits()
    with open_regular(path, limits) as file:
        return _decode_with(_load_levels, file, str(path), limits)


def decode_levels(
    data: bytes, source: str, limits: Limits | None = None
) -> npt.NDArray[np.uint8 | np.uint16]:
    """As `read_levels`, from memory; ``source`` names the picture in errors."""
    limits = limits or Limits()
    check_size(len(data), source, limits)
    return _decode_with(_load_levels, io.BytesIO(data), source, limits)


def _decode(file: BinaryIO, source: str, limits: Limits) -> Frame:
    rgb = _decode_with(_load, file, source, limits)
    return Frame(rgb=rgb, index=0, time_s=0.0, source=source)


def _decode_with(
    load: Callable[[BinaryIO, str, str, Limits], npt.NDArray[Any]],
    file: BinaryIO,
    source: str,
    limits: Limits,
) -> npt.NDArray[Any]:
    media = expect(file.read(HEAD_BYTES), source, MediaKind.PHOTO)
    decoder = media.decoder
    limits.check_pixels(*photo_size(file, decoder, source), source)
    file.seek(0)
    try:
        return load(file, decoder, source, limits)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large(
            source, "too many pixels", "max_pixels", f"{limits.max_pixels:,} px"
        ) from error
    except _DECODER_ERRORS as error:
        if ends_early(file, media):
            raise truncated(source) from error
        raise damaged(source, "the decoder gave up on its content") from error


def _load(file: BinaryIO, decoder: str, source: str, limits: Limits) -> RgbImage:
    with Image.open(file, formats=[decoder]) as image:
        # Once more on what the decoder itself will allocate: a file may state two sizes.
        limits.check_pixels(*image.size, source)
        image.load()
        orientation = image.getexif().get(_ORIENTATION_TAG, UPRIGHT)
        rgb = _to_rgb(image)
    return turn_upright(rgb, orientation if isinstance(orientation, int) else UPRIGHT)


def _load_levels(
    file: BinaryIO, decoder: str, source: str, limits: Limits
) -> npt.NDArray[np.uint8 | np.uint16]:
    with Image.open(file, formats=[decoder]) as image:
        limits.check_pixels(*image.size, source)
        image.load()
        orientation = image.getexif().get(_ORIENTATION_TAG, UPRIGHT)
        if image.mode.startswith("I"):
            levels: npt.NDArray[Any] = np.asarray(image).astype(np.uint16)
        elif image.mode == "L":
            levels = np.asarray(image)
        else:
            rgb = _to_rgb(image).astype(np.int16)
            if np.ptp(rgb, axis=2).mean() > ALIKE_LEVELS:
                raise damaged(source, "it has colours where one channel is wanted")
            levels = rgb[..., 1].astype(np.uint8)
    return turn_upright(levels, orientation if isinstance(orientation, int) else UPRIGHT)


def _to_rgb(image: Image.Image) -> RgbImage:
    """(height, width, 3) uint8 from any mode that JPEG, PNG and WebP decode to."""
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit grey at 255. The high byte is what it takes of 16-bit colour.
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        page = Image.new("RGBA", layer.size, (*BACKGROUND_RGB, 255))
        image = Image.alpha_composite(page, layer)
    if image.mode != "RGB":  # Pillow would copy it even then
        image = image.convert("RGB")
    return np.array(image)
