"""Worker processes: spawned, and gone when whoever started them is."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

WATCH_S = 0.5
"""How often a worker looks whether its parent still lives."""


@contextmanager
def worker_pool(
    workers: int, begin: Callable[..., object] | None = None, given: tuple[Any, ...] = ()
) -> Iterator[ProcessPoolExecutor]:
    """A pool whose waiting jobs are dropped when the block ends by an error.

    Spawned, not forked: OpenCV's threads do not survive a fork. Left alone, workers would wait
    forever for a parent that was killed.

    Args:
        workers: how many.
        begin: called once in each worker before its first job, with ``given``.
        given: what travels to the worker.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (os.getpid(), begin, given)) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(parent: int, begin: Callable[..., object] | None, given: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if begin is not None:
        begin(*given)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os._exit(1)
