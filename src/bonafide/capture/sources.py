"""From what a user names to what is read: files, folders and patterns, with nothing lost.

A run over a folder goes on after a bad file. So a path that cannot be read is listed beside those
that can, carrying its error, and the caller decides whether to stop:

    for source, opened in open_sources(expand_sources(["portraits/", "clip.mp4"])):
        if isinstance(opened, CaptureError):
            print(opened)
        elif isinstance(opened, ClipReader):
            for frame in opened: ...
        else: ...  # a Frame
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bonafide.capture.errors import CaptureError, NothingFoundError, UnreadableFileError
from bonafide.capture.files import open_regular
from bonafide.capture.image import read_image
from bonafide.capture.limits import Limits
from bonafide.capture.sniff import HEAD_BYTES, READ_FORMATS, MediaKind, identify
from bonafide.capture.video import ClipReader, open_clip
from bonafide.types import Frame


@dataclass(frozen=True, slots=True)
class Source:
    """One path of a run: a photo, a clip, or an error in its place.

    Attributes:
        path: as named, or below the named folder.
        kind: by content; None exactly when there is an error.
        error: why it cannot be read.
    """

    path: Path
    kind: MediaKind | None
    error: CaptureError | None = None


def expand_sources(patterns: Sequence[str], limits: Limits | None = None) -> list[Source]:
    """List what a command line names.

    Args:
        patterns: files, folders (read recursively, sorted by name) and patterns with ``*``, ``?``,
            ``[...]`` or ``**``. A file whose name holds such characters is taken by its name.
        limits: sizes; `Limits()` when None.

    Returns:
        One entry per file, in the order of the patterns; a file reached twice is listed once, where
        it was reached first. A missing file, an empty folder, a pattern without a match and a file
        that is neither photo nor clip are entries with an error. Hidden files and folders (a name
        with a leading dot) below a named folder are left out, as a shell's ``*`` leaves them out.

    Raises:
        NothingFoundError: ``patterns`` is empty.
    """
    if not patterns:
        raise NothingFoundError(
            "no photo, clip or folder is named.", remedy="Name at least one path."
        )
    limits = limits or Limits()
    found: dict[str, Source] = {}
    for pattern in patterns:
        for source in _expand(pattern, limits):
            found.setdefault(os.path.abspath(source.path), source)
    return list(found.values())


def open_source(
    source: Source,
    limits: Limits | None = None,
    *,
    sample_hz: float | None = None,
    until_s: float | None = None,
) -> Frame | ClipReader:
    """A photo's frame, or an open clip, which the caller closes.

    Args:
        source: an entry of `expand_sources`.
        limits, sample_hz, until_s: as for `open_clip`; a photo heeds the limits alone.

    Raises:
        CaptureError: the entry's own error, or what reading it meets.
    """
    if source.error is not None:
        raise source.error
    if source.kind is MediaKind.PHOTO:
        return read_image(source.path, limits)
    return open_clip(source.path, limits, sample_hz=sample_hz, until_s=until_s)


def open_sources(
    sources: Iterable[Source],
    limits: Limits | None = None,
    *,
    sample_hz: float | None = None,
    until_s: float | None = None,
) -> Iterator[tuple[Source, Frame | ClipReader | CaptureError]]:
    """Open one source after another; an error takes the place of what could not be opened.

    A clip is open until the next step of the loop, and closed then. While its frames are taken it
    may still raise a CaptureError (a limit that its header had not foretold).
    """
    for source in sources:
        try:
            opened = open_source(source, limits, sample_hz=sample_hz, until_s=until_s)
        except CaptureError as error:
            yield source, error
            continue
        if isinstance(opened, ClipReader):
            with opened:
                yield source, opened
        else:
            yield source, opened


def list_files(pattern: str) -> Iterator[Path | Source]:
    """The files that a pattern names, by their names alone: nothing is opened.

    Args:
        pattern: a file, folder or pattern as for `expand_sources`, with the same rules.

    Yields:
        Paths in order; one that was named in full may not exist. A `Source` with its error stands
        for an empty folder, a pattern without a match and a folder that cannot be listed.
    """
    if glob.has_magic(pattern) and not os.path.lexists(pattern):
        matches = sorted(glob.glob(pattern, recursive=True))
        if not matches:
            yield _nothing(Path(pattern), "matches no file.", "Check the pattern, or quote it.")
    else:
        matches = [pattern]
    for match in matches:
        path = Path(match)
        if path.is_dir():
            yield from _list_folder(path)
        else:
            yield path


def _expand(pattern: str, limits: Limits) -> Iterator[Source]:
    for found in list_files(pattern):
        yield found if isinstance(found, Source) else _look_at(found, limits)


def _list_folder(folder: Path) -> Iterator[Path | Source]:
    count = 0
    for found in _walk(folder, frozenset()):
        count += 1
        yield found
    if count == 0:
        yield _nothing(
            folder, "is a folder without a file to read.", f"Put in {READ_FORMATS}; not hidden."
        )


def _walk(folder: Path, above: frozenset[str]) -> Iterator[Path | Source]:
    """Files below a folder; links to folders are followed, but not back to a folder above."""
    here = os.path.realpath(folder)
    if here in above:
        return
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        yield _failed(
            folder,
            UnreadableFileError(
                f"is a folder that cannot be listed ({error.strerror}).",
                where=str(folder),
                remedy="Check its permissions.",
            ),
        )
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(entry, above | {here})
        else:
            yield entry


def _look_at(path: Path, limits: Limits) -> Source:
    try:
        with open_regular(path, limits) as file:
            return Source(path, identify(file.read(HEAD_BYTES), str(path)).kind)
    except CaptureError as error:
        return _failed(path, error)


def _failed(path: Path, error: CaptureError) -> Source:
    return Source(path, None, error)


def _nothing(path: Path, problem: str, remedy: str) -> Source:
    return _failed(path, NothingFoundError(problem, where=str(path), remedy=remedy))
