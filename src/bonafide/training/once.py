"""What is dear is made once, also when several commands want it at the same time."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

LOGGER = logging.getLogger(__name__)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one at a time in; whoever waits says so. The lock of a killed process is free at once.

    Args:
        lock: a file for this alone; it stays. Its folder is made if it is missing.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # no POSIX: nobody is waited for
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            LOGGER.warning("waiting for another process that has %s", lock)
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)


def make_once(folder: Path, fits: Callable[[], bool], build: Callable[[Path], None]) -> None:
    """Make a folder if it does not fit yet, so that there is never half of it.

    It is built under another name and renamed when complete. Who comes while it is built waits, and
    finds it fitting. A folder that fits is not locked: it may lie where nothing can be written.

    Args:
        folder: to be made.
        fits: whether what lies there now will do.
        build: fills the empty folder that it is given.
    """
    if fits():
        return
    with alone(folder.with_name(folder.name + ".lock")):
        if fits():
            return
        scratch = folder.with_name(folder.name + ".partial")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        build(scratch)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(scratch, folder)
