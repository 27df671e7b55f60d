"""The base system of CASIA-SURF: one ResNet-18 a modality, fused by squeeze-and-excitation.

Zhang et al.: "A Dataset and Benchmark for Large-scale Multi-modal Face Anti-spoofing", CVPR 2019,
section 4: res1 to res3 of ResNet-18 for each of RGB, depth and infrared; each branch's channels are
weighed by a squeeze-and-excitation of their own, then joined; res4, res5, global average pooling,
two classes. 112 px. Published on CASIA-SURF: TPR 92.4 % at FPR 1e-4, ACER 1.0 %.

Deviations: none known; the reduction of the squeeze is 16 (not given there).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bonafide.models.resnet import layer
from bonafide.models.rival import MODALITIES, Judgement, centred, judged, kaiming
from bonafide.types import CLASSES

REDUCTION = 16


class SqueezeExcitation(nn.Module):
    """Weigh the channels by their means (Hu et al., CVPR 2018)."""

    def __init__(self, channels: int, reduction: int = REDUCTION) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * self.weigh(x.mean((2, 3)))[:, :, None, None]


def _branch() -> nn.Sequential:
    """res1 to res3, and the weighing: (batch, 3, side, side) -> (batch, 128, side/8, side/8)."""
    stem = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    return nn.Sequential(*stem, layer(64, 64, 1), layer(64, 128, 2), SqueezeExcitation(128))


class CasiaSurfFusion(nn.Module):
    """Their Fig. 6 for views RGB, depth and infrared, (batch, 3, side, side, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_branch() for _ in MODALITIES)
        self.shared = nn.Sequential(layer(3 * 128, 256, 2), layer(256, 512, 2))
        self.classifier = nn.Linear(512, len(CLASSES))
        kaiming(self)

    def forward(self, views: Tensor) -> Judgement:
        """Judge the three views of one face; depth and infrared repeat their one channel."""
        x = centred(views)
        each = [branch(x[:, i]) for i, branch in enumerate(self.branches)]
        return judged(self.classifier(self.shared(torch.cat(each, 1)).mean((2, 3))))
