"""Read, write and check samples.csv, the one form in which data meets the rest of the toolkit."""

from __future__ import annotations

import csv
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from bonafide.datasets.errors import LayoutError, LeakError, listing
from bonafide.types import (
    SAMPLE_COLUMNS,
    BonafideError,
    Box,
    Label,
    Presentation,
    Split,
)

REQUIRED_COLUMNS = (
    "presentation",
    "path",
    "label",
    "pai_species",
    "capture_subject",
    "split",
    "dataset",
)


def read_sample_table(path: Path) -> list[Presentation]:
    """Read a sample table; relative media paths are taken from the table's folder.

    Returns:
        one `Presentation` a row, in the file's order, media paths absolute.

    Raises:
        BonafideError: the file is missing or empty, a required column is missing, a column is
            unknown, an id stands twice, or a value is not one of the allowed words; the message
            names the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            rows = list(reader)
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Name a sample table, such as one written by `bonafide simulate`.",
        ) from error
    _check_columns(path, columns)
    if not rows:
        raise BonafideError("has no rows.", where=str(path), remedy="List at least one sample.")
    samples = [
        parse_row(row, folder=path.parent, where=f"{path}, line {line}")
        for line, row in enumerate(rows, start=2)
    ]
    _check_unique(path, samples)
    return samples


def parse_row(row: Mapping[str, str | None], *, folder: Path, where: str) -> Presentation:
    """One row of text as a `Presentation`; columns that are absent are empty.

    Args:
        row: column -> text, columns of `SAMPLE_COLUMNS`.
        folder: what relative media paths are relative to.
        where: the table and line, for the message.

    Raises:
        BonafideError: a value is not one of the allowed words, or no number.
    """
    values = {name: (row.get(name) or "").strip() for name in SAMPLE_COLUMNS}
    try:
        sample = Presentation(
            presentation=values["presentation"],
            path=values["path"],
            label=Label(values["label"]),
            pai_species=values["pai_species"],
            capture_subject=values["capture_subject"],
            split=Split(values["split"]),
            dataset=values["dataset"],
            pai_detail=values["pai_detail"],
            session=values["session"],
            device=values["device"],
            light=values["light"],
            quality=values["quality"],
            depth_path=values["depth_path"],
            infrared_path=values["infrared_path"],
            rotation_deg=int(values["rotation_deg"] or 0),
            frame_rate_hz=float(values["frame_rate_hz"] or 0.0),
            box=_parse_box(values["box"]),
            sha256=values["sha256"],
            depth_sha256=values["depth_sha256"],
            infrared_sha256=values["infrared_sha256"],
        )
    except (ValueError, BonafideError) as error:
        problem = error.problem if isinstance(error, BonafideError) else f"{error}."
        raise BonafideError(
            problem,
            where=where,
            remedy=(
                f"label is one of {[label.value for label in Label]}, "
                f"split one of {[split.value for split in Split]}."
            ),
        ) from error
    return _with_absolute_paths(sample, folder)


def write_sample_table(path: Path, samples: Iterable[Presentation]) -> None:
    """Write a sample table; media paths below the table's folder become relative to it."""
    folder = path.parent.resolve()
    scratch = path.with_suffix(f".{os.getpid()}.tmp")  # others may write it, too
    with scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, SAMPLE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for sample in samples:
            writer.writerow(_format_row(sample, folder))
    os.replace(scratch, path)


def check_protocol(samples: Sequence[Presentation], *, where: str) -> None:
    """Refuse a table whose splits share capture subjects, or a split with one class only.

    Args:
        samples: all rows of all splits.
        where: the table's name, for the message.

    Raises:
        LeakError: capture subjects stand in more than one split; all are listed.
        LayoutError: names the split with one class.
    """
    splits_of: dict[str, set[Split]] = defaultdict(set)
    labels_of: dict[Split, set[Label]] = defaultdict(set)
    for sample in samples:
        splits_of[sample.capture_subject].add(sample.split)
        labels_of[sample.split].add(sample.label)
    shared = sorted(subject for subject, splits in splits_of.items() if len(splits) > 1)
    if shared:
        named = listing(
            f"{subject}: {', '.join(sorted(split.value for split in splits_of[subject]))}"
            for subject in shared
        )
        raise LeakError(
            f"{len(shared)} capture subjects stand in more than one split:{named}\n",
            where=where,
            remedy="Give every person one split; otherwise the test measures recognition.",
        )
    for split, labels in labels_of.items():
        if len(labels) == 1:
            only = next(iter(labels)).value
            raise LayoutError(
                f"split {split.value} holds {only} presentations only.",
                where=where,
                remedy="Every split needs bona fide and attack presentations.",
            )


def digest_of(samples: Iterable[Presentation]) -> str:
    """SHA-256 over ids, labels, subjects, splits and file digests: names one state of the data."""
    digest = hashlib.sha256()
    for sample in samples:
        others = (sample.depth_sha256, sample.infrared_sha256)
        values = (
            sample.presentation,
            sample.label.value,
            sample.pai_species,
            sample.capture_subject,
            sample.split.value,
            sample.sha256,
            *(others if any(others) else ()),  # what has none keeps its digest
        )
        digest.update("\x1f".join(values).encode() + b"\x1e")
    return digest.hexdigest()


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = [name for name in columns if name not in SAMPLE_COLUMNS]
    if missing or unknown:
        raise BonafideError(
            f"missing columns {missing}, unknown columns {unknown}.",
            where=str(path),
            remedy=f"The columns are {', '.join(SAMPLE_COLUMNS)}.",
        )


def _check_unique(path: Path, samples: Sequence[Presentation]) -> None:
    seen: set[str] = set()
    for line, sample in enumerate(samples, start=2):
        if sample.presentation in seen:
            raise BonafideError(
                f"presentation {sample.presentation!r} stands twice.",
                where=f"{path}, line {line}",
                remedy="Give every presentation an id of its own.",
            )
        seen.add(sample.presentation)


def _parse_box(text: str) -> Box | None:
    if not text:
        return None
    left, top, width, height = (float(number) for number in text.split())
    return Box(left, top, width, height)


def _with_absolute_paths(sample: Presentation, folder: Path) -> Presentation:
    def absolute(value: str) -> str:
        return str((folder / value).resolve()) if value else ""

    return replace(
        sample,
        path=absolute(sample.path),
        depth_path=absolute(sample.depth_path),
        infrared_path=absolute(sample.infrared_path),
    )


def _format_row(sample: Presentation, folder: Path) -> dict[str, str]:
    row = {item.name: getattr(sample, item.name) for item in fields(sample)}
    box = sample.box
    row["box"] = f"{box.left} {box.top} {box.width} {box.height}" if box else ""
    for name in ("path", "depth_path", "infrared_path"):
        media = Path(row[name]) if row[name] else None
        if media is not None and media.is_relative_to(folder):
            row[name] = media.relative_to(folder).as_posix()
    return {name: str(row[name]) for name in SAMPLE_COLUMNS}
