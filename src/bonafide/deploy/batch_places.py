"""Where a batch reads and writes: a local folder, or any storage that fsspec knows, by its URL.

fsspec (https://filesystem-spec.readthedocs.io) gives S3, Google and Azure storage, SFTP, zip files
and others one interface; it comes with the extra ``ray`` and is imported for URLs alone.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from bonafide.types import BonafideError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://|.*::[A-Za-z][A-Za-z0-9+.\-]*://")
PIECE_BYTES = 1 << 20
PARTIAL = ".partial"


def is_url(name: str) -> bool:
    """Whether a name is a URL such as ``s3://bucket/key`` or ``zip://a.jpg::file:///x.zip``.

    >>> [is_url(name) for name in ("s3://bucket/a.jpg", "zip://*::file:///a.zip", "C:/a", "a.jpg")]
    [True, True, False, False]
    """
    return _URL.match(name) is not None


def open_url(url: str) -> tuple[Any, str]:
    """The fsspec filesystem of a URL and the path within it.

    Raises:
        BonafideError: fsspec, or the package for this kind of storage, is not installed, or the
            storage cannot be reached.
    """
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError as error:
        raise BonafideError(
            "a URL needs fsspec, which is not installed.",
            where=url,
            remedy="Install it: pip install 'bonafide[ray]'; or name a local file.",
        ) from error
    try:
        filesystem, path = url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        raise BonafideError(
            f"cannot be opened ({error}).", where=url, remedy="Check the URL and the access to it."
        ) from error
    return filesystem, path


class Place(Protocol):
    """A folder that holds a run. A file in it is there whole or not at all."""

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file that appears under its name only when it is complete."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading from any position.

        Raises:
            FileNotFoundError: it is not there.
        """
        ...

    def exists(self, name: str) -> bool:
        """Whether a complete file of that name is there."""
        ...

    def names(self, folder: str) -> set[str]:
        """Names of the complete files in a subfolder; empty if there is no such folder."""
        ...

    def tidy(self, folder: str) -> None:
        """Remove what writers that were killed left unfinished in a subfolder."""
        ...

    def __str__(self) -> str:
        """As the user named it."""
        ...


def place_at(name: str) -> Place:
    """The place that a path or URL names; local ones, ``file://`` too, are made if need be."""
    if name.startswith("file://"):
        return LocalPlace(Path(open_url(name)[1]))
    return UrlPlace(name) if is_url(name) else LocalPlace(Path(name))


class LocalPlace:
    """A folder on a disk that all workers see."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """See `Place.write`: a temporary file, forced to the disk, then renamed."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, scratch = tempfile.mkstemp(prefix=".", suffix=PARTIAL, dir=path.parent)
        try:
            with open(descriptor, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, path)
        except BaseException:
            os.unlink(scratch)
            raise

    def open(self, name: str) -> IO[bytes]:
        """See `Place.open`."""
        return (self._folder / name).open("rb")

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        return (self._folder / name).exists()

    def names(self, folder: str) -> set[str]:
        """See `Place.names`."""
        try:
            found = os.listdir(self._folder / folder)
        except FileNotFoundError:
            return set()
        return {name for name in found if not name.startswith(".")}

    def tidy(self, folder: str) -> None:
        """See `Place.tidy`."""
        for left in (self._folder / folder).glob(f".*{PARTIAL}"):
            left.unlink(missing_ok=True)

    def __str__(self) -> str:
        return str(self._folder)


class UrlPlace:
    """A folder in a storage that fsspec reaches."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._files, self._root = open_url(url)

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """See `Place.write`: sent under another name, then moved."""
        final = self._path(name)
        parent, _, last = final.rpartition("/")
        partial = f"{parent}/.{last}.{os.urandom(6).hex()}{PARTIAL}"
        with tempfile.TemporaryDirectory() as scratch:
            local = Path(scratch) / "content"
            with local.open("wb") as file:
                file.writelines(pieces)
            self._files.makedirs(parent, exist_ok=True)
            self._files.put_file(str(local), partial)
        self._files.mv(partial, final)

    def open(self, name: str) -> IO[bytes]:
        """See `Place.open`."""
        stream: IO[bytes] = self._files.open(self._path(name), "rb")
        return stream

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        self._files.invalidate_cache()
        return bool(self._files.exists(self._path(name)))

    def names(self, folder: str) -> set[str]:
        """See `Place.names`; the storage is asked anew, never a cached listing."""
        return {name for name in self._listed(folder) if not name.startswith(".")}

    def tidy(self, folder: str) -> None:
        """See `Place.tidy`."""
        for name in self._listed(folder):
            if name.startswith(".") and name.endswith(PARTIAL):
                self._files.rm_file(self._path(f"{folder}/{name}"))

    def _listed(self, folder: str) -> set[str]:
        self._files.invalidate_cache()
        try:
            found = self._files.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return set()
        return {path.rpartition("/")[2] for path in found}

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def __str__(self) -> str:
        return self._url


def list_url(url: str) -> Iterator[str]:
    """The files that a URL names: a file, a folder (all below it), or a pattern; sorted.

    Hidden files and folders below a named folder are left out, as they are locally.

    Yields:
        URLs of one file each.

    Raises:
        BonafideError: nothing is there.
    """
    import glob

    files, path = open_url(url)
    try:
        if glob.has_magic(path):
            found = files.glob(path, detail=True)
            paths = [name for name, entry in found.items() if entry["type"] == "file"]
        elif files.isdir(path):
            root = path.strip("/")
            below = ((name, name.strip("/").removeprefix(root)) for name in files.find(path))
            paths = [name for name, rest in below if "/." not in f"/{rest.lstrip('/')}"]
        else:
            paths = [path] if files.exists(path) else []
    except (OSError, ValueError) as error:  # ValueError: a pattern that fsspec does not take
        raise BonafideError(
            f"cannot be listed ({error}).", where=url, remedy="Check the access to it."
        ) from error
    if not paths:
        raise BonafideError("leads to no file.", where=url, remedy="Check the URL, or quote it.")
    protocol, chain = url.partition("://")[0], url.partition("::")[2]
    for name in sorted(paths):
        yield f"{protocol}://{name}::{chain}" if chain else str(files.unstrip_protocol(name))
