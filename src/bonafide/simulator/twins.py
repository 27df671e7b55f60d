"""Every twin by its name on the command line."""

from __future__ import annotations

from collections.abc import Callable

from bonafide.simulator.twin import SIZES, TwinError, TwinPlan
from bonafide.simulator.twin_casia_fasd import plan_casia_fasd
from bonafide.simulator.twin_casia_surf import plan_casia_surf
from bonafide.simulator.twin_mipd import plan_mipd
from bonafide.simulator.twin_msu_mfsd import plan_msu_mfsd
from bonafide.simulator.twin_oulu_npu import plan_oulu_npu
from bonafide.simulator.twin_replay_attack import plan_replay_attack

TWINS: dict[str, Callable[[str, int], TwinPlan]] = {
    "replay-attack": plan_replay_attack,
    "casia-fasd": plan_casia_fasd,
    "msu-mfsd": plan_msu_mfsd,
    "oulu-npu": plan_oulu_npu,
    "casia-surf": plan_casia_surf,
    "mipd": plan_mipd,
}
"""Name -> (size, seed) -> plan. The names are those of `bonafide index`."""


def plan_twin(name: str, size: str, seed: int) -> TwinPlan:
    """Plan a twin.

    Raises:
        TwinError: no such twin or size, or a negative seed.
    """
    if name not in TWINS:
        raise TwinError("is no twin.", where=name, remedy=f"Twins are {', '.join(TWINS)}.")
    if size not in SIZES:
        raise TwinError(
            f"{size!r} is no size.", where="size", remedy=f"Choose one of {', '.join(SIZES)}."
        )
    if seed < 0:
        raise TwinError(f"seed is {seed}.", where="seed", remedy="Use 0 or more.")
    return TWINS[name](size, seed)
