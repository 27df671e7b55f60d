"""Published weights of the user's, into a network with the same key names."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from bonafide.types import BonafideError

HEADS = ("fc.", "classifier.")
"""Layers that depend on the number of classes; those of another number are left as they are."""


def load_backbone(network: nn.Module, path: Path) -> list[str]:
    """Load a torchvision-style file of weights, but for the classifier of other classes.

    Args:
        network: `resnet.ResNet18`, `mobilenet_v3.MobileNetV3`, `deep_pix_bis.DenseTrunk`.
        path: .safetensors, or a .pth file of plain tensors, of which nothing is run.

    Returns:
        the names that the file holds and the network has no use for.

    Raises:
        BonafideError: the file cannot be read, or lacks a part of the network.
    """
    found = _read(path)
    own = network.state_dict()
    fitting = {k: v for k, v in found.items() if k in own and v.shape == own[k].shape}
    missing = [
        name
        for name in own
        if name not in fitting
        and not name.startswith(HEADS)
        and not name.endswith("num_batches_tracked")
    ]
    if missing:
        raise BonafideError(
            f"lacks {len(missing)} tensors of this network, such as {missing[0]!r}.",
            where=str(path),
            remedy="Name the file of the same network, with torchvision's key names.",
        )
    network.load_state_dict(own | fitting)
    return sorted(set(found) - set(fitting))


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        values = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise BonafideError(
            f"cannot be read as weights ({str(error).splitlines()[0]}).",
            where=str(path),
            remedy="Name a .safetensors file, or a .pth file that holds tensors alone.",
        ) from error
    if not isinstance(values, dict) or not all(isinstance(v, Tensor) for v in values.values()):
        raise BonafideError(
            "does not hold tensors by name.", where=str(path), remedy="Name a state dict."
        )
    return _modern_names(values)


def _modern_names(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """DenseNet's old files write "norm.1" for "norm1" within a dense layer."""
    renamed = {}
    for name, value in values.items():
        head, dot, tail = name.partition("denselayer")
        if dot:
            for part in ("norm", "conv"):
                for number in ("1", "2"):
                    tail = tail.replace(f".{part}.{number}.", f".{part}{number}.")
        renamed[head + dot + tail] = value
    return renamed
