"""Judge many inputs, in several processes or on several machines, and be able to go on any time.

A run is a folder, local or in a storage that all workers reach:

================= =================================================================================
run.json          what is judged with which model and settings; another run does not fit in
model.onnx        a copy, for the workers
inputs.jsonl      every input, listed once at the start
parts/            ``part-0000000.parquet`` ...: the rows of one chunk of inputs, in their order
dead.csv          inputs that could not be read, each with its reason
summary.json      counts; written last, when every part was held against the list
================= =================================================================================

A file appears under its name only when it is complete, a part is named by its chunk, and chunks are
cut from the fixed list. So whatever is killed, whenever: the same command goes on with the chunks
that have no part, and every input has exactly one row.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonafide.deploy.batch_child import JudgeSettings
from bonafide.deploy.batch_inputs import (
    INPUTS,
    Chunk,
    list_inputs,
    read_chunk_inputs,
    read_chunks,
    write_inputs,
)
from bonafide.deploy.batch_places import Place, is_url, place_at
from bonafide.deploy.batch_rows import Row, check_format, decode_rows, printable
from bonafide.deploy.batch_worker import MODEL, PARTS, BatchTask, part_name
from bonafide.deploy.runtime import read_model
from bonafide.types import BonafideError, ReasonCode
from bonafide.version import __version__

RUN, DEAD, SUMMARY = "run.json", "dead.csv", "summary.json"
FORMAT = 1
PART_ROWS = 256
DEAD_COLUMNS = ("path", "advice")


@dataclass(frozen=True, slots=True)
class BatchRun:
    """A run that was begun; `open_run` makes one.

    Attributes:
        place: its folder.
        task: what workers must know.
        part_rows: inputs of a chunk.
    """

    place: Place
    task: BatchTask
    part_rows: int

    def chunks(self) -> Iterator[Chunk]:
        """All chunks."""
        return read_chunks(self.place, self.part_rows)

    def pending(self) -> list[Chunk]:
        """The chunks without a part."""
        done = self.place.names(PARTS)
        form = self.task.form
        return [chunk for chunk in self.chunks() if part_name(chunk.index, form) not in done]

    def rows(self, chunk: Chunk) -> list[Row]:
        """The rows of a chunk that has its part."""
        with self.place.open(f"{PARTS}/{part_name(chunk.index, self.task.form)}") as stream:
            return list(decode_rows(stream, self.task.form))


def open_run(
    output: str,
    patterns: Sequence[str],
    model: Path,
    settings: JudgeSettings,
    *,
    form: str = "parquet",
    part_rows: int = PART_ROWS,
) -> BatchRun:
    """Begin a run, or take up the one that lies there.

    Args:
        output: its folder, a path or a URL.
        patterns: inputs, see `batch_inputs.list_inputs`. They are listed when a run begins; files
            that come later belong to another run.
        model: an ONNX file that `bonafide export` wrote.
        settings: how to judge.
        form: of the parts, "parquet" or "csv".
        part_rows: inputs of a part; what a kill costs is at most a part a worker.

    Raises:
        BonafideError: the folder holds a run with other inputs, model or settings, or an input
            pattern leads to nothing.
    """
    check_format(form)
    content = read_model(model)
    digest = hashlib.sha256(content).hexdigest()
    record = {
        "format": FORMAT,
        "version": __version__,
        "inputs": list(patterns),
        "model_sha256": digest,
        "settings": settings.to_json(),
        "form": form,
        "part_rows": part_rows,
    }
    output = output if is_url(output) else os.path.abspath(output)
    place = place_at(output)
    if place.exists(INPUTS):  # written after run.json, when the patterns had led somewhere
        _compare(place, record)
    else:
        place.write(RUN, [json.dumps(record, indent=2).encode("utf-8")])
        place.write(MODEL, [content])
        write_inputs(place, list_inputs(patterns))
    task = BatchTask(output, form, settings, digest)
    return BatchRun(place, task, part_rows)


def _compare(place: Place, record: dict[str, Any]) -> None:
    with place.open(RUN) as stream:
        found = json.load(stream)
    different = [name for name in record if found.get(name) != record[name]]
    if different:
        raise BonafideError(
            f"holds a run with other {', '.join(different)}.",
            where=str(place),
            remedy="Go on with the command that began it (see run.json), or name another folder.",
        )


def finish(run: BatchRun) -> dict[str, Any]:
    """Hold every part against the list of inputs, then write dead.csv and summary.json.

    Returns:
        The content of summary.json: inputs, decisions, reasons, dead, ms and cpu_ms in total.

    Raises:
        BonafideError: a part is missing, or holds other inputs than its chunk.
    """
    decisions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    total = {"ms": 0.0, "cpu_ms": 0.0}
    dead = io.StringIO(newline="")
    writer = csv.writer(dead, lineterminator="\n")
    writer.writerow(DEAD_COLUMNS)
    for chunk in run.chunks():
        rows = _checked(run, chunk)
        decisions.update(str(row["decision"]) for row in rows)
        reasons.update(str(row["reasons"]).partition(" ")[0] for row in rows if row["reasons"])
        for name in total:
            total[name] += sum(float(row[name] or 0.0) for row in rows)
        lost = (row for row in rows if ReasonCode.UNREADABLE.value in str(row["reasons"]).split())
        writer.writerows((row["path"], row["advice"]) for row in lost)
    run.place.write(DEAD, [dead.getvalue().encode("utf-8")])
    summary = {
        "inputs": decisions.total(),
        "decisions": dict(sorted(decisions.items())),
        "reasons": dict(sorted(reasons.items())),
        "dead": reasons[ReasonCode.UNREADABLE.value],
        "ms": round(total["ms"], 1),
        "cpu_ms": round(total["cpu_ms"], 1),
    }
    run.place.write(SUMMARY, [json.dumps(summary, indent=2).encode("utf-8")])
    run.place.tidy(PARTS)
    return summary


def _checked(run: BatchRun, chunk: Chunk) -> list[Row]:
    name = part_name(chunk.index, run.task.form)
    try:
        rows = run.rows(chunk)
    except FileNotFoundError as error:
        raise BonafideError(
            f"{name} is missing.", where=str(run.place), remedy="Run the command again."
        ) from error
    if [row["path"] for row in rows] != list(map(printable, read_chunk_inputs(run.place, chunk))):
        raise BonafideError(
            f"{name} holds other inputs than {INPUTS} says.",
            where=str(run.place),
            remedy=f"Remove {PARTS}/{name} and run the command again.",
        )
    return rows
