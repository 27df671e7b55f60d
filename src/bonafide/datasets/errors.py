"""What can be wrong with a data set on disk: one type each, and every offender listed."""

from __future__ import annotations

from collections.abc import Iterable

from bonafide.types import BonafideError


class DatasetError(BonafideError):
    """A folder, list or manifest is not the data set that it is taken for."""

    def __str__(self) -> str:
        """Where, problem and remedy; after a listing the remedy starts a line of its own."""
        text = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{text}{'' if text.endswith(chr(10)) else ' '}{self.remedy}".rstrip()


class LayoutError(DatasetError):
    """The folder has not the layout of the data set, or an option does not exist for it."""


class UnknownNameError(DatasetError):
    """Files, attack types or words that the data set does not define; they are never guessed."""


class MissingFilesError(DatasetError):
    """Files that the data set's lists or its published numbers demand are not there."""


class PolarityError(DatasetError):
    """A list's label contradicts the file's own name or folder."""


class CountError(DatasetError):
    """A split holds other numbers of presentations than were published."""


class LeakError(DatasetError):
    """One person stands in more than one split."""


def listing(items: Iterable[object]) -> str:
    """All items, one a line, indented; for the end of an error's problem.

    >>> print("2 files are missing:" + listing(["a.avi", "b.avi"]))
    2 files are missing:
      a.avi
      b.avi
    """
    return "".join(f"\n  {item}" for item in items)
