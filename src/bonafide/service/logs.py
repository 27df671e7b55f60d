"""One JSON object a line. No picture, no name of a file, no address, no key ever gets in."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any

LOGGER = logging.getLogger("bonafide.service")


class JsonLines(logging.Formatter):
    """Time, level, event and the fields that the event brings."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; control characters are escaped by JSON itself."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = _place(record)
        return json.dumps(line)


def _place(record: logging.LogRecord) -> str:
    """Where an exception was raised; its text may quote the input and stays out."""
    assert record.exc_info is not None
    trace = record.exc_info[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"


def log(event: str, fields: dict[str, Any], level: int = logging.INFO) -> None:
    """Write a line.

    As ``LOGGER.log``, but nobody walks the stack for the caller's place, which no line shows.
    """
    if LOGGER.isEnabledFor(level):
        more = {"fields": fields}
        LOGGER.handle(LOGGER.makeRecord(LOGGER.name, level, "", 0, event, (), None, None, more))


def set_up_logs() -> None:
    """Send the service's and uvicorn's own lines to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    for name in ("bonafide.service", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name != "uvicorn.error" else []
        logger.propagate = name == "uvicorn.error"
        logger.setLevel(logging.INFO if name == "bonafide.service" else logging.WARNING)
