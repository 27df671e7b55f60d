"""`bonafide reproduce`: run a published table, and set what comes out beside what was published."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bonafide.papers import cascade_runs, motion_runs, ms_fans_runs
from bonafide.papers.data import PreparedData, prepare_data
from bonafide.papers.measure import measure_rows, read_run
from bonafide.papers.page import Reproduced, write_reproduction
from bonafide.papers.plan import Cost, MotionRequest, Plan, Request, Trial
from bonafide.papers.runner import folder_of, is_finished, run_trials
from bonafide.source import source_commit
from bonafide.types import BonafideError
from bonafide.version import __version__

if TYPE_CHECKING:
    from rich.progress import Progress

TABLES: dict[str, Callable[[Request], Plan]] = {
    **ms_fans_runs.TABLES,
    **motion_runs.TABLES,
    **cascade_runs.TABLES,
}
"""Table -> what running it means; each paper's runs have their own file."""

ROUNDS = 10_000
"""Of the bootstrap: with 1000 the p-value of a claim near 0.01 moves by a third between draws."""


@dataclass(frozen=True)
class Places:
    """Where a reproduction reads and writes.

    Attributes:
        output: folder for table.json and index.html.
        runs: folder of runs, twins and caches; several tables may share it.
        roots: data set -> the user's copy.
    """

    output: Path
    runs: Path
    roots: Mapping[str, Path]


def plan_of(table: str, request: Request) -> Plan:
    """The plan of a table.

    Raises:
        BonafideError: it is not one that can be run, or takes none of the options asked for.
    """
    if table not in TABLES:
        raise BonafideError(
            "cannot be run.", where=table, remedy=f"Tables that can be run: {', '.join(TABLES)}."
        )
    if table not in motion_runs.TABLES and request.motion != MotionRequest():
        raise BonafideError(
            "takes no --variants, --weights or --freeze-cnn.",
            where=table,
            remedy=f"They are of {', '.join(motion_runs.TABLES)}.",
        )
    return TABLES[table](request)


def reproduce(
    table: str,
    request: Request,
    places: Places,
    *,
    device: str,
    workers: int,
    train: bool,
    command: str,
    date: str,
    bar: Progress,
) -> Reproduced:
    """Run a table and write its page.

    Args:
        table: a key of `TABLES`.
        request: size, seeds and steps.
        places: where to.
        device: auto, cpu or cuda.
        workers: processes that cut crops and that train side by side.
        train: False takes the runs that are finished and leaves out rows and claims without any.
        command, date: for the record.
        bar: shows the progress.

    Raises:
        BonafideError: unknown table; data that are faulty; runs that were begun otherwise.
    """
    plan = plan_of(table, request)
    data = {
        name: _prepare(name, plan, places, request.size, workers, bar, cut=train)
        for name in plan.datasets
    }
    runs = places.runs / "runs"
    if train:
        for wave in plan.waves or (plan.trials,):
            run_trials(wave, data, runs, device=device, workers=workers, bar=bar)
    else:
        plan = finished_part(plan, data, runs)
    grouped: dict[tuple[str, str], list[Trial]] = {}
    for trial in plan.trials:
        grouped.setdefault((trial.dataset, trial.model), []).append(trial)
    measured = {
        (row.people, model): [
            read_run(folder_of(trial, runs), row.test) for trial in grouped[row.dataset, model]
        ]
        for row in plan.rows
        for model in row.models
    }
    rows, claims = measure_rows(plan, measured, np.random.default_rng(0), ROUNDS)
    reproduced = Reproduced(
        plan,
        data,
        rows,
        claims,
        _costs(trials[0] for trials in grouped.values()),
        plan.figures(rows),
        plan.sheets(rows),
        command,
        source_commit(),
        __version__,
        date,
        machine(),
    )
    write_reproduction(places.output, reproduced)
    return reproduced


def finished_part(plan: Plan, data: Mapping[str, PreparedData], runs: Path) -> Plan:
    """A plan without the trials that are not finished, and the rows and claims that need them.

    Raises:
        BonafideError: nothing is finished.
    """
    trials = tuple(t for t in plan.trials if is_finished(t, data, runs))
    there = {(trial.dataset, trial.model) for trial in trials}
    rows = tuple(r for r in plan.rows if all((r.dataset, model) in there for model in r.models))
    names = {(row.group, row.name) for row in rows}
    claims = tuple(c for c in plan.claims if names.issuperset(c.first + c.second))
    if not rows:
        raise BonafideError(
            "no row is finished.", where=str(runs), remedy="Run the table without --no-train."
        )
    missing = len(plan.trials) - len(trials)
    left_out = (f"{missing} of {len(plan.trials)} runs are not finished and left out.",)
    notes = plan.notes + (left_out if missing else ())
    return replace(plan, trials=trials, rows=rows, claims=claims, notes=notes)


def _prepare(
    name: str, plan: Plan, places: Places, size: str, workers: int, bar: Progress, *, cut: bool
) -> PreparedData:
    """Index a data set and, unless ``cut`` is False, cut what is trained on it."""
    rendering = bar.add_task(f"twin of {name}", total=None, visible=False)

    def on_clip(done: int, total: int) -> None:
        bar.update(rendering, completed=done, total=total, visible=done < total)

    hashing = bar.add_task(f"{name}: SHA-256", total=None, visible=False)

    def on_file(done: int, total: int) -> None:
        bar.update(hashing, completed=done, total=total, visible=done < total)

    def preparing(split: str, count: int) -> Callable[[], None]:
        task = bar.add_task(f"{name}: cutting {split}", total=count, visible=False)
        return lambda: bar.update(task, advance=1, visible=True)

    folder = places.runs / "data" / name
    data = prepare_data(
        name, places.roots, folder, size, workers, on_clip, stills=plan.stills, on_file=on_file
    )
    # One of each cache: trials that share it differ in what is trained on it.
    made = {t.cache: t for t in plan.trials if name in (t.dataset, *t.tests)}
    for trial in made.values() if cut else ():
        trial.prepare(data, workers, preparing)
    return data


def _costs(trials: Iterable[Trial]) -> dict[str, Cost | None]:
    return {trial.model: trial.cost() for trial in trials}


def machine() -> str:
    """The processor and the libraries that the milliseconds depend on."""
    import torch

    return f"{platform.machine()}, torch {torch.__version__}, Python {platform.python_version()}"
