"""What a trained cascade answers when a modality is missing or damaged, or the light changes.

python benchmarks/cascade_damage.py RUN samples.csv [--every 3]

Counts over the table's test captures, changed one way at a time; prints Markdown. Light is swept on
the finished picture (a gain on linear light, clipped), not in the scene: noise does not follow.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bonafide.capture.multimodal import read_presentation
from bonafide.datasets.sample_table import read_sample_table
from bonafide.deploy.cascade import CascadeDetector
from bonafide.types import Decision, Label, Split

CODING = 2.2


def lit(rgb, gain):
    linear = (rgb / 255.0) ** CODING * gain
    return np.rint(np.clip(linear, 0, 1) ** (1 / CODING) * 255).astype(np.uint8)


def noisy(depth, sigma_mm):
    rng = np.random.default_rng(0)
    return (depth + rng.normal(0, sigma_mm, depth.shape)).astype(np.float32)


def holed(depth, share):
    rng = np.random.default_rng(0)
    return np.where(rng.random(depth.shape) < share, np.float32(np.nan), depth)


DAMAGE = {
    "as taken": lambda c: c,
    "no depth": lambda c: replace(c, depth_mm=np.full_like(c.depth_mm, np.nan)),
    "no depth on the face, depth around it": lambda c: replace(c, depth_mm=rim_alone(c.depth_mm)),
    "infrared black": lambda c: replace(c, infrared=np.zeros_like(c.infrared)),
    "infrared noise alone": lambda c: replace(c, infrared=static(c.infrared)),
    "colour black": lambda c: replace(c, rgb=np.zeros_like(c.rgb)),
    "depth in another unit (x 0.5)": lambda c: replace(c, depth_mm=c.depth_mm / 2),
    "depth noise, 5 mm": lambda c: replace(c, depth_mm=noisy(c.depth_mm, 5)),
    "depth noise, 20 mm": lambda c: replace(c, depth_mm=noisy(c.depth_mm, 20)),
    "a third of the depth lost": lambda c: replace(c, depth_mm=holed(c.depth_mm, 1 / 3)),
    "depth of a plane": lambda c: replace(c, depth_mm=np.full_like(c.depth_mm, 600)),
    "infrared shifted by 12 px": lambda c: replace(c, infrared=np.roll(c.infrared, 12, axis=1)),
    "depth shifted by 12 px": lambda c: replace(c, depth_mm=np.roll(c.depth_mm, 12, axis=1)),
}

LIGHT = {
    f"colour light x {gain:g}": lambda c, gain=gain: replace(c, rgb=lit(c.rgb, gain))
    for gain in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
}


def rim_alone(depth):
    """Nothing measured but the picture's outer tenth: a screen's frame."""
    height, width = depth.shape
    inner = np.full_like(depth, 600)
    inner[height // 10 : -height // 10, width // 10 : -width // 10] = np.nan
    return inner


def static(infrared):
    return np.random.default_rng(0).integers(0, 256, infrared.shape, np.uint8)


def counts(detector, captures, damage):
    """Label -> [wrong decisions, not evaluated]."""
    wrong = {Label.BONA_FIDE: [0, 0], Label.ATTACK: [0, 0]}
    for label, capture in captures:
        decision = detector(damage(capture)).decision
        if decision is Decision.NOT_EVALUATED:
            wrong[label][1] += 1
        elif decision.value != label.value:
            wrong[label][0] += 1
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("table", type=Path)
    parser.add_argument("--every", type=int, default=3)
    asked = parser.parse_args()
    detector = CascadeDetector.load(asked.run)
    rows = [row for row in read_sample_table(asked.table) if row.split is Split.TEST]
    captures = [
        (row.label, read_presentation(row, detector.unit, one_view=detector.one_view))
        for row in rows[:: asked.every]
    ]
    count = {label: sum(one is label for one, _ in captures) for label in Label}
    print(f"{count[Label.BONA_FIDE]} bona fide and {count[Label.ATTACK]} attack captures.")
    for cases in (DAMAGE, LIGHT):
        print(
            "\n| capture | bona fide: rejected, not evaluated | attacks: accepted, not evaluated |"
        )
        print("| --- | --- | --- |")
        for name, damage in cases.items():
            wrong = counts(detector, captures, damage)
            live, attack = wrong[Label.BONA_FIDE], wrong[Label.ATTACK]
            print(f"| {name} | {live[0]}, {live[1]} | {attack[0]}, {attack[1]} |", flush=True)


if __name__ == "__main__":
    main()
