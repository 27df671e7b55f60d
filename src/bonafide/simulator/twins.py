"""Every twin by its name on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bonafide.simulator import (
    twin_casia_fasd,
    twin_casia_surf,
    twin_mipd,
    twin_msu_mfsd,
    twin_oulu_npu,
    twin_replay_attack,
)
from bonafide.simulator.twin import TwinError, TwinPlan


class Twin(NamedTuple):
    """How a twin is planned, from a size and a seed, and the sizes that it has."""

    plan: Callable[[str, int], TwinPlan]
    sizes: Iterable[str]


TWINS = {
    "replay-attack": Twin(twin_replay_attack.plan_replay_attack, twin_replay_attack.EXTENTS),
    "casia-fasd": Twin(twin_casia_fasd.plan_casia_fasd, twin_casia_fasd.EXTENTS),
    "msu-mfsd": Twin(twin_msu_mfsd.plan_msu_mfsd, twin_msu_mfsd.EXTENTS),
    "oulu-npu": Twin(twin_oulu_npu.plan_oulu_npu, twin_oulu_npu.EXTENTS),
    "casia-surf": Twin(twin_casia_surf.plan_casia_surf, twin_casia_surf.EXTENTS),
    "mipd": Twin(twin_mipd.plan_mipd, twin_mipd.EXTENTS),
}
"""Name -> twin. The names are those of `bonafide index`. Sizes are tiny, a few seconds of work;
small, some minutes; medium, all published people as small pictures, where small does not have them
already; full, the published numbers, lengths and resolutions."""


def plan_twin(name: str, size: str, seed: int) -> TwinPlan:
    """Plan a twin.

    Raises:
        TwinError: no such twin, a size that it does not have, or a negative seed.
    """
    if name not in TWINS:
        raise TwinError("is no twin.", where=name, remedy=f"Twins are {', '.join(TWINS)}.")
    if size not in (sizes := TWINS[name].sizes):
        raise TwinError(
            f"{name} has no size {size!r}.", where="size", remedy=f"One of {', '.join(sizes)}."
        )
    if seed < 0:
        raise TwinError(f"seed is {seed}.", where="seed", remedy="Use 0 or more.")
    return TWINS[name].plan(size, seed)
