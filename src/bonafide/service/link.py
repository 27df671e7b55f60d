"""One worker process, from the service's side: started, given a job at a time, ended.

Every wake-up of this process costs more than the bytes that it handles, because in between a worker
has filled the processor's caches. So an upload goes out in one write, and the worker's word that it
has begun is left lying in a pipe of its own until somebody needs to know.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from bonafide.service.settings import ServiceSettings, settings_to_json
from bonafide.service.wire import MAX_HEAD, Parts, Wish, pack_head, receive
from bonafide.types import BonafideError

START_S = 120.0
"""On a quiet machine a worker takes two seconds; a crowded one must not stop the service."""
DYING_S = 1.0
"""A worker closes its pipe a moment before its exit code is known."""

STALL_S = 1.0
"""Where the service notices so much too late that time is up, it stood still as well."""

PIPE_BYTES = 1 << 20
"""Wanted of the pipe to a worker, so that most photos fit in; the kernel gives 64 KiB unasked."""

JOINED_BYTES = 4 << 20
"""Up to which an upload is copied behind its head, to go out in one write."""

HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""Asks the kernel for pages of 2 MiB behind malloc; see mallopt's tunables in glibc's manual."""


def worker_environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker, from the service's own.

    Large pages save a worker 3 % of its processor time and cost it 5 MiB: a picture's arrays lie on
    thousands of small ones, and looking those up is slow in a virtual machine. Where the C library
    or the kernel has no such thing, the word is ignored. A choice of the operator's stays.

    >>> worker_environment({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"})["GLIBC_TUNABLES"]
    'glibc.malloc.hugetlb=0'
    """
    tunables = given.get("GLIBC_TUNABLES", "")
    if "glibc.malloc.hugetlb" not in tunables:
        tunables = ":".join(part for part in (tunables, HUGE_PAGES) if part)
    own = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "GLIBC_TUNABLES": tunables}
    return {**given, **own}


@dataclass
class Job:
    """An upload that waits for a verdict.

    Attributes:
        wish: what is asked.
        parts: the upload's files by name.
        reply: what the worker says, or why it says nothing.
        since: when it began to wait, on the monotonic clock, s.
        tries: how many workers were lost before they had taken it.
    """

    wish: Wish
    parts: Parts
    reply: asyncio.Future[dict[str, Any]]
    since: float = field(default_factory=time.monotonic)
    tries: int = 0


class WorkerLink:
    """A worker process.

    Attributes:
        process: the process.
        death: done when it has ended.
    """

    def __init__(self, process: asyncio.subprocess.Process, begun: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self._to, self._back = process, process.stdin, process.stdout
        self._begun = begun
        self.death = asyncio.ensure_future(process.wait())

    @classmethod
    async def start(cls, settings: ServiceSettings) -> tuple[WorkerLink, dict[str, Any]]:
        """Start one and wait until it is ready; the second value is its greeting.

        Raises:
            BonafideError: it does not get ready.
        """
        environment = worker_environment(os.environ)
        begun, tells_begun = os.pipe()
        os.set_blocking(begun, False)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "bonafide.service.worker",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL, limit=MAX_HEAD + 64, env=environment,
                pass_fds=(tells_begun,),
            )  # fmt: skip
        except BaseException:
            os.close(begun)
            raise
        finally:
            os.close(tells_begun)
        worker = cls(process, begun)
        worker._widen()
        try:
            first = {**settings_to_json(settings), "begun": tells_begun}
            worker._to.write(pack_head(first, 0))
            greeting = await asyncio.wait_for(receive(worker._back), START_S)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            await worker.end()
            raise BonafideError(
                f"a worker process did not start (exit code {process.returncode}).",
                remedy="Give it more memory (--memory), or try: bonafide check PHOTO.",
            ) from error
        except BaseException:
            await worker.end()
            raise
        if "failed" in greeting:
            await worker.end()
            raise BonafideError(f"a worker could not load the model: {greeting['failed']}")
        return worker, greeting

    def _widen(self) -> None:
        """Ask for a larger pipe; a kernel without them, or a user's quota, only makes it slower."""
        pipe = self._to.transport.get_extra_info("pipe")
        if hasattr(fcntl, "F_SETPIPE_SZ") and pipe is not None:
            with suppress(OSError):
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    async def work(self, job: Job, wall_s: float) -> dict[str, Any]:
        """Send a job and wait for its reply, or for the reason why there will be none.

        "idle" means that the worker was gone before it had the job, "stalled" that the machine
        stood still while it had it; neither is the job's fault.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(wall_s):
                await self._send(job)
                reply = await receive(self._back)
        except TimeoutError:
            late_s = time.monotonic() - began - wall_s
            return {"lost": "stalled" if late_s > STALL_S else "wall"}
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            await asyncio.wait({self.death}, timeout=DYING_S)
            begun = self._took_a_job()
            await self.end()
            if self.process.returncode == -signal.SIGXCPU:
                return {"lost": "cpu"}
            return {"lost": "crash" if begun else "idle"}
        self._took_a_job()
        return reply

    async def _send(self, job: Job) -> None:
        sizes = {name: len(content) for name, content in job.parts.items()}
        total = sum(sizes.values())
        head = pack_head({**asdict(job.wish), "parts": sizes}, total)
        if total <= JOINED_BYTES:
            self._to.write(b"".join((head, *job.parts.values())))
        else:
            self._to.write(head)
            for content in job.parts.values():
                self._to.write(content)
        await self._to.drain()

    def _took_a_job(self) -> bool:
        """Whether the worker said that it began, since this was last asked."""
        try:
            return bool(os.read(self._begun, 64))
        except BlockingIOError:
            return False

    async def end(self) -> None:
        """Kill it, if it still lives, and wait for its end."""
        if self.process.returncode is None:
            # Not process.kill(): that polls first, and so takes the exit code from asyncio.
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
        await self.death
        if self._begun >= 0:
            os.close(self._begun)
            self._begun = -1
