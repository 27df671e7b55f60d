"""The twin of a data set, where the user has no copy of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bonafide.simulator.twin import TwinPlan

SIZES = ("small", "full")
"""Of twin and runs: some minutes to hours on a CPU; the published numbers of people and clips."""

SEED = 0
"""Of every twin: the seeds of a reproduction are those of its runs."""

STILLS, STILLS_S = 4, 0.4
"""Frames of a clip, and the time between them, where single frames are looked at."""


def write_twin(
    name: str,
    folder: Path,
    size: str,
    workers: int,
    on_clip: Callable[[int, int], None],
    *,
    stills: bool,
) -> Path:
    """Write the twin of a data set; what an earlier call has written is kept.

    Args:
        name: of the data set's loader.
        folder: for twins of this data set.
        size: one of `SIZES`.
        workers: processes.
        on_clip: called with clips done and clips in all.
        stills: whether a few frames of each clip are enough; see `plan_stills`.

    Returns:
        the root for the data set's loader.

    Raises:
        TwinError: the data set has no twin, or the folder holds something else.
    """
    from bonafide.simulator import twin
    from bonafide.simulator.twins import plan_twin

    few = stills and size == "small"
    plan = plan_stills(name) if few else plan_twin(name, size, SEED)
    root = folder / ("twin-stills" if few else f"twin-{size}")
    twin.write_twin(plan, root, workers, on_clip)
    return root


def plan_stills(name: str) -> TwinPlan:
    """The twin with few frames a clip, for methods that look at single frames.

    CASIA-FASD's small twin has clips of eight frames already, and all people. Replay-Attack's
    medium one, which has all people too, is cut down to four frames a clip, 0.4 s apart: a fifth of
    the small one's pictures, of three times its people.
    """
    from bonafide.simulator.twin_media import ClipForm
    from bonafide.simulator.twins import plan_twin

    if name != "replay-attack":
        return plan_twin(name, "small", SEED)
    plan = plan_twin(name, "medium", SEED)
    jobs = []
    for job in plan.jobs:
        assert isinstance(job.form, ClipForm)
        stride = round(STILLS_S * job.form.rate_hz)
        jobs.append(replace(job, form=replace(job.form, frames=(STILLS, STILLS), stride=stride)))
    return replace(plan, jobs=tuple(jobs))
