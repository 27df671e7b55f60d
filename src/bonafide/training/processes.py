"""Which processes train: this one, several of this machine, or those that torchrun started."""

from __future__ import annotations

import os

from lightning.fabric import Fabric

STARTED, LOCAL, MACHINES = "TORCHELASTIC_RUN_ID", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE"
"""What torchrun tells each process: that it was started so, processes of a machine, machines."""

PARALLEL = "ddp_find_unused_parameters_true"
"""Losses of phases, such as Eq. 6 of paper 1, leave layers without a gradient from some step on."""


def fabric_of(device: str, devices: int, precision: str) -> Fabric:
    """The fabric of a training.

    Under torchrun its own numbers of processes and machines count, and ``devices`` does not: the
    library would refuse any other. The run's folder must be one that all machines see.

    Args:
        device: auto, cpu or cuda.
        devices: processes or GPUs of this machine.
        precision: of the settings, such as "bf16-mixed".
    """
    machines = 1
    if STARTED in os.environ:
        devices, machines = int(os.environ[LOCAL]), int(os.environ[MACHINES])
    return Fabric(
        accelerator=device,
        devices=devices,
        num_nodes=machines,
        strategy=PARALLEL if devices * machines > 1 else "auto",
        precision=precision,  # type: ignore[arg-type]
    )
