"""Messages between the service and a worker: a JSON head and a body, both with their length.

JSON, not pickle: a worker that a hostile file has taken over must not be able to run anything in
the service by answering.
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any, BinaryIO

LENGTHS = struct.Struct(">IQ")
"""Bytes of the head, bytes of the body."""

MAX_HEAD = 16 << 20
"""A worker's answer with its evidence pictures has well under 2 MiB."""


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
