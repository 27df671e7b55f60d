"""The weights in a .caffemodel, read from the wire format: no Caffe, no generated code, no pickle.

Protocol buffers' wire format is tag, then value; a tag is field number * 8 + wire type. The few
field numbers needed are those of Caffe's caffe.proto: NetParameter has its layers in field 100, or
in field 2 in the older form (V1LayerParameter), in which VGG-Face was published.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class _LayerFields(NamedTuple):
    name: int
    blobs: int


LAYER_FIELDS = {2: _LayerFields(name=4, blobs=6), 100: _LayerFields(name=1, blobs=7)}
"""NetParameter's field with layers -> the fields of one layer. Old form first."""

BLOB_SIZES, BLOB_DATA, BLOB_SHAPE, SHAPE_DIM = (1, 2, 3, 4), 5, 7, 1


def read_caffe_blobs(path: Path) -> dict[str, list[npt.NDArray[np.float32]]]:
    """The blobs of every layer that has some: name -> weights, bias.

    Raises:
        BonafideError: the file cannot be read, or is not in this format.
    """
    try:
        return dict(_layers(memoryview(np.memmap(path, np.uint8, "r"))))
    except (OSError, ValueError, IndexError) as error:
        raise BonafideError(
            f"is no .caffemodel ({error}).",
            where=str(path),
            remedy="Name the file as it was published, whole.",
        ) from error


def _layers(net: memoryview) -> Iterator[tuple[str, list[npt.NDArray[np.float32]]]]:
    for number, value in _fields(net):
        if number not in LAYER_FIELDS or not isinstance(value, memoryview):
            continue
        kind, name, blobs = LAYER_FIELDS[number], "", []
        for field, content in _fields(value):
            if field == kind.name and isinstance(content, memoryview):
                name = bytes(content).decode()
            elif field == kind.blobs and isinstance(content, memoryview):
                blobs.append(_blob(content))
        if blobs:
            yield name, blobs


def _blob(view: memoryview) -> npt.NDArray[np.float32]:
    sizes: dict[int, int] = {}
    shape: list[int] = []
    data: list[npt.NDArray[np.float32]] = []
    for number, value in _fields(view):
        if number in BLOB_SIZES and isinstance(value, int):
            sizes[number] = value
        elif number == BLOB_SHAPE and isinstance(value, memoryview):
            shape = _dimensions(value)
        elif number == BLOB_DATA and isinstance(value, memoryview):
            # Packed, or one number at a time: both are bytes of float32 by now.
            data.append(np.frombuffer(value, "<f4").copy())
    values = np.concatenate(data) if data else np.zeros(0, np.float32)
    return values.reshape(shape or [sizes.get(number, 1) for number in BLOB_SIZES])


def _dimensions(view: memoryview) -> list[int]:
    found: list[int] = []
    for number, value in _fields(view):
        if number == SHAPE_DIM and isinstance(value, memoryview):  # packed
            at = 0
            while at < len(value):
                size, at = _varint(value, at)
                found.append(size)
        elif number == SHAPE_DIM and isinstance(value, int):
            found.append(value)
    return found


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(field number, value) of one message; numbers of fixed size come as their bytes."""
    at = 0
    while at < len(view):
        tag, at = _varint(view, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _varint(view, at)
            yield tag >> 3, value
            continue
        if kind not in (FIXED64, BYTES, FIXED32):
            raise ValueError(f"wire type {kind} at byte {at}")
        size, at = _varint(view, at) if kind == BYTES else (8 if kind == FIXED64 else 4, at)
        if at + size > len(view):
            raise ValueError(f"a field of {size} bytes reaches beyond the end")
        yield tag >> 3, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(f"a number without end at byte {at}")
