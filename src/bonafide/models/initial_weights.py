"""Weights that the CNN of a run begins with: a file of tensors that says where they come from.

Written from published files (`vgg_weights`) or from an earlier run (`training.run_weights`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bonafide.models.motion_cnn_lstm import CNNS, ConvolutionalPart
from bonafide.types import BonafideError

Array = npt.NDArray[np.float32]

METADATA_KEY = "bonafide_weights"
TRANSFER = "transfer"
"""Kind of the weights that an earlier run of ours has learned."""


@dataclass(frozen=True)
class WeightsRecord:
    """Where initial weights come from.

    Attributes:
        kind: of `vgg_weights.KINDS`, or `TRANSFER`.
        form: caffe, matconvnet, pytorch or torchvision; of a transfer, the run's CNN.
        source_sha256: of the file that was imported.
        source_channels: rgb or bgr, the order in that file.
    """

    kind: str
    form: str
    source_sha256: str
    source_channels: str


def sha256_of(path: Path) -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_initial_weights(
    tensors: Mapping[str, npt.NDArray[Any]], record: WeightsRecord, out: Path
) -> None:
    """Write weights that a run can begin with, and where they come from."""
    from safetensors.numpy import save_file

    # Channels-last arrays would be written in their order of memory, and read back wrong.
    ordered = {name: np.array(each, order="C") for name, each in tensors.items()}
    save_file(ordered, out, {METADATA_KEY: json.dumps(asdict(record))})


def load_initial_weights(path: Path, cnn: str) -> tuple[dict[str, Array], WeightsRecord]:
    """Read what `save_initial_weights` wrote.

    Args:
        path: the file.
        cnn: of `motion_cnn_lstm.CNNS`, which is to begin with them.

    Raises:
        BonafideError: the file is missing, or something else; its weights are of another CNN.
    """
    tensors, record = _load(path)
    with torch.device("meta"):
        wanted = ConvolutionalPart(CNNS[cnn]).state_dict()
    if {name: each.shape for name, each in tensors.items()} != {
        name: tuple(each.shape) for name, each in wanted.items()
    }:
        raise BonafideError(
            f"holds the weights of another CNN than {cnn} ({record.kind}, {record.form}).",
            where=str(path),
            remedy="Published weights are VGG-16's (--cnn vgg16); those of a run are its CNN's.",
        )
    return tensors, record


def _load(path: Path) -> tuple[dict[str, Array], WeightsRecord]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            record = WeightsRecord(**json.loads((file.metadata() or {})[METADATA_KEY]))
            return {name: file.get_tensor(name) for name in file.keys()}, record  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise BonafideError(
            f"holds no imported weights ({error}).",
            where=str(path),
            remedy="Make it from a published file, bonafide weights import vgg-face FILE -o OUT, "
            "or from a run, bonafide weights from-run RUN -o OUT.",
        ) from error
