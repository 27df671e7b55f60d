"""SQLite and PostgreSQL behind the few statements that the service needs.

Statements are written once, with ``?`` for every value; values never enter a statement's text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from bonafide.types import BonafideError

MEMORY = "sqlite://"
"""A database that lives and dies with the process."""

Row = tuple[Any, ...]


class StoreError(BonafideError):
    """The database cannot be reached or does not do as told."""


class Database(Protocol):
    """One connection, used by one thread."""

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a statement in the open transaction; its rows, if any."""
        ...

    def commit(self) -> None:
        """Make the transaction last."""
        ...

    def rollback(self) -> None:
        """Undo the transaction; a connection that was lost is opened again."""
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Sqlite:
    """A file, or memory. Every commit is on the disk before it returns."""

    def __init__(self, path: str) -> None:
        """Open or create.

        Args:
            path: of the file; empty for memory.
        """
        try:
            self._connection = sqlite3.connect(
                path or ":memory:", check_same_thread=False, isolation_level="IMMEDIATE", timeout=10
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                self._connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error as error:
            raise _failure(path, error) from error
        self._path = path

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """See `Database.run`."""
        try:
            return list(self._connection.execute(statement, values))
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error

    def commit(self) -> None:
        """See `Database.commit`."""
        try:
            self._connection.commit()
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error

    def rollback(self) -> None:
        """See `Database.rollback`."""
        self._connection.rollback()

    def close(self) -> None:
        """See `Database.close`."""
        self._connection.close()


class Postgres:
    """A PostgreSQL server, through psycopg (extra ``postgres``)."""

    def __init__(self, url: str) -> None:
        """Connect.

        Args:
            url: ``postgresql://user@host/database``, as libpq reads it; the password may stand in
                the environment as ``PGPASSWORD``, where no list of processes shows it.

        Raises:
            StoreError: the URL cannot be read, or the server does not answer.
        """
        import psycopg

        self._url = url
        self._shown = _host(url) or "the server"
        self._psycopg = psycopg
        self._connection = self._connect()

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """See `Database.run`."""
        text = statement.replace("%", "%%").replace("?", "%s").replace(" BLOB", " BYTEA").replace(
            " REAL", " DOUBLE PRECISION"
        )  # fmt: skip
        try:
            cursor = self._connection.execute(text.encode(), tuple(values))
            return list(cursor) if cursor.description else []
        except self._psycopg.Error as error:
            raise _failure(self._shown, error) from error

    def commit(self) -> None:
        """See `Database.commit`."""
        try:
            self._connection.commit()
        except self._psycopg.Error as error:
            raise _failure(self._shown, error) from error

    def rollback(self) -> None:
        """See `Database.rollback`."""
        try:
            self._connection.rollback()
        except self._psycopg.Error:
            self._connection.close()
        if self._connection.closed:
            self._connection = self._connect()

    def close(self) -> None:
        """See `Database.close`."""
        self._connection.close()

    def _connect(self) -> Any:
        try:
            return self._psycopg.connect(self._url, connect_timeout=5)
        except self._psycopg.ProgrammingError:  # its text quotes what it could not read
            raise _unreadable() from None
        except self._psycopg.Error as error:
            raise _failure(self._shown, error) from error


def open_database(url: str | None) -> Database:
    """Open what a URL names.

    Args:
        url: ``sqlite:///FILE``, ``postgresql://...``; None is memory.

    Raises:
        StoreError: the URL is neither, or the database does not answer.
    """
    url = url or MEMORY
    if url == MEMORY:
        return Sqlite("")
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///"):
        return Sqlite(url.removeprefix("sqlite:///"))
    if url.startswith(("postgresql://", "postgres://")):
        return Postgres(url)
    raise StoreError(
        "names no database.",
        where="--store",
        remedy="Write sqlite:///FILE.db or postgresql://USER@HOST/DATABASE.",
    )


def _host(url: str) -> str | None:
    """The server's name, for messages.

    Raises:
        StoreError: a sign in the password ends the address early; libpq would take its rest for
            the server's name, and tell it to the log.
    """
    address = url.partition("://")[2].partition("?")[0]
    if address.count("@") > 1 or "#" in address or "@" in address.partition("/")[2]:
        raise _unreadable()
    try:
        return urlsplit(url).hostname
    except ValueError:
        raise _unreadable() from None


def _unreadable() -> StoreError:
    return StoreError(
        "cannot be read as a URL.",
        where="--store",
        remedy="Put the password into the environment as PGPASSWORD, or percent-encode it.",
    )


def _failure(where: str, error: Exception) -> StoreError:
    lines = str(error).splitlines() or [type(error).__name__]
    return StoreError(
        f"the database does not do as told ({lines[0]}).",
        where=where or "memory",
        remedy="See that it runs, that it is writable and that the disk is not full.",
    )
