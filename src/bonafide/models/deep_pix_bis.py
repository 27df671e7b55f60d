"""DeepPixBiS: every cell of a 14x14 map says whether it sees a live face.

George, Marcel: "Deep Pixel-wise Binary Supervision for Face Presentation Attack Detection", ICB
2019. The first eight layers of DenseNet-161 (Huang et al., CVPR 2017: growth 48, up to the second
transition) give 384 maps of 14x14 for 224 px; a 1x1 convolution and a sigmoid give the map, a fully
connected layer over it the binary output. Loss 0.5 binary cross-entropy of the map (all ones or all
zeros) + 0.5 of the binary output. The score is the mean of the map. Published: 3.2 M parameters,
4.64 GFLOPs.

Key names are torchvision's, so that its ImageNet file for DenseNet-161 loads; what lies behind the
second transition is left out.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.rival import (
    BONA_FIDE,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Judgement,
    kaiming,
    pictures,
)

GROWTH = 48
BOTTLENECK = 4
BLOCKS = (6, 12)
"""Layers of the dense blocks that are kept; DenseNet-161 has two more, of 36 and 24."""


class DenseLayer(nn.Sequential):
    """Adds 48 maps to those it is given."""

    def __init__(self, before: int) -> None:
        wide = BOTTLENECK * GROWTH
        super().__init__(
            OrderedDict(
                norm1=nn.BatchNorm2d(before),
                relu1=nn.ReLU(inplace=True),
                conv1=nn.Conv2d(before, wide, 1, bias=False),
                norm2=nn.BatchNorm2d(wide),
                relu2=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(wide, GROWTH, 3, padding=1, bias=False),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, before + 48, h, w)."""
        return torch.cat([x, super().forward(x)], 1)


def _transition(before: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            norm=nn.BatchNorm2d(before),
            relu=nn.ReLU(inplace=True),
            conv=nn.Conv2d(before, before // 2, 1, bias=False),
            pool=nn.AvgPool2d(2),
        )
    )


def _trunk() -> tuple[nn.Sequential, int]:
    channels = 2 * GROWTH
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv0=nn.Conv2d(3, channels, 7, 2, 3, bias=False),
        norm0=nn.BatchNorm2d(channels),
        relu0=nn.ReLU(inplace=True),
        pool0=nn.MaxPool2d(3, 2, 1),
    )
    for number, count in enumerate(BLOCKS, start=1):
        block = OrderedDict(
            (f"denselayer{i + 1}", DenseLayer(channels + i * GROWTH)) for i in range(count)
        )
        channels += count * GROWTH
        layers[f"denseblock{number}"] = nn.Sequential(block)
        layers[f"transition{number}"] = _transition(channels)
        channels //= 2
    return nn.Sequential(layers), channels


class DenseTrunk(nn.Module):
    """The kept part under torchvision's names: (batch, 3, s, s) -> (batch, 384, s / 16, s / 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.channels = _trunk()
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.features(x)


class DeepPixBis(nn.Module):
    """The trunk, the map and the binary output, for views of one side."""

    def __init__(self, input_px: int = 224) -> None:
        super().__init__()
        self.backbone = DenseTrunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.map = nn.Conv2d(self.backbone.channels, 1, 1)
        self.binary = nn.Linear((input_px // 16) ** 2, 1)

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops (batch, 1, side, side, 3) uint8 RGB.

        Parts: logits of the map (batch, side / 16, side / 16), of the binary output (batch,).
        """
        logits = self.map(self.backbone(pictures(views[:, 0], IMAGENET_MEAN, IMAGENET_STD)))[:, 0]
        cells = logits.float().sigmoid()
        return Judgement(cells.mean((1, 2)), (logits, self.binary(cells.flatten(1))[:, 0]))


def loss(judgement: Judgement, target: Tensor) -> Tensor:
    """Half of it from the map, half from the binary output (their Eq. 4, lambda = 0.5)."""
    cells, binary = (part.float() for part in judgement.parts)
    live = (target == BONA_FIDE).float()
    of_map = functional.binary_cross_entropy_with_logits(
        cells, live[:, None, None].expand_as(cells)
    )
    return 0.5 * of_map + 0.5 * functional.binary_cross_entropy_with_logits(binary, live)
