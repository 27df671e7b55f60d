"""Any data by a manifest: a CSV or parquet file with one row a presentation.

The manifest's own column names and words are translated by a `ManifestForm`; a word that it does
not state is an error that lists every line, because polarity is never guessed: 1 is bona fide in
one list and an attack in the next.

The fields are the columns of a sample table (`SAMPLE_COLUMNS`). Needed are path, label,
capture_subject and, for attacks, pai_species. Where there is no split, whole people are shared
out to splits by a seed.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bonafide.datasets.casia_fasd import refuse_mislabelled_dump
from bonafide.datasets.errors import DatasetError, LayoutError, UnknownNameError, listing
from bonafide.datasets.protocol import DEFAULT_SEED, check_rows, with_drawn_splits
from bonafide.datasets.sample_table import parse_row
from bonafide.datasets.species import SPECIES
from bonafide.datasets.tree import refuse_missing
from bonafide.types import BONA_FIDE_SPECIES, SAMPLE_COLUMNS, BonafideError, Label, Presentation

Table = list[dict[str, str]]
_NEEDED = ("path", "label", "capture_subject")
_MEDIA = ("path", "depth_path", "infrared_path")


@dataclass(frozen=True, slots=True)
class ManifestForm:
    """How to read somebody's manifest.

    Attributes:
        dataset: the data set's name; it also starts ids and subjects.
        columns: our field -> their column; a field that is not here has its own name.
        labels: their word -> our label.
        species: their attack name -> a species; the names of `SPECIES` stand for themselves.
        splits: their word -> our split; train, development and test stand for themselves.
    """

    dataset: str
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(
        default_factory=lambda: {label.value: label.value for label in Label}
    )
    species: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.columns) - set(SAMPLE_COLUMNS))
        strange = sorted(set(self.labels.values()) - {label.value for label in Label})
        if unknown or strange:
            raise LayoutError(
                f"unknown fields {unknown}, unknown labels {strange}.",
                where="manifest form",
                remedy=f"Fields are {', '.join(SAMPLE_COLUMNS)}; labels bona_fide and attack.",
            )


def manifest(
    path: Path,
    form: ManifestForm,
    *,
    media_root: Path | None = None,
    seed: int = DEFAULT_SEED,
    partial: bool = False,
) -> list[Presentation]:
    """The rows of a manifest, checked; media paths absolute.

    Args:
        path: a .csv or .parquet file.
        form: how to read it.
        media_root: what its media paths are relative to; None for the manifest's own folder.
        seed: shares people out to splits when the manifest has no split column.
        partial: splits may be absent, and rows whose files are not there are left out.

    Raises:
        LayoutError: the file cannot be read, or a needed column is missing.
        UnknownNameError: words that the form does not state; all lines are listed.
        MissingFilesError, LeakError, CountError, PolarityError: as they say, listing all.
    """
    rows = rows_of_manifest(path, form, media_root=media_root, seed=seed)
    absent = {
        media
        for row in rows
        for media in (row.path, row.depth_path, row.infrared_path)
        if media and not Path(media).is_file()
    }
    if not partial:
        refuse_missing(sorted(absent), (), path)
    rows = [row for row in rows if absent.isdisjoint((row.path, row.depth_path, row.infrared_path))]
    check_rows(rows, published=None, partial=partial, where=str(path))
    return rows


def rows_of_manifest(
    path: Path, form: ManifestForm, *, media_root: Path | None = None, seed: int = DEFAULT_SEED
) -> list[Presentation]:
    """As `manifest`, without looking for the files and without checking the protocol."""
    table = read_table(path)
    has_split = _check_columns(table, form, path)
    folder = media_root or path.parent
    rows: list[Presentation] = []
    faults: list[str] = []
    for line, theirs in enumerate(table, start=2):
        try:
            ours = _translate(theirs, form)
            rows.append(parse_row(ours, folder=folder, where=f"line {line}"))
        except BonafideError as error:
            faults.append(f"line {line}: {error.problem}")
    if faults:
        raise UnknownNameError(
            f"{len(faults)} line(s) cannot be read:{listing(faults)}\n",
            where=str(path),
            remedy="State every word: label words as bona_fide or attack, species and splits.",
        )
    refuse_mislabelled_dump([(row.path, row.label) for row in rows], str(path))
    return rows if has_split else with_drawn_splits(rows, seed)


def read_table(path: Path) -> Table:
    """The rows of a .csv or .parquet file, every value as text; empty where there is none.

    Raises:
        LayoutError: another suffix, no rows, or it cannot be read.
    """
    readers = {".csv": _read_csv, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise LayoutError(
            f"has the suffix {path.suffix!r}.",
            where=str(path),
            remedy="A manifest is a .csv or a .parquet file.",
        )
    try:
        table = readers[path.suffix.lower()](path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LayoutError(
            f"cannot be read ({error}).", where=str(path), remedy="Check the file."
        ) from error
    if not table:
        raise LayoutError("has no rows.", where=str(path), remedy="List at least one presentation.")
    return table


def _read_csv(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [
            {name: (value or "").strip() for name, value in row.items() if name}
            for row in csv.DictReader(file)
        ]


def _read_parquet(path: Path) -> Table:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DatasetError(
            "parquet needs pyarrow, which is not installed.",
            where=str(path),
            remedy="Install pyarrow, or convert the manifest to CSV.",
        ) from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:
        raise LayoutError(
            f"is no parquet file ({error}).", where=str(path), remedy="Write it again."
        ) from error
    return [
        {name: "" if value is None else str(value).strip() for name, value in row.items()}
        for row in rows
    ]


def _check_columns(table: Table, form: ManifestForm, path: Path) -> bool:
    """Whether there is a split column."""
    present = set(table[0])
    named = [theirs for theirs in form.columns.values() if theirs not in present]
    needed = [name for name in _NEEDED if form.columns.get(name, name) not in present]
    if named or needed:
        raise LayoutError(
            f"columns {named} are not there, and no column is given for {needed}.",
            where=str(path),
            remedy=f"It has {', '.join(sorted(present))}; say which is which (field=column).",
        )
    return form.columns.get("split", "split") in present


def _translate(theirs: Mapping[str, str], form: ManifestForm) -> dict[str, str]:
    ours = {name: theirs.get(form.columns.get(name, name), "") for name in SAMPLE_COLUMNS}
    ours["label"] = _word(ours["label"], form.labels, "label")
    if ours["label"] == Label.BONA_FIDE.value:
        ours["pai_species"] = BONA_FIDE_SPECIES
    else:
        known = {name: name for name in SPECIES} | dict(form.species)
        ours["pai_detail"] = ours["pai_detail"] or ours["pai_species"]
        ours["pai_species"] = _word(ours["pai_species"], known, "attack")
    if form.columns.get("split", "split") in theirs:
        known = {"train": "train", "development": "development", "test": "test"}
        ours["split"] = _word(ours["split"], known | dict(form.splits), "split")
    else:
        ours["split"] = "train"  # a place holder until people are shared out
    if not ours["capture_subject"]:
        raise UnknownNameError("the subject is empty.")
    ours["capture_subject"] = f"{form.dataset}/{ours['capture_subject']}"
    ours["presentation"] = f"{form.dataset}/{ours['presentation'] or ours['path']}"
    ours["dataset"] = form.dataset
    return ours


def _word(word: str, known: Mapping[str, str], what: str) -> str:
    if word not in known:
        raise UnknownNameError(f"{what} {word!r} is not stated; stated are {', '.join(known)}.")
    return known[word]
