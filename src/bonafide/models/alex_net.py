"""AlexNet features and a support vector machine: the first deep rival.

Yang, Lei, Li: "Learn Convolutional Neural Network for Face Anti-Spoofing", 2014 (arXiv 1408.5601):
AlexNet (Krizhevsky, Sutskever, Hinton, 2012) trained on faces with background; its last hidden
layer feeds a support vector machine. MS-FANS' Tables IV-V: EER 4.92 % on CASIA-FASD, 2.14 % on
Replay-Attack, 0.349 G operations, which is AlexNet in its first form (two groups of maps in
convolutions 2, 4 and 5, no margin around the first) on 128 px: 0.347 G.

Deviations: one scale (they try five, from the tight face outwards); the machine is linear, its
features those of the network with the lowest development loss. Layers are called as in Caffe's
published file, which loads into them.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor, nn

from bonafide.models.caffe_model import read_caffe_blobs
from bonafide.models.rival import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Judgement,
    judged,
    kaiming,
    pictures,
)
from bonafide.types import CLASSES, BonafideError

WIDE = 4096
LEAST_PX = 67
"""Three poolings leave nothing of less."""

CAFFE_MEAN = (122.679, 116.669, 104.007)
"""Of R, G, B in 0..255: what Caffe's file was trained with (ILSVRC 2012, without deviation)."""


def _norm() -> nn.LocalResponseNorm:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


class AlexTrunk(nn.Module):
    """The convolutions: (batch, 3, side, side) -> (batch, 256, s, s), s = 2 for 128 px."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[tuple[str, nn.Module]] = [
            ("conv1", nn.Conv2d(3, 96, 11, 4)),
            ("relu1", nn.ReLU(inplace=True)),
            ("norm1", _norm()),
            ("pool1", nn.MaxPool2d(3, 2)),
            ("conv2", nn.Conv2d(96, 256, 5, 1, 2, groups=2)),
            ("relu2", nn.ReLU(inplace=True)),
            ("norm2", _norm()),
            ("pool2", nn.MaxPool2d(3, 2)),
            ("conv3", nn.Conv2d(256, 384, 3, 1, 1)),
            ("relu3", nn.ReLU(inplace=True)),
            ("conv4", nn.Conv2d(384, 384, 3, 1, 1, groups=2)),
            ("relu4", nn.ReLU(inplace=True)),
            ("conv5", nn.Conv2d(384, 256, 3, 1, 1, groups=2)),
            ("relu5", nn.ReLU(inplace=True)),
            ("pool5", nn.MaxPool2d(3, 2)),
        ]
        self.layers = nn.Sequential(OrderedDict(layers))
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.layers(x)


class AlexNet(nn.Module):
    """For crops (batch, 1, side, side, 3), a side from `LEAST_PX` on.

    Raises:
        BonafideError: a smaller side.
    """

    def __init__(self, input_px: int = 128) -> None:
        super().__init__()
        if input_px < LEAST_PX:
            raise BonafideError(
                f"AlexNet cannot see {input_px} px.",
                where="side_px",
                remedy=f"Take {LEAST_PX} px or more; 128 is the default.",
            )
        self.backbone = AlexTrunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        side = (input_px - 11) // 4 + 1
        for _ in range(3):
            side = (side - 3) // 2 + 1
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(256 * side**2, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(WIDE, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        )
        self.classifier = nn.Linear(WIDE, len(CLASSES))

    def features(self, views: Tensor) -> Tensor:
        """The last hidden layer: (batch, 4096)."""
        return self.dense(self.backbone(pictures(views[:, 0], IMAGENET_MEAN, IMAGENET_STD)))

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops by the linear layer that the network is trained with."""
        return judged(self.classifier(self.features(views)))


def load_caffe(trunk: AlexTrunk, path: Path) -> None:
    """Begin with the convolutions of Caffe's published AlexNet (a .caffemodel).

    Caffe sees B, G, R in 0..255 less a mean; this network sees R, G, B with ImageNet's mean and
    deviation. The first convolution is rewritten so that it answers alike, which is exact because
    nothing is padded before it.

    Raises:
        BonafideError: the file lacks a convolution, or has one of another shape.
    """
    blobs = read_caffe_blobs(path)
    state = trunk.layers.state_dict()
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
        found = [torch.from_numpy(blob) for blob in blobs.get(name, [])]
        own = [state[f"{name}.weight"], state[f"{name}.bias"]]
        if [blob.numel() for blob in found] != [value.numel() for value in own]:
            raise BonafideError(
                f"has no {name} of AlexNet's shape {tuple(own[0].shape)}.",
                where=str(path),
                remedy="Name the .caffemodel of AlexNet as it was published.",
            )
        weight, bias = (new.reshape(value.shape) for new, value in zip(found, own, strict=True))
        if name == "conv1":
            weight, bias = _of_our_pictures(weight.flip(1), bias)
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    trunk.layers.load_state_dict(state)


def _of_our_pictures(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """For x = 255 (std u + mean): w (x - Caffe's mean) + b as w' u + b'; w is (96, 3, 11, 11)."""
    constants = (IMAGENET_STD, IMAGENET_MEAN, CAFFE_MEAN)
    spread, ours, theirs = (torch.tensor(values).view(1, 3, 1, 1) for values in constants)
    return weight * 255 * spread, bias + (weight * (255 * ours - theirs)).sum((1, 2, 3))
