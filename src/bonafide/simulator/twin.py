"""A twin: the rendered world writing a data set's official folder tree (simulated).

A twin is a plan, made of a size and a seed alone: what every file shows, and the lists beside
them. `write_twin` carries it out. Every job draws from a generator of its own, so neither the
number of workers nor an interruption changes a byte; a job writes into a scratch folder and its
finished files are moved into place, so a killed run leaves no half file; a finished job is never
redone.

    OUT/...                  the data set's own tree
    OUT/provenance.json      that it is simulated; seed, size, version, every drawn number
    OUT/.jobs/               records of finished jobs, while the twin is being written
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np

from bonafide.datasets.tree import PROVENANCE
from bonafide.simulator.device import check_device
from bonafide.simulator.recapture_set import simulator_digest
from bonafide.source import source_commit
from bonafide.types import BonafideError
from bonafide.version import __version__
from bonafide.workers import worker_pool

NOTE = "Simulated: drawn by bonafide's rendered world. No evidence about real attacks."
JOBS = ".jobs"

Progress = Callable[[int, int], None]
"""Called with (finished jobs, all jobs)."""
Record = dict[str, object]


class TwinError(BonafideError):
    """A twin cannot be planned or written."""


@dataclass(frozen=True, slots=True)
class Job:
    """One unit of work: plain data that travels to a worker.

    Attributes:
        name: unique in the twin; its main file or folder, relative to the root.
        files: what it writes, relative to the root.
        group: jobs of one group share people, and run one after the other in one worker.
        seed: of this job alone, see `seed_of`.
        film: makes the files below the folder it is given, and returns what was drawn.
        scene, form: what is filmed and how it is stored; ``film`` knows their types.
        device: where light is drawn, see `session.Stage`; set by `write_twin`.
    """

    name: str
    files: tuple[str, ...]
    group: str
    seed: int
    film: Callable[[Job, Path], Record]
    scene: object
    form: object
    device: str | None = None


@dataclass(frozen=True, slots=True)
class TwinPlan:
    """What will be written, drawn without drawing a pixel.

    Attributes:
        name, size, seed: as asked.
        jobs: in the order of the provenance.
        texts: path relative to the root -> content, of lists and protocols.
        facts: people, devices, rooms and settings, for the provenance; any dataclasses.
    """

    name: str
    size: str
    seed: int
    jobs: tuple[Job, ...]
    texts: Mapping[str, str]
    facts: Mapping[str, object]


def seed_of(seed: int, *words: object) -> int:
    """A seed of 128 bits for a purpose: the same words, the same seed, on every machine.

    >>> seed_of(0, "casia-fasd", "people") == seed_of(0, "casia-fasd", "people")
    True
    """
    digest = hashlib.sha256("/".join(str(word) for word in (seed, *words)).encode()).digest()
    return int.from_bytes(digest[:16], "big")


def generator(seed: int, *words: object) -> np.random.Generator:
    """The generator of a purpose; see `seed_of`."""
    return np.random.default_rng(seed_of(seed, *words))


def write_twin(
    plan: TwinPlan,
    out: Path,
    workers: int = 1,
    progress: Progress | None = None,
    device: str | None = None,
) -> Path:
    """Carry a plan out, or what an earlier run left of it; returns the provenance file's path.

    Args:
        device: draws the light, see `session.Stage`. Another device gives other bytes: equal
            pictures within rounding. Every worker opens the device for itself.

    Raises:
        TwinError: the folder holds something else, or a twin of another seed, size, simulator or
            device.
        BonafideError: there is no such device.
    """
    check_device(device)
    if workers < 1:
        raise TwinError(f"workers is {workers}.", where="workers", remedy="Use 1 or more.")
    header = _header(plan, device)
    kept = _claim(out, header)
    for name, text in plan.texts.items():
        _write_atomic(out / name, text.encode())
    todo = [job for job in plan.jobs if not _is_done(job, out, kept)]
    done = len(plan.jobs) - len(todo)
    if progress:
        progress(done, len(plan.jobs))
    sent = [replace(job, device=device) for job in todo]
    for records in _run(_groups(sent), out, workers):
        kept.update({str(record["job"]): record for record in records})
        done += len(records)
        if progress:
            progress(done, len(plan.jobs))
    whole = header | {
        "complete": True,
        "commit": source_commit(),
        "facts": plain(plan.facts),
        "jobs": [kept[job.name] for job in plan.jobs],
    }
    if todo or not _is_complete(out):
        _write_atomic(out / PROVENANCE, _json(whole))
    shutil.rmtree(out / JOBS, ignore_errors=True)
    return out / PROVENANCE


def _header(plan: TwinPlan, device: str | None) -> Record:
    return {
        "note": NOTE,
        "dataset": f"{plan.name} (simulated)",
        "size": plan.size,
        "seed": plan.seed,
        "version": __version__,
        "simulator_sha256": simulator_digest(),
        "device": device,
        "complete": False,
    }


def _claim(out: Path, header: Record) -> dict[str, Record]:
    """Records of finished jobs, by name; the folder is ours afterwards.

    The provenance is there before the first picture: even a broken-off twin says it is simulated.
    """
    path = out / PROVENANCE
    if path.is_file():
        return _kept_records(out, header)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise TwinError(
            "holds files that are no twin of this command.",
            where=str(out),
            remedy="Name a new or an empty folder; nothing was overwritten.",
        )
    _write_atomic(path, _json(header))
    return {}


def _kept_records(out: Path, header: Record) -> dict[str, Record]:
    try:
        there = json.loads((out / PROVENANCE).read_text())
        differing = [
            f"{key} is {there.get(key)!r} there and {value!r} here"
            for key, value in header.items()
            if key not in ("complete", "note") and there.get(key) != value
        ]
    except (OSError, json.JSONDecodeError, AttributeError):
        differing = ["its provenance cannot be read"]
        there = {}
    if differing:
        raise TwinError(
            f"holds another twin: {'; '.join(differing)}.",
            where=str(out),
            remedy="Name another folder, or remove this one; nothing was overwritten.",
        )
    kept = {record["job"]: record for record in there.get("jobs", [])}
    for path in sorted((out / JOBS).glob("*.json")):
        record = json.loads(path.read_text())
        kept[record["job"]] = record
    return kept


def _is_complete(out: Path) -> bool:
    return bool(json.loads((out / PROVENANCE).read_text())["complete"])


def _is_done(job: Job, out: Path, kept: Mapping[str, Record]) -> bool:
    record = kept.get(job.name)
    if record is None:
        return False
    stated = record["files"]
    assert isinstance(stated, dict)
    try:
        return all((out / name).stat().st_size == stated[name]["bytes"] for name in job.files)
    except (OSError, KeyError):
        return False


def _groups(jobs: Sequence[Job]) -> list[list[Job]]:
    return [list(group) for _, group in groupby(jobs, key=lambda job: job.group)]


def _run(groups: list[list[Job]], out: Path, workers: int) -> Iterator[list[Record]]:
    """Yield the records of each group as it ends."""
    if workers == 1 or len(groups) < 2:
        for group in groups:
            for job in group:
                yield [run_job(job, out)]
        return
    with worker_pool(min(workers, len(groups))) as pool:
        futures = [pool.submit(run_group, group, out) for group in groups]
        for future in as_completed(futures):
            yield future.result()


def run_group(jobs: Sequence[Job], out: Path) -> list[Record]:
    """Run jobs one after the other; each is finished by itself."""
    return [run_job(job, out) for job in jobs]


def run_job(job: Job, out: Path) -> Record:
    """Make a job's files, move them into place and record them; the record comes last."""
    cv2.setNumThreads(1)
    key = hashlib.sha256(job.name.encode()).hexdigest()[:32]
    scratch = out / JOBS / f"{key}.{os.getpid()}"
    shutil.rmtree(scratch, ignore_errors=True)
    for name in job.files:
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
    drawn = job.film(job, scratch)
    files = {}
    for name in job.files:
        data = (scratch / name).read_bytes()
        files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (scratch / name).replace(out / name)
    shutil.rmtree(scratch)
    record: Record = {"job": job.name, "files": files, "seed": str(job.seed), "drawn": plain(drawn)}
    _write_atomic(out / JOBS / f"{key}.json", _json(record))
    return record


def plain(value: object) -> object:
    """Dataclasses, tuples and numpy numbers as what JSON knows; functions are left out."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if callable(value) else value


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _write_atomic(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(path)
