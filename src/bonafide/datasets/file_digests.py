"""The SHA-256 of every file of a sample table, so that its digest names the pictures too."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from bonafide.datasets.media import sha256_of
from bonafide.types import BonafideError, Presentation

COLUMNS = ("path", "bytes", "mtime_ns", "sha256")
FILES = {"path": "sha256", "depth_path": "depth_sha256", "infrared_path": "infrared_sha256"}
"""Column of a file -> column of its digest."""

State = tuple[str, str, str]
"""Path, length and time of change: a file that keeps all three is not read again."""


def with_digests(
    rows: Sequence[Presentation],
    memory: Path | None = None,
    on_row: Callable[[], None] | None = None,
) -> list[Presentation]:
    """The rows with the SHA-256 of each of their files.

    Args:
        rows: of a sample table, media paths absolute.
        memory: a CSV file of what was read before, which saves reading a file again whose length
            and time of change are still the same; written anew. None reads every file.
        on_row: called after each row.

    Raises:
        BonafideError: a file cannot be read.
    """
    known = _read(memory) if memory is not None else {}
    seen: dict[State, str] = {}

    def digest_of_file(name: str) -> str:
        state = _state_of(name)
        if state not in seen:
            seen[state] = known.get(state) or sha256_of(Path(name))
        return seen[state]

    hashed = []
    for row in rows:
        named = [(digest, getattr(row, file)) for file, digest in FILES.items()]
        found = {digest: digest_of_file(name) for digest, name in named if name}
        hashed.append(replace(row, **found))
        if on_row is not None:
            on_row()
    if memory is not None:
        _write(memory, seen)
    return hashed


def check_unchanged(row: Presentation) -> None:
    """Refuse a row whose files are not those that were indexed; a row without digests passes.

    Raises:
        BonafideError: a file differs from its digest, or cannot be read.
    """
    for file, digest in FILES.items():
        name, told = getattr(row, file), getattr(row, digest)
        if name and told and sha256_of(Path(name)) != told:
            raise BonafideError(
                f"has changed since it was indexed: its SHA-256 is not {told[:12]}….",
                where=name,
                remedy="Index the data again, or bring the file back.",
            )


def _state_of(name: str) -> State:
    try:
        stat = os.stat(name)
    except OSError:  # sha256_of says so in the house's words
        return name, "", ""
    return name, str(stat.st_size), str(stat.st_mtime_ns)


def _read(memory: Path) -> dict[State, str]:
    """What the file remembers; nothing where it is missing or damaged, as it only saves time."""
    try:
        with memory.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    if not lines or tuple(lines[0]) != COLUMNS:
        return {}
    return {
        (line[0], line[1], line[2]): line[3]
        for line in lines[1:]
        if len(line) == len(COLUMNS) and len(line[3]) == 64
    }


def _write(memory: Path, seen: dict[State, str]) -> None:
    lines: Iterable[tuple[str, ...]] = ((*state, digest) for state, digest in seen.items())
    scratch = memory.with_suffix(f".{os.getpid()}.tmp")  # others may write it, too
    with scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(lines)
    os.replace(scratch, memory)
