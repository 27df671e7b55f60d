"""SE-ResNeXt with timm's key names, of any depth and width: the backbone of the cascade's nets.

Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (CVPR 2017) and Hu et
al., "Squeeze-and-Excitation Networks" (CVPR 2018). Names and arithmetic are those of timm's
`seresnext50_32x4d`, so its weights load; tests/models/test_se_resnext.py holds both side by side
where timm is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bonafide.types import BonafideError

EXPANSION = 4
"""Channels of a block's output over its planes."""

REDUCTION = 16
"""Of an SE block's squeeze, rounded to a multiple of 8."""


@dataclass(frozen=True)
class BackboneShape:
    """Depth and width.

    Attributes:
        blocks: residual blocks a stage; the spatial size is halved before each stage but the
            first, after a stem that divides it by 4.
        stem: channels after the stem.
        planes: of the first stage; doubled from stage to stage. Stage i puts out
            ``4 * planes * 2**i`` channels.
        cardinality: groups of the 3x3 convolution; base_width: channels a group at 64 planes.
        se: with squeeze-and-excitation.
    """

    blocks: tuple[int, ...] = (3, 4, 6)
    stem: int = 64
    planes: int = 64
    cardinality: int = 32
    base_width: int = 4
    se: bool = True

    def channels(self) -> tuple[int, ...]:
        """Of each stage's output."""
        return tuple(EXPANSION * self.planes * 2**stage for stage in range(len(self.blocks)))


_SMALL = BackboneShape(blocks=(1, 1, 1), stem=16, planes=16, cardinality=4, base_width=32)

SHAPES: dict[str, BackboneShape] = {
    "se_resnext50": BackboneShape(),
    "resnext50": replace(BackboneShape(), se=False),
    "small": _SMALL,
    "small_plain": replace(_SMALL, se=False),
}
"""The paper's three stages, and ones that a CPU trains in minutes; each with and without SE."""


class SqueezeExcite(nn.Module):
    """Weigh channels by what their means say: mean - fc - ReLU - fc - sigmoid (the paper's Fig. 3).

    The fully connected layers are 1x1 convolutions, as in timm.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _divisible_by_eight(channels / REDUCTION)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) -> the same shape."""
        weight = self.fc2(torch.relu(self.fc1(x.mean((2, 3), keepdim=True))))
        return x * weight.sigmoid()


def _divisible_by_eight(value: float) -> int:
    return max(8, int(value + 4) // 8 * 8)


class Bottleneck(nn.Module):
    """1x1 - grouped 3x3 - 1x1, squeeze and excitation, and the shortcut."""

    def __init__(self, before: int, planes: int, stride: int, shape: BackboneShape) -> None:
        super().__init__()
        width = planes * shape.base_width // 64 * shape.cardinality
        after = EXPANSION * planes
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=shape.cardinality, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.se = SqueezeExcite(after) if shape.se else nn.Identity()
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, 4 planes, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.relu(self.se(self.bn3(self.conv3(x))) + shortcut)


class SeResNext(nn.Module):
    """The stem and the residual stages; with ``classes``, also timm's pooled classifier."""

    def __init__(self, in_channels: int, shape: BackboneShape, classes: int = 0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, shape.stem, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(shape.stem)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stages = len(shape.blocks)
        before = shape.stem
        for stage, count in enumerate(shape.blocks):
            planes = shape.planes * 2**stage
            blocks = []
            for number in range(count):
                stride = 2 if stage and not number else 1
                blocks.append(Bottleneck(before, planes, stride, shape))
                before = EXPANSION * planes
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(before, classes) if classes else None
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def maps(self, x: Tensor) -> list[Tensor]:
        """(batch, in_channels, h, w) -> the output of each stage, at strides 4, 8, 16, ..."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        found = []
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """(batch, in_channels, h, w) -> logits; the pooled last map where there are no classes."""
        pooled = self.maps(x)[-1].mean((2, 3))
        return pooled if self.fc is None else self.fc(pooled)


def load_timm(network: SeResNext, tensors: Mapping[str, Tensor]) -> None:
    """Start from weights of timm's `seresnext50_32x4d`, or of a network of the same shape.

    Stages and a classifier that this network does not have are left out. Where the pictures do not
    have three channels, the first convolution takes the mean of its weights over R, G and B.

    Raises:
        BonafideError: the tensors are of another shape; names the first that does not fit.
    """
    own = network.state_dict()
    start = {}
    for name, value in own.items():
        given = tensors.get(name)
        if name == "conv1.weight" and given is not None and given.shape[1] != value.shape[1]:
            given = given.mean(1, keepdim=True).expand_as(value) * (3 / value.shape[1])
        if given is None or given.shape != value.shape:
            if name.endswith("num_batches_tracked"):
                continue
            raise BonafideError(
                f"holds no fitting {name} (wanted {tuple(value.shape)}).",
                where="initial weights",
                remedy="Give a safetensors file of timm's seresnext50_32x4d, or the shape it has.",
            )
        start[name] = given.to(value)
    network.load_state_dict({**own, **start})
