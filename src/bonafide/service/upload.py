"""Reading an upload as it arrives: bounded in bytes and in time, never on disk.

One file is the body itself, or a form (multipart/form-data, RFC 7578) with one part called
``file``. Several files are a form with a part for each. Names of files that a form brings are not
looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from bonafide.service.refusal import Refusal
from bonafide.service.settings import MIB

FORM_ROOM = 64 * 1024
"""What a form may have around its files."""

Files = dict[str, bytearray]


@dataclass(frozen=True, slots=True)
class Form:
    """What an address takes.

    Attributes:
        names: of the files; a single one may come without a form.
        max_bytes: of each.
        total_bytes: of all together.
    """

    names: tuple[str, ...]
    max_bytes: int
    total_bytes: int

    @property
    def told(self) -> str:
        """The names, for messages: 'a', 'b' and 'c'."""
        quoted = [repr(name) for name in self.names]
        return " and ".join(part for part in (", ".join(quoted[:-1]), quoted[-1]) if part)


async def read_upload(request: Request, form: Form, seconds: float) -> Files:
    """The uploaded files by name.

    Args:
        request: its body has not been touched.
        form: what is wanted; more is refused as soon as it is announced or has come.
        seconds: for all of it to arrive.

    Raises:
        Refusal: too large, too slow, empty, or no form with the wanted parts.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    is_form = kind == b"multipart/form-data"
    if not is_form and len(form.names) > 1:
        raise Refusal("bad_request", "the upload is no form.", _wanted(form))
    allowed = form.total_bytes + (FORM_ROOM if is_form else 0)
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > allowed:
        raise too_large(form.total_bytes)
    try:
        async with asyncio.timeout(seconds):
            chunks = _bounded(request, allowed, form.total_bytes)
            if is_form:
                files = await _from_form(chunks, options.get(b"boundary", b""), form)
            else:
                content = bytearray()
                async for chunk in chunks:
                    content += chunk
                files = {form.names[0]: content}
    except TimeoutError as error:
        raise Refusal(
            "upload_too_slow",
            f"the upload took more than {seconds:g} s.",
            "Send a smaller file, or use a faster connection.",
        ) from error
    except ClientDisconnect as error:
        raise Refusal("bad_request", "the upload broke off.", "Send it again.") from error
    empty = [name for name, content in files.items() if not content]
    if empty:
        which = "the upload" if len(form.names) == 1 else f"the part {empty[0]!r}"
        raise Refusal("empty_upload", f"{which} is empty.", "Send the file's bytes.")
    return files


def too_large(max_bytes: int) -> Refusal:
    """The refusal of more than ``max_bytes``."""
    return Refusal(
        "upload_too_large",
        f"the upload has more than {max_bytes / MIB:g} MiB.",
        "Send a smaller picture or a shorter clip.",
    )


def _wanted(form: Form) -> str:
    if len(form.names) == 1:
        return f"Send one part called {form.told}, or the file itself as the body."
    return f"Send a form (multipart/form-data) with the parts {form.told}."


async def _bounded(request: Request, allowed: int, max_bytes: int) -> AsyncIterator[bytes]:
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > allowed:
            raise too_large(max_bytes)
        yield chunk


class _Parts:
    """Collects the bytes of the wanted parts, whatever else a form has."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.files: Files = {}
        self.twice = ""
        self.ended = False
        self._names = {name.encode(): name for name in names}
        self._name, self._value = bytearray(), bytearray()
        self._into: bytearray | None = None

    @property
    def longest(self) -> int:
        """Bytes of the largest part so far."""
        return max((len(content) for content in self.files.values()), default=0)

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
        self._into = None
        self._name, self._value = bytearray(), bytearray()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            options = parse_options_header(bytes(self._value))[1]
            name = self._names.get(options.get(b"name", b""))
            if name is not None:
                self.twice = name if name in self.files else self.twice
                self._into = self.files[name] = bytearray()
        self._name, self._value = bytearray(), bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._into is not None:
            self._into += memoryview(data)[start:end]

    def _end(self) -> None:
        self.ended = True


async def _from_form(chunks: AsyncIterator[bytes], boundary: bytes, form: Form) -> Files:
    parts = _Parts(form.names)
    problem = None
    if not 1 <= len(boundary) <= 70:  # RFC 2046, 5.1.1
        problem = "the form names no boundary."
    else:
        try:
            parser = MultipartParser(boundary, parts.callbacks())  # type: ignore[arg-type]
            async for chunk in chunks:
                parser.write(chunk)
                if parts.longest > form.max_bytes:
                    raise too_large(form.max_bytes)
            parser.finalize()
        except (MultipartParseError, ValueError):
            problem = "the form is damaged."
    if problem is None and not parts.ended:
        problem = "the form ends early."
    if problem is None and parts.twice:
        problem = f"the form has two parts called {parts.twice!r}."
    missing = [name for name in form.names if name not in parts.files]
    if problem is None and missing and len(form.names) == 1:
        problem = f"the form has no part called {missing[0]!r}."
    if problem is not None:
        raise Refusal("bad_request", problem, _wanted(form))
    if missing:
        lacks = " and ".join(repr(name) for name in missing)
        raise Refusal(
            "missing_modality", f"the form comes without {lacks}.",
            f"{_wanted(form)} A missing one is never made up.",
        )  # fmt: skip
    return {name: parts.files[name] for name in form.names}
