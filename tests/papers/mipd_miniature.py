"""MIPD's layout with a few people, and aligned captures drawn from noise in the place of cameras.

Files are empty: finding and aligning faces is tested elsewhere and takes most of the time. Attacks
are flatter in depth and darker in infrared, so that nets could learn something.
"""

import csv
import json
import zlib

import numpy as np

from bonafide.cues.aligned_capture import AlignedCapture
from bonafide.datasets.tree import PROVENANCE
from bonafide.training.array_cache import Made
from bonafide.types import Label

KINDS = {
    "MIP-2D": ("bona_fide", "bona_fide", "print", "replay"),
    "MIP-3D": ("bona_fide", "bona_fide", "mask_rigid", "head"),
}


def write_miniature(root, train=5, test=3):
    """Write it; returns the root."""
    for part, kinds in KINDS.items():
        folder = root / part
        folder.mkdir(parents=True)
        with (folder / "manifest.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("path", "depth_path", "infrared_path", "label", "pai_species",
                             "capture_subject", "split"))  # fmt: skip
            for person in range(train + test):
                for number, kind in enumerate(kinds):
                    names = [f"{person}_{number}_{one}.png" for one in ("rgb", "depth", "ir")]
                    for name in names:
                        (folder / name).write_bytes(b"")
                    label = "bona_fide" if kind == "bona_fide" else "attack"
                    split = "train" if person < train else "test"
                    writer.writerow((*names, label, kind, f"p{person}", split))
    (root / PROVENANCE).write_text(json.dumps({"simulator": "noise, for tests"}))
    return root


def drawn_capture(sample, settings):
    """In the place of `capture_cache.align_sample`."""
    rng = np.random.default_rng(zlib.crc32(sample.presentation.encode()))
    side, live = settings.crop_px, sample.label is Label.BONA_FIDE
    y, x = (np.mgrid[:side, :side] - side / 2) / side
    distance = rng.uniform(400, 900)
    depth = distance + (120.0 if live else 15.0) * (x**2 + y**2) + rng.normal(0, 1, (side, side))
    level = np.exp(-distance / 1000)
    rgb = np.clip(220 * level + rng.normal(0, 8, (side, side, 3)), 1, 255).astype(np.uint8)
    dark = 1.0 if live else 0.8
    infrared = np.clip(200 * level * dark + rng.normal(0, 8, (side, side)), 1, 255)
    eyes = [(0.35, 0.4), (0.65, 0.4), (0.5, 0.55), (0.38, 0.72), (0.62, 0.72)]
    area = (side * 1.2) ** 2
    return AlignedCapture(rgb, infrared.astype(np.uint8), depth.astype(np.float32),
                          np.array(eyes) * side, area, 160 / side), ""  # fmt: skip


def drawn_crops(sample, settings):
    """In the place of `crop_cache._cut_sample`: one item of as many views as the model sees."""
    rng = np.random.default_rng(zlib.crc32(sample.presentation.encode()))
    count = 3 if settings.modalities else len(settings.scales)
    level = 160 if sample.label is Label.BONA_FIDE else 120
    views = rng.normal(level, 10, (count, settings.crop_px, settings.crop_px, 3))
    return Made([views.clip(0, 255).astype(np.uint8)], "", "")
