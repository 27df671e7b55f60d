"""Crops of a whole sample table, cut once and memory-mapped, so that the network sets the speed."""

from __future__ import annotations

import csv
import functools
import itertools
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import expand_sources, open_source
from bonafide.capture.video import open_clip, probe_clip
from bonafide.datasets.sample_table import digest_of
from bonafide.face.crop import CropStack
from bonafide.face.crop import sample as sample_picture
from bonafide.face.detect import MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.face.prepare import prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.types import BonafideError, Frame, Presentation, ReasonCode

CROPS = "crops.npy"
ROWS = "rows.csv"
META = "cache.json"
MISSED = "missed.csv"
MODALITIES = 3


@dataclass(frozen=True)
class CropSettings:
    """What decides the pixels of a cache.

    Attributes:
        scales: crop scales, see `face.crop`.
        crop_px: side of the crops.
        frames_per_clip: frames taken from each clip, evenly spaced in time.
        modalities: cut the same place out of RGB, depth and infrared instead, at the only scale;
            pictures alone, registered to the RGB one.
    """

    scales: tuple[float, ...]
    crop_px: int = 128
    frames_per_clip: int = 8
    modalities: bool = False

    @property
    def views(self) -> int:
        """Crops of one picture."""
        return MODALITIES if self.modalities else len(self.scales)


@dataclass(frozen=True)
class CropCache:
    """A finished cache.

    Attributes:
        crops: (rows, n, side, side, 3) uint8 RGB, memory-mapped read-only.
        samples: the presentation of each row; a clip has several rows.
        missed: (presentation, reason code) of everything that gave no crop.
    """

    crops: npt.NDArray[np.uint8]
    samples: list[Presentation]
    missed: list[tuple[str, str]]


@dataclass(frozen=True)
class _Cut:
    """What a worker sends back for one presentation."""

    index: int
    crops: list[npt.NDArray[np.uint8]]
    reason: str


def crop_cache(
    samples: Sequence[Presentation],
    folder: Path,
    settings: CropSettings,
    *,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> CropCache:
    """Open the cache of a sample table, cutting it first if it is not there or no longer fits.

    A cache fits if the samples' digest and the settings are the same. It is built in a scratch
    folder and renamed when complete, so a killed build leaves nothing behind that is taken for
    a cache. Pictures without one usable face are listed in missed.csv, not dropped unseen.

    Args:
        samples: rows of a sample table.
        folder: of the cache.
        settings: what to cut.
        workers: processes.
        on_sample: called once for every finished presentation.

    Raises:
        BonafideError: not one sample has a usable face.
    """
    meta = {"samples": digest_of(samples), **json.loads(json.dumps(asdict(settings)))}
    if not _fits(folder, meta):
        _build(samples, folder, settings, meta, workers, on_sample)
    return _open(samples, folder)


def _fits(folder: Path, meta: dict[str, object]) -> bool:
    try:
        return bool(json.loads((folder / META).read_text()) == meta)
    except (OSError, json.JSONDecodeError):
        return False


def _build(
    samples: Sequence[Presentation],
    folder: Path,
    settings: CropSettings,
    meta: dict[str, object],
    workers: int,
    on_sample: Callable[[], None] | None,
) -> None:
    scratch = folder.with_name(folder.name + ".partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    side, count = settings.crop_px, 0
    missed: list[tuple[str, str]] = []
    rows: list[int] = []
    with (scratch / "raw").open("wb") as raw:
        for cut in _cut_all(samples, settings, workers):
            for crops in cut.crops:
                raw.write(np.ascontiguousarray(crops).tobytes())
                rows.append(cut.index)
                count += 1
            if not cut.crops:
                missed.append((samples[cut.index].presentation, cut.reason))
            if on_sample is not None:
                on_sample()
    if not count:
        raise BonafideError(
            "no sample shows one usable face.",
            where=str(folder),
            remedy="Look at the pictures with `bonafide check` to see why.",
        )
    _finish(scratch, (count, settings.views, side, side, 3))
    _write_rows(scratch / ROWS, ("presentation",), [(samples[i].presentation,) for i in rows])
    _write_rows(scratch / MISSED, ("presentation", "reason"), missed)
    (scratch / META).write_text(json.dumps(meta))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(scratch, folder)


def _finish(scratch: Path, shape: tuple[int, ...]) -> None:
    """Put the header of a .npy file before the raw pixels, now that their number is known."""
    with (scratch / CROPS).open("wb") as out, (scratch / "raw").open("rb") as raw:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(out, header)
        shutil.copyfileobj(raw, out, 1 << 22)
    (scratch / "raw").unlink()


def _write_rows(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _open(samples: Sequence[Presentation], folder: Path) -> CropCache:
    by_id = {sample.presentation: sample for sample in samples}
    with (folder / ROWS).open(newline="") as file:
        rows = [by_id[row["presentation"]] for row in csv.DictReader(file)]
    with (folder / MISSED).open(newline="") as file:
        missed = [(row["presentation"], row["reason"]) for row in csv.DictReader(file)]
    return CropCache(np.load(folder / CROPS, mmap_mode="r"), rows, missed)


def _cut_all(
    samples: Sequence[Presentation], settings: CropSettings, workers: int
) -> Iterator[_Cut]:
    """Cut every sample, in the table's order whatever the number of workers."""
    jobs = list(enumerate(samples))
    cut = functools.partial(_cut_sample, settings=settings)
    if workers <= 1:
        yield from map(cut, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(cut, jobs, chunksize=16)


@functools.cache
def _detector() -> MtcnnDetector:
    """One a process: loading it takes longer than a picture."""
    return MtcnnDetector()


def _cut_sample(job: tuple[int, Presentation], settings: CropSettings) -> _Cut:
    index, sample = job
    detector = _detector()
    crops, reason = [], ReasonCode.NO_FACE.value
    for rgb in _pictures(sample, settings.frames_per_clip):
        faces = find_faces(rgb, detector)
        prepared = prepare_face(rgb, faces, settings.scales, settings.crop_px, QualityLimits())
        if prepared.crops is not None:
            stack = prepared.crops
            crops.append(_modalities(sample, rgb, stack) if settings.modalities else stack.crops)
        elif prepared.reasons:
            reason = prepared.reasons[0].code.value
    return _Cut(index, crops, reason)


def _modalities(
    sample: Presentation, rgb: npt.NDArray[np.uint8], stack: CropStack
) -> npt.NDArray[np.uint8]:
    """The first crop's place in RGB, depth and infrared: (3, side, side, 3)."""
    cut = [stack.crops[0]]
    for column in ("depth_path", "infrared_path"):
        path = getattr(sample, column)
        if not path:
            raise BonafideError(
                f"{column} is empty.",
                where=sample.presentation,
                remedy="A multimodal model needs RGB, depth and infrared of every presentation.",
            )
        [picture] = _pictures(replace(sample, path=path), 1)
        if picture.shape != rgb.shape:
            raise BonafideError(
                f"is {picture.shape[1]} x {picture.shape[0]} px, the RGB picture "
                f"{rgb.shape[1]} x {rgb.shape[0]} px.",
                where=path,
                remedy="Register the modalities to the RGB picture.",
            )
        cut.append(sample_picture(picture, stack.to_picture[0], stack.crops.shape[1])[0])
    return np.stack(cut)


def _pictures(sample: Presentation, frames_per_clip: int) -> Iterator[npt.NDArray[np.uint8]]:
    turns = -sample.rotation_deg // 90
    for rgb in _read(Path(sample.path), frames_per_clip):
        yield np.ascontiguousarray(np.rot90(rgb, turns))


def _read(path: Path, frames_per_clip: int) -> Iterator[npt.NDArray[np.uint8]]:
    [source] = expand_sources([str(path)])
    if source.kind is not MediaKind.CLIP:
        opened = open_source(source)
        assert isinstance(opened, Frame)
        yield opened.rgb
        return
    span_s = probe_clip(path).span_s
    sample_hz = frames_per_clip / span_s if span_s > 0 else None
    with open_clip(path, sample_hz=sample_hz) as clip:
        for frame in itertools.islice(clip, frames_per_clip):
            yield frame.rgb
