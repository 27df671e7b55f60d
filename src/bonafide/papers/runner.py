"""Run the trials of a table, side by side in processes; what is finished is not run again."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import TYPE_CHECKING

from bonafide.papers.data import PreparedData
from bonafide.papers.measure import DONE
from bonafide.papers.plan import Trial
from bonafide.types import BonafideError
from bonafide.workers import worker_pool

if TYPE_CHECKING:
    from rich.progress import Progress

Message = tuple[str, int] | None
"""(folder of the trial, steps done); None ends the listening."""


def folder_of(trial: Trial, runs: Path) -> Path:
    """Where a trial runs."""
    return runs / trial.dataset / trial.model / f"seed{trial.seed}"


def digest_for(trial: Trial, data: Mapping[str, PreparedData]) -> str:
    """Names the state of all data that a trial is trained and tested on."""
    return " ".join(data[name].digest for name in (trial.dataset, *trial.tests))


def is_finished(trial: Trial, data: Mapping[str, PreparedData], runs: Path) -> bool:
    """Whether a trial was run to its end, on the same data.

    Raises:
        BonafideError: it was run on other data, or for another number of steps.
    """
    path = folder_of(trial, runs) / DONE
    if not path.exists():
        return False
    record = json.loads(path.read_text())
    if record["digest"] != digest_for(trial, data) or record["steps"] != trial.steps:
        raise BonafideError(
            "was run on other data or for another number of steps.",
            where=str(path.parent),
            remedy="Name another folder with --runs, or remove this one.",
        )
    return True


def run_trials(
    trials: Sequence[Trial],
    data: Mapping[str, PreparedData],
    runs: Path,
    *,
    device: str,
    workers: int,
    bar: Progress,
) -> None:
    """Run what is not finished. A trial that was killed goes on where its last checkpoint lies.

    Args:
        trials: of a table; data sets are prepared and their caches cut.
        data: by name.
        runs: the folder of all runs, which several tables may share.
        device: auto, cpu or cuda.
        workers: trials side by side, each on one thread; 1 stays in this process.
        bar: shows steps over all and of each running trial.
    """
    waiting = [trial for trial in trials if not is_finished(trial, data, runs)]
    total = sum(trial.steps for trial in trials)
    skipped = total - sum(trial.steps for trial in waiting)
    overall = bar.add_task(f"{len(trials)} runs", total=total, completed=skipped)
    shown = _Shown(bar, overall, {str(folder_of(t, runs)): t for t in waiting})
    if workers <= 1 or len(waiting) <= 1:
        for trial in waiting:
            folder = folder_of(trial, runs)
            run_one(trial, data, folder, device, shown.told)
        return
    context = multiprocessing.get_context("spawn")
    queue: SimpleQueue[Message] = context.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(queue, shown), daemon=True)
    listener.start()
    try:
        with worker_pool(workers, _begin, (queue,)) as pool:
            jobs = [
                pool.submit(_run_beside, t, dict(data), folder_of(t, runs), device) for t in waiting
            ]
            for job in as_completed(jobs):
                job.result()
    finally:
        queue.put(None)
    listener.join()


def run_one(  # type: ignore[no-untyped-def]
    trial: Trial, data: Mapping[str, PreparedData], folder: Path, device: str, told
) -> None:
    """Run a trial and mark it finished, by a file that appears whole or not at all."""
    start = time.perf_counter()
    name = str(folder)
    measure = trial.run(data, folder, device, lambda step: told((name, step)))
    told((name, trial.steps))
    record = {
        "dataset": trial.dataset,
        "model": trial.model,
        "seed": trial.seed,
        "steps": trial.steps,
        "digest": digest_for(trial, data),
        "development_measure": measure,
        "seconds": round(time.perf_counter() - start, 1),
    }
    scratch = folder / f"{DONE}.partial"
    scratch.write_text(json.dumps(record, indent=1))
    os.replace(scratch, folder / DONE)


class _Shown:
    """Turns messages into bars."""

    def __init__(self, bar: Progress, overall: int, trials: Mapping[str, Trial]) -> None:
        self._bar, self._overall, self._trials = bar, overall, trials
        self._tasks: dict[str, int] = {}
        self._steps: dict[str, int] = {}

    def told(self, message: tuple[str, int]) -> None:
        name, step = message
        trial = self._trials[name]
        if name not in self._tasks:
            words = f"{trial.dataset} {trial.model} seed {trial.seed}"
            self._tasks[name] = self._bar.add_task(words, total=trial.steps)
        self._bar.update(self._tasks[name], completed=step)
        self._bar.advance(self._overall, step - self._steps.get(name, 0))
        self._steps[name] = step
        if step >= trial.steps:
            self._bar.update(self._tasks[name], visible=False)


def _listen(queue: SimpleQueue[Message], shown: _Shown) -> None:
    while (message := queue.get()) is not None:
        shown.told(message)


_QUEUE: SimpleQueue[Message] | None = None


def _begin(queue: SimpleQueue[Message]) -> None:
    """Set a worker up: where its messages go, and one thread, for there are as many workers."""
    import torch

    global _QUEUE
    _QUEUE = queue
    torch.set_num_threads(1)


def _run_beside(trial: Trial, data: Mapping[str, PreparedData], folder: Path, device: str) -> None:
    assert _QUEUE is not None
    run_one(trial, data, folder, device, _QUEUE.put)
