"""The engine for several machines: Ray Data hands chunks to actors.

Only the numbers of chunks travel through Ray; actors read their inputs and write their parts
themselves, and a part is named by its chunk. So when Ray tries a task again, on the same machine
or another, no row is doubled, and its object store stays small.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import ray
import ray.data

from bonafide.deploy.batch_inputs import Chunk
from bonafide.deploy.batch_worker import BatchTask, ChunkDone, ChunkWorker
from bonafide.types import BonafideError

LOCAL_OBJECT_STORE_BYTES = 128 << 20
MOST_BLOCKS = 4096
"""Of the list of chunks; a block goes to an actor at once, so few would leave some idle."""


class _Actor:
    """Holds one worker, and so one model, for its whole life."""

    def __init__(self, task: BatchTask) -> None:
        self._worker = ChunkWorker(task)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        done = self._worker.work(Chunk(int(row["index"]), int(row["start"]), int(row["stop"])))
        assert done is not None
        return asdict(done)


def run_ray(
    task: BatchTask, chunks: Iterable[Chunk], workers: int | None, address: str
) -> Iterator[ChunkDone]:
    """Work chunks off in actors of one CPU each; they are reported as they are done.

    Args:
        task: what to do; its output must be reachable by every node.
        chunks: of the run.
        workers: actors; one for every CPU of the cluster if None.
        address: of a running cluster, "auto" for the one of this machine; "" starts one here, for
            the length of the run.

    Raises:
        BonafideError: the cluster is not there, or has fewer CPUs than workers.
    """
    pending = [asdict(chunk) for chunk in chunks]
    if not pending:
        return
    started = not ray.is_initialized()
    if started:
        _connect(address, workers)
    try:
        available = int(ray.cluster_resources().get("CPU", 0))
        count = workers or available
        if not 0 < count <= available:
            raise BonafideError(
                f"{count} workers need as many CPUs, and the cluster has {available}.",
                where="--workers",
                remedy="Ask for fewer, or add nodes.",
            )
        _quieten()
        dataset = ray.data.from_items(pending, override_num_blocks=min(len(pending), MOST_BLOCKS))
        judged = dataset.map(
            _Actor,
            fn_constructor_args=(task,),
            compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=2),
            num_cpus=1,
        )
        for row in judged.iter_rows():
            yield ChunkDone(**row)
    finally:
        if started:
            ray.shutdown()


def _connect(address: str, workers: int | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=LOCAL_OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        return
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError) as error:
        raise BonafideError(
            f"no Ray cluster answers ({error}).",
            where=f"--ray-address {address}",
            remedy="Start one with `ray start --head`, or leave the option out.",
        ) from error


def _quieten() -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.enable_operator_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
