"""Aligned captures of a whole sample table, cut once and memory-mapped, and what nets see of them.

Two layers: the aligned captures (reading, finding, aligning: slow, and independent of c and of
F2's range), and the planes of one net (fast, made anew when c, the range or the net changes).
"""

from __future__ import annotations

import csv
import functools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.capture.errors import CaptureError
from bonafide.capture.multimodal import DepthUnit, read_presentation, reason_of
from bonafide.cues.aligned_capture import (
    AlignedCapture,
    Planes,
    find_capture_faces,
    prepare_capture,
)
from bonafide.datasets.file_digests import check_unchanged
from bonafide.datasets.sample_table import digest_of
from bonafide.face.detect import MtcnnDetector
from bonafide.training.array_cache import fits
from bonafide.training.once import alone, make_once
from bonafide.types import BonafideError, Presentation, ReasonCode
from bonafide.workers import worker_pool

META = "cache.json"
ROWS = "rows.csv"
MISSED = "missed.csv"
ARRAYS = ("rgb", "infrared", "depth", "facts")
FACTS = 12
"""Of a row: area_px, mm_per_px, x and y of five landmarks."""


@dataclass(frozen=True)
class AlignSettings:
    """What decides the pixels of a cache; see `cascade_settings.CascadeSettings`."""

    crop_scale: float = 1.3
    crop_px: int = 112
    focal_px: float = 0.0
    depth_scale: float = 0.0
    depth_offset_mm: float = 0.0
    one_view: bool = False

    def unit(self) -> DepthUnit | None:
        """The depth's unit; None for 16-bit millimetres."""
        return DepthUnit(self.depth_scale, self.depth_offset_mm) if self.depth_scale else None


@dataclass(frozen=True)
class CaptureCache:
    """A finished cache.

    Attributes:
        folder: where it lies.
        arrays: name of `ARRAYS` -> memory-mapped, one row a usable capture.
        samples: the presentation of each row.
        missed: (presentation, reason code) of everything that gave none.
    """

    folder: Path
    arrays: dict[str, npt.NDArray]  # type: ignore[type-arg]
    samples: list[Presentation]
    missed: list[tuple[str, str]]

    def aligned(self, row: int) -> AlignedCapture:
        """The aligned capture of one row."""
        facts = self.arrays["facts"][row]
        return AlignedCapture(
            np.array(self.arrays["rgb"][row]),
            np.array(self.arrays["infrared"][row]),
            np.array(self.arrays["depth"][row]),
            np.array(facts[2:]).reshape(5, 2),
            float(facts[0]),
            float(facts[1]),
        )

    def constants(self, name: str, find: Callable[[], list[float]]) -> list[float]:
        """Numbers that follow from the whole cache; found once and kept beside its arrays.

        Args:
            name: of the file.
            find: them, which takes seconds where there are hundreds of captures.
        """
        path = self.folder / f"{name}.json"
        if not path.exists():
            scratch = path.with_name(f"{name}.{os.getpid()}.partial")
            scratch.write_text(json.dumps(find()))
            os.replace(scratch, path)
        return [float(value) for value in json.loads(path.read_text())]

    def planes(
        self, name: str, meta: dict[str, object], make: Callable[[AlignedCapture], Planes]
    ) -> Planes:
        """(rows, side, side, channels) uint8, memory-mapped; made unless they lie there already.

        Args:
            name: of the file.
            meta: what ``make`` depends on, beside the cache.
            make: from an aligned capture to its planes.
        """
        path, told = self.folder / f"{name}.npy", self.folder / f"{name}.json"
        if not _planes_fit(path, told, meta):
            with alone(self.folder / f"{name}.lock"):
                if not _planes_fit(path, told, meta):
                    self._make_planes(path, make)
                    told.write_text(json.dumps(meta))
        return np.load(path, mmap_mode="r")

    def _make_planes(self, path: Path, make: Callable[[AlignedCapture], Planes]) -> None:
        first = make(self.aligned(0))
        scratch = path.with_name(f"{path.name}.partial")
        shape = (len(self.samples), *first.shape)
        out = np.lib.format.open_memmap(scratch, "w+", np.uint8, shape)
        for row in range(len(self.samples)):
            out[row] = make(self.aligned(row)) if row else first
        out.flush()
        os.replace(scratch, path)


def _planes_fit(path: Path, told: Path, meta: dict[str, object]) -> bool:
    return path.exists() and told.exists() and bool(json.loads(told.read_text()) == meta)


def capture_cache(
    samples: Sequence[Presentation],
    folder: Path,
    settings: AlignSettings,
    *,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> CaptureCache:
    """Open the cache of a sample table, cutting it first if it is not there or no longer fits.

    As `crop_cache.crop_cache`: it fits by the samples' digest and the settings, is made by one
    process while others wait, and lists in missed.csv what gave nothing.

    Raises:
        BonafideError: not one capture is usable, or a file is not the one that was indexed.
    """
    meta = {"samples": digest_of(samples), **asdict(settings)}

    def build(scratch: Path) -> None:
        missed = _fill(scratch, samples, settings, workers, on_sample)
        if len(missed) == len(samples):
            reasons = sorted({reason for _, reason in missed})
            raise BonafideError(
                f"no capture is usable: {', '.join(reasons)}.",
                where=str(folder),
                remedy="Look at one with `bonafide check --rgb A --depth B --infrared C` to see "
                "why.",
            )
        (scratch / META).write_text(json.dumps(meta))

    make_once(folder, lambda: fits(folder, meta), build)
    by_id = {sample.presentation: sample for sample in samples}
    rows = [by_id[name] for (name,) in _read_rows(folder / ROWS)]
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r")[: len(rows)] for name in ARRAYS}
    missed = [(name, reason) for name, reason in _read_rows(folder / MISSED)]
    return CaptureCache(folder, arrays, rows, missed)


def open_captures_of(folder: Path) -> CaptureCache | None:
    """A finished cache without its samples, or None where none lies: for looking at captures."""
    try:
        count = len(_read_rows(folder / ROWS))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r")[:count] for name in ARRAYS}
    except (OSError, ValueError):
        return None
    return CaptureCache(folder, arrays, [], [])


def _fill(
    scratch: Path,
    samples: Sequence[Presentation],
    settings: AlignSettings,
    workers: int,
    on_sample: Callable[[], None] | None,
) -> list[tuple[str, str]]:
    """Write the arrays and rows of a cache; (presentation, reason code) of what gave none."""
    side, most = settings.crop_px, len(samples)
    shapes = {"rgb": (side, side, 3), "infrared": (side, side), "depth": (side, side)}
    kinds = {"rgb": np.uint8, "infrared": np.uint8, "depth": np.float32}
    # As long as the table: sparse files, of which `capture_cache` shows the rows that were filled.
    arrays = {
        name: np.lib.format.open_memmap(
            scratch / f"{name}.npy", "w+", kinds.get(name, np.float32), (most, *shape)
        )
        for name, shape in {**shapes, "facts": (FACTS,)}.items()
    }
    rows: list[tuple[str, ...]] = []
    missed: list[tuple[str, str]] = []
    for sample, (aligned, reason) in zip(
        samples, _align_all(samples, settings, workers), strict=True
    ):
        if aligned is None:
            missed.append((sample.presentation, reason))
        else:
            _put(arrays, len(rows), aligned)
            rows.append((sample.presentation,))
        if on_sample is not None:
            on_sample()
    for array in arrays.values():
        array.flush()
    _write_rows(scratch / ROWS, ("presentation",), rows)
    _write_rows(scratch / MISSED, ("presentation", "reason"), missed)
    return missed


def _put(arrays: dict[str, npt.NDArray], row: int, aligned: AlignedCapture) -> None:  # type: ignore[type-arg]
    arrays["rgb"][row] = aligned.rgb
    arrays["infrared"][row] = aligned.infrared
    arrays["depth"][row] = aligned.depth
    arrays["facts"][row] = [aligned.area_px, aligned.mm_per_px, *aligned.landmarks.ravel()]


def _align_all(
    samples: Sequence[Presentation], settings: AlignSettings, workers: int
) -> Iterator[tuple[AlignedCapture | None, str]]:
    """Align every sample, in the table's order whatever the number of workers."""
    align = functools.partial(align_sample, settings=settings)
    if workers <= 1:
        yield from map(align, samples)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(align, samples, chunksize=16)


@functools.cache
def _detector() -> MtcnnDetector:
    """One a process: loading it takes longer than a picture."""
    return MtcnnDetector()


def align_sample(
    sample: Presentation, settings: AlignSettings
) -> tuple[AlignedCapture | None, str]:
    """The aligned capture of one row, or None and the code of the reason."""
    check_unchanged(sample)
    try:
        capture = read_presentation(sample, settings.unit(), one_view=settings.one_view)
    except CaptureError as error:
        return None, reason_of(error).value
    faces = find_capture_faces(capture, _detector())
    prepared = prepare_capture(
        capture, faces, settings.crop_scale, settings.crop_px, focal_px=settings.focal_px
    )
    if prepared.aligned is None:
        first = prepared.reasons[0].code if prepared.reasons else ReasonCode.NO_FACE
        return None, first.value
    return prepared.aligned, ""


def _write_rows(path: Path, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _read_rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]
