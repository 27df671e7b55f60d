"""Which twin stands in for which data set, and how large it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bonafide.types import BonafideError

SIZES = ("small", "full")


def write_twin(
    name: str, folder: Path, size: str, workers: int, on_clip: Callable[[int, int], None]
) -> Path:
    """Write the twin of a data set, unless it is there.

    Args:
        name: of the data set's loader.
        folder: where to.
        size: one of `SIZES`.
        workers: processes.
        on_clip: called with clips done and clips in all.

    Returns:
        the root for the data set's loader.

    Raises:
        BonafideError: the data set has no twin.
    """
    raise BonafideError(
        f"{name} has no twin.", where="--data", remedy=f"Give your copy: --data {name}=ROOT."
    )
