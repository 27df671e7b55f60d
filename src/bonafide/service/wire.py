"""Messages between the service and a worker: a JSON head and a body, both with their length.

JSON, not pickle: a worker that a hostile file has taken over must not be able to run anything in
the service by answering.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

Parts = Mapping[str, bytes | bytearray]
"""The files of one upload by name; on the wire they follow each other, and the head has their
sizes."""

PARTS: dict[str, tuple[str, ...]] = {
    "photo": ("file",),
    "clip": ("file",),
    "multimodal": ("rgb", "depth", "infrared"),
    "guidance": ("file",),
}
"""Kind of upload -> its files, by the names of their parts in a form."""

LENGTHS = struct.Struct(">IQ")
"""Bytes of the head, bytes of the body."""

MAX_HEAD = 16 << 20
"""A worker's answer with its evidence pictures has well under 2 MiB."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks of a worker, besides the upload itself.

    Attributes:
        kind: photo, clip, multimodal or guidance.
        point: name of the operating point; None for the model's own.
        evidence: whether the answer carries pictures for a page.
        keep: whether the judged picture is wanted for the audit store.
        mm_per_level, offset_mm: of the depth, see `capture.multimodal.DepthUnit`; None for the
            model's own unit.
    """

    kind: str
    point: str | None = None
    evidence: bool = False
    keep: bool = False
    mm_per_level: float | None = None
    offset_mm: float = 0.0


def pack_head(head: dict[str, Any], body_bytes: int) -> bytes:
    """The lengths and the head; the body follows on the wire."""
    text = json.dumps(head).encode()
    return LENGTHS.pack(len(text), body_bytes) + text


def read_message(stream: BinaryIO) -> tuple[dict[str, Any], bytearray] | None:
    """The next message in a worker; None when the service has closed the pipe."""
    lengths = stream.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return None
    head_bytes, body_bytes = LENGTHS.unpack(lengths)
    head = json.loads(stream.read(head_bytes))
    body = bytearray(body_bytes)
    view, got = memoryview(body), 0
    while got < body_bytes:
        step = stream.readinto(view[got:])  # type: ignore[attr-defined]
        if not step:
            return None
        got += step
    return head, body


def split_parts(sizes: Mapping[str, int], body: bytearray) -> dict[str, memoryview]:
    """The files of an upload again, in a worker; views, not copies."""
    view, start, parts = memoryview(body), 0, {}
    for name, size in sizes.items():
        parts[name] = view[start : start + size]
        start += size
    return parts


def write_message(stream: BinaryIO, head: dict[str, Any]) -> None:
    """Answer from a worker; answers have no body."""
    stream.write(pack_head(head, 0))
    stream.flush()


async def receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next answer of a worker, in the service.

    Raises:
        asyncio.IncompleteReadError: the worker has gone.
        ValueError: it does not speak this language.
    """
    head_bytes, body_bytes = LENGTHS.unpack(await reader.readexactly(LENGTHS.size))
    if head_bytes > MAX_HEAD or body_bytes:
        raise ValueError("a worker's answer is out of bounds")
    head = json.loads(await reader.readexactly(head_bytes))
    if not isinstance(head, dict):
        raise ValueError("a worker's answer is no object")
    return head
