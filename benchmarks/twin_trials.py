"""Trials of a twin by a small trained model: devices, shuffled labels, another twin (simulated).

    bonafide simulate casia-fasd TWIN --size small
    python benchmarks/twin_trials.py casia-fasd=TWIN oulu-npu --people 9

Ridge regression on texture, spectra and colour of the face in one picture a clip, on people that it
has not seen. ``NAME=ROOT`` reads a twin (what of it is written, if it is not complete); ``NAME``
alone draws from the plan the first pictures of a bona fide clip and an attack of each person before
each camera.
Prints Markdown rows for each twin: the background alone; training on shuffled labels; every camera,
and every attack device, held out in turn; and the error of each twin's model on the others.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import colour_histogram
from bonafide.datasets.loaders import Asked, load
from bonafide.datasets.media import first_picture
from bonafide.datasets.probes import SHUFFLES, assign_folds, probe, ridge_scores, shuffle_labels
from bonafide.datasets.tree import PROVENANCE
from bonafide.simulator.twin import JOBS, plain
from bonafide.simulator.twin_media import face_box
from bonafide.simulator.twin_probe import around_the_face
from bonafide.simulator.twin_trial import (
    area,
    chance_band,
    face_crop,
    face_texture,
    look_at_job,
    one_before_each_camera,
    score_unseen,
    try_devices,
)
from bonafide.simulator.twins import plan_twin
from bonafide.types import BONA_FIDE_SPECIES, RgbImage
from twin_depth import equal_error

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One clip's first picture; ``attack_device`` is "" for bona fide ones."""

    rgb: RgbImage
    box: Floats
    species: str
    person: str
    camera: str
    attack_device: str


def device_name(settings: object) -> str:
    """A printer or screen by its kind and its own white; "" for no device."""
    if not isinstance(settings, dict):
        return ""
    white = settings.get("white") or settings.get("paper")
    return f"{settings['name']} {white}"


def drawn_rows(name: str, people: int, seed: int) -> list[Row]:
    rows = []
    for job in one_before_each_camera(plan_twin(name, "small", seed).jobs, people, seed):
        look = look_at_job(job)
        scene = look.scene
        device = ""
        if scene.species != BONA_FIDE_SPECIES:
            device = device_name(plain(scene.display or scene.printer))
        rows.append(Row(look.rgb, look.box, scene.species, scene.subject,
                        scene.device.camera.name, device))  # fmt: skip
    return rows


def read_rows(name: str, root: Path) -> list[Row]:
    root = root.resolve()
    stored = json.loads((root / PROVENANCE).read_text())
    jobs = stored.get("jobs") or [json.loads(p.read_text()) for p in (root / JOBS).glob("*.json")]
    drawn = {str(root / file): job["drawn"] for job in jobs for file in job["drawn"]["landmarks"]}
    rows = []
    for item in load(name, root, Asked(partial=True)).rows:
        if item.path not in drawn:
            continue
        said, rgb = drawn[item.path], first_picture(item)
        marks = np.array(said["landmarks"][str(Path(item.path).relative_to(root))], np.float32)
        if item.rotation_deg == 180:
            marks = np.array([rgb.shape[1] - 1, rgb.shape[0] - 1], np.float32) - marks
        device = device_name(said["carrier"].get("display") or said["carrier"].get("printer"))
        rows.append(Row(rgb, np.array(face_box(marks), float), said["species"],
                        item.capture_subject, said["camera"], device))  # fmt: skip
    return rows


def features_of(rows: list[Row]) -> Floats:
    faces = [face_crop(row.rgb, row.box) for row in rows]
    return np.array([[*face_texture(face), *colour_histogram(face)] for face in faces])


def labels_of(rows: list[Row]) -> Floats:
    return np.array([1.0 if row.species == BONA_FIDE_SPECIES else -1.0 for row in rows])


def report(name: str, rows: list[Row], seed: int) -> None:
    """Background, shuffled labels and devices of one twin."""
    people, labels, features = [row.person for row in rows], labels_of(rows), features_of(rows)
    count = f"{len(rows)} clips, {int((labels > 0).sum())} bona fide, {len(set(people))} people"
    print(f"\n{name} (simulated): {count}\n\n| trial | area | band or interval (95 %) |")
    print("| --- | ---: | --- |")
    shuffled = shuffle_labels(labels, people, SHUFFLES, np.random.default_rng(seed))
    targets = np.column_stack([labels, shuffled])
    around = np.array([around_the_face(row.rgb, row.box) for row in rows])
    found = probe("background", around, targets, assign_folds(people, seed))
    print(f"| background alone | {found.auc:.3f} | chance {found.low:.3f} to {found.high:.3f} |")
    scores = score_unseen(features, targets, people, seed)
    for what, column in (("true labels", 0), ("shuffled labels", 1)):
        low, high = chance_band(scores[:, column], labels, people, seed)
        print(f"| trained on {what} | {area(scores[:, column], labels):.3f} | "
              f"chance {low:.3f} to {high:.3f} |")  # fmt: skip
    areas = [area(column, labels) for column in scores[:, 1:].T]
    print(f"| mean of {SHUFFLES} shuffled trainings | {np.mean(areas):.3f} | "
          f"{np.quantile(areas, 0.025):.3f} to {np.quantile(areas, 0.975):.3f} |")  # fmt: skip
    for what, device_of in (
        ("cameras", [row.camera for row in rows]),
        ("attack devices", [row.attack_device for row in rows]),
    ):
        if len({one for one in device_of if one}) > 1:
            trial = try_devices(features, labels, people, device_of, seed)
            print(f"| {what}: seen {trial.seen:.3f}, held out {trial.held_out:.3f} | "
                  f"{trial.held_out - trial.seen:+.3f} | "
                  f"difference {trial.low:+.3f} to {trial.high:+.3f} |")  # fmt: skip


def report_across(twins: dict[str, list[Row]], seed: int) -> None:
    """Equal error rate on the own twin's unseen people, and on the other twins."""
    print("\n| trained on | asked about | clips | EER % |\n| --- | --- | ---: | ---: |")
    for name, rows in twins.items():
        features, labels = features_of(rows), labels_of(rows)
        own = score_unseen(features, labels[:, None], [row.person for row in rows], seed)[:, 0]
        print(f"| {name} | {name}, unseen people | {len(rows)} | {equal_error(own, labels):.1f} |")
        for other, asked in twins.items():
            if other != name:
                told = ridge_scores(features, labels[:, None], features_of(asked))[:, 0]
                error = equal_error(told, labels_of(asked))
                print(f"| {name} | {other} | {len(asked)} | {error:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("twins", nargs="+", help="NAME=ROOT or NAME")
    parser.add_argument("--people", type=int, default=9, help="of whom first pictures are drawn")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    twins = {}
    for asked in given.twins:
        name, _, root = asked.partition("=")
        twins[name] = (
            read_rows(name, Path(root)) if root else drawn_rows(name, given.people, given.seed)
        )
        report(name, twins[name], given.seed)
    if len(twins) > 1:
        report_across(twins, given.seed)


if __name__ == "__main__":
    main()
