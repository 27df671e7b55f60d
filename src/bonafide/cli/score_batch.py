"""The batch form of `bonafide score`: open the run, hand it to an engine, say what came out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from bonafide.deploy.batch import BatchRun, finish, open_run
from bonafide.deploy.batch_child import JudgeSettings
from bonafide.deploy.batch_inputs import Chunk
from bonafide.deploy.batch_worker import ChunkDone
from bonafide.deploy.runtime import model_path
from bonafide.types import BonafideError

ENGINES = ("local", "ray")


@dataclass(frozen=True, slots=True)
class Engines:
    """Who does the work.

    Attributes:
        engine: "local" or "ray".
        workers: None for one a CPU.
        ray_address: of a cluster; "" starts one here.
    """

    engine: str
    workers: int | None
    ray_address: str

    def run(self, run: BatchRun, chunks: Iterable[Chunk]) -> Iterator[ChunkDone]:
        """Work chunks off; see `batch_local` and `batch_ray`."""
        if self.engine == "ray":
            from bonafide.deploy.batch_ray import run_ray

            return run_ray(run.task, chunks, self.workers, self.ray_address)
        from bonafide.deploy.batch_local import run_local

        return run_local(run.task, chunks, self.workers or _cpus())


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def score_batch(
    patterns: list[str],
    output: str,
    model: Path | None,
    settings: JudgeSettings,
    engines: Engines,
    form: str,
    part_rows: int,
) -> None:
    """Begin a run or go on with it, to its end."""
    from rich.console import Console
    from rich.progress import track

    _check(engines, settings, part_rows)
    run = open_run(output, patterns, model_path(model), settings, form=form, part_rows=part_rows)
    chunks = run.pending()
    shown = track(
        engines.run(run, chunks),
        "judging",
        total=len(chunks),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    for _ in shown:
        pass
    summary = finish(run)
    counts = ", ".join(f"{n} {name}" for name, n in summary["decisions"].items())
    typer.echo(f"{output}: {summary['inputs']} inputs: {counts}")
    if summary["dead"]:
        typer.echo(f"{summary['dead']} of them could not be read; see {output}/dead.csv")


def _check(engines: Engines, settings: JudgeSettings, part_rows: int) -> None:
    if engines.engine not in ENGINES:
        raise BonafideError(
            f"unknown engine {engines.engine!r}.",
            where="--engine",
            remedy=f"One of {', '.join(ENGINES)}.",
        )
    positive = {
        "--workers": 1 if engines.workers is None else engines.workers,
        "--part-rows": part_rows,
        "--timeout": settings.timeout_s,
        "--frames-per-second": settings.sample_hz,
        "--threads": settings.threads,
    }
    for name, value in positive.items():
        if not value > 0:
            raise BonafideError(f"{value:g} is not above 0.", where=name)
    assert settings.limits  # made, so that a limit that is none is refused before the run begins
