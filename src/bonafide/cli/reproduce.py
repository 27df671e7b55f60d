"""`bonafide reproduce`: run a table of one of the three papers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.papers.page import Reproduced
    from bonafide.papers.plan import Request


def reproduce(
    table: Annotated[str, typer.Argument(help="Such as ms-fans/3; see docs/papers.md.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the page.")],
    data: Annotated[
        list[str] | None,
        typer.Option(help="NAME=ROOT of a data set that you have; its twin where not given."),
    ] = None,
    size: Annotated[
        str, typer.Option(help="small or full: of the twin and of the runs.")
    ] = "small",
    seeds: Annotated[str, typer.Option(help="Such as 0,1,2.")] = "0,1,2",
    steps: Annotated[int | None, typer.Option(help="In the place of the size's.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="32-true or bf16-mixed.")] = "32-true",
    workers: Annotated[int, typer.Option(help="Processes: cutting, and runs side by side.")] = 1,
    variants: Annotated[
        str, typer.Option(help="Of motion/1 and 2: some columns, such as LBP,CNN-LSTM^AM.")
    ] = "",
    weights: Annotated[
        Path | None, typer.Option(help="Of motion: what `bonafide weights` wrote.")
    ] = None,
    freeze_cnn: Annotated[
        bool, typer.Option("--freeze-cnn", help="Of motion: the LSTM alone, on stored pool5.")
    ] = False,
    train: Annotated[
        bool, typer.Option(help="Without, the page shows the rows that are finished.")
    ] = True,
    runs: Annotated[
        Path | None,
        typer.Option(
            help="Runs, twins and caches, which tables may share; the output if not given."
        ),
    ] = None,
) -> None:
    """Run a published table and set the measured figures beside the published ones."""
    from datetime import date

    from bonafide.cli.train import check_device, progress_bar
    from bonafide.papers.data import parse_roots
    from bonafide.papers.plan import MotionRequest, Request
    from bonafide.papers.reproduce import Places
    from bonafide.papers.reproduce import reproduce as run_table

    check_device(device)
    motion = MotionRequest(_words(variants), weights, freeze_cnn)
    request = Request(_size(size), _seeds(seeds), steps, precision, motion)
    places = Places(output, runs or output, parse_roots(data or []))
    with progress_bar() as bar:
        reproduced = run_table(
            table,
            request,
            places,
            device=device,
            workers=workers,
            train=train,
            command=_command(table, request, places.roots, device, train),
            date=date.today().isoformat(),
            bar=bar,
        )
    _print(reproduced, output)


def _command(table: str, request: Request, roots: Iterable[str], device: str, train: bool) -> str:
    """The command that gives the same figures, without folders."""
    seeds, motion = ",".join(map(str, request.seeds)), request.motion
    words = ["bonafide", "reproduce", table, "--size", request.size, "--seeds", seeds]
    words += ["--steps", str(request.steps)] if request.steps is not None else []
    words += ["--precision", request.precision, "--device", device]
    words += [] if train else ["--no-train"]
    words += ["--variants", ",".join(motion.columns)] if motion.columns else []
    words += ["--weights", motion.weights.name] if motion.weights else []
    words += ["--freeze-cnn"] if motion.freeze_cnn else []
    words += [word for name in roots for word in ("--data", f"{name}=ROOT")]
    return shlex.join(words)


def _size(text: str) -> str:
    from bonafide.papers.twins import SIZES

    if text not in SIZES:
        raise BonafideError(
            f"unknown size {text!r}.", where="--size", remedy=f"One of {', '.join(SIZES)}."
        )
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(int(word) for word in text.split(","))
    except ValueError:
        seeds = ()
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise BonafideError(
            f"{text!r} is not a list of different whole numbers.",
            where="--seeds",
            remedy="Such as 0,1,2.",
        )
    return seeds


def _print(reproduced: Reproduced, output: Path) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bonafide.evaluation.words import bracket, percent
    from bonafide.papers.page import PAGE, RATE_WORDS, lines_of

    columns, rates = reproduced.plan.published.columns, reproduced.plan.rates
    ours = [RATE_WORDS[rate] for rate in rates]
    table = Table("", "", *(f"{name}, published" for name in columns), *ours, "data")
    for line in lines_of(reproduced):
        printed = [line.published.printed[name] if line.published else "" for name in columns]
        row = line.measured
        if row is None:
            table.add_row(
                escape(line.group), escape(line.name), *printed, *[""] * len(ours), "not run here"
            )
            continue
        cells = [
            f"{percent(row.rates[rate].mean)} {bracket(row.intervals[rate])}"
            if rate in row.rates
            else "–"
            for rate in rates
        ]
        said = "simulated" if line.data.simulated else line.data.title
        table.add_row(escape(line.group), escape(line.name), *printed, *map(escape, cells), said)
    console = Console()
    console.print(table)
    for claim in reproduced.claims:
        found = f"{claim.verdict}, {100 * claim.difference.value:+.1f} points"
        words = f"{claim.claim.words} ({claim.rate.upper()}): {found}"
        console.print(escape(words), highlight=False)
    console.print(escape(f"page: {output / PAGE}"), highlight=False)
