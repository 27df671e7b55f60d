"""What depth alone and colour alone decide on MIPD's twin, by kind of attack (simulated).

    bonafide simulate mipd TWIN --size small
    python benchmarks/twin_depth.py TWIN

Ridge regression is fitted on the official training people and asked about the test people, over
every photo: once on relief (depth in the face box, less its own middle, at 16 x 16 points), once
on texture and colour of the face. Flat attacks and masks have models of their own, as MIP-2D and
MIP-3D do. Prints a Markdown table: area under the curve and equal error rate against bona fide
photos, with a 95 % interval by bootstrap of the test people.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from bonafide.cues.lbp import colour_histogram
from bonafide.datasets.loaders import Asked, load
from bonafide.datasets.media import first_picture
from bonafide.datasets.probes import auc, ridge_scores
from bonafide.simulator.twin_media import face_box
from bonafide.simulator.twin_probe import true_landmarks
from bonafide.simulator.twin_trial import face_crop, face_texture
from bonafide.types import BONA_FIDE_SPECIES, Presentation, RgbImage, Split

Floats = npt.NDArray[np.float64]
POINTS = 16
DEEPEST_MM = 80.0
ROUNDS = 500
PARTS = {"flat": "MIP-2D", "masks and heads": "MIP-3D"}


def relief(row: Presentation, box: Floats) -> Floats:
    """(256,) mm before (+) or behind the face's middle depth; lost points lie at the middle."""
    depth = np.asarray(Image.open(row.depth_path)).astype(np.float64)
    left, top, right, bottom = np.rint([*box[:2], *(box[:2] + box[2:])]).astype(int)
    face = depth[max(top, 0) : bottom, max(left, 0) : right]
    middle = float(np.median(face[face > 0])) if np.any(face > 0) else 0.0
    ahead = np.where(face > 0, np.clip(middle - face, -DEEPEST_MM, DEEPEST_MM), 0.0)
    return cv2.resize(ahead, (POINTS, POINTS), interpolation=cv2.INTER_AREA).ravel()


def colour(rgb: RgbImage, box: Floats) -> Floats:
    """Texture, spectra and colour of the face."""
    face = face_crop(rgb, box)
    return np.concatenate([face_texture(face), colour_histogram(face)])


def equal_error(scores: Floats, labels: Floats) -> float:
    """Where the two error rates meet, halfway between the nearest thresholds, in per cent."""
    order = np.argsort(scores)
    bona_fide = labels[order] > 0
    missed = np.cumsum(bona_fide) / bona_fide.sum()
    let_in = 1 - np.cumsum(~bona_fide) / (~bona_fide).sum()
    at = int(np.argmin(np.abs(missed - let_in)))
    return float(50 * (missed[at] + let_in[at]))


def interval(scores: Floats, labels: Floats, people: Sequence[str], seed: int) -> str:
    """Area and error with bootstrap intervals over people."""
    rng = np.random.default_rng(seed)
    rows_of = {who: np.flatnonzero(np.array(people) == who) for who in sorted(set(people))}
    names = list(rows_of)
    drawn = []
    for _ in range(ROUNDS):
        again = rng.integers(len(names), size=len(names))
        rows = np.concatenate([rows_of[names[i]] for i in again])
        if len(set(labels[rows])) == 2:
            drawn.append((measure_area(scores[rows], labels[rows]),
                          equal_error(scores[rows], labels[rows])))  # fmt: skip
    low, high = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    return (f"{measure_area(scores, labels):.3f} [{low[0]:.3f}, {high[0]:.3f}] | "
            f"{equal_error(scores, labels):.1f} [{low[1]:.1f}, {high[1]:.1f}]")  # fmt: skip


def measure_area(scores: Floats, labels: Floats) -> float:
    return float(auc(scores[:, None], labels[:, None])[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rows = load("mipd", given.root, Asked(partial=True)).rows
    marks = true_landmarks(given.root)
    print("| sensor | attack | photos | area under the curve | EER % |")
    print("| --- | --- | ---: | --- | --- |")
    for part, folder in PARTS.items():
        mine = [row for row in rows if f"/{folder}/" in row.path]
        boxes = [np.array(face_box(marks[row.path].astype(np.float32)), float) for row in mine]
        labels = np.array([1.0 if r.pai_species == BONA_FIDE_SPECIES else -1.0 for r in mine])
        train = np.array([row.split is Split.TRAIN for row in mine])
        sensors = {
            "depth": np.array([relief(*one) for one in zip(mine, boxes, strict=True)]),
            "colour": np.array(
                [colour(first_picture(r), b) for r, b in zip(mine, boxes, strict=True)]
            ),
        }
        for sensor, features in sensors.items():
            scores = ridge_scores(features[train], labels[train, None], features[~train])[:, 0]
            test = [row for row, known in zip(mine, train, strict=True) if not known]
            kinds = np.array([row.pai_detail or row.pai_species for row in test])
            people = [row.capture_subject for row in test]
            live = labels[~train] > 0
            for kind in [part, *sorted(set(kinds[~live]))]:
                asked = live | (kinds == kind) | (kind == part)
                told = interval(scores[asked], labels[~train][asked],
                                [p for p, a in zip(people, asked, strict=True) if a],
                                given.seed)  # fmt: skip
                print(f"| {sensor} | {kind} | {int((asked & ~live).sum())} | {told} |", flush=True)


if __name__ == "__main__":
    main()
