"""The engine for one machine: some worker processes, no further package."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator

from bonafide.deploy.batch_inputs import Chunk
from bonafide.deploy.batch_worker import BatchTask, ChunkDone, ChunkWorker


def run_local(task: BatchTask, chunks: Iterable[Chunk], workers: int) -> Iterator[ChunkDone]:
    """Work chunks off in ``workers`` processes; they are reported as they are done.

    Every thread waits for a child process that judges (`batch_worker`), so threads do for the
    rest. Closing the iterator stops the workers before their next input.

    Raises:
        BonafideError, OSError: what stopped a worker, such as a model that does not load or a
            full disk; parts written before stay.
    """
    pending = iter(chunks)
    lock = threading.Lock()
    stop = threading.Event()
    reports: queue.Queue[ChunkDone | Exception | None] = queue.Queue()

    def serve() -> None:
        try:
            with ChunkWorker(task) as worker:
                while not stop.is_set():
                    with lock:
                        chunk = next(pending, None)
                    if chunk is None:
                        break
                    done = worker.work(chunk, stop.is_set)
                    if done is not None:
                        reports.put(done)
            reports.put(None)
        except Exception as error:  # noqa: BLE001 - handed to the caller's thread, which raises it
            reports.put(error)

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            while (report := reports.get()) is not None:
                if isinstance(report, Exception):
                    raise report
                yield report
    finally:
        stop.set()
        for thread in threads:
            thread.join()
