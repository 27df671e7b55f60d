"""How far fingerprints move, how far other people are, and the search beside SciPy's cdist.

    BONAFIDE_DATA=<data folder> python benchmarks/fingerprints.py

Prints the figures of docs/datasets.md; times are CPU seconds. Needs the data folder's portraits.
"""

import csv
import io
import os
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.spatial.distance import cdist

from bonafide.datasets.fingerprint import BITS, MAX_DISTANCE, distance, fingerprint, near_duplicates


def grey_of(rgb):
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return cv2.resize(grey, (64, 64), interpolation=cv2.INTER_AREA)


def jpeg_40(rgb):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer))


def cut(rgb):
    height, width = rgb.shape[:2]
    return rgb[height * 3 // 100 : height * 97 // 100, width * 3 // 100 : width * 97 // 100]


CHANGES = {
    "JPEG at quality 40": jpeg_40,
    "half size": lambda rgb: cv2.resize(rgb, (rgb.shape[1] // 2, rgb.shape[0] // 2)),
    "noise of 8 grey levels": lambda rgb: np.clip(
        rgb + np.random.default_rng(0).normal(0, 8, rgb.shape), 0, 255
    ).astype(np.uint8),
    "brighter by a fifth": lambda rgb: np.clip(rgb * 1.2 + 10, 0, 255).astype(np.uint8),
    "moved by 2 % of the width": lambda rgb: np.roll(rgb, max(1, rgb.shape[1] // 50), axis=1),
    "3 % cut off each side": cut,
}


def measure_portraits(folder):
    paths = sorted((folder / "portraits" / "small").iterdir())
    with (folder / "portraits" / "manifest.csv").open() as file:
        person = {Path(row["file"]).name: row["name"] for row in csv.DictReader(file)}
    pictures = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    prints = np.array([fingerprint(grey_of(rgb)) for rgb in pictures])
    for name, change in CHANGES.items():
        moved = distance(prints, np.array([fingerprint(grey_of(change(rgb))) for rgb in pictures]))
        print(
            f"{name:28s} median {np.median(moved):4.0f} bits, most {moved.max():3d}, "
            f"within {MAX_DISTANCE}: {100 * np.mean(moved <= MAX_DISTANCE):5.1f} %"
        )
    first, second = np.triu_indices(len(paths), 1)
    far = distance(prints[first], prints[second])
    near = np.flatnonzero(far <= MAX_DISTANCE)
    same = sum(person[paths[first[i]].name] == person[paths[second[i]].name] for i in near)
    print(
        f"{len(far):,} pairs of {len(paths)} portraits: median {np.median(far):.0f} bits, within "
        f"{MAX_DISTANCE}: {len(near)}, of which {same} are one person under two numbers"
    )


def measure_search():
    rng = np.random.default_rng(0)
    prints = rng.integers(0, 2**64, (20_000, 2), dtype=np.uint64)
    groups = ["train"] * 10_000 + ["development"] * 5_000 + ["test"] * 5_000
    start = time.process_time()
    near_duplicates(prints, groups)
    ours_s = time.process_time() - start
    few = 2_000
    bits = np.unpackbits(prints[: 2 * few].view(np.uint8), axis=1)
    start = time.process_time()
    (cdist(bits[:few], bits[few:], "hamming") * BITS <= MAX_DISTANCE).nonzero()
    theirs_s = time.process_time() - start
    start = time.process_time()
    near_duplicates(prints[: 2 * few], ["train"] * few + ["test"] * few)
    same_s = time.process_time() - start
    print(
        f"20,000 fingerprints, 1.25e8 pairs: {ours_s:.2f} s; {few}^2 pairs: {1000 * same_s:.0f} ms "
        f"beside {1000 * theirs_s:.0f} ms for SciPy's cdist, {theirs_s / same_s:.0f} times"
    )


if __name__ == "__main__":
    measure_portraits(Path(os.environ["BONAFIDE_DATA"]))
    measure_search()
