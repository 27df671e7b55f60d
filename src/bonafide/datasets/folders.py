"""Any data as a folder of folders with named labels.

    ROOT/bona_fide/<person>/...           ROOT/<species>/<person>/...
    ROOT/<split>/bona_fide/<person>/...   ROOT/<split>/<species>/<person>/...

The first form is taken unless every folder of ROOT is called train, development or test. A label
folder is "bona_fide", a species of `SPECIES`, or a name that the caller maps to one; any other
name, such as "live", "fake" or "1", is refused and not guessed. The person is the first folder
below the label, or what a pattern finds in the path. Without split folders, whole people are
shared out by a seed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bonafide.datasets.casia_fasd import refuse_mislabelled_dump
from bonafide.datasets.errors import LayoutError, UnknownNameError, listing
from bonafide.datasets.protocol import (
    DEFAULT_SEED,
    check_rows,
    refuse_too_few_people,
    with_drawn_splits,
)
from bonafide.datasets.species import SPECIES
from bonafide.datasets.tree import dataset_name, media_below, refuse_unknown
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

MEDIA_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".mp4", ".m4v", ".mov", ".3gp", ".mkv", ".webm", ".avi"}
)


@dataclass(frozen=True, slots=True)
class FolderForm:
    """How to read a folder of folders.

    Attributes:
        dataset: its name; "" takes the root folder's own.
        species: their folder name -> a species, or "bona_fide"; what needs no entry are
            "bona_fide" and the names of `SPECIES`.
        subject_pattern: a regular expression with the group "subject", searched in the path below
            the label folder; "" takes the first folder there.
    """

    dataset: str = ""
    species: Mapping[str, str] | None = None
    subject_pattern: str = ""


def folders(
    root: Path,
    form: FolderForm | None = None,
    *,
    seed: int = DEFAULT_SEED,
    partial: bool = False,
) -> list[Presentation]:
    """The photos and clips below the label folders.

    Args:
        root: the folder of folders.
        form: how to read it; `FolderForm()` when None.
        seed: shares people out to splits when there are no split folders.
        partial: splits may be absent.

    Raises:
        UnknownNameError: label folders or files that are not understood; all are listed.
        LayoutError: files without a person, a pattern without its group, or too few people to
            share out.
        LeakError, CountError, PolarityError: as they say, listing all.
    """
    form = form or FolderForm()
    pattern = _compile(form.subject_pattern)
    root = root.resolve()
    found = media_below(root)
    strangers = [name for name in found if PurePosixPath(name).suffix.lower() not in MEDIA_SUFFIXES]
    refuse_unknown(strangers, root, "a folder of photos and clips")
    has_splits = bool(found) and all(
        name.split("/")[0] in {split.value for split in Split} for name in found
    )
    known = {name: name for name in (BONA_FIDE_SPECIES, *SPECIES)} | dict(form.species or {})
    dataset, prefix = dataset_name(root, form.dataset or root.name)
    rows: list[Presentation] = []
    unnamed, nobody = set(), []
    for name in found:
        split, label_folder, below = _cut(name, has_splits)
        subject = _subject(below, pattern)
        if label_folder not in known:
            unnamed.add(label_folder or name)
        elif subject is None:
            nobody.append(name)
        else:
            rows.append(
                _row(root / name, (dataset, prefix, name), split, known[label_folder], subject)
            )
    _refuse(unnamed, nobody, known, root)
    refuse_mislabelled_dump([(row.path, row.label) for row in rows], str(root))
    if not has_splits:
        rows = with_drawn_splits(rows, seed)
        if not partial:
            refuse_too_few_people(rows, str(root))
    check_rows(rows, published=None, partial=partial, where=str(root))
    return rows


def _compile(pattern: str) -> re.Pattern[str] | None:
    try:
        compiled = re.compile(pattern) if pattern else None
    except re.error as error:
        raise LayoutError(
            f"is no regular expression ({error}).", where="subject pattern", remedy="Correct it."
        ) from error
    if compiled and "subject" not in compiled.groupindex:
        raise LayoutError(
            "has no group called subject.",
            where="subject pattern",
            remedy=r"Write it like (?P<subject>\d+)_.*",
        )
    return compiled


def _cut(name: str, has_splits: bool) -> tuple[Split, str, str]:
    """(split, label folder or "", path below it); the split is a place holder without folders."""
    parts = name.split("/")
    split = Split(parts.pop(0)) if has_splits else Split.TRAIN
    if len(parts) < 2:
        return split, "", name
    return split, parts[0], "/".join(parts[1:])


def _subject(below: str, pattern: re.Pattern[str] | None) -> str | None:
    if pattern:
        match = pattern.search(below)
        return match["subject"] if match else None
    head, slash, _ = below.partition("/")
    return head if slash else None


def _refuse(unnamed: set[str], nobody: list[str], known: Mapping[str, str], root: Path) -> None:
    if unnamed:
        raise UnknownNameError(
            f"{len(unnamed)} folders or files have no known label:{listing(sorted(unnamed))}\n",
            where=str(root),
            remedy=f"Known are {', '.join(known)}; map others by name, such as live=bona_fide.",
        )
    if nobody:
        raise LayoutError(
            f"{len(nobody)} file(s) state no person:{listing(nobody)}\n",
            where=str(root),
            remedy="Give each person a folder, or give a pattern with the group (?P<subject>...).",
        )


def _row(
    path: Path, named: tuple[str, str, str], split: Split, species: str, subject: str
) -> Presentation:
    dataset, prefix, name = named
    return Presentation(
        presentation=f"{prefix}/{name}",
        path=str(path),
        label=Label.BONA_FIDE if species == BONA_FIDE_SPECIES else Label.ATTACK,
        pai_species=species,
        capture_subject=f"{prefix}/{subject}",
        split=split,
        dataset=dataset,
        pai_detail="" if species == BONA_FIDE_SPECIES else _label_folder(name),
    )


def _label_folder(name: str) -> str:
    parts = name.split("/")
    return parts[1] if parts[0] in {split.value for split in Split} else parts[0]
