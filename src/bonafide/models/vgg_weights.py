"""Initial weights of VGG-16's convolutional part: VGG-Face or ImageNet, from the published files.

VGG-Face is Parkhi, Vedaldi, Zisserman, "Deep Face Recognition", BMVC 2015; its weights are for
non-commercial research. Its forms differ in layout and channel order:

| form | file | filters | channels | mean |
| --- | --- | --- | --- | --- |
| Caffe | VGG_FACE.caffemodel | out, in, height, width | B, G, R | beside the file |
| MatConvNet | vgg_face.mat, vgg-face.mat | height, width, in, out | R, G, B | in the file |
| PyTorch | vgg_face_dag.pth | out, in, height, width | R, G, B | beside the file |

ImageNet's VGG-16 is read in the first two forms and in torchvision's. All become the same: R, G, B,
0..255, with mean and deviation among the weights, so that no caller can mix them up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.models.caffe_model import read_caffe_blobs
from bonafide.models.initial_weights import WeightsRecord, save_initial_weights, sha256_of
from bonafide.models.motion_cnn_lstm import CNNS
from bonafide.types import BonafideError

Array = npt.NDArray[np.float32]

RGB, BGR = "rgb", "bgr"

KINDS: dict[str, tuple[float, float, float]] = {
    "vgg-face": (129.1863, 104.7624, 93.5940),
    "imagenet": (123.68, 116.779, 103.939),
}
"""What the weights were trained on -> mean of R, G, B in 0..255, as published with the weights."""

TORCHVISION_MEAN = tuple(255 * each for each in (0.485, 0.456, 0.406))
TORCHVISION_STD = tuple(255 * each for each in (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class _Read:
    """What a file holds: layers as (out, in, height, width), channels as they were."""

    form: str
    layers: dict[str, tuple[Array, Array]]
    channels: str | None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] = (1.0, 1.0, 1.0)


def import_weights(kind: str, source: Path, *, channels: str | None = None) -> dict[str, Array]:
    """Read published weights, as `motion_cnn_lstm.ConvolutionalPart` takes them.

    Args:
        kind: of `KINDS`.
        source: a file in one of the forms above, told apart by its content.
        channels: rgb or bgr; replaces what the form says. Needed for PyTorch files of other origin.

    Returns:
        conv1_1.weight ... conv5_3.bias, mean and std of R, G, B in 0..255; float32.

    Raises:
        BonafideError: unknown kind, unreadable or unknown file, a layer is missing or has another
            shape, or the channel order is not known.
    """
    return _converted(kind, source, _read(kind, source), channels)


def _converted(kind: str, source: Path, read: _Read, channels: str | None) -> dict[str, Array]:
    order = channels or read.channels
    if order not in (RGB, BGR):
        raise BonafideError(
            "does not say whether its first layer reads R, G, B or B, G, R.",
            where=str(source),
            remedy="Say so by --channels rgb or --channels bgr; its documentation must tell.",
        )
    tensors: dict[str, Array] = {}
    for name, shape in _expected().items():
        if name not in read.layers:
            raise BonafideError(
                f"has no layer {name}; it has {', '.join(sorted(read.layers)[:4])} ...",
                where=str(source),
                remedy="Name a file of VGG-16 or VGG-Face.",
            )
        weight, bias = read.layers[name]
        if weight.shape != shape or bias.size != shape[0] or not np.isfinite(weight).all():
            raise BonafideError(
                f"{name} has shape {weight.shape}, not finite numbers of shape {shape}.",
                where=str(source),
                remedy="Name a file of VGG-16 or VGG-Face, whole.",
            )
        tensors[f"{name}.weight"] = np.ascontiguousarray(weight, np.float32)
        tensors[f"{name}.bias"] = np.ascontiguousarray(bias.reshape(-1), np.float32)
    if order == BGR:
        first = tensors["conv1_1.weight"]
        tensors["conv1_1.weight"] = np.ascontiguousarray(first[:, ::-1])
    tensors["mean"] = np.array(read.mean or KINDS[kind], np.float32)
    tensors["std"] = np.array(read.std, np.float32)
    return tensors


def import_file(
    kind: str, source: Path, out: Path, *, channels: str | None = None
) -> WeightsRecord:
    """`import_weights`, written as safetensors with a `WeightsRecord` in the file's metadata."""
    read = _read(kind, source)
    tensors = _converted(kind, source, read, channels)
    record = WeightsRecord(kind, read.form, sha256_of(source), channels or str(read.channels))
    save_initial_weights(tensors, record, out)
    return record


def _expected() -> dict[str, tuple[int, int, int, int]]:
    shapes, before = {}, 3
    for block, (channels, convolutions) in enumerate(CNNS["vgg16"].blocks, 1):
        for number in range(1, convolutions + 1):
            shapes[f"conv{block}_{number}"] = (channels, before, 3, 3)
            before = channels
    return shapes


def _read(kind: str, source: Path) -> _Read:
    if kind not in KINDS:
        raise BonafideError(
            f"unknown weights {kind!r}.", where="kind", remedy=f"One of {', '.join(KINDS)}."
        )
    try:
        with source.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(source),
            remedy="Name the file as you downloaded it.",
        ) from error
    return _reader_of(head)(source)


def _reader_of(head: bytes) -> Callable[[Path], _Read]:
    if head.startswith(b"MATLAB 5.0") or head.startswith(b"\x89HDF") or b"MATLAB 7.3" in head:
        return _read_matconvnet
    if head.startswith((b"PK", b"\x80")):
        return _read_torch
    return _read_caffe


def _read_caffe(source: Path) -> _Read:
    blobs = read_caffe_blobs(source)
    layers = {name: (each[0], each[1]) for name, each in blobs.items() if len(each) == 2}
    return _Read("caffe", layers, BGR)


def _read_matconvnet(source: Path) -> _Read:
    import scipy.io

    try:
        content = scipy.io.loadmat(source, squeeze_me=True, struct_as_record=False)
    except (NotImplementedError, ValueError, TypeError, OSError) as error:
        raise BonafideError(
            f"is no MATLAB file of version 5 ({error}).",
            where=str(source),
            remedy="Files of version 7.3 are HDF5: save it again in MATLAB with -v7.",
        ) from error
    net = content.get("net")
    top: Mapping[str, Any] = vars(net) if net is not None else content
    layers = {}
    for layer in np.atleast_1d(top.get("layers", [])):
        pair = getattr(layer, "weights", None)
        if pair is None or np.size(pair) == 0:
            pair = getattr(layer, "filters", None), getattr(layer, "biases", None)
        filters, bias = pair
        if filters is not None and np.ndim(filters) == 4:  # height, width, in, out
            layers[str(layer.name)] = (np.transpose(filters, (3, 2, 0, 1)), np.asarray(bias))
    return _Read("matconvnet", layers, RGB, _matconvnet_mean(top))


def _matconvnet_mean(top: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Mean of R, G, B: of the average picture, or as it is where it has one number a channel."""
    about = top.get("normalization") or getattr(top.get("meta"), "normalization", None)
    average = getattr(about, "averageImage", None)
    if average is None or np.shape(average)[-1:] != (3,):
        return None
    return tuple(np.asarray(average, np.float64).reshape(-1, 3).mean(0).tolist())


def _read_torch(source: Path) -> _Read:
    import pickle

    import torch

    try:
        # Tensors and plain containers only: anything that a pickle could run is refused.
        content = torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise BonafideError(
            f"holds more than tensors, or is damaged ({str(error).splitlines()[0]}).",
            where=str(source),
            remedy="Only state dictionaries are read; nothing in the file is run.",
        ) from error
    state = content.get("state_dict", content) if isinstance(content, dict) else {}
    arrays = {
        name: value.float().numpy() for name, value in state.items() if torch.is_tensor(value)
    }
    if any(name.startswith("features.") for name in arrays):
        return _torchvision(arrays)
    layers = {}
    for name in arrays:
        # conv1_1 (vgg_face_dag.pth, which documents R, G, B) or conv_1_1 (others: not known).
        match = re.fullmatch(r"conv_?(\d)_(\d)\.weight", name)
        if match:
            bias = arrays.get(name.replace("weight", "bias"), np.zeros(0, np.float32))
            layers["conv{}_{}".format(*match.groups())] = (arrays[name], bias)
    return _Read("pytorch", layers, RGB if "conv1_1.weight" in arrays else None)


def _torchvision(arrays: dict[str, Array]) -> _Read:
    numbers = sorted(
        int(name.split(".")[1])
        for name in arrays
        if name.startswith("features.") and name.endswith("weight")
    )
    layers = {
        name: (arrays[f"features.{number}.weight"], arrays[f"features.{number}.bias"])
        for name, number in zip(_expected(), numbers, strict=False)
    }
    return _Read("torchvision", layers, RGB, TORCHVISION_MEAN, TORCHVISION_STD)
