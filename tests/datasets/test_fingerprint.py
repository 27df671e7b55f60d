"""Fingerprints: invariances on real portraits where there are any, search against brute force."""

import io
import os
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from bonafide.datasets.fingerprint import (
    BITS,
    MAX_DISTANCE,
    distance,
    fingerprint,
    is_flat,
    near_duplicates,
)


def portraits():
    """Real faces: up to 60 of the data folder, else crops of one astronaut."""
    folder = Path(os.environ.get("BONAFIDE_DATA", "")) / "portraits" / "small"
    if os.environ.get("BONAFIDE_DATA") and folder.is_dir():
        return [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())[:60]]
    from skimage.data import astronaut

    whole = astronaut()
    return [whole[y : y + 200, x : x + 200] for y in range(0, 300, 75) for x in range(0, 300, 75)]


PORTRAITS = portraits()


def grey_of(rgb):
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)


def jpeg(rgb, quality):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def noisy(rgb):
    noise = np.random.default_rng(0).normal(0, 8, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        lambda rgb: jpeg(rgb, 40),
        lambda rgb: cv2.resize(rgb, (rgb.shape[1] // 2, rgb.shape[0] // 2)),
        noisy,
        lambda rgb: (rgb * 0.8).astype(np.uint8),
    ],
    ids=["jpeg 40", "half size", "noise", "darker"],
)
def test_the_same_picture_again_is_within_the_distance(change):
    for rgb in PORTRAITS:
        moved = distance(fingerprint(grey_of(rgb)), fingerprint(grey_of(change(rgb))))
        assert moved <= MAX_DISTANCE


def test_other_pictures_are_far():
    prints = [fingerprint(grey_of(rgb)) for rgb in PORTRAITS]
    far = [int(distance(a, b)) for a, b in combinations(prints, 2)]
    assert np.median(far) > BITS / 3
    assert np.mean(np.array(far) <= MAX_DISTANCE) < 0.001


def test_distance_counts_bits():
    words = np.array([[0, 0], [0b1011, 1], [2**64 - 1, 2**64 - 1]], dtype=np.uint64)
    assert distance(words[:, None], words[None]).tolist() == [
        [0, 4, 128],
        [4, 0, 124],
        [128, 124, 0],
    ]


def test_the_search_finds_what_brute_force_finds(monkeypatch):
    monkeypatch.setattr("bonafide.datasets.fingerprint._BLOCK_PAIRS", 500)
    rng = np.random.default_rng(1)
    prints = rng.integers(0, 2**64, (90, 2), dtype=np.uint64)
    prints[30:60] = prints[:30] ^ (np.uint64(1) << rng.integers(0, 64, (30, 2), dtype=np.uint64))
    groups = rng.choice(["train", "development", "test"], 90).tolist()
    expected = [
        (bin(int(a[0] ^ b[0])).count("1") + bin(int(a[1] ^ b[1])).count("1"), i, j)
        for (i, a), (j, b) in combinations(enumerate(prints), 2)
        if groups[i] != groups[j]
    ]
    expected = sorted(item for item in expected if item[0] <= 40)
    found = near_duplicates(prints, groups, 40)
    assert [(pair.distance, pair.first, pair.second) for pair in found] == expected
    assert len(expected) >= 15


def test_one_group_has_no_pairs():
    prints = np.zeros((5, 2), dtype=np.uint64)
    assert near_duplicates(prints, ["train"] * 5) == []


def test_even_pictures_have_no_fingerprint():
    assert is_flat(np.full((64, 64), 17.0, np.float32))
    assert not is_flat(grey_of(PORTRAITS[0]))
