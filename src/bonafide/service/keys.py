"""API keys and session tokens: made of random bits, stored as hashes, compared in constant time.

A plain SHA-256 is enough here: the secrets have 256 random bits, so there is nothing to guess that
a slow hash would protect.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

KEY_PREFIX, TOKEN_PREFIX = "bf", "bs"
_KEY = re.compile(r"bf_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_TOKEN = re.compile(r"bs_[0-9a-f]{64}", re.ASCII)
_NOBODY = "0" * 64


def new_key() -> tuple[str, str]:
    """(id, key): the id names the key and may be shown; the key is shown once and not stored."""
    key_id = secrets.token_hex(8)
    return key_id, f"{KEY_PREFIX}_{key_id}_{secrets.token_hex(32)}"


def new_token() -> str:
    """A session token."""
    return f"{TOKEN_PREFIX}_{secrets.token_hex(32)}"


def hash_secret(text: str) -> str:
    """SHA-256 of a whole key or token, hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_id_of(text: str) -> str | None:
    """The id inside a well-formed key; None for anything else.

    >>> key_id_of("bf_" + 16 * "a" + "_" + 64 * "b")
    'aaaaaaaaaaaaaaaa'
    """
    found = _KEY.fullmatch(text)
    return found.group(1) if found else None


def is_token(text: str) -> bool:
    """Whether this has the form of a session token."""
    return _TOKEN.fullmatch(text) is not None


def matches(text: str, stored_sha256: str | None) -> bool:
    """Whether a key is the stored one; takes as long for an unknown key as for a wrong one."""
    return hmac.compare_digest(hash_secret(text), stored_sha256 or _NOBODY)
