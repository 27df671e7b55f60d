"""`bonafide simulate replay-attack` and so on: a data set's folder tree, drawn (simulated)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Size(StrEnum):
    """How much of a data set is drawn."""

    TINY = "tiny"
    SMALL = "small"
    FULL = "full"


Out = Annotated[Path, typer.Argument(help="Folder to write; new, empty, or an unfinished twin.")]
SizeOption = Annotated[
    Size, typer.Option(help="tiny: for tests; small: minutes; full: published numbers and lengths.")
]
Seed = Annotated[int, typer.Option(help="Decides every file.", min=0)]
Workers = Annotated[int, typer.Option(help="Processes; they change no byte.", min=1)]
Device = Annotated[
    str | None,
    typer.Option(help='Draw light by torch on this device, as "cuda"; else on the CPU, by numba.'),
]


def replay_attack(
    out: Out,
    size: SizeOption = Size.SMALL,
    seed: Seed = 0,
    workers: Workers = 1,
    device: Device = None,
) -> None:
    """Write a twin of Replay-Attack (simulated)."""
    _write("replay-attack", out, size, seed, workers, device)


def casia_fasd(
    out: Out,
    size: SizeOption = Size.SMALL,
    seed: Seed = 0,
    workers: Workers = 1,
    device: Device = None,
) -> None:
    """Write a twin of CASIA-FASD (simulated)."""
    _write("casia-fasd", out, size, seed, workers, device)


def msu_mfsd(
    out: Out,
    size: SizeOption = Size.SMALL,
    seed: Seed = 0,
    workers: Workers = 1,
    device: Device = None,
) -> None:
    """Write a twin of MSU-MFSD (simulated)."""
    _write("msu-mfsd", out, size, seed, workers, device)


def oulu_npu(
    out: Out,
    size: SizeOption = Size.SMALL,
    seed: Seed = 0,
    workers: Workers = 1,
    device: Device = None,
) -> None:
    """Write a twin of OULU-NPU (simulated)."""
    _write("oulu-npu", out, size, seed, workers, device)


def casia_surf(
    out: Out,
    size: SizeOption = Size.SMALL,
    seed: Seed = 0,
    workers: Workers = 1,
    device: Device = None,
) -> None:
    """Write a twin of CASIA-SURF, in both of its layouts (simulated)."""
    _write("casia-surf", out, size, seed, workers, device)


def mipd(
    out: Out,
    size: SizeOption = Size.SMALL,
    seed: Seed = 0,
    workers: Workers = 1,
    device: Device = None,
) -> None:
    """Write a twin of MIPD: MIP-2D and MIP-3D (simulated)."""
    _write("mipd", out, size, seed, workers, device)


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
