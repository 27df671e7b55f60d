"""The one thread that speaks to the database, so that the event loop never waits for a disk.

What arrives while a transaction is being committed shares the next one, so that under load many
answers wait for one write to the disk. An awaited call that returned is on the disk.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

from bonafide.service.database import Database, StoreError, open_database
from bonafide.service.store import create_tables

T = TypeVar("T")
Values = TypeVarTuple("Values")
Work = Callable[[Database], Any]
_Item = tuple[Work, asyncio.AbstractEventLoop, "asyncio.Future[Any]"]

LARGEST_GROUP = 64
WAITING = 4096
"""Calls that may wait; more means that the database stands still."""


class Ledger:
    """An open database on a thread of its own."""

    def __init__(self, url: str | None) -> None:
        """Open the database and create missing tables.

        Raises:
            StoreError: it cannot be opened.
        """
        self._database = open_database(url)
        create_tables(self._database)
        self._database.commit()
        # Not queue.Queue: its locks are Python's own code, a fifth of this thread's work.
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    async def call(self, work: Callable[[Database, *Values], T], *values: *Values) -> T:
        """Run ``work(database, *values)`` in a transaction; on return it has been committed.

        Raises:
            StoreError: it failed, and nothing of it was kept.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._items.qsize() >= WAITING:
            raise StoreError("the database stands still.", remedy="Look at its log.")
        self._items.put((lambda database: work(database, *values), loop, future))
        return await future

    def close(self) -> None:
        """Finish what waits, and close the database."""
        self._items.put(None)
        self._thread.join(30)
        self._database.close()

    def _work(self) -> None:
        while (first := self._items.get()) is not None:
            group, last = [first], False
            while len(group) < LARGEST_GROUP and not last:
                try:
                    item = self._items.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    last = True
                else:
                    group.append(item)
            self._commit(group)
            if last:
                return

    def _commit(self, group: list[_Item]) -> None:
        """All in one transaction; if that fails, each in its own, so that one cannot spoil many."""
        try:
            results = [work(self._database) for work, _, _ in group]
            self._database.commit()
        except Exception:  # noqa: BLE001 each is tried again, and then tells its own caller
            for item in group:
                _tell([item], [self._commit_alone(item[0])])
            return
        _tell(group, results)

    def _commit_alone(self, work: Work) -> Any:
        try:
            self._database.rollback()
            result = work(self._database)
            self._database.commit()
        except Exception as error:  # noqa: BLE001 it belongs to the caller who waits for it
            return _Failed(error)
        return result


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


def _tell(group: list[_Item], results: list[Any]) -> None:
    """Wake every event loop once, however many of its calls have been committed."""
    outcomes: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for (_, loop, future), result in zip(group, results, strict=True):
        outcomes.setdefault(loop, []).append((future, result))
    for loop, pairs in outcomes.items():
        # A loop that has closed: nobody waits any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in pairs:
        if future.done():
            continue
        if isinstance(result, _Failed):
            future.set_exception(result.error)
        else:
            future.set_result(result)
