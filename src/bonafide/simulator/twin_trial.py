"""Trials of a twin by a small trained model: does it learn what it should? (simulated)

A *look* is the first picture of a planned clip, filmed without the data set's codec: a few hundred
looks are drawn in minutes, where a twin takes an hour. The model is ridge regression on texture and
colour of the face, weak but honest: it has one setting and no luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.datasets.probes import (
    SHUFFLES,
    Features,
    Probe,
    assign_folds,
    auc,
    probe,
    ridge_scores,
    shuffle_labels,
)
from bonafide.simulator.capture_clip import capture_clip
from bonafide.simulator.twin import Job
from bonafide.simulator.twin_media import face_box
from bonafide.simulator.twin_probe import around_the_face
from bonafide.simulator.twin_scene import Scene, stage_scene
from bonafide.types import BONA_FIDE_SPECIES, RgbImage

FACE_PX = 64
BANDS = 12
ROUNDS = 500
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """The first picture of a planned clip.

    Attributes:
        scene: what was planned; rgb: (h, w, 3) uint8 R, G, B.
        box: (left, top, width, height) px of the face, see `twin_media.face_box`.
    """

    scene: Scene
    rgb: RgbImage
    box: npt.NDArray[np.float64]


def look_at_job(job: Job) -> Look:
    """Film the first picture of a job's scene; the same job gives the same look."""
    assert isinstance(job.scene, Scene)
    staging, rest = np.random.default_rng(job.seed).spawn(2)
    clip = stage_scene(job.scene, staging)
    start_s = 0.0 if clip.staging.refresh is not None else float(rest.uniform(0, 20))
    [frame] = capture_clip(clip, 1, modalities=False, start_s=start_s)
    return Look(job.scene, frame.rgb, np.array(face_box(frame.landmarks), float))


def balanced_jobs(jobs: Sequence[Job], each: int, seed: int) -> list[Job]:
    """At most ``each`` bona fide and as many attack jobs of every person, in the plan's order."""
    rng = np.random.default_rng(seed)
    of_person: dict[str, tuple[list[Job], list[Job]]] = {}
    for job in jobs:
        assert isinstance(job.scene, Scene)
        kinds = of_person.setdefault(job.scene.subject, ([], []))
        kinds[job.scene.species != BONA_FIDE_SPECIES].append(job)
    chosen = set()
    for kinds in of_person.values():
        number = min(each, *map(len, kinds))
        for kind in kinds:
            chosen |= {kind[i].name for i in rng.permutation(len(kind))[:number]}
    return [job for job in jobs if job.name in chosen]


def one_before_each_camera(jobs: Sequence[Job], people: int, seed: int) -> list[Job]:
    """A bona fide and an attack job of each of the first people before each camera.

    Both of the same session, where a person has several before a camera.
    """
    rng = np.random.default_rng(seed)
    kinds: dict[tuple[str, str], tuple[list[Job], list[Job]]] = {}
    for job in jobs:
        assert isinstance(job.scene, Scene)
        key = job.scene.subject, job.scene.device.camera.name
        kinds.setdefault(key, ([], []))[job.scene.species != BONA_FIDE_SPECIES].append(job)
    first = list(dict.fromkeys(subject for subject, _ in kinds))[:people]
    chosen = set()
    for (subject, _), (live, attacks) in kinds.items():
        session = int(rng.integers(len(live)))
        each = len(attacks) // len(live)
        attack = attacks[session * each + int(rng.integers(each))]
        if subject in first:
            chosen |= {live[session].name, attack.name}
    return [job for job in jobs if job.name in chosen]


def labels_of(looks: Sequence[Look]) -> Features:
    """(n,) +1 for bona fide, -1 for attack."""
    return np.array([1.0 if one.scene.species == BONA_FIDE_SPECIES else -1.0 for one in looks])


def background_probe(looks: Sequence[Look], seed: int) -> Probe:
    """The probe of the background alone, see `twin_probe.cue_features`."""
    around = np.array([around_the_face(one.rgb, one.box) for one in looks])
    people = [one.scene.subject for one in looks]
    labels = labels_of(looks)
    shuffled = shuffle_labels(labels, people, SHUFFLES, np.random.default_rng(seed))
    targets = np.column_stack([labels, shuffled])
    return probe("background", around, targets, assign_folds(people, seed))


def face_crop(rgb: RgbImage, box: npt.NDArray[np.float64]) -> RgbImage:
    """(64, 64, 3) the face box, as far as it lies in the picture."""
    height, width = rgb.shape[:2]
    left, top = (int(v) for v in np.clip(np.rint(box[:2]), 0, [width - 8, height - 8]))
    right, bottom = (int(v) for v in np.rint(box[:2] + box[2:]))
    seen = rgb[top : max(bottom, top + 8), left : max(right, left + 8)]
    face = cv2.resize(seen, (FACE_PX, FACE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(face, np.uint8)


def face_texture(face: RgbImage) -> Features:
    """(d,) radial spectra, colour moments and coarse patterns of luma and both chroma planes.

    Args:
        face: (64, 64, 3) R, G, B, see `face_crop`.
    """  # fmt: skip
    planes = cv2.cvtColor(face, cv2.COLOR_RGB2YCrCb).astype(np.float64)
    parts = [planes.mean((0, 1)), planes.std((0, 1))]
    for plane in np.moveaxis(planes, -1, 0):
        parts += [_spectrum(plane), _patterns(plane)]
    return np.concatenate(parts)


def _spectrum(plane: Features) -> Features:
    """Log power in rings of the spectrum."""
    window = np.outer(np.hanning(FACE_PX), np.hanning(FACE_PX))
    power = np.abs(np.fft.fft2((plane - plane.mean()) * window)) ** 2
    away = np.hypot(*np.meshgrid(*[np.fft.fftfreq(FACE_PX)] * 2))
    ring = np.minimum((away / 0.5 * BANDS).astype(int), BANDS - 1)
    summed = np.bincount(ring.ravel(), power.ravel(), BANDS) / np.bincount(ring.ravel())
    return np.log(summed + 1.0)


def _patterns(plane: Features) -> Features:
    """Shares of the number of the eight neighbours that are brighter, coarse and fine."""
    shares = []
    for scale in (1, 2):
        small = cv2.resize(plane, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
        inner = small[1:-1, 1:-1]
        brighter = sum(
            (small[1 + y : small.shape[0] - 1 + y, 1 + x : small.shape[1] - 1 + x] > inner)
            for y in (-1, 0, 1) for x in (-1, 0, 1) if x or y
        )  # fmt: skip
        shares.append(np.bincount(np.asarray(brighter, int).ravel(), minlength=9) / inner.size)
    return np.concatenate(shares)


def score_unseen(features: Features, targets: Features, people: Sequence[str], seed: int) -> Scores:
    """(n, k) scores of everybody by models that have not seen them; higher is more bona fide.

    Args:
        features: (n, d); targets: (n, k) of -1 and +1, one model each.
    """
    fold_of = assign_folds(people, seed)
    scores = np.empty(targets.shape)
    for fold in np.unique(fold_of):
        test = fold_of == fold
        scores[test] = ridge_scores(features[~test], targets[~test], features[test])
    return scores


def area(scores: Scores, labels: Features) -> float:
    """Area under the ROC curve of (n,) scores, bona fide above attack."""
    return float(auc(scores[:, None], labels[:, None])[0])


def chance_band(
    scores: Scores, labels: Features, people: Sequence[str], seed: int
) -> tuple[float, float]:
    """The 95 % band of the area that these scores have where labels depend on the person alone."""
    shuffled = shuffle_labels(labels, people, SHUFFLES, np.random.default_rng(seed))
    areas = auc(np.repeat(scores[:, None], SHUFFLES, axis=1), shuffled)
    low, high = np.quantile(areas, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class DeviceTrial:
    """The same presentations, judged by models that know their device and by models that do not.

    Attributes:
        seen, held_out: mean over devices of the area under the ROC curve on unseen people.
        low, high: 95 % interval of ``held_out - seen`` by bootstrap of people.
    """

    seen: float
    held_out: float
    low: float
    high: float


def try_devices(
    features: Features, labels: Features, people: Sequence[str], device_of: Sequence[str], seed: int
) -> DeviceTrial:
    """Hold every device out in turn.

    For each device two models are trained on the other people: one without the device, one with it
    but without the next one, so that both have as many devices and about as many presentations.
    Where a device is "", as that of bona fide presentations among printers and screens, the row
    trains both, and is judged beside every device.

    Args:
        features: (n, d); labels: (n,) of -1 and +1; people, device_of: of each row.
    """
    devices, names = np.array(device_of), sorted({one for one in device_of if one})
    fold_of = assign_folds(people, seed)
    judged: list[tuple[npt.NDArray[np.int64], Scores]] = []
    for number, device in enumerate(names):
        rows = np.flatnonzero((devices == device) | (devices == ""))
        left_out = device, names[(number + 1) % len(names)]
        scores = np.empty((2, len(rows)))
        for fold, (model, absent) in product(np.unique(fold_of), enumerate(left_out)):
            train = (fold_of != fold) & (devices != absent)
            test = fold_of[rows] == fold
            answer = ridge_scores(features[train], labels[train, None], features[rows[test]])
            scores[model, test] = answer[:, 0]
        judged.append((rows, scores))
    who = np.array(people)
    drawn = [np.diff(_areas(judged, labels, rows))[0] for rows in _bootstrap(who, seed)]
    held_out, seen = _areas(judged, labels, np.arange(len(who)))
    low, high = np.quantile(-np.array(drawn), [0.025, 0.975])
    return DeviceTrial(float(seen), float(held_out), float(low), float(high))


def _areas(
    judged: Sequence[tuple[npt.NDArray[np.int64], Scores]],
    labels: Features,
    drawn: npt.NDArray[np.int64],
) -> Scores:
    """Mean area over devices of the model without the device, and of the one with it."""
    times = np.bincount(drawn, minlength=len(labels))
    found = []
    for rows, scores in judged:
        again = np.repeat(np.arange(len(rows)), times[rows])
        truth = labels[rows[again], None]
        if len(np.unique(truth)) == 2:
            found.append(auc(scores[:, again].T, np.repeat(truth, 2, axis=1)))
    mean: Scores = np.mean(found, axis=0)
    return mean


def _bootstrap(people: npt.NDArray[np.str_], seed: int) -> list[npt.NDArray[np.int64]]:
    """Rows of as many people, drawn with return, `ROUNDS` times."""
    rng = np.random.default_rng(seed)
    names = np.unique(people)
    rows_of = [np.flatnonzero(people == name) for name in names]
    draws = rng.integers(len(names), size=(ROUNDS, len(names)))
    return [np.concatenate([rows_of[i] for i in draw]) for draw in draws]
