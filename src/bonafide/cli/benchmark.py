"""`bonafide benchmark`: several models under one budget on one table, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_MODELS = "ms-fans,colour_texture,minifasnet,mobilenet_v3_small,feather_net_b"


def benchmark(
    data: Annotated[Path, typer.Option(help="A samples.csv with train, development and test.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for runs, reports and the page.")
    ],
    models: Annotated[
        str, typer.Option(help="Names that `bonafide models` lists, or all.")
    ] = DEFAULT_MODELS,
    steps: Annotated[int, typer.Option(min=1, help="Optimisation steps of each network.")] = 500,
    seeds: Annotated[str, typer.Option(help="One run of each model a seed, such as 0,1,2.")] = "0",
    batch: Annotated[int, typer.Option(min=2, help="Samples a step of each network.")] = 32,
    frames: Annotated[int, typer.Option(min=1, help="Frames a picture model takes of a clip.")] = 4,
    target: Annotated[
        str, typer.Option(help="Operating point, chosen on development scores.")
    ] = "eer",
    workers: Annotated[int, typer.Option(help="Processes that cut crops.")] = 2,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    rounds: Annotated[int, typer.Option(min=100, help="Bootstrap rounds.")] = 1000,
) -> None:
    """Train and evaluate models under one budget, and write the side-by-side page."""
    from datetime import date

    from rich.console import Console
    from rich.markup import escape

    from bonafide.cli.train import check_device, progress_bar, reporter
    from bonafide.deploy.benchmark import Budget, run_benchmark
    from bonafide.deploy.benchmark_page import write_benchmark
    from bonafide.deploy.model_list import all_names

    check_device(device)
    names = all_names() if models == "all" else [name.strip() for name in models.split(",")]
    budget = Budget(
        steps, batch, tuple(int(seed) for seed in seeds.split(",")), frames, target, device, workers
    )
    console = Console(stderr=True)
    with progress_bar() as bar:
        result = run_benchmark(
            data, output, names, budget, rounds,
            report_of=lambda _: reporter(bar, steps),
            on_start=lambda words: console.print(escape(words), highlight=False),
        )  # fmt: skip
    page = write_benchmark(output, result, date.today().isoformat())
    typer.echo(f"{page}")
