"""Worker processes: one upload each at a time, replaced when they fail, with a bounded queue.

A worker that crashes, hangs, runs out of memory or of processor time costs the one request that it
was working on; that request is refused with a stated code and the others go on.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bonafide.service.link import Job, WorkerLink
from bonafide.service.refusal import Refusal, overloaded
from bonafide.service.settings import ServiceSettings
from bonafide.service.wire import Parts, Wish
from bonafide.types import BonafideError

LONGEST_PAUSE_S = 10.0

LossCounter = Callable[[str], None]


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
        self._waiting: deque[Job] = deque()
        self._idle: list[asyncio.Future[Job | None]] = []
        self._tenders: list[asyncio.Task[None]] = []
        self._pace_s = 0.05

    async def start(self) -> None:
        """Start all workers.

        Raises:
            BonafideError: the model cannot be loaded.
        """
        started = await asyncio.gather(
            *(WorkerLink.start(self.settings) for _ in range(self.settings.workers)),
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
        while self._waiting:
            job = self._waiting.popleft()
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

    async def judge(self, wish: Wish, parts: Parts) -> dict[str, Any]:
        """Have an upload judged.

        Args:
            wish: what is asked.
            parts: the upload's files by name; of a photo or clip, one called "file".

        Returns:
            ``answer`` and ``kept``, see `judge.Judge.answer`.

        Raises:
            Refusal: the upload cannot be judged, was too costly, or waited too long.
        """
        job = Job(wish, parts, asyncio.get_running_loop().create_future())
        self._put(job)
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

    def _put(self, job: Job) -> None:
        """Hand a job to an idle worker, or let it wait."""
        while self._idle:
            seat = self._idle.pop()
            if not seat.done():
                seat.set_result(job)
                return
        self._waiting.append(job)

    def _oldest(self) -> Job | None:
        """The job that has waited longest among those that are still worth doing."""
        while self._waiting:
            job = self._waiting.popleft()
            if job.reply.done():
                continue  # the client has gone
            if time.monotonic() - job.since <= self.settings.queue_s:
                return job
            job.reply.set_exception(overloaded(self.retry_after_s()))
        return None

    async def _next_job(self, worker: WorkerLink) -> Job | None:
        """The next job, or None when the worker dies while it waits for one."""
        if worker.death.done():
            return None
        job = self._oldest()
        if job is not None:
            return job
        seat: asyncio.Future[Job | None] = asyncio.get_running_loop().create_future()

        def vacate(_: asyncio.Future[int]) -> None:
            if not seat.done():
                seat.set_result(None)

        worker.death.add_done_callback(vacate)
        self._idle.append(seat)
        try:
            return await seat
        except asyncio.CancelledError:
            if not seat.cancelled() and (job := seat.result()) is not None:
                self._waiting.appendleft(job)
            raise
        finally:
            worker.death.remove_done_callback(vacate)
            if seat in self._idle:
                self._idle.remove(seat)

    async def _tend(self, worker: WorkerLink | None) -> None:
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

    async def _start_another(self) -> WorkerLink | None:
        try:
            return (await WorkerLink.start(self.settings))[0]
        except (BonafideError, OSError):
            self._on_loss("start")
            return None

    async def _feed(self, worker: WorkerLink) -> str:
        """Give one worker its jobs until it is lost; the cause is returned."""
        while True:
            job = await self._next_job(worker)
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
                self._put(job)
            elif not job.reply.done():
                job.reply.set_result(reply)
            if "lost" in reply:
                return str(reply["lost"])


def _loss(cause: str) -> Refusal:
    if cause == "stalled":
        return overloaded(1)
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
