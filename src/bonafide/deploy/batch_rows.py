"""One row an input: what a batch writes, as parquet or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import IO

from bonafide.evaluation.period import QUALITY
from bonafide.types import BonafideError, Decision, ReasonCode, Verdict

Value = str | int | float | None
Row = dict[str, Value]

COLUMNS: dict[str, type] = {
    "path": str,
    "sha256": str,
    "decision": str,
    "score": float,
    "threshold": float,
    "operating_point": str,
    "reasons": str,
    "remarks": str,
    "advice": str,
    "frames_seen": int,
    "frames_evaluated": int,
    "faces": int,
    **dict.fromkeys(QUALITY, float),
    "ms": float,
    "cpu_ms": float,
    "model_sha256": str,
}
"""Column -> type. Numbers are null (empty in a CSV) where there is none, words are never null."""

FORMATS = ("parquet", "csv")


def verdict_row(verdict: Verdict) -> Row:
    """The columns that a verdict knows.

    ``reasons`` holds the codes that prevented an evaluation and ``remarks`` the others, separated
    by spaces; ``advice`` is the sentence of the first reason. Quality is that of the judged face.
    """
    blocking = [reason for reason in verdict.reasons if reason.blocking]
    remarks = [reason for reason in verdict.reasons if not reason.blocking]
    row: Row = {
        "decision": verdict.decision.value,
        "score": verdict.score,
        "threshold": verdict.threshold,
        "operating_point": verdict.operating_point,
        "reasons": " ".join(reason.code.value for reason in blocking),
        "remarks": " ".join(reason.code.value for reason in remarks),
        "advice": blocking[0].advice if blocking else "",
        "frames_seen": verdict.frames_seen,
        "frames_evaluated": verdict.frames_evaluated,
        "faces": len(verdict.faces),
    }
    if verdict.faces:
        quality = verdict.faces[0].quality
        for name in QUALITY:
            owner = quality.pose if name.endswith("_deg") else quality
            row[name] = float(getattr(owner, name))
    return row


def dead_row(advice: str, threshold: float, operating_point: str) -> Row:
    """The columns of an input that could not be read: not evaluated, with the reason in words."""
    return {
        "decision": Decision.NOT_EVALUATED.value,
        "threshold": threshold,
        "operating_point": operating_point,
        "reasons": ReasonCode.UNREADABLE.value,
        "advice": advice,
        "frames_seen": 0,
        "frames_evaluated": 0,
        "faces": 0,
    }


def fill(row: Row) -> Row:
    """Every column in order; what a row leaves out is empty or null."""
    unknown = row.keys() - COLUMNS.keys()
    assert not unknown, unknown
    return {name: row.get(name, "" if kind is str else None) for name, kind in COLUMNS.items()}


def printable(name: str) -> str:
    """A path as text: bytes of a file name that are no UTF-8 are written as ``\\udcXX``."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def encode_rows(rows: Sequence[Row], form: str) -> bytes:
    """Rows as a file's content, in one of `FORMATS`."""
    filled = [fill(row) for row in rows]
    if form == "parquet":
        return _parquet_bytes(filled)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(filled)
    return text.getvalue().encode("utf-8")


def decode_rows(stream: IO[bytes], form: str) -> Iterator[Row]:
    """The rows of a file that `encode_rows` made."""
    if form == "parquet":
        from pyarrow import parquet

        yield from parquet.read_table(stream).to_pylist()
        return
    for texts in csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8", newline="")):
        yield {
            name: texts[name] if kind is str else (kind(texts[name]) if texts[name] else None)
            for name, kind in COLUMNS.items()
        }


def _parquet_bytes(rows: Sequence[Row]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    arrow = {str: pyarrow.string(), float: pyarrow.float64(), int: pyarrow.int32()}
    schema = pyarrow.schema([(name, arrow[kind]) for name, kind in COLUMNS.items()])
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def check_format(form: str) -> None:
    """Refuse a format that is unknown or cannot be written here.

    Raises:
        BonafideError: it is neither parquet nor csv, or pyarrow is missing.
    """
    if form not in FORMATS:
        raise BonafideError(
            f"unknown format {form!r}.", where="--format", remedy=f"One of {', '.join(FORMATS)}."
        )
    if form == "parquet":
        try:
            import pyarrow  # noqa: F401
        except ModuleNotFoundError as error:
            raise BonafideError(
                "parquet needs pyarrow, which is not installed.",
                where="--format",
                remedy="Install it: pip install 'bonafide[parquet]'; or write --format csv.",
            ) from error
