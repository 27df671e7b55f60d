"""Verdicts as a table for the terminal."""

from __future__ import annotations

import os
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bonafide.deploy.answer import Answer
from bonafide.types import ReasonCode

OTHER_COLUMNS = 62
"""Width of all columns but the first, with the usual reasons."""

TOLD_IN_WORDS = {
    ReasonCode.UNREADABLE,
    ReasonCode.MISSING_MODALITY,
    ReasonCode.MISREGISTERED,
    ReasonCode.DEPTH_UNIT,
    ReasonCode.NO_DEPTH,
}
"""Codes whose advice names a fault of files or sensors, which a code alone does not tell."""

LEAST_PATH = 24
PIPED_WIDTH = 400

STYLES = {"bona_fide": "green", "attack": "bold red", "not_evaluated": "yellow"}


def shortened(path: str, width: int) -> str:
    """The path, or its end behind an ellipsis: the end is what tells files apart.

    >>> shortened("folder/photo.jpg", 10)
    '…photo.jpg'
    """
    return path if len(path) <= width else "…" + path[1 - width :]


def reasons_in_words(answer: Answer) -> str:
    """The codes of the reasons, blocking ones first."""
    return ", ".join(reason.code.value for reason in answer.verdict.reasons)


def stages_in_words(answer: Answer) -> str:
    """What each stage of a cascade said."""
    return ", ".join(
        f"{name} not asked"
        if stage.score is None
        else f"{name} {stage.score:.3f} (passes from {stage.threshold:.3f})"
        for name, stage in answer.verdict.stages.items()
    )


class VerdictTable:
    """Collects rows; prints the table, then what could not be read, then the counts."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        if not self._console.is_terminal and not os.environ.get("COLUMNS"):
            self._console.width = PIPED_WIDTH  # a file or pipe has no edge to fold at
        self._path_width = max(self._console.width - OTHER_COLUMNS, LEAST_PATH)
        self._table = Table(box=None, pad_edge=False, header_style="bold")
        self._table.add_column("file", no_wrap=True)
        for name in ("decision", "score", "threshold", "reasons", "ms"):
            right = name in ("score", "threshold", "ms")
            self._table.add_column(
                name, justify="right" if right else "left", no_wrap=name != "reasons"
            )
        self._counts: Counter[str] = Counter()
        self._unreadable: list[str] = []
        self._stages: list[str] = []

    def add(self, answer: Answer) -> None:
        """Add one answer."""
        verdict = answer.verdict
        decision = verdict.decision.value
        self._counts[decision] += 1
        for reason in verdict.reasons:
            if reason.code in TOLD_IN_WORDS:
                self._unreadable.append(reason.advice)
        if verdict.stages:
            self._stages.append(f"{answer.path}: {stages_in_words(answer)}")
        milliseconds = sum(verdict.timing_ms.values())
        self._table.add_row(
            escape(shortened(answer.path, self._path_width)),
            f"[{STYLES[decision]}]{decision}[/]",
            "" if verdict.score is None else f"{verdict.score:.3f}",
            f"{verdict.threshold:.3f}",
            reasons_in_words(answer),
            f"{milliseconds:.0f}" if milliseconds else "",
        )

    def print(self) -> None:
        """Print all of it."""
        self._console.print(self._table)
        if self._unreadable:
            self._console.print("\n[yellow]could not be read:[/]")
            for line in self._unreadable:
                self._console.print(f"  {escape(line)}", highlight=False)
        for line in self._stages:
            self._console.print(escape(line), highlight=False)
        parts = [f"{self._counts[name]} {name}" for name in STYLES if self._counts[name]]
        self._console.print("\n" + ", ".join(parts), highlight=False)
