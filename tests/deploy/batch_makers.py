"""Small batches for the tests: a folder of inputs, and the rows that a run wrote."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from bonafide.deploy.batch_rows import decode_rows


def picture(shade=90, size=(24, 32)):
    """A grey PNG without a face: quick to judge."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((*size, 3), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def write_pictures(folder: Path, count: int, size=(24, 32)):
    """count readable pictures, and the names that a run over the folder must answer."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number:05d}.png").write_bytes(picture(number % 200 + 20, size))
    return {str(path) for path in folder.iterdir()}


def rows_of(output: Path):
    """Every row of every part, whatever its format."""
    rows = []
    for part in sorted((output / "parts").iterdir()):
        with part.open("rb") as stream:
            rows += decode_rows(stream, part.suffix.removeprefix("."))
    return rows
