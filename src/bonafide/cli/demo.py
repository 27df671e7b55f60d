"""`bonafide demo`: the whole road on a public-domain photo, on a fresh machine, in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PHOTO = Path(__file__).parents[1] / "deploy" / "shipped" / "astronaut.jpg"
"""Astronaut Eileen Collins; NASA Great Images database, public domain (also in scikit-image)."""


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write pictures and page.")
    ] = Path("bonafide-demo"),
    seed: Annotated[int, typer.Option(help="Of the simulated recaptures.")] = 0,
) -> None:
    """Judge a bundled photo and simulated recaptures of it, made on the spot."""
    import numpy as np
    from rich.console import Console

    from bonafide.capture.image import read_image
    from bonafide.capture.limits import Limits
    from bonafide.cli.check import answer_all, report
    from bonafide.deploy.detector import Detector
    from bonafide.simulator.camera import encode_jpeg
    from bonafide.simulator.demo import demo_recaptures

    console = Console()
    output.mkdir(parents=True, exist_ok=True)
    photo = output / "bona_fide_photo.jpg"
    photo.write_bytes(PHOTO.read_bytes())
    recaptures = demo_recaptures(read_image(PHOTO).rgb, np.random.default_rng(seed))
    paths = [str(photo)]
    for name, rgb in recaptures.items():
        path = output / f"simulated_{name.replace(' ', '_')}.jpg"
        path.write_bytes(encode_jpeg(rgb, 92, "4:2:0"))
        paths.append(str(path))
    console.print(
        "A NASA photo (public domain) as a bona fide picture, and [bold]simulated[/] attacks made "
        "from it just now:\n"
    )
    detector = Detector.load()
    page = output / "evidence"
    report(answer_all(detector, paths, Limits(), 5.0, False), False, None, page)
    console.print(
        "\nThe shipped model lets more than half of good simulated attacks pass, here too.\n"
        "docs/model-card.md says how it does on real attacks.\n"
        "Try your own: [bold]bonafide check PHOTO_OR_CLIP ...[/]"
    )
