"""Arrays made of a whole sample table: once, in a folder, memory-mapped, nothing lost unseen."""

from __future__ import annotations

import csv
import functools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.datasets.file_digests import check_unchanged
from bonafide.datasets.sample_table import digest_of
from bonafide.training.once import make_once
from bonafide.types import BonafideError, Presentation
from bonafide.workers import worker_pool

ROWS = "rows.csv"
META = "cache.json"
MISSED = "missed.csv"

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Made:
    """What one presentation gives.

    Attributes:
        rows: arrays of one shape and type for all presentations of a cache; none if it is missed.
        reason: why there is none, a `ReasonCode`.
        advice: the same in words, for the person who reads missed.csv.
    """

    rows: list[Array]
    reason: str = ""
    advice: str = ""


@dataclass(frozen=True)
class ArrayCache:
    """A finished cache.

    Attributes:
        values: (rows, ...), memory-mapped read-only.
        samples: the presentation of each row; one may have several.
        missed: (presentation, reason code) of everything that gave no row.
    """

    values: Array
    samples: list[Presentation]
    missed: list[tuple[str, str]]


@dataclass(frozen=True)
class Recipe:
    """What is made of every presentation, and what a folder must say to hold just that.

    Attributes:
        name: of the array's file, such as "crops.npy".
        settings: everything that decides the values, in plain JSON values.
        make: a function that a process can be sent, from a presentation to its rows.
        nothing: the error's words when no presentation gives a row.
    """

    name: str
    settings: dict[str, Any]
    make: Callable[[Presentation], Made]
    nothing: str


def array_cache(
    samples: Sequence[Presentation],
    folder: Path,
    recipe: Recipe,
    *,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> ArrayCache:
    """Open the cache of a sample table, making it first if it is not there or no longer fits.

    A cache fits if the samples' digest and the settings are the same. A killed build leaves nothing
    behind that is taken for a cache, and of two that want the same one waits; see `make_once`.

    Args:
        samples: rows of a sample table.
        folder: of the cache.
        recipe: what to make.
        workers: processes.
        on_sample: called once for every finished presentation.

    Raises:
        BonafideError: not one sample gives a row, or a file is not the one that was indexed.
    """
    meta = {"samples": digest_of(samples), **json.loads(json.dumps(recipe.settings))}

    def build(scratch: Path) -> None:
        if not _fill(scratch, samples, recipe, meta, workers, on_sample):
            raise BonafideError(
                recipe.nothing,
                where=str(folder),
                remedy="Look at the files with `bonafide check` to see why.",
            )

    make_once(folder, lambda: fits(folder, meta), build)
    return _open(samples, folder, recipe.name)


def fits(folder: Path, meta: dict[str, Any]) -> bool:
    """Whether a folder holds a finished cache of just these settings."""
    try:
        return bool(json.loads((folder / META).read_text()) == meta)
    except (OSError, json.JSONDecodeError):
        return False


def _fill(
    scratch: Path,
    samples: Sequence[Presentation],
    recipe: Recipe,
    meta: dict[str, Any],
    workers: int,
    on_sample: Callable[[], None] | None,
) -> bool:
    """Write all files of a cache; False if not one sample gives a row."""
    missed: list[tuple[str, ...]] = []
    rows: list[tuple[str, ...]] = []
    first: Array | None = None
    with (scratch / "raw").open("wb") as raw:
        made_of_each = _make_all(samples, recipe.make, workers)
        for sample, made in zip(samples, made_of_each, strict=True):
            for row in made.rows:
                first = row if first is None else first
                assert (row.shape, row.dtype) == (first.shape, first.dtype)
                raw.write(np.ascontiguousarray(row).tobytes())
                rows.append((sample.presentation,))
            if not made.rows:
                missed.append((sample.presentation, made.reason, made.advice))
            if on_sample is not None:
                on_sample()
    if first is None:
        return False
    _finish(scratch, recipe.name, (len(rows), *first.shape), first.dtype)
    _write_rows(scratch / ROWS, ("presentation",), rows)
    _write_rows(scratch / MISSED, ("presentation", "reason", "advice"), missed)
    (scratch / META).write_text(json.dumps(meta))
    return True


def _finish(scratch: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Put the header of a .npy file before the raw values, now that their number is known."""
    with (scratch / name).open("wb") as out, (scratch / "raw").open("rb") as raw:
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(out, header)
        shutil.copyfileobj(raw, out, 1 << 22)
    (scratch / "raw").unlink()


def _write_rows(path: Path, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _open(samples: Sequence[Presentation], folder: Path, name: str) -> ArrayCache:
    by_id = {sample.presentation: sample for sample in samples}
    with (folder / ROWS).open(newline="") as file:
        rows = [by_id[row["presentation"]] for row in csv.DictReader(file)]
    with (folder / MISSED).open(newline="") as file:
        missed = [(row["presentation"], row["reason"]) for row in csv.DictReader(file)]
    return ArrayCache(np.load(folder / name, mmap_mode="r", allow_pickle=False), rows, missed)


def _make_all(
    samples: Sequence[Presentation], make: Callable[[Presentation], Made], workers: int
) -> Iterator[Made]:
    """Make of every sample, in the table's order whatever the number of workers."""
    checked = functools.partial(_checked, make=make)
    if workers <= 1:
        yield from map(checked, samples)
        return
    with worker_pool(workers) as pool:
        yield from pool.map(checked, samples, chunksize=16)


def _checked(sample: Presentation, make: Callable[[Presentation], Made]) -> Made:
    check_unchanged(sample)
    return make(sample)
