import os
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from bonafide.simulator.portraits import find_portraits, read_photo


@pytest.fixture(scope="session")
def portrait():
    """Head and shoulders of scikit-image's astronaut (NASA, public domain)."""
    return np.ascontiguousarray(astronaut()[:300, 90:350])


@pytest.fixture(scope="session")
def people(portrait):
    """A dozen bona fide photos: real ones when BONAFIDE_DATA names them, else one made many."""
    root = os.environ.get("BONAFIDE_DATA")
    if root:
        found = find_portraits(Path(root) / "portraits")
        return [read_photo(item.path) for item in found[:: len(found) // 60][:60]]
    rng = np.random.default_rng(0)
    return [vary(portrait, rng) for _ in range(60)]


def vary(photo, rng):
    """Another "person": mirrored or not, other brightness, contrast and crop."""
    picture = photo[:, ::-1] if rng.random() < 0.5 else photo
    top, left = rng.integers(0, 25, 2)
    picture = picture[top : top + 270, left : left + 230].astype(np.float32)
    picture = picture * rng.uniform(0.7, 1.15, 3) + rng.uniform(-15, 15)
    return np.clip(picture, 0, 255).astype(np.uint8)
