"""What was answered in a stretch of time, from whatever wrote it down.

========================= ======================================================================
file or folder            written by
========================= ======================================================================
``*.csv``                 `bonafide check --scores`, or a part of a batch
``*.jsonl``, ``*.json``   `bonafide check --json`, one object a line
``*.parquet``             a part of a batch
a folder                  `bonafide score --input`: all its parts
========================= ======================================================================

Other stores hand their rows to `Period.from_records`, which names the fields it reads.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bonafide.decision.scores import Category, Floats
from bonafide.types import BonafideError, Decision

QUALITY = (
    "size_px",
    "sharpness",
    "brightness",
    "dark_share",
    "bright_share",
    "inside_share",
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
)
"""The measures of `types.Quality` and its pose, by name, in the order of reports."""

Record = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Period:
    """Answers of a stretch of time, one row a presentation.

    Attributes:
        source: for messages.
        decision: the words of `types.Decision`.
        score: (rows,) float64; NaN exactly where the decision is not_evaluated.
        reason: the first code that prevented an evaluation; "" exactly where there was one.
        quality: measure -> (rows,) float64, NaN where it was not measured; empty for sources that
            do not tell quality.
        models: SHA-256 of the models that answered; empty for sources that do not tell.
        thresholds: that decided; empty for sources that do not tell.
    """

    source: str
    decision: Category
    score: Floats
    reason: Category
    quality: dict[str, Floats]
    models: tuple[str, ...] = ()
    thresholds: tuple[float, ...] = ()

    @classmethod
    def from_records(cls, records: Iterable[Record], source: str) -> Period:
        """Take rows one by one.

        Args:
            records: mappings with "decision"; "score", None or "" where there is none; "reasons"
                or "reason", codes separated by spaces, the first of which prevented an
                evaluation; and, if known, the names of `QUALITY`, "model_sha256" and "threshold".
                Numbers may be texts.
            source: for messages.

        Raises:
            BonafideError: a row contradicts itself, or there is none.
        """
        decisions: list[str] = []
        scores: list[float] = []
        reasons: list[str] = []
        quality: dict[str, list[float]] = {name: [] for name in QUALITY}
        models: set[str] = set()
        thresholds: set[float] = set()
        for number, record in enumerate(records, start=1):
            where = f"{source}, record {number}"
            decision, score, reason = _answer(record, where)
            decisions.append(decision)
            scores.append(score)
            reasons.append(reason)
            for name, values in quality.items():
                values.append(_number(record.get(name), where, name))
            if model := record.get("model_sha256"):
                models.add(str(model))
            if (threshold := _number(record.get("threshold"), where, "threshold")) == threshold:
                thresholds.add(threshold)
        if not decisions:
            raise BonafideError("holds no answer.", where=source, remedy="Name one that does.")
        columns = {name: np.asarray(values) for name, values in quality.items()}
        return cls(
            source,
            Category.of(decisions),
            np.asarray(scores, np.float64),
            Category.of(reasons),
            {name: values for name, values in columns.items() if not np.isnan(values).all()},
            tuple(sorted(models)),
            tuple(sorted(thresholds)),
        )

    def __len__(self) -> int:
        return len(self.score)


def _answer(record: Record, where: str) -> tuple[str, float, str]:
    decision = record.get("decision")
    if decision not in set(Decision):
        raise BonafideError(
            f"the decision is {decision!r}.",
            where=where,
            remedy=f"It is one of {', '.join(Decision)}.",
        )
    score = _number(record.get("score"), where, "score")
    codes = str(record.get("reasons") or record.get("reason") or "")
    reason = codes.partition(" ")[0]
    silent = decision == Decision.NOT_EVALUATED
    if silent != (score != score):
        raise BonafideError(
            f"the decision {decision} and the score {record.get('score')!r} contradict each other.",
            where=where,
            remedy="A score is there exactly where the decision is not not_evaluated.",
        )
    return str(decision), score, (reason or "unstated") if silent else ""


def _number(value: Any, where: str, name: str) -> float:
    """A finite number, NaN for none."""
    if value is None or value == "":
        return float("nan")
    try:
        number = float(value)
        if np.isfinite(number):
            return number
    except (TypeError, ValueError):
        pass
    raise BonafideError(
        f"{name} is {value!r}.", where=where, remedy="It is a finite number, or nothing."
    )


def read_period(path: Path) -> Period:
    """Read a file or folder of the module's table.

    Raises:
        BonafideError: it is none, cannot be read, or a row contradicts itself.
    """
    if path.is_dir():
        parts = sorted((path / "parts").glob("part-*.*"))
        if not parts:
            raise BonafideError(
                "is a folder without parts of a batch.",
                where=str(path),
                remedy="Name the --output of `bonafide score --input`, or a file.",
            )
        records: Iterable[Record] = (record for part in parts for record in _read(part))
    else:
        records = _read(path)
    return Period.from_records(records, str(path))


def _read(path: Path) -> Iterator[Record]:
    readers = {
        ".csv": _read_csv,
        ".json": _read_json_lines,
        ".jsonl": _read_json_lines,
        ".parquet": _read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise BonafideError(
            f"has the ending {path.suffix!r}.",
            where=str(path),
            remedy=f"Read are {', '.join(readers)}, and folders of a batch.",
        )
    try:
        yield from reader(path)
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).", where=str(path), remedy="Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise BonafideError(
            "is not UTF-8 text.", where=str(path), remedy="Save it as UTF-8."
        ) from error


def _read_csv(path: Path) -> Iterator[Record]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        if not {"score", "decision"} <= set(reader.fieldnames or ()):
            raise BonafideError(
                f"has the columns {', '.join(reader.fieldnames or ()) or 'none'}.",
                where=str(path),
                remedy="It needs score and decision, as `bonafide check --scores` writes them.",
            )
        yield from reader


def _read_json_lines(path: Path) -> Iterator[Record]:
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _flat(line, f"{path}, line {number}")


def _flat(line: str, where: str) -> Record:
    """The fields of one answer of `check --json`, side by side."""
    try:
        answer = json.loads(line)
        reasons = [one["code"] for one in answer.get("reasons", ()) if one["blocking"]]
        faces = answer.get("faces", ())
        quality = faces[0].get("quality", {}) if faces else {}
        return {
            "decision": answer.get("decision"),
            "score": answer.get("score"),
            "threshold": answer.get("threshold"),
            "reasons": " ".join(reasons),
            "model_sha256": answer.get("model", {}).get("sha256"),
            **{name: quality.get(name) for name in QUALITY},
        }
    except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise BonafideError(
            "is no answer of `bonafide check --json`.", where=where, remedy="One object a line."
        ) from error


def _read_parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise BonafideError(
            "parquet needs pyarrow, which is not installed.",
            where=str(path),
            remedy="Install it: pip install 'bonafide[parquet]'.",
        ) from error
    known = {"decision", "score", "threshold", "reasons", "reason", "model_sha256", *QUALITY}
    try:
        with parquet.ParquetFile(path) as file:
            columns = [name for name in file.schema_arrow.names if name in known]
            for batch in file.iter_batches(columns=columns):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise BonafideError(
            f"is no parquet file ({error}).", where=str(path), remedy="Write it again."
        ) from error
