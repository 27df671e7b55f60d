"""A worker process: confined first, then loaded, then one upload after another.

Started by `pool` as ``python -m bonafide.service.worker`` with a pipe on either side. It learns its
settings from the first message and says "ready" with the model's description, or why not. Imports
of anything large wait until the confinement holds, so that native code starts inside it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from bonafide.service.confine import allow_cpu, deny_calls, die_with_parent, limit_resources
from bonafide.service.wire import Wish, read_message, split_parts, write_message

LOADING_CPU_S = 120.0


def main() -> None:
    """Serve until the pipe closes."""
    die_with_parent()
    source, answers = _take_pipes()
    first = read_message(source)
    if first is None:
        return
    values = first[0]
    limit_resources(values["memory_bytes"])
    allow_cpu(LOADING_CPU_S)
    sealed = deny_calls()
    try:
        judge = _load(values)
    # Whatever is wrong with a model file must reach the person who starts the service.
    except Exception as error:  # noqa: BLE001
        write_message(answers, {"failed": str(error) or type(error).__name__})
        return
    write_message(answers, {"ready": True, "sealed": sealed, **judge.describe()})
    _serve(judge, source, answers, values)


def _serve(judge: Any, source: BinaryIO, answers: BinaryIO, values: dict[str, Any]) -> None:
    while (message := read_message(source)) is not None:
        os.write(values["begun"], b".")
        allow_cpu(values["cpu_s"])
        head, body = message
        parts = split_parts(head.pop("parts"), body)
        message = body = None
        try:
            reply = judge.answer(Wish(**head), parts)
        # Native libraries raise what they like; the request is lost, and so is this worker, whose
        # state nobody can vouch for any more.
        except Exception as error:  # noqa: BLE001
            write_message(answers, _failure(error))
            return
        write_message(answers, reply)
        del parts, reply


def _failure(error: Exception) -> dict[str, Any]:
    text = str(error).lower()
    starved = isinstance(error, MemoryError) or "memory" in text or "bad_alloc" in text
    if starved:
        return {"lost": "memory"}
    return {"lost": "error", "type": type(error).__name__}


def _load(values: dict[str, Any]) -> Any:
    # A worker may write no file, where numba asks for one to keep its compiled code in. The cues
    # then take their way without it, as in the base install.
    sys.modules["numba"] = None  # type: ignore[assignment]

    from bonafide.service.judge import Judge
    from bonafide.service.settings import settings_of

    judge = Judge(settings_of(values))
    judge.warm_up()
    return judge


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the pipes away from 0 and 1, where a library's stray print would garble them."""
    source = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
    return source, answers


if __name__ == "__main__":
    main()
