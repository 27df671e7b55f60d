"""Why does a cut print take more bytes than a face at the same JPEG quality? (simulated)

    python benchmarks/print_bytes.py --people 40

Draws a bona fide photo and a cut print of people of CASIA-SURF's small twin at one quality, and
the prints again with one thing changed at a time. Prints Markdown rows: bytes of prints over those
of faces, and over those of the same prints unchanged (geometric means, intervals of 95 % by
bootstrap of people), and the area under the curve of a face taking more bytes than a print.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from bonafide.simulator.camera import CameraSettings
from bonafide.simulator.session import plan_capture
from bonafide.simulator.twin import Job, run_job
from bonafide.simulator.twin_photos import PhotoForm
from bonafide.simulator.twin_scene import WHITE_ADAPTATION, Scene
from bonafide.simulator.twins import plan_twin
from bonafide.types import BONA_FIDE_SPECIES

QUALITY = 92
ROUNDS = 2000
Floats = npt.NDArray[np.float64]
Change = Callable[[Scene], Scene]
NO_TONE = {"contrast": 0.0, "black_point": 0.0, "shoulder": 1.0}
NO_NOISE = {"photon_noise": 0.0, "read_noise": 0.0}
NO_SHARPENING = {"sharpen_amount": 0.0}


def any_camera(scene: Scene) -> CameraSettings:
    """The one that is drawn for what is shown when the twin names none."""
    assert scene.shown is not None
    rng = np.random.default_rng(scene.shown.seed)
    plan = plan_capture(rng, *scene.shown.size, face_share=scene.shown.face_share)
    return replace(plan.rig.camera, white_adaptation=WHITE_ADAPTATION)


def earlier(changes: dict[str, float], *, drawn: bool = False) -> Change:
    """The earlier camera with settings changed; ``drawn``: any camera instead of the twin's own."""

    def change(scene: Scene) -> Scene:
        assert scene.shown is not None
        camera = any_camera(scene) if drawn else scene.shown.camera
        assert camera is not None
        return replace(scene, shown=replace(scene.shown, camera=replace(camera, **changes)))

    return change


def sharpened(scene: Scene) -> Scene:
    """What is printed is as sharp as the device's own pictures."""
    assert scene.shown is not None
    return replace(scene, shown=replace(scene.shown, camera=scene.device.camera))


def ink(fade: float, black: float, **changes: float) -> Change:
    """Another printer: saturation times ``fade``, ``black`` added to its black."""

    def change(scene: Scene) -> Scene:
        assert scene.printer is not None
        old = scene.printer
        faded = replace(old, saturation=fade * old.saturation, black=black + old.black, **changes)
        return replace(scene, printer=faded)

    return change


CHANGES: dict[str, Change] = {
    "as the twin draws them": lambda scene: scene,
    "no halftone": ink(1, 0, lines_per_inch=0.0),
    "no paper fibre": ink(1, 0, fibre=0.0),
    "weak inks (saturation x 0.6, black + 0.13)": ink(0.6, 0.13),
    "no holes": lambda scene: scene,
    "photos without tone curve": earlier(NO_TONE),
    "photos without noise": earlier(NO_NOISE),
    "photos sharpened as the device does": sharpened,
    "photos of any camera": earlier({}, drawn=True),
    "photos of any camera, without sharpening": earlier(NO_SHARPENING, drawn=True),
}


def size_of(job: Job, folder: Path) -> int:
    """Bytes of the first colour picture of a job, at `QUALITY`."""
    assert isinstance(job.form, PhotoForm)
    form = replace(job.form, quality=(QUALITY, QUALITY), links=())
    run_job(replace(job, files=job.files[:3], form=form), folder)
    return (folder / job.files[0]).stat().st_size


def pairs(people: int, seed: int) -> list[tuple[Job, Job]]:
    """A bona fide job and one of the attacks of each person, drawn by the seed."""
    rng = np.random.default_rng(seed)
    of_person: dict[str, tuple[list[Job], list[Job]]] = {}
    for job in plan_twin("casia-surf", "small", 0).jobs:
        assert isinstance(job.scene, Scene)
        kinds = of_person.setdefault(job.scene.subject, ([], []))
        kinds[job.scene.species != BONA_FIDE_SPECIES].append(job)
    chosen = [list(of_person.values())[i] for i in rng.permutation(len(of_person))[:people]]
    return [(live[0], attacks[int(rng.integers(len(attacks)))]) for live, attacks in chosen]


def interval(ratio: Floats) -> str:
    """Geometric mean of ratios with its interval."""
    logs, rng = np.log(ratio), np.random.default_rng(0)
    means = logs[rng.integers(len(logs), size=(ROUNDS, len(logs)))].mean(axis=1)
    low, high = np.exp(np.quantile(means, [0.025, 0.975]))
    return f"{np.exp(logs.mean()):.3f} [{low:.3f}, {high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    live: list[int] = []
    prints: dict[str, list[int]] = {name: [] for name in CHANGES}
    for face, attack in pairs(given.people, given.seed):
        with tempfile.TemporaryDirectory() as folder:
            live.append(size_of(face, Path(folder)))
            for name, change in CHANGES.items():
                assert isinstance(attack.scene, Scene)
                job = replace(attack, scene=change(attack.scene))
                if name == "no holes":
                    with patch("bonafide.simulator.prints._cut_holes"):
                        prints[name].append(size_of(job, Path(folder)))
                else:
                    prints[name].append(size_of(job, Path(folder)))
    faces, base = np.array(live, float), np.array(next(iter(prints.values())), float)
    print(f"casia-surf (simulated), {len(faces)} people, quality {QUALITY}\n")
    print(
        "| prints | bytes over faces' | over unchanged prints' | area |\n| --- | --- | --- | ---: |"
    )
    for name, sizes in prints.items():
        ours = np.array(sizes, float)
        area = float(np.mean(faces[:, None] > ours))
        print(f"| {name} | {interval(ours / faces)} | {interval(ours / base)} | {area:.3f} |")


if __name__ == "__main__":
    main()
