"""The twin of a data set, where the user has no copy of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

SIZES = ("small", "full")
"""Of twin and runs: some minutes to hours on a CPU; the published numbers of people and clips."""

SEED = 0
"""Of every twin: the seeds of a reproduction are those of its runs."""


def write_twin(
    name: str, folder: Path, size: str, workers: int, on_clip: Callable[[int, int], None]
) -> Path:
    """Write the twin of a data set; what an earlier call has written is kept.

    Args:
        name: of the data set's loader.
        folder: where to.
        size: one of `SIZES`.
        workers: processes.
        on_clip: called with clips done and clips in all.

    Returns:
        the root for the data set's loader.

    Raises:
        TwinError: the data set has no twin, or the folder holds something else.
    """
    from bonafide.simulator import twin
    from bonafide.simulator.twins import plan_twin

    twin.write_twin(plan_twin(name, size, SEED), folder, workers, on_clip)
    return folder
