"""The files below a root, and the two complaints about them: unknown and missing.

A file that is neither a presentation nor a companion of one must not be passed over: it may be
a presentation under a name that nobody foresaw. Only documents are (`DOCUMENT_SUFFIXES`), and
what file managers hide.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from bonafide.datasets.errors import LayoutError, MissingFilesError, UnknownNameError, listing

DOCUMENT_SUFFIXES = frozenset(
    {".txt", ".md", ".rst", ".pdf", ".html", ".json", ".toml", ".csv", ".log", ".md5", ".sha256"}
)
"""Files with these suffixes are no presentations; a loader reads those that it knows as lists."""

DOCUMENT_NAMES = frozenset({"README", "COPYING", "LICENSE", "Thumbs.db"})

PROVENANCE = "provenance.json"
"""Lies at the root of simulated data, which then never goes by the real data set's name."""


def media_below(root: Path) -> list[str]:
    """Every file below ``root`` that is no document, as sorted paths with "/" relative to it.

    Links to folders are followed, but not back to a folder above. Names with a leading dot, and
    what lies below them, are left out.

    Raises:
        LayoutError: ``root`` is no folder, or a folder cannot be listed.
    """
    if not root.is_dir():
        raise LayoutError(
            "is no folder.", where=str(root), remedy="Name the folder that holds the data set."
        )
    return sorted(_walk(str(root), "", frozenset()))


def dataset_name(root: Path, name: str) -> tuple[str, str]:
    """(dataset, prefix of capture subjects); both say so when the data are simulated."""
    if (root / PROVENANCE).is_file():
        return f"{name} (simulated)", f"{name}_simulated"
    return name, name


def refuse_unknown(names: Collection[str], root: Path, dataset: str) -> None:
    """Raise an error that lists ``names``, unless there are none.

    Raises:
        UnknownNameError: as said.
    """
    if names:
        raise UnknownNameError(
            f"{len(names)} file(s) are not in the layout of {dataset}:{listing(names)}\n",
            where=str(root),
            remedy="Correct the root folder, or move files that are not part of the data set out.",
        )


def refuse_missing(expected: Iterable[str], found: Collection[str], root: Path) -> None:
    """Raise an error that lists what is expected and not found, unless that is nothing.

    Raises:
        MissingFilesError: as said.
    """
    there = set(found)
    missing = [name for name in expected if name not in there]
    if missing:
        raise MissingFilesError(
            f"{len(missing)} file(s) are missing:{listing(missing)}\n",
            where=str(root),
            remedy="Copy them again, or say that only a part is there (partial).",
        )


def read_list(path: Path) -> list[str]:
    """The lines of a protocol list, without surrounding blanks and without empty lines.

    Raises:
        MissingFilesError: it cannot be read.
        LayoutError: it is no text, or empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise MissingFilesError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="The data set comes with this list; put it where its release has it.",
        ) from error
    except UnicodeDecodeError as error:
        raise LayoutError("is no text.", where=str(path), remedy="Copy it again.") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise LayoutError("is empty.", where=str(path), remedy="Copy it again.")
    return lines


def _is_document(name: str) -> bool:
    return name in DOCUMENT_NAMES or os.path.splitext(name)[1].lower() in DOCUMENT_SUFFIXES


def _walk(folder: str, inside: str, above: frozenset[str]) -> Iterator[str]:
    here = os.path.realpath(folder)
    if here in above:
        return
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise LayoutError(
            f"cannot be listed ({error.strerror}).",
            where=folder,
            remedy="Check its permissions.",
        ) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry.path, f"{inside}{entry.name}/", above | {here})
        elif not _is_document(entry.name):
            yield inside + entry.name
