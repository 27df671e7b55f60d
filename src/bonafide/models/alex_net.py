"""AlexNet features and a support vector machine: the first deep rival.

Yang, Lei, Li: "Learn Convolutional Neural Network for Face Anti-Spoofing", 2014 (arXiv 1408.5601):
AlexNet (Krizhevsky, Sutskever, Hinton, 2012) trained on faces with background; its last hidden
layer feeds a support vector machine. MS-FANS' Tables IV-V: EER 4.92 % on CASIA-FASD, 2.14 % on
Replay-Attack, 0.349 G operations.

Deviations: 128 px and one scale (they try five, from the tight face outwards); the machine is
linear, its features those of the network with the lowest development loss. The convolutions keep
torchvision's key names, so that its ImageNet file loads into them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bonafide.models.rival import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Judgement,
    judged,
    kaiming,
    pictures,
)
from bonafide.types import CLASSES

WIDE = 4096


class AlexTrunk(nn.Module):
    """The convolutions: (batch, 3, side, side) -> (batch, 256, s, s), s = 3 for 128 px."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, 1, 2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, 1, 1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.features(x)


class AlexNet(nn.Module):
    """For crops (batch, 1, side, side, 3), a side from 63 px on."""

    def __init__(self, input_px: int = 128) -> None:
        super().__init__()
        self.backbone = AlexTrunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        side = (((input_px // 4 - 1 - 1) // 2 - 1) // 2 - 1) // 2
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(256 * side**2, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(WIDE, WIDE),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Linear(WIDE, len(CLASSES))

    def features(self, views: Tensor) -> Tensor:
        """The last hidden layer: (batch, 4096)."""
        return self.dense(self.backbone(pictures(views[:, 0], IMAGENET_MEAN, IMAGENET_STD)))

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops by the linear layer that the network is trained with."""
        return judged(self.classifier(self.features(views)))
