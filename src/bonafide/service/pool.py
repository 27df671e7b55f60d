"""Worker processes: one upload each at a time, replaced when they fail, with a bounded queue.

A worker that crashes, hangs, runs out of memory or of processor time costs the one request that it
was working on; that request is refused with a stated code and the others go on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from bonafide.service.judge import Wish
from bonafide.service.refusal import Refusal, overloaded
from bonafide.service.settings import ServiceSettings, settings_to_json
from bonafide.service.wire import MAX_HEAD, pack_head, receive
from bonafide.types import BonafideError

START_S = 60.0
LONGEST_PAUSE_S = 10.0
DYING_S = 1.0
"""A worker closes its pipe a moment before its exit code is known."""

LossCounter = Callable[[str], None]


@dataclass
class _Job:
    wish: Wish
    upload: bytes | bytearray
    reply: asyncio.Future[dict[str, Any]]
    since: float = field(default_factory=time.monotonic)
    tries: int = 0


class _Worker:
    """One process, from the service's side."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.to, self.back = process, process.stdin, process.stdout
        self.death = asyncio.ensure_future(process.wait())

    @classmethod
    async def start(cls, settings: ServiceSettings) -> tuple[_Worker, dict[str, Any]]:
        """Start one and wait until it is ready; the second value is its greeting."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bonafide.service.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=MAX_HEAD + 64, env=environment,
        )  # fmt: skip
        worker = cls(process)
        try:
            worker.to.write(pack_head(settings_to_json(settings), 0))
            greeting = await asyncio.wait_for(receive(worker.back), START_S)
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

    async def work(self, job: _Job, wall_s: float) -> dict[str, Any]:
        """Send a job and wait for its reply, or for the reason why there will be none.

        "idle" means that the worker was gone before it had the job, which is not the job's fault.
        """
        begun = False
        try:
            async with asyncio.timeout(wall_s):
                self.to.write(pack_head(asdict(job.wish), len(job.upload)))
                self.to.write(job.upload)
                await self.to.drain()
                begun = "begun" in await receive(self.back)
                return await receive(self.back)
        except TimeoutError:
            return {"lost": "wall"}
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            await asyncio.wait({self.death}, timeout=DYING_S)
            await self.end()
            if self.process.returncode == -signal.SIGXCPU:
                return {"lost": "cpu"}
            return {"lost": "crash" if begun else "idle"}

    async def end(self) -> None:
        """Kill it, if it still lives, and wait for its end."""
        if self.process.returncode is None:
            # Not process.kill(): that polls first, and so takes the exit code from asyncio.
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
        await self.death


class WorkerPool:
    """The workers and the requests that wait for them.

    Attributes:
        greeting: what the first worker said of the model and its operating points.
        ready: how many workers stand ready or work.
        inside: requests that hold a place: uploading, waiting or being judged.
        pids: of the workers that stand ready or work.
    """

    def __init__(self, settings: ServiceSettings, on_loss: LossCounter) -> None:
        """Prepare; `start` starts.

        Args:
            settings: of the service.
            on_loss: called with the cause whenever a worker is lost.
        """
        self.settings = settings
        self.greeting: dict[str, Any] = {}
        self.ready = 0
        self.inside = 0
        self.pids: set[int] = set()
        self.capacity = settings.workers + settings.queue
        self._on_loss = on_loss
        self._waiting: asyncio.Queue[_Job] = asyncio.Queue()
        self._tenders: list[asyncio.Task[None]] = []
        self._pace_s = 0.05

    async def start(self) -> None:
        """Start all workers.

        Raises:
            BonafideError: the model cannot be loaded.
        """
        started = await asyncio.gather(
            *(_Worker.start(self.settings) for _ in range(self.settings.workers)),
            return_exceptions=True,
        )
        failures = [one for one in started if isinstance(one, BaseException)]
        workers = [one for one in started if not isinstance(one, BaseException)]
        if failures:
            await asyncio.gather(*(worker.end() for worker, _ in workers))
            raise failures[0]
        self.greeting = workers[0][1]
        self._tenders = [asyncio.create_task(self._tend(worker)) for worker, _ in workers]

    async def stop(self) -> None:
        """End all workers; what still waits is refused."""
        for tender in self._tenders:
            tender.cancel()
        await asyncio.gather(*self._tenders, return_exceptions=True)
        while not self._waiting.empty():
            job = self._waiting.get_nowait()
            if not job.reply.done():
                job.reply.set_exception(overloaded(5))

    def retry_after_s(self) -> float:
        """How long the work now inside will take, by the recent pace."""
        return max(self.inside * self._pace_s / self.settings.workers, 1.0)

    def enter(self) -> None:
        """Take a place, before a byte of the upload is read; `leave` gives it back.

        Raises:
            Refusal: all places are taken.
        """
        if self.inside >= self.capacity:
            raise overloaded(self.retry_after_s())
        self.inside += 1

    def leave(self) -> None:
        """Give the place back."""
        self.inside -= 1

    async def judge(self, wish: Wish, upload: bytes | bytearray) -> dict[str, Any]:
        """Have an upload judged.

        Returns:
            ``answer`` and ``kept``, see `judge.Judge.answer`.

        Raises:
            Refusal: the upload cannot be judged, was too costly, or waited too long.
        """
        job = _Job(wish, upload, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(job)
        try:
            async with asyncio.timeout(self.settings.queue_s + self.settings.wall_s + 1):
                reply = await job.reply
        except TimeoutError as error:
            raise self._not_served() from error
        if "lost" in reply:
            raise _loss(reply["lost"])
        if "code" in reply:
            raise Refusal(reply["code"], reply["problem"], reply["remedy"])
        return reply

    def _not_served(self) -> Refusal:
        if self.ready:
            return overloaded(self.retry_after_s())
        return Refusal("not_ready", "no worker is ready.", "Try again shortly.", retry_after_s=5)

    async def _next_job(self) -> _Job:
        while True:
            job = await self._waiting.get()
            if job.reply.done():
                continue  # the client has gone
            if time.monotonic() - job.since > self.settings.queue_s:
                job.reply.set_exception(overloaded(self.retry_after_s()))
                continue
            return job

    async def _tend(self, worker: _Worker | None) -> None:
        """Keep one worker busy, and put another in its place when it is lost."""
        pause_s = 0.0
        try:
            while True:
                if worker is None:
                    await asyncio.sleep(pause_s)
                    pause_s = min(2 * pause_s + 0.1, LONGEST_PAUSE_S)
                    worker = await self._start_another()
                    continue
                self.ready += 1
                self.pids.add(worker.process.pid)
                try:
                    cause = await self._feed(worker)
                finally:
                    self.ready -= 1
                    self.pids.discard(worker.process.pid)
                    await worker.end()
                worker, pause_s = None, 0.0
                self._on_loss(cause)
        finally:
            if worker is not None:
                await worker.end()

    async def _start_another(self) -> _Worker | None:
        try:
            return (await _Worker.start(self.settings))[0]
        except (BonafideError, OSError):
            self._on_loss("start")
            return None

    async def _feed(self, worker: _Worker) -> str:
        """Give one worker its jobs until it is lost; the cause is returned."""
        while True:
            job = await self._idle(worker)
            if job is None:
                return "idle"
            began = time.monotonic()
            try:
                reply = await worker.work(job, self.settings.wall_s)
            except asyncio.CancelledError:
                if not job.reply.done():
                    job.reply.set_exception(overloaded(5))
                raise
            self._pace_s += 0.05 * (time.monotonic() - began - self._pace_s)
            if reply.get("lost") == "idle" and not job.tries:
                job.tries = 1
                self._waiting.put_nowait(job)
            elif not job.reply.done():
                job.reply.set_result(reply)
            if "lost" in reply:
                return str(reply["lost"])

    async def _idle(self, worker: _Worker) -> _Job | None:
        """The next job, or None when the worker dies while it waits for one."""
        waiting = asyncio.ensure_future(self._next_job())
        try:
            await asyncio.wait({waiting, worker.death}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not waiting.done():
                waiting.cancel()
        if not worker.death.done():
            return waiting.result()
        if waiting.done() and not waiting.cancelled():
            self._waiting.put_nowait(waiting.result())
        return None


def _loss(cause: str) -> Refusal:
    if cause in ("memory", "cpu", "wall"):
        what = {"memory": "memory", "cpu": "processor time", "wall": "time"}[cause]
        return Refusal(
            "too_costly",
            f"judging the upload takes more {what} than one request may have.",
            "Send a smaller picture or a shorter clip.",
        )
    return Refusal(
        "worker_lost",
        "the worker that judged the upload came to an end.",
        "Send it again once; if that fails too, the file is at fault.",
    )
