"""Keep freed memory in the process, so that a training step does not pay for its pages again."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Names of glibc's `mallopt`, see malloc.h."""

NEVER_TRIM = 2**31 - 1
LARGEST = (1 << 30, 1 << 25)
"""Blocks up to so many bytes are kept; older versions of glibc take no more than the second."""


def keep_freed_memory() -> bool:
    """Ask the C library to reuse large freed blocks instead of giving them back to the system.

    A step allocates and frees the same large tensors as the one before. By default each of them is
    a mapping of its own, whose every page the system clears anew: a third of a step's time with
    three scales. It moves no result, holds for the whole process and cannot be taken back; the
    process then stays as large as its largest step.

    Returns:
        whether the library took it: glibc does, others are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    taken = any(mallopt(M_MMAP_THRESHOLD, size) for size in LARGEST)
    return bool(taken and mallopt(M_TRIM_THRESHOLD, NEVER_TRIM))
