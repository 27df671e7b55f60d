"""Real portraits, where they are at hand."""

import os
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.data import astronaut


def portraits(every):
    """Every n-th portrait where BONAFIDE_DATA names the data, otherwise the astronaut alone."""
    folder = os.environ.get("BONAFIDE_DATA")
    files = sorted(Path(folder, "portraits").glob("*/*.jpg"))[::every] if folder else []
    return files or [None]


def read(path):
    return astronaut() if path is None else np.asarray(Image.open(path).convert("RGB"))
