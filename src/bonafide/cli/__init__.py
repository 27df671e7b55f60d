"""The command line: one verb per stage, each a thin layer over the Python API.

Verbs import what they need when they run, so that `bonafide --help` answers at once.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from bonafide.cli.audit import audit
from bonafide.cli.benchmark import benchmark
from bonafide.cli.calibrate import calibrate
from bonafide.cli.check import check
from bonafide.cli.compare import compare
from bonafide.cli.demo import demo
from bonafide.cli.evaluate import evaluate
from bonafide.cli.export import export
from bonafide.cli.fuse import fuse
from bonafide.cli.index import index
from bonafide.cli.keys import keys_app
from bonafide.cli.magnify import magnify
from bonafide.cli.models import models
from bonafide.cli.monitor import monitor
from bonafide.cli.plan import plan
from bonafide.cli.reproduce import reproduce
from bonafide.cli.score import score
from bonafide.cli.serve import serve
from bonafide.cli.simulate import simulate_app
from bonafide.cli.train import train_app
from bonafide.cli.train_cascade import train_cascade
from bonafide.cli.train_motion import train_motion, train_texture
from bonafide.cli.train_recapture import train_recapture
from bonafide.cli.train_rival import train_rival
from bonafide.cli.train_skin_colour import train_skin_colour
from bonafide.cli.weights import weights_app
from bonafide.types import BonafideError

WRONG_USE = 2

train_app.command("motion")(train_motion)
train_app.command("texture")(train_texture)
train_app.command("rival")(train_rival)
train_app.command("cascade")(train_cascade)
train_app.command("skin-colour")(train_skin_colour)
train_app.command("recapture")(train_recapture)

app = typer.Typer(
    name="bonafide",
    help="Face presentation attack detection: a live face, or a print, a screen, a mask?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# In the order of --help.
app.command()(demo)
app.command()(check)
app.command()(calibrate)
app.command()(index)
app.command()(audit)
app.add_typer(weights_app)
app.add_typer(train_app)
app.command()(fuse)
app.command()(export)
app.command()(score)
app.command()(evaluate)
app.command()(compare)
app.command()(models)
app.command()(benchmark)
app.command()(plan)
app.command()(reproduce)
app.command()(monitor)
app.command()(serve)
app.add_typer(keys_app)
app.command()(magnify)
app.add_typer(simulate_app)


EXTRAS = {
    "torch": "train",
    "lightning": "train",
    "sklearn": "train",
    "numba": "train",
    "onnx": "train",
    "scipy": "train",
    "ray": "ray",
    "fsspec": "ray",
    "fastapi": "service",
    "starlette": "service",
    "uvicorn": "service",
    "python_multipart": "service",
    "prometheus_client": "service",
    "psycopg": "postgres",
}
"""Modules that the base install leaves out -> the extra that brings them."""


def main() -> None:
    """Run the command line; expected failures end as one line on stderr and exit code 2."""
    try:
        app()
    except BonafideError as error:
        _fail(str(error))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        _fail(f"this verb needs {missing}. Install it: pip install 'bonafide[{EXTRAS[missing]}]'")


def _fail(message: str) -> None:
    Console(stderr=True).print(f"[bold red]error[/]: {escape(message)}", highlight=False)
    sys.exit(WRONG_USE)
