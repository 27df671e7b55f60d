"""The CNN of a finished run, as the weights that another run begins with.

For a data set with few people: paper 2 begins with VGG-Face for the same reason.
"""

from __future__ import annotations

from pathlib import Path

from bonafide.models.initial_weights import TRANSFER, WeightsRecord, save_initial_weights, sha256_of
from bonafide.training.loop import BEST
from bonafide.training.motion_task import load_network


def write_run_weights(run: Path, out: Path) -> WeightsRecord:
    """Write a run's CNN for `train motion --weights`.

    Args:
        run: folder of `train motion`; its kept network is taken.
        out: the safetensors to write.

    Returns:
        the record in the file: the run's CNN and the digest of its kept network.

    Raises:
        BonafideError: the folder holds no finished run of the motion network.
    """
    network, settings = load_network(run)
    tensors = {name: each.numpy() for name, each in network.cnn.state_dict().items()}
    record = WeightsRecord(TRANSFER, settings.cnn, sha256_of(run / BEST), "rgb")
    save_initial_weights(tensors, record, out)
    return record
