"""Reading an upload as it arrives: bounded in bytes and in time, never on disk.

A body is either the file itself or a form (multipart/form-data, RFC 7578) with one part called
``file``. Names of files that a form brings are not looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from bonafide.service.refusal import Refusal
from bonafide.service.settings import MIB

FIELD = b"file"
FORM_ROOM = 64 * 1024
"""What a form may have around its file."""


async def read_upload(request: Request, max_bytes: int, seconds: float) -> bytearray:
    """The uploaded file.

    Args:
        request: its body has not been touched.
        max_bytes: of the file; more is refused as soon as it is announced or has come.
        seconds: for all of it to arrive.

    Raises:
        Refusal: too large, too slow, empty, or no form with a part called ``file``.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    form = kind == b"multipart/form-data"
    allowed = max_bytes + (FORM_ROOM if form else 0)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > allowed:
        raise too_large(max_bytes)
    try:
        async with asyncio.timeout(seconds):
            chunks = _bounded(request, allowed, max_bytes)
            if form:
                content = await _from_form(chunks, options.get(b"boundary", b""), max_bytes)
            else:
                content = bytearray()
                async for chunk in chunks:
                    content += chunk
    except TimeoutError as error:
        raise Refusal(
            "upload_too_slow",
            f"the upload took more than {seconds:g} s.",
            "Send a smaller file, or use a faster connection.",
        ) from error
    except ClientDisconnect as error:
        raise Refusal("bad_request", "the upload broke off.", "Send it again.") from error
    if not content:
        raise Refusal("empty_upload", "the upload is empty.", "Send the file's bytes as the body.")
    return content


def too_large(max_bytes: int) -> Refusal:
    """The refusal of more than ``max_bytes``."""
    return Refusal(
        "upload_too_large",
        f"the upload has more than {max_bytes / MIB:g} MiB.",
        "Send a smaller picture or a shorter clip.",
    )


async def _bounded(request: Request, allowed: int, max_bytes: int) -> AsyncIterator[bytes]:
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > allowed:
            raise too_large(max_bytes)
        yield chunk


class _FilePart:
    """Collects the bytes of the part called ``file``."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.parts = 0
        self.ended = False
        self._name, self._value = bytearray(), bytearray()
        self._collecting = False

    def callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_header_field": self._field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._collecting = False
        self._name, self._value = bytearray(), bytearray()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            options = parse_options_header(bytes(self._value))[1]
            if options.get(b"name") == FIELD:
                self._collecting = True
                self.parts += 1
        self._name, self._value = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._collecting:
            self.content += memoryview(data)[start:end]

    def _end(self) -> None:
        self.ended = True


async def _from_form(chunks: AsyncIterator[bytes], boundary: bytes, max_bytes: int) -> bytearray:
    part = _FilePart()
    problem = None
    if not 1 <= len(boundary) <= 70:  # RFC 2046, 5.1.1
        problem = "the form names no boundary."
    else:
        try:
            parser = MultipartParser(boundary, part.callbacks())  # type: ignore[arg-type]
            async for chunk in chunks:
                parser.write(chunk)
                if len(part.content) > max_bytes:
                    raise too_large(max_bytes)
            parser.finalize()
        except (MultipartParseError, ValueError):
            problem = "the form is damaged."
    if problem is None and not part.ended:
        problem = "the form ends early."
    if problem is None and part.parts != 1:
        problem = f"the form has {part.parts} parts called 'file'."
    if problem is not None:
        raise Refusal(
            "bad_request", problem, "Send one part called 'file', or the file itself as the body."
        )
    return part.content
