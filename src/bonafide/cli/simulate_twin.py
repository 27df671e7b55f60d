"""`bonafide simulate replay-attack` and so on: a data set's folder tree, drawn (simulated)."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Size(StrEnum):
    """How much of a data set is drawn."""

    TINY = "tiny"
    SMALL = "small"
    MEDIUM = "medium"
    FULL = "full"


Out = Annotated[Path, typer.Argument(help="Folder to write; new, empty, or an unfinished twin.")]
SizeOption = Annotated[
    Size,
    typer.Option(
        help="tiny: for tests; small: minutes; medium: all published people, as small pictures; "
        "full: published numbers and lengths."
    ),
]
Seed = Annotated[int, typer.Option(help="Decides every file.", min=0)]
Workers = Annotated[int, typer.Option(help="Processes; they change no byte.", min=1)]
Device = Annotated[
    str | None,
    typer.Option(help='Draw light by torch on this device, as "cuda"; else on the CPU, by numba.'),
]


TWINS = {
    "replay-attack": "a twin of Replay-Attack",
    "casia-fasd": "a twin of CASIA-FASD",
    "msu-mfsd": "a twin of MSU-MFSD",
    "oulu-npu": "a twin of OULU-NPU",
    "casia-surf": "a twin of CASIA-SURF, in both of its layouts",
    "mipd": "a twin of MIPD: MIP-2D and MIP-3D",
}
"""Verb -> what it writes, in words."""


def add_twins(app: typer.Typer) -> None:
    """Give an app a verb for every twin."""
    for name, words in TWINS.items():
        app.command(name, help=f"Write {words} (simulated).")(_verb(name))


def _verb(name: str) -> Callable[..., None]:
    def twin(
        out: Out,
        size: SizeOption = Size.SMALL,
        seed: Seed = 0,
        workers: Workers = 1,
        device: Device = None,
    ) -> None:
        _write(name, out, size, seed, workers, device)

    return twin


def _write(name: str, out: Path, size: Size, seed: int, workers: int, device: str | None) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from bonafide.simulator.twin import write_twin
    from bonafide.simulator.twins import plan_twin

    plan = plan_twin(name, size.value, seed)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{name} (simulated)", total=len(plan.jobs))

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        path = write_twin(plan, out, workers, show, device)
    typer.echo(str(path.parent))
