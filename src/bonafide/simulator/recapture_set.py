"""A whole data set of simulated recaptures, written from a folder of bona fide photos.

    OUT/<split>/<label>/<subject>_<i>[_<kind>].jpg     as the simulated camera encoded them
    OUT/samples.csv      the samples that survived matching (types.SAMPLE_COLUMNS)
    OUT/candidates.csv   all samples, matched or not
    OUT/provenance.json  every drawn number of every sample, the seed, the commit
    OUT/records/         one JSON per person, for resuming

People are split by a seeded hash of the subject, so a person's split never changes when others
come or go. Every sample has its own seed, from subject and index, so neither the number of workers
nor an interruption changes a byte.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from bonafide.simulator.matching import match_trivial
from bonafide.simulator.portraits import find_portraits, read_photo, rough_face, trim_border
from bonafide.simulator.presentations import KINDS
from bonafide.simulator.probe import trivial_features
from bonafide.simulator.recapture import recapture
from bonafide.simulator.stage import Devices, draw_devices
from bonafide.source import source_commit
from bonafide.types import BONA_FIDE_SPECIES, SAMPLE_COLUMNS, BonafideError, Label, Split
from bonafide.version import __version__
from bonafide.workers import worker_pool

DATASET = "recapture (simulated)"
SPLIT_SHARES = ((Split.TRAIN, 0.6), (Split.DEVELOPMENT, 0.2), (Split.TEST, 0.2))

Progress = Callable[[int, int], None]
"""Called with (people done, people in all)."""


@dataclass(frozen=True, slots=True)
class PersonTask:
    """The work of one person: plain data that travels to a worker.

    Attributes:
        subject: as the folder names the person.
        photos: the person's photos; sample i is made from photo i modulo their number.
        out: root of the data set.
        split: the person's.
        seed, per_subject: of the whole set.
        code: digest of the simulator's sources.
    """

    subject: str
    photos: tuple[Path, ...]
    out: Path
    split: Split
    seed: int
    per_subject: int
    code: str


def split_of(subject: str, seed: int) -> Split:
    """A person's split: 60 % train, 20 % development, 20 % test, by a hash of seed and subject."""
    digest = hashlib.sha256(f"{seed}/{subject}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    edge = 0.0
    for split, share in SPLIT_SHARES:
        edge += share
        if place < edge:
            return split
    return Split.TEST


def devices_of(split: Split, seed: int) -> Devices:
    """A split's own cameras, printers and displays: other instances, the same distributions."""
    return draw_devices(np.random.default_rng([seed, list(Split).index(split), 1]))


def write_recapture_set(
    portraits: Path | Sequence[Path],
    out: Path,
    seed: int,
    per_subject: int,
    workers: int = 1,
    progress: Progress | None = None,
) -> Path:
    """Write the data set and return the path of samples.csv.

    For every person and index one bona fide sample, one print and one replay are made, from the
    same framing, camera and light. Finished people are kept when run again with the same settings
    and the same simulator.

    Args:
        portraits: one or several folders, see `portraits.find_portraits`.
        out: folder to write; made if missing.
        seed: decides everything.
        per_subject: samples of each kind per person, at least 1.
        workers: processes.
        progress: called after each person.

    Raises:
        BonafideError: no photos, an unreadable one, or per_subject or workers below 1.
    """
    if per_subject < 1 or workers < 1:
        raise BonafideError(
            f"per_subject is {per_subject} and workers {workers}.",
            where="write_recapture_set",
            remedy="Both must be 1 or more.",
        )
    folders = [portraits] if isinstance(portraits, Path) else list(portraits)
    people: dict[str, list[Path]] = defaultdict(list)
    for folder in folders:
        for portrait in find_portraits(folder):
            people[portrait.subject].append(portrait.path)
    code = simulator_digest()
    tasks = [
        PersonTask(subject, tuple(photos), out, split_of(subject, seed), seed, per_subject, code)
        for subject, photos in sorted(people.items())
    ]
    records = _run(tasks, workers, progress)
    return _write_tables(records, out, seed, per_subject, code)


def _run(tasks: list[PersonTask], workers: int, progress: Progress | None) -> list[dict]:
    if workers == 1:
        records = []
        for task in tasks:
            records.append(make_person(task))
            if progress:
                progress(len(records), len(tasks))
        return records
    done: dict[str, dict] = {}
    with worker_pool(workers) as pool:
        futures = {pool.submit(make_person, task): task.subject for task in tasks}
        for future in as_completed(futures):
            done[futures[future]] = future.result()
            if progress:
                progress(len(done), len(tasks))
    return [done[task.subject] for task in tasks]


def make_person(task: PersonTask) -> dict:
    """Make all samples of one person, or keep them if they are there; returns their record."""
    cv2.setNumThreads(1)
    record_path = task.out / "records" / f"{_safe(task.subject)}.json"
    fingerprint = _fingerprint(task)
    kept = _kept_record(record_path, fingerprint, task.out)
    if kept is not None:
        return kept
    devices = devices_of(task.split, task.seed)
    photos = [trim_border(read_photo(path)) for path in task.photos]
    faces = [rough_face(photo) for photo in photos]
    subject_key = int.from_bytes(hashlib.sha256(task.subject.encode()).digest()[:8], "big")
    samples = []
    for index in range(task.per_subject):
        which = index % len(photos)
        for kind in KINDS:
            # The same seed for every kind: they share framing, camera, light and noise.
            rng = np.random.default_rng([task.seed, subject_key, index])
            made = recapture(photos[which], kind, rng, devices=devices, face=faces[which])
            label = Label.BONA_FIDE if kind == BONA_FIDE_SPECIES else Label.ATTACK
            name = f"{_safe(task.subject)}_{index}"
            name += "" if label is Label.BONA_FIDE else f"_{kind}"
            relative = f"{task.split}/{label}/{name}.jpg"
            _write_atomic(task.out / relative, made.jpeg)
            samples.append(
                {
                    "presentation": name,
                    "path": relative,
                    "pai_species": kind,
                    "pai_detail": made.detail,
                    "device": made.parameters["camera"]["name"],
                    "photo": task.photos[which].name,
                    "sha256": hashlib.sha256(made.jpeg).hexdigest(),
                    "features": trivial_features(made.rgb, made.jpeg, made.face).tolist(),
                    "parameters": made.parameters,
                }
            )
    record = {
        "subject": task.subject,
        "split": str(task.split),
        "fingerprint": fingerprint,
        "samples": samples,
    }
    _write_atomic(record_path, json.dumps(record).encode())
    return record


def _safe(subject: str) -> str:
    """A subject as part of a file name; other characters are replaced and told apart by a hash."""
    plain = "".join(c if c.isalnum() or c in "-." else "-" for c in subject)
    if plain == subject:
        return plain
    return f"{plain}-{hashlib.sha256(subject.encode()).hexdigest()[:6]}"


def _fingerprint(task: PersonTask) -> str:
    """Digest of all that decides a person's samples."""
    digest = hashlib.sha256(f"{task.code} {task.seed} {task.per_subject} {task.split}".encode())
    for path in task.photos:
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError as error:
            raise BonafideError(
                f"cannot be read ({error.strerror}).", where=str(path), remedy="Check the folder."
            ) from error
    return digest.hexdigest()


def _kept_record(record_path: Path, fingerprint: str, out: Path) -> dict | None:
    """The record of an earlier run, if it is the same work and every file is whole."""
    try:
        record = json.loads(record_path.read_text())
        if record["fingerprint"] != fingerprint:
            return None
        for sample in record["samples"]:
            data = (out / sample["path"]).read_bytes()
            if hashlib.sha256(data).hexdigest() != sample["sha256"]:
                return None
    except (OSError, json.JSONDecodeError, KeyError):
        return None
    return record


def _write_atomic(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)


def simulator_digest() -> str:
    """SHA-256 over the simulator's own sources: other code, other pictures."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _write_tables(records: list[dict], out: Path, seed: int, per_subject: int, code: str) -> Path:
    rows = [_row(record, sample) for record in records for sample in record["samples"]]
    samples = [sample for record in records for sample in record["samples"]]
    matched = np.zeros(len(rows), bool)
    for split, _ in SPLIT_SHARES:
        members = np.array([i for i, row in enumerate(rows) if row["split"] == split], np.int64)
        if len(members):
            features = np.array([samples[i]["features"] for i in members])
            species = [rows[i]["pai_species"] for i in members]
            subjects = [rows[i]["capture_subject"] for i in members]
            rng = np.random.default_rng([seed, list(Split).index(split), 2])
            matched[members[match_trivial(features, species, subjects, rng)]] = True
    provenance = {
        "dataset": DATASET,
        "seed": seed,
        "per_subject": per_subject,
        "version": __version__,
        "commit": source_commit(),
        "simulator_sha256": code,
        "matched": int(matched.sum()),
        "samples": [
            {**sample, "matched": bool(keep)} for sample, keep in zip(samples, matched, strict=True)
        ],
    }
    _write_atomic(out / "provenance.json", json.dumps(provenance).encode())
    _write_csv(out / "candidates.csv", rows)
    _write_csv(out / "samples.csv", [r for r, keep in zip(rows, matched, strict=True) if keep])
    return out / "samples.csv"


def _row(record: dict, sample: dict) -> dict[str, str]:
    bona_fide = sample["pai_species"] == BONA_FIDE_SPECIES
    row = dict.fromkeys(SAMPLE_COLUMNS, "")
    row |= {key: sample[key] for key in ("presentation", "path", "pai_species", "device", "sha256")}
    row |= {
        "label": str(Label.BONA_FIDE if bona_fide else Label.ATTACK),
        "capture_subject": f"portraits/{record['subject']}",
        "split": record["split"],
        "dataset": DATASET,
        "pai_detail": "" if bona_fide else sample["pai_detail"],
        "rotation_deg": "0",
        "frame_rate_hz": "0.0",
    }
    return row


def _write_csv(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, SAMPLE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)
