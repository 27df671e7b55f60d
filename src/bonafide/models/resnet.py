"""ResNet-18 with torchvision's key names, so that published ImageNet weights load.

He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", CVPR 2016, Table 1. 11.69 M
parameters and 1.82 G multiply-adds at 224 px with 1000 classes. Fine-tuned on faces it is what a
user would try first, and the base of the fusion network of CASIA-SURF (`casia_surf_fusion`).
"""

from __future__ import annotations

from torch import Tensor, nn

from bonafide.models.rival import kaiming
from bonafide.types import CLASSES


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, a 1x1 convolution where shapes change."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Module | None = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, after, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(out)) + shortcut)


def layer(before: int, after: int, stride: int) -> nn.Sequential:
    """Two blocks, the first with the stride: one of the network's four stages."""
    return nn.Sequential(BasicBlock(before, after, stride), BasicBlock(after, after, 1))


class ResNet18(nn.Module):
    """(batch, 3, side, side) -> (batch, classes) logits; any side from 32 px on."""

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = layer(64, 64, 1)
        self.layer2 = layer(64, 128, 2)
        self.layer3 = layer(128, 256, 2)
        self.layer4 = layer(256, 512, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))
