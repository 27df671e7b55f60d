"""The id that ties a response, a log line and an audit record together."""

from __future__ import annotations

import re
import secrets

from bonafide.service.refusal import Refusal

HEADER = "x-request-id"
_PATTERN = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def new_request_id() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def is_request_id(given: str) -> bool:
    """Whether an id may be echoed: nothing in it can end a header or a log line.

    >>> is_request_id("order-17.a"), is_request_id("a\\r\\nSet-Cookie: b"), is_request_id("")
    (True, False, False)
    """
    return _PATTERN.fullmatch(given) is not None


def bad_request_id() -> Refusal:
    """The refusal of an id with other characters, or a second one."""
    return Refusal(
        "bad_request_id",
        "X-Request-Id is not one id of 1 to 64 letters, digits, '.', '_' and '-'.",
        "Send such an id, or none: the service makes one.",
    )
