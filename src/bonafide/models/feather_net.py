"""FeatherNet A and B: depthwise networks whose last maps are read place by place.

Zhang et al.: "FeatherNets: Convolutional Neural Networks as Light as Feather for Face
Anti-spoofing", CVPR Workshops 2019, Tables 1 and 2. Inverted residual blocks (MobileNetV2) in four
stages, squeeze-and-excitation behind each. In place of global average pooling, the *streaming
module*: a depthwise convolution with stride 2 whose 4x4x64 outputs are flattened, because places of
a face differ in what they tell. B's steps down have a second branch, average pooling (their
Fig. 3 a). Published: 0.35 M parameters both; 79.99 M (A) and 83.05 M (B) multiply-adds at 224 px.

Deviations: a linear layer reads the 1024 values (theirs go into the focal loss directly, whose
classes they far outnumber); cross-entropy, as classes are drawn evenly; RGB here, where the paper
and its challenge use depth, then infrared.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bonafide.models.rival import IMAGENET_MEAN, IMAGENET_STD, Judgement, judged, kaiming, pictures
from bonafide.types import CLASSES

STAGES = ((1, 16, 1), (6, 32, 2), (6, 48, 6), (6, 64, 3))
"""Expansion, channels, blocks; the first block of each has stride 2."""


def _filter(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> list:
    return [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
    ]


class Block(nn.Module):
    """An inverted residual; a step down may have the branch of average pooling."""

    def __init__(self, before: int, after: int, stride: int, expansion: int, pooled: bool) -> None:
        super().__init__()
        wide = before * expansion
        expand = [*_filter(before, wide, 1), nn.ReLU6(inplace=True)] if expansion > 1 else []
        self.main = nn.Sequential(
            *expand,
            *_filter(wide, wide, 3, stride, groups=wide),
            nn.ReLU6(inplace=True),
            *_filter(wide, after, 1),
        )
        self.side: nn.Module | None = None
        if stride == 1:
            self.side = nn.Identity()
        elif pooled:
            self.side = nn.Sequential(
                nn.AvgPool2d(2), nn.BatchNorm2d(before), nn.Conv2d(before, after, 1, bias=False)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, after, h / stride, w / stride)."""
        return self.main(x) if self.side is None else self.main(x) + self.side(x)


class SqueezeExcitation(nn.Module):
    """Weigh the channels by their means, reduced to an eighth."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(channels, channels // 8),
            nn.ReLU(inplace=True),
            nn.Linear(channels // 8, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * self.weigh(x.mean((2, 3)))[:, :, None, None]


class FeatherNet(nn.Module):
    """Table 2 for crops (batch, 1, side, side, 3), a side of whole 32 px."""

    def __init__(self, input_px: int = 224, *, pooled: bool) -> None:
        """B if ``pooled``, else A."""
        super().__init__()
        layers: list[nn.Module] = [*_filter(3, 32, 3, 2), nn.ReLU6(inplace=True)]
        before = 32
        for expansion, after, count in STAGES:
            layers.append(Block(before, after, 2, expansion, pooled))
            layers += [Block(after, after, 1, expansion, pooled) for _ in range(count - 1)]
            layers.append(SqueezeExcitation(after))
            before = after
        self.features = nn.Sequential(*layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.streaming = nn.Conv2d(before, before, 3, 2, 1, groups=before, bias=False)
        places = -(-(input_px // 32) // 2)
        self.classifier = nn.Linear(before * places**2, len(CLASSES))
        kaiming(self)

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops."""
        x = self.features(pictures(views[:, 0], IMAGENET_MEAN, IMAGENET_STD))
        return judged(self.classifier(self.streaming(x).flatten(1)))
