"""What a model file says of itself, read without opening the network: no session, no weights.

An ONNX file is a protocol buffer: fields, each a tag, then a number or a length and bytes. Only the
outermost fields are looked at; the graph, which is nearly all of the file, is one of them and is
stepped over. Field numbers are those of onnx.proto's ModelProto and StringStringEntryProto.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from bonafide.deploy.record import METADATA_KEY, parse_record
from bonafide.types import BonafideError

METADATA_PROPS, KEY, VALUE = 14, 1, 2
VARINT, FIXED_64, LENGTH, FIXED_32 = 0, 1, 2, 5


def family_of_file(path: Path) -> str:
    """The family of an exported model, such as "ms_fans" or "cascade".

    Raises:
        BonafideError: the file cannot be read, is not ONNX, or carries no record of ours.
    """
    metadata = read_metadata(path)
    if METADATA_KEY not in metadata:
        raise BonafideError(
            "has no bonafide record in its metadata, so its preprocessing is unknown.",
            where=str(path),
            remedy="Use a file written by `bonafide export`.",
        )
    return parse_record(metadata[METADATA_KEY], where=str(path)).family


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file: key -> value.

    Raises:
        BonafideError: the file cannot be read, or is no protocol buffer.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            entries = [value for number, value in _fields(data) if number == METADATA_PROPS]
            texts = [dict(_fields(entry)) for entry in entries]
            return {text[KEY].decode(): text[VALUE].decode() for text in texts}
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Name a model.onnx that `bonafide export` wrote.",
        ) from error
    except UnicodeDecodeError as error:
        raise BonafideError(
            "its metadata is damaged: no UTF-8.",
            where=str(path),
            remedy="Copy the file again, or export the model anew.",
        ) from error
    except (ValueError, KeyError, IndexError) as error:
        raise BonafideError(
            "not a model that ONNX Runtime can load (its outermost fields make no sense).",
            where=str(path),
            remedy="Name a model.onnx that `bonafide export` wrote.",
        ) from error


def _fields(data: mmap.mmap | bytes) -> Iterator[tuple[int, bytes]]:
    """(number, content) of each field that has bytes; big ones but metadata are not copied.

    Raises:
        ValueError, IndexError: the data is no protocol buffer.
    """
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            _, at = _varint(data, at)
        elif wire == LENGTH:
            size, at = _varint(data, at)
            if size > end - at:
                raise ValueError("a field reaches beyond the file")
            wanted = isinstance(data, bytes) or number == METADATA_PROPS
            yield number, bytes(data[at : at + size]) if wanted else b""
            at += size
        elif wire in (FIXED_64, FIXED_32):
            at += 8 if wire == FIXED_64 else 4
        else:
            raise ValueError(f"wire type {wire}")


def _varint(data: mmap.mmap | bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends; 10 bytes at most."""
    value = 0
    for place in range(10):
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number of more than 10 bytes")
