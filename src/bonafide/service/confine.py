"""What the operating system keeps a worker from doing, whatever a hostile file makes of it.

Limits hold on every POSIX system. On Linux (x86-64 and arm64) a seccomp filter takes away, for
good, the system calls that open a connection, start a program, look into another process, or write,
rename or remove a file. Reading stays allowed, because Python imports modules late.
"""

from __future__ import annotations

import ctypes
import errno
import math
import os
import platform
import resource
import signal
import struct
import sys

_SET_PARENT_DEATH_SIGNAL, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES = 1, 22, 38
_FILTER_MODE = 2
_ALLOW, _DENY = 0x7FFF0000, 0x00050000 | errno.EACCES

# Numbers: the kernel's arch/x86/entry/syscalls/syscall_64.tbl and asm-generic/unistd.h.
_ARCHITECTURES: dict[str, tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]] = {
    "x86_64": (
        0xC000003E,
        (
            41, 42, 43, 49, 50, 53, 288,  # socket connect accept bind listen socketpair accept4
            59, 322,  # execve execveat
            62, 101, 310, 311, 434, 438,  # kill ptrace process_vm_readv/writev pidfd_open/getfd
            76, 82, 83, 84, 85, 86, 87, 88, 90, 92, 133,  # truncate rename mkdir ... chown mknod
            258, 259, 263, 264, 265, 266, 268, 316,  # the same, relative to a folder
            165, 175, 272, 308, 313, 321, 323,  # mount modules unshare setns bpf userfaultfd
            425, 437,  # io_uring_setup openat2
        ),
        ((2, 1), (257, 2)),  # open and openat: position of the flags among the arguments
    ),
    "aarch64": (
        0xC00000B7,
        (
            198, 199, 200, 201, 202, 203, 242,
            221, 281,
            129, 117, 270, 271, 434, 438,
            33, 34, 35, 36, 37, 38, 45, 53, 54, 276,
            40, 97, 105, 268, 273, 280, 282,
            425, 437,
        ),
        ((56, 2),),
    ),
}  # fmt: skip
_X32 = 0x40000000  # calls of the x32 convention carry this bit and would slip past the numbers


def limit_resources(memory_bytes: int) -> None:
    """Bound this process: address space, no file growth, few open files, no core dump."""
    _lower(resource.RLIMIT_AS, memory_bytes)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, 64)


def allow_cpu(seconds: float) -> None:
    """Let this process compute for that long from now on; then SIGXCPU ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    total = math.ceil(used.ru_utime + used.ru_stime + seconds)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (total, hard))


def die_with_parent() -> None:
    """On Linux: be killed when the service is, also by a signal it cannot catch."""
    if sys.platform == "linux":
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0)


def deny_calls() -> bool:
    """Give up connections, programs, other processes and changes to files, for good.

    Returns:
        Whether the kernel took the filter; False outside Linux, on other processors and where
        seccomp is not compiled in. Must be called before this process has a second thread.
    """
    found = _ARCHITECTURES.get(platform.machine()) if sys.platform == "linux" else None
    if found is None:
        return False
    program = _filter(*found)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("@HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    header = ctypes.create_string_buffer(head, len(head))
    if _prctl(_SET_NO_NEW_PRIVILEGES, 1, 0) != 0:
        return False
    return _prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.addressof(header)) == 0


def _filter(
    architecture: int, denied: tuple[int, ...], opening: tuple[tuple[int, int], ...]
) -> bytes:
    """A program of the classic Berkeley packet filter over the kernel's `struct seccomp_data`."""
    load = 0x20  # of a 32-bit word at an offset: 0 the call's number, 4 the architecture
    equal, at_least, any_bit, give = 0x15, 0x35, 0x45, 0x06
    steps = [
        (load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, _DENY),
        (load, 0, 0, 0), (at_least, 0, 1, _X32), (give, 0, 0, _DENY),
    ]  # fmt: skip
    for number in denied:
        steps += [(equal, 0, 1, number), (give, 0, 0, _DENY)]
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
    for number, position in opening:
        steps += [
            (equal, 0, 4, number),
            (load, 0, 0, 16 + 8 * position),
            (any_bit, 0, 1, writing),
            (give, 0, 0, _DENY),
            (give, 0, 0, _ALLOW),
        ]
    steps.append((give, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _prctl(option: int, value: int, pointer: int) -> int:
    library = ctypes.CDLL(None, use_errno=True)
    word = ctypes.c_ulong
    return int(library.prctl(option, word(value), word(pointer), word(0), word(0)))


def _lower(what: int, wanted: int) -> None:
    hard = resource.getrlimit(what)[1]
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(what, (allowed, allowed))
