"""Does anything but the face tell live from attack in a twin? (simulated)

The probes are those of `datasets.probes`; here are only the facts that they look at: the file's,
the face's place, the picture around the face, lost depth and infrared brightness within it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from bonafide.datasets.media import first_picture, look_at
from bonafide.datasets.probes import (
    SHUFFLES,
    Features,
    Probe,
    assign_folds,
    feature_groups,
    probe,
    shuffle_labels,
)
from bonafide.datasets.tree import PROVENANCE
from bonafide.simulator.twin_media import face_box
from bonafide.types import Label, Presentation, RgbImage

EXTENDED = 1.6
"""Sides of the blanked box over those of the face box: hair, ears and neck go, too."""
BACKGROUND_PX = 12
Grey = npt.NDArray[np.generic]


def balanced_sample(rows: Sequence[Presentation], seed: int) -> list[Presentation]:
    """As many bona fide presentations as attacks of every person, drawn by the seed."""
    rng = np.random.default_rng(seed)
    of_person: dict[str, dict[Label, list[Presentation]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        of_person[row.capture_subject][row.label].append(row)
    chosen: list[Presentation] = []
    for person in sorted(of_person):
        both = of_person[person]
        number = min(len(both[Label.BONA_FIDE]), len(both[Label.ATTACK]))
        for label in (Label.BONA_FIDE, Label.ATTACK):
            order = rng.permutation(len(both[label]))[:number]
            chosen += [both[label][i] for i in sorted(order)]
    return chosen


def one_a_clip(root: Path, rows: Sequence[Presentation]) -> list[Presentation]:
    """The first row of every clip that the twin filmed.

    Photos of a clip share place, light and person: counted as independent they would make the band
    of chance too narrow.
    """
    records = json.loads((root / PROVENANCE).read_text())["jobs"]
    clip_of = {name: one["job"] for one in records for name in one["files"]}
    first: dict[str, Presentation] = {}
    for row in sorted(rows, key=lambda row: row.path):
        first.setdefault(clip_of[_inside_root(root, row.path)], row)
    return list(first.values())


def _inside_root(root: Path, path: str) -> str:
    return str(Path(path).relative_to(root.resolve()))


def probe_twin(root: Path, rows: Sequence[Presentation], *, seed: int) -> list[Probe]:
    """Every probe that the twin's media allow, the strongest first; see `datasets.probes.Probe`.

    Args:
        root: of the twin; rows: as its loader gives them, `balanced_sample` by choice.
    """  # fmt: skip
    groups = cue_features(root, rows)
    labels = np.array([1.0 if row.label is Label.BONA_FIDE else -1.0 for row in rows])
    people = [row.capture_subject for row in rows]
    rng = np.random.default_rng(seed)
    targets = np.column_stack([labels, shuffle_labels(labels, people, SHUFFLES, rng)])
    folds = assign_folds(people, seed)
    found = [probe(name, features, targets, folds) for name, features in groups.items()]
    return sorted(found, key=lambda one: -(one.auc or 0.0))


def cue_features(root: Path, rows: Sequence[Presentation]) -> dict[str, Features]:
    """Kind of fact -> (rows, d) features that should tell nothing."""
    groups = dict(feature_groups(rows, [look_at(row) for row in rows]))
    kept = {name: groups[name] for name in ("file size per frame", "length", "all of these")}
    marks = true_landmarks(root)
    places, around = [], []
    holes, infrared = [], []
    for row in rows:
        rgb = first_picture(row)
        mark = marks[row.path]
        if row.rotation_deg == 180:
            mark = np.array([rgb.shape[1] - 1, rgb.shape[0] - 1]) - mark
        box = np.array(face_box(mark.astype(np.float32)), float)
        places.append(box / [rgb.shape[1], rgb.shape[0], rgb.shape[1], rgb.shape[0]])
        around.append(around_the_face(rgb, box))
        if row.depth_path and row.infrared_path:
            holes.append([float((_inside(_read(row.depth_path), rgb, box) == 0).mean())])
            infrared.append([float(_inside(_read(row.infrared_path), rgb, box).mean())])
    kept["face box"] = np.array(places)
    kept["background"] = np.array(around)
    if holes:
        kept["depth holes in the face"] = np.array(holes)
        kept["infrared mean in the face"] = np.array(infrared)
    return kept


def true_landmarks(root: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Path of a main file -> (5, 2) px: true landmarks of its first picture, as stored."""
    records = json.loads((root / PROVENANCE).read_text())["jobs"]
    return {
        str(root.resolve() / name): np.array(marks)
        for one in records
        for name, marks in one["drawn"]["landmarks"].items()
    }


def around_the_face(rgb: RgbImage, box: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The picture made tiny, with the extended face box blanked."""
    blank = rgb.copy()
    left, top, right, bottom = _corners(rgb, box, EXTENDED)
    blank[top:bottom, left:right] = 0
    small = cv2.resize(blank, (BACKGROUND_PX, BACKGROUND_PX), interpolation=cv2.INTER_AREA)
    return small.astype(np.float64).ravel()


def _inside(picture: Grey, rgb: RgbImage, box: npt.NDArray[np.float64]) -> Grey:
    """The face box of a registered picture of another size."""
    scale = picture.shape[1] / rgb.shape[1]
    left, top, right, bottom = _corners(picture, box * scale, 1.0)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


def _corners(
    picture: Grey, box: npt.NDArray[np.float64], factor: float
) -> tuple[int, int, int, int]:
    x, y = box[0] + box[2] / 2, box[1] + box[3] / 2
    w, h = box[2] * factor / 2, box[3] * factor / 2
    height, width = picture.shape[:2]
    return (
        int(np.clip(round(x - w), 0, width - 1)), int(np.clip(round(y - h), 0, height - 1)),
        int(np.clip(round(x + w), 1, width)), int(np.clip(round(y + h), 1, height)),
    )  # fmt: skip


def _read(path: str) -> Grey:
    with Image.open(path) as picture:
        return np.asarray(picture)
