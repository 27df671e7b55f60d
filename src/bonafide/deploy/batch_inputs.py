"""From the patterns of a batch to its inputs, listed once: the list is what makes a run exact."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bonafide.capture.sources import Source, list_files
from bonafide.deploy.batch_places import Place, is_url, list_url, open_url
from bonafide.types import BonafideError

INPUTS = "inputs.jsonl"
TABLE_ENDINGS = (".csv", ".parquet")
PATH_COLUMN = "path"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Inputs that are judged together and written as one file.

    Attributes:
        index: from 0.
        start, stop: its bytes in the list of inputs.
    """

    index: int
    start: int
    stop: int


def list_inputs(patterns: Sequence[str]) -> Iterator[str]:
    """Absolute paths and URLs of the inputs, in the order of the patterns, each once.

    Args:
        patterns: files, folders and patterns as for `capture.sources.expand_sources`; URLs of
            files, folders and patterns; and tables, named in full or by a pattern with such an
            ending: ``.csv`` or ``.parquet`` with a column "path". Relative paths in a table count
            from its folder.

    Raises:
        BonafideError: a pattern leads to nothing, a folder cannot be listed, or a table has no
            such column: nothing has been judged yet, so it is better mended first.
    """
    seen: set[bytes] = set()
    for pattern in patterns:
        for found in _found(pattern):
            # Absolute, because workers may stand in another folder, or on another machine.
            name = found if is_url(found) else os.path.abspath(found)
            key = hashlib.blake2b(os.fsencode(name), digest_size=16).digest()
            if key not in seen:
                seen.add(key)
                yield name


def _found(pattern: str) -> Iterator[str]:
    names = list_url(pattern) if is_url(pattern) else _local(pattern)
    if pattern.endswith(TABLE_ENDINGS):
        for name in names:
            yield from _from_table(name)
    else:
        yield from names


def _local(pattern: str) -> Iterator[str]:
    for found in list_files(pattern):
        if isinstance(found, Source):
            assert found.error is not None
            raise found.error
        if not os.path.lexists(found):
            raise BonafideError(
                "does not exist.", where=pattern, remedy="Check the spelling, or quote a pattern."
            )
        yield str(found)


def _from_table(table: str) -> Iterator[str]:
    folder = table.rpartition("/")[0] if is_url(table) else str(Path(table).parent)
    for path in _path_column(table):
        if not path:
            raise BonafideError(
                "has a row without a path.", where=table, remedy="Fill in the column, or drop it."
            )
        if is_url(path) or os.path.isabs(path):
            yield path
        else:
            yield f"{folder}/{path}" if is_url(table) else os.path.join(folder, path)


def _path_column(table: str) -> Iterator[str]:
    with _open(table) as stream:
        read = _csv_paths if table.endswith(".csv") else _parquet_paths
        yield from read(table, stream)


def _open(table: str) -> IO[bytes]:
    if is_url(table):
        files, name = open_url(table)
        remote: IO[bytes] = files.open(name, "rb")
        return remote
    return Path(table).open("rb")


def _csv_paths(table: str, stream: IO[bytes]) -> Iterator[str]:
    reader = csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8-sig", newline=""))
    try:
        if PATH_COLUMN not in (reader.fieldnames or ()):
            raise _no_column(table, reader.fieldnames or ())
        for row in reader:
            yield row[PATH_COLUMN] or ""
    except (UnicodeDecodeError, csv.Error) as error:
        raise BonafideError(
            f"is no CSV in UTF-8 ({error}).", where=table, remedy="Save it as such."
        ) from error


def _parquet_paths(table: str, stream: IO[bytes]) -> Iterator[str]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise BonafideError(
            "parquet needs pyarrow, which is not installed.",
            where=table,
            remedy="Install it: pip install 'bonafide[parquet]'; or name a CSV.",
        ) from error
    try:
        file = parquet.ParquetFile(stream)
        if PATH_COLUMN not in file.schema_arrow.names:
            raise _no_column(table, file.schema_arrow.names)
        for batch in file.iter_batches(columns=[PATH_COLUMN]):
            yield from (str(path or "") for path in batch.column(0).to_pylist())
    except pyarrow.ArrowException as error:
        raise BonafideError(
            f"is no parquet file ({error}).", where=table, remedy="Write it again."
        ) from error


def _no_column(table: str, found: Iterable[str]) -> BonafideError:
    return BonafideError(
        f"has no column {PATH_COLUMN!r}, only {', '.join(found) or 'none'}.",
        where=table,
        remedy="A table of inputs names each in that column.",
    )


def write_inputs(place: Place, inputs: Iterable[str]) -> None:
    """Write the list of a run, one JSON string a line; it appears only when it is complete."""
    place.write(INPUTS, (json.dumps(name).encode("ascii") + b"\n" for name in inputs))


def read_chunks(place: Place, size: int) -> Iterator[Chunk]:
    """Cut the list of a run into chunks of ``size`` inputs, the last one shorter."""
    with place.open(INPUTS) as stream:
        start = stop = index = count = 0
        for line in stream:
            stop += len(line)
            count += 1
            if count == size:
                yield Chunk(index, start, stop)
                start, count, index = stop, 0, index + 1
        if count:
            yield Chunk(index, start, stop)


def read_chunk_inputs(place: Place, chunk: Chunk) -> list[str]:
    """The inputs of one chunk, in order."""
    with place.open(INPUTS) as stream:
        stream.seek(chunk.start)
        content = stream.read(chunk.stop - chunk.start)
    return [json.loads(line) for line in content.splitlines()]
