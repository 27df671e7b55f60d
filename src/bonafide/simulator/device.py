"""Where light is drawn: by numba on the CPU, or by torch on a device that has to be there."""

from __future__ import annotations

from bonafide.types import BonafideError


def check_device(name: str | None) -> None:
    """Make sure that a device can be drawn on.

    Args:
        name: None for numba on the CPU, which is always there; or torch's name, as "cuda".

    Raises:
        BonafideError: torch is not installed, or it does not have this device.
    """
    if name is None:
        return
    try:
        import torch
    except ModuleNotFoundError as error:
        raise BonafideError(
            f"drawing on {name!r} needs torch.",
            where="device",
            remedy="Install torch (pip install 'bonafide[train]'), or leave the device out.",
        ) from error
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise BonafideError(
            f"torch cannot draw on {name!r}: {first}",
            where="device",
            remedy='Name a device that this machine has, as "cuda", or leave the device out.',
        ) from error
