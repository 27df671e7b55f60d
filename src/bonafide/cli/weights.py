"""`bonafide weights`: of others or of an earlier run, made ready to begin training from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

weights_app = typer.Typer(
    name="weights", no_args_is_help=True, help="Make initial weights ready to use."
)


@weights_app.callback()
def weights() -> None:
    """Make initial weights ready to use."""


@weights_app.command("import")
def import_weights(
    kind: Annotated[str, typer.Argument(help="vgg-face or imagenet.")],
    file: Annotated[Path, typer.Argument(help="A .caffemodel, .mat or .pth as it was published.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The safetensors to write.")],
    channels: Annotated[
        str | None, typer.Option(help="rgb or bgr, where the file's form does not tell.")
    ] = None,
) -> None:
    """VGG-16's convolutional part from a published file, for `train motion --weights`."""
    from bonafide.models.vgg_weights import import_file

    record = import_file(kind, file, output, channels=channels)
    typer.echo(
        f"{output}: {record.kind} from {record.form}, channels were {record.source_channels}; "
        "stored as R, G, B with mean and deviation"
    )


@weights_app.command("from-run")
def weights_from_run(
    run: Annotated[Path, typer.Argument(help="A run folder of `bonafide train motion`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The safetensors to write.")],
) -> None:
    """The CNN that an earlier run has trained, for `train motion --weights`."""
    from bonafide.training.run_weights import write_run_weights

    record = write_run_weights(run, output)
    typer.echo(f"{output}: {record.kind} of {run}'s CNN, {record.form}")
