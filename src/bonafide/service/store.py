"""What the database holds: keys, sessions, verdicts and, if asked for, pictures that expire.

Every function takes the database and works inside the transaction that `ledger` opens around it.
Times are seconds since 1970, UTC.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any

from bonafide.service.database import Database

TABLES = (
    """CREATE TABLE IF NOT EXISTS api_keys (
    key_id TEXT PRIMARY KEY, name TEXT NOT NULL, secret_sha256 TEXT NOT NULL,
    created_at REAL NOT NULL, revoked_at REAL, per_minute REAL, concurrent INTEGER)""",
    """CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, token_sha256 TEXT NOT NULL UNIQUE, client TEXT NOT NULL,
    created_at REAL NOT NULL, expires_at REAL NOT NULL, spent_at REAL, evidence INTEGER NOT NULL,
    looks INTEGER NOT NULL, answer TEXT)""",
    """CREATE TABLE IF NOT EXISTS verdicts (
    audit_id TEXT PRIMARY KEY, request_id TEXT NOT NULL, client TEXT NOT NULL, session_id TEXT,
    kind TEXT NOT NULL, decided_at REAL NOT NULL, decision TEXT NOT NULL, score REAL,
    threshold REAL NOT NULL, operating_point TEXT NOT NULL, reasons TEXT NOT NULL,
    input_sha256 TEXT NOT NULL, input_bytes INTEGER NOT NULL, model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL, judged_ms REAL NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS pictures (
    audit_id TEXT PRIMARY KEY REFERENCES verdicts (audit_id), expires_at REAL NOT NULL,
    jpeg BLOB NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS pictures_by_expiry ON pictures (expires_at)",
    "CREATE INDEX IF NOT EXISTS verdicts_by_time ON verdicts (decided_at)",
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """An API key as it is stored; the key itself is not.

    Attributes:
        key_id: the part that names it.
        name: whom it was given to.
        secret_sha256: of the part that proves it, hexadecimal.
        created_at, revoked_at: None while it is valid.
        per_minute, concurrent: limits of its own; None for the service's.
    """

    key_id: str
    name: str
    secret_sha256: str
    created_at: float
    revoked_at: float | None = None
    per_minute: float | None = None
    concurrent: int | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session: one upload from a browser, within a time.

    Attributes:
        session_id: names it; no secret.
        token_sha256: of the token, hexadecimal.
        client: who made it.
        created_at, expires_at: its life.
        spent_at: when its upload began; None before.
        evidence: 1 when the browser gets pictures with the verdict.
        looks: guidance frames so far.
        answer: JSON of what came of the upload; None before.
    """

    session_id: str
    token_sha256: str
    client: str
    created_at: float
    expires_at: float
    spent_at: float | None = None
    evidence: int = 0
    looks: int = 0
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One verdict as the audit store keeps it; see the columns of ``verdicts``."""

    audit_id: str
    request_id: str
    client: str
    session_id: str | None
    kind: str
    decided_at: float
    decision: str
    score: float | None
    threshold: float
    operating_point: str
    reasons: str
    input_sha256: str
    input_bytes: int
    model: str
    model_sha256: str
    judged_ms: float


def create_tables(database: Database) -> None:
    """Make what is missing."""
    for statement in TABLES:
        database.run(statement)


def add_key(database: Database, key: KeyRow) -> None:
    """Store a new key."""
    _insert(database, "api_keys", key)


def list_keys(database: Database) -> list[KeyRow]:
    """All keys, the oldest first."""
    rows = database.run(f"SELECT {_columns(KeyRow)} FROM api_keys ORDER BY created_at, key_id")
    return [KeyRow(*row) for row in rows]


def find_key(database: Database, key_id: str) -> KeyRow | None:
    """A key by its id."""
    rows = database.run(f"SELECT {_columns(KeyRow)} FROM api_keys WHERE key_id = ?", (key_id,))
    return KeyRow(*rows[0]) if rows else None


def revoke_key(database: Database, key_id: str, now: float) -> bool:
    """End a key; False when there is none, or it had ended before."""
    return bool(
        database.run(
            "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL "
            "RETURNING key_id",
            (now, key_id),
        )
    )


def add_session(database: Database, session: SessionRow) -> None:
    """Store a new session."""
    _insert(database, "sessions", session)


def find_session(database: Database, session_id: str) -> SessionRow | None:
    """A session by its id."""
    columns = _columns(SessionRow)
    rows = database.run(f"SELECT {columns} FROM sessions WHERE session_id = ?", (session_id,))
    return SessionRow(*rows[0]) if rows else None


def session_of_token(database: Database, token_sha256: str) -> SessionRow | None:
    """A session by its token's hash."""
    columns = _columns(SessionRow)
    rows = database.run(f"SELECT {columns} FROM sessions WHERE token_sha256 = ?", (token_sha256,))
    return SessionRow(*rows[0]) if rows else None


def spend_session(database: Database, session_id: str, now: float) -> bool:
    """Use a session's only upload. Of any number of attempts at once, one gets True."""
    return bool(
        database.run(
            "UPDATE sessions SET spent_at = ? WHERE session_id = ? AND spent_at IS NULL "
            "AND expires_at > ? RETURNING session_id",
            (now, session_id, now),
        )
    )


def count_look(database: Database, session_id: str, allowed: int) -> bool:
    """Use one of a session's guidance frames; False when they are used up."""
    return bool(
        database.run(
            "UPDATE sessions SET looks = looks + 1 WHERE session_id = ? AND looks < ? "
            "RETURNING session_id",
            (session_id, allowed),
        )
    )


def answer_session(database: Database, session_id: str, answer: dict[str, Any]) -> None:
    """Keep what came of a session's upload until the session expires."""
    database.run(
        "UPDATE sessions SET answer = ? WHERE session_id = ?", (json.dumps(answer), session_id)
    )


def add_verdict(database: Database, verdict: VerdictRow) -> None:
    """Store a verdict; storing the same one again changes nothing."""
    _insert(database, "verdicts", verdict)


def add_picture(database: Database, audit_id: str, expires_at: float, jpeg: bytes) -> None:
    """Keep a verdict's picture until it expires."""
    database.run(
        "INSERT INTO pictures (audit_id, expires_at, jpeg) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (audit_id, expires_at, jpeg),
    )


def purge(database: Database, now: float, grace_s: float) -> int:
    """Delete expired pictures, answers of expired sessions, and sessions expired for a while.

    Returns:
        How many pictures were deleted.
    """
    deleted = database.run("DELETE FROM pictures WHERE expires_at <= ? RETURNING audit_id", (now,))
    database.run("UPDATE sessions SET answer = NULL WHERE expires_at <= ?", (now,))
    database.run("DELETE FROM sessions WHERE expires_at <= ?", (now - grace_s,))
    return len(deleted)


def _columns(row: type[Any]) -> str:
    return ", ".join(field.name for field in fields(row))


@cache
def _insertion(table: str, row: type[Any]) -> tuple[str, Callable[[Any], tuple[Any, ...]]]:
    """The statement for a kind of row, and what takes its values out; made once."""
    names = [field.name for field in fields(row)]
    marks = ", ".join("?" * len(names))
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    return statement, attrgetter(*names)


def _insert(database: Database, table: str, row: KeyRow | SessionRow | VerdictRow) -> None:
    statement, values_of = _insertion(table, type(row))
    database.run(statement, values_of(row))
