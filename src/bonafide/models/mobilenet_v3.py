"""MobileNetV3 small and large with torchvision's key names, so that ImageNet weights load.

Howard et al.: "Searching for MobileNetV3", ICCV 2019, Tables 1 and 2. 2.54 M and 5.48 M parameters,
57 M and 217 M multiply-adds at 224 px with 1000 classes. What light-weight-face-anti-spoofing and
many products fine-tune.

Deviation: batch norm forgets with momentum 0.1 in place of 0.01, whose statistics are still those
of the first weights after a few hundred steps.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.rival import kaiming
from bonafide.types import CLASSES


class Row(NamedTuple):
    """A row of the paper's tables: one bottleneck."""

    kernel: int
    expanded: int
    after: int
    squeezes: bool
    hard_swish: bool
    stride: int


LARGE = (
    Row(3, 16, 16, False, False, 1),
    Row(3, 64, 24, False, False, 2),
    Row(3, 72, 24, False, False, 1),
    Row(5, 72, 40, True, False, 2),
    Row(5, 120, 40, True, False, 1),
    Row(5, 120, 40, True, False, 1),
    Row(3, 240, 80, False, True, 2),
    Row(3, 200, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1),
    Row(3, 184, 80, False, True, 1),
    Row(3, 480, 112, True, True, 1),
    Row(3, 672, 112, True, True, 1),
    Row(5, 672, 160, True, True, 2),
    Row(5, 960, 160, True, True, 1),
    Row(5, 960, 160, True, True, 1),
)
SMALL = (
    Row(3, 16, 16, True, False, 2),
    Row(3, 72, 24, False, False, 2),
    Row(3, 88, 24, False, False, 1),
    Row(5, 96, 40, True, True, 2),
    Row(5, 240, 40, True, True, 1),
    Row(5, 240, 40, True, True, 1),
    Row(5, 120, 48, True, True, 1),
    Row(5, 144, 48, True, True, 1),
    Row(5, 288, 96, True, True, 2),
    Row(5, 576, 96, True, True, 1),
    Row(5, 576, 96, True, True, 1),
)


def _rounded(channels: float) -> int:
    """To the next multiple of 8 that is not more than a tenth below."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def _convolution(
    before: int,
    after: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: type[nn.Module] | None = nn.Hardswish,
) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3),
    ]
    return nn.Sequential(*layers, *([] if activation is None else [activation(inplace=True)]))


class SqueezeExcitation(nn.Module):
    """Section 5.3: weigh the channels by a hard sigmoid of their means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, _rounded(channels / 4), 1)
        self.fc2 = nn.Conv2d(_rounded(channels / 4), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        mean = functional.adaptive_avg_pool2d(x, 1)
        return x * functional.hardsigmoid(self.fc2(functional.relu(self.fc1(mean))))


class Bottleneck(nn.Module):
    """Fig. 4: expand, filter each channel, weigh, project; with a shortcut where shapes agree."""

    def __init__(self, before: int, row: Row) -> None:
        super().__init__()
        activation = nn.Hardswish if row.hard_swish else nn.ReLU
        wide = row.expanded
        layers: list[nn.Module] = []
        if wide != before:
            layers.append(_convolution(before, wide, 1, activation=activation))
        layers.append(_convolution(wide, wide, row.kernel, row.stride, wide, activation))
        if row.squeezes:
            layers.append(SqueezeExcitation(wide))
        layers.append(_convolution(wide, row.after, 1, activation=None))
        self.block = nn.Sequential(*layers)
        self.adds = row.stride == 1 and before == row.after

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, after, h / stride, w / stride)."""
        return x + self.block(x) if self.adds else self.block(x)


class MobileNetV3(nn.Module):
    """(batch, 3, side, side) -> (batch, classes) logits; any side from 32 px on."""

    def __init__(self, rows: tuple[Row, ...], hidden: int, classes: int = len(CLASSES)) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, 16, 3, 2)]
        before = 16
        for row in rows:
            layers.append(Bottleneck(before, row))
            before = row.after
        layers.append(_convolution(before, 6 * before, 1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * before, hidden),
            nn.Hardswish(inplace=True),
            nn.Dropout(0.2, inplace=True),
            nn.Linear(hidden, classes),
        )
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def mobilenet_v3_small(classes: int = len(CLASSES)) -> MobileNetV3:
    """Table 2."""
    return MobileNetV3(SMALL, 1024, classes)


def mobilenet_v3_large(classes: int = len(CLASSES)) -> MobileNetV3:
    """Table 1."""
    return MobileNetV3(LARGE, 1280, classes)
