"""Checkpoints as safetensors: weights, optimiser state and the step, written atomically."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from bonafide.types import BonafideError


@dataclass(frozen=True)
class Progress:
    """Where a run stands.

    Attributes:
        step: optimisation steps done.
        best_step: the step whose weights are in model.safetensors; -1 before the first.
        best_measure: its loss on the development set; lower is better.
        stale: measurements since the best one.
    """

    step: int = 0
    best_step: int = -1
    best_measure: float = float("inf")
    stale: int = 0


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write tensors so that a kill at any moment leaves the old file or the new one."""
    scratch = path.with_suffix(".partial")
    save_file({k: v.detach().contiguous().cpu() for k, v in tensors.items()}, scratch, metadata)
    with scratch.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(scratch, path)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata; nothing is executed while reading.

    Raises:
        BonafideError: the file is missing, damaged or not safetensors.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BonafideError(
            f"not a readable safetensors file ({error}).",
            where=str(path),
            remedy="Name a model.safetensors or checkpoint that `bonafide train` wrote.",
        ) from error


def save_checkpoint(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write all that resuming needs: the network, the optimiser's state and the progress."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, parameter in enumerate(_parameters(optimizer)):
        for name, value in optimizer.state.get(parameter, {}).items():
            if value is not None:  # SGD without momentum keeps a None
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
    save_tensors(path, tensors, {"progress": json.dumps(asdict(progress))})


def load_checkpoint(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Restore what `save_checkpoint` wrote into a network and optimiser of the same shape.

    Raises:
        BonafideError: the file is damaged or belongs to another network.
    """
    tensors, metadata = load_tensors(path)
    try:
        network.load_state_dict(
            {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
        )
        progress = Progress(**json.loads(metadata["progress"]))
    except (RuntimeError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise BonafideError(
            f"does not fit this network: {error}.",
            where=str(path),
            remedy="Resume with the settings that the run began with.",
        ) from error
    parameters = _parameters(optimizer)
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            parameter = parameters[int(index)]
            # Step counters are scalars that stay on the CPU; moments live with their parameter.
            optimizer.state[parameter][name] = value.to(parameter) if value.ndim else value
    return progress


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
