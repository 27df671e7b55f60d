"""What every network that stands beside the papers' own has in common, and nothing more.

A rival takes *views* of one face, (batch, n, side, side, 3) uint8 RGB, and gives a `Judgement`. The
views are crops at n scales, n frames of a clip, or the three modalities; `catalogue` says which.
Each network scales its views itself, so that nobody else has to know how.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.types import CLASSES

BONA_FIDE = CLASSES.index("bona_fide")
MODALITIES = ("rgb", "depth", "infrared")
DEPTH = MODALITIES.index("depth")

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of R, G, B in 0..1: what published ImageNet weights were trained with."""


class Judgement(NamedTuple):
    """What one forward pass gives.

    Attributes:
        score: (batch,) float32, 0..1, higher is more bona fide.
        parts: what the network's own loss needs besides; its file says what.
    """

    score: Tensor
    parts: tuple[Tensor, ...]


Loss = Callable[[Judgement, Tensor], Tensor]
"""(judgement, target (batch,) int64 into `types.CLASSES`) -> the mean over the batch, a scalar."""


def pictures(views: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """(..., height, width, 3) uint8 -> (..., 3, height, width) float32, (value / 255 - mean) / std.

    The memory keeps its order, so convolutions meet channels last.
    """
    shift, spread = (torch.tensor(values, device=views.device) for values in (mean, std))
    return ((views.float() / 255 - shift) / spread).movedim(-1, -3)


def centred(views: Tensor) -> Tensor:
    """As `pictures`, to -1..1."""
    return pictures(views, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def judged(logits: Tensor) -> Judgement:
    """Of two logits (batch, 2) in the order of `types.CLASSES`; they are the only part."""
    return Judgement(logits.float().softmax(1)[:, BONA_FIDE], (logits,))


def cross_entropy(judgement: Judgement, target: Tensor) -> Tensor:
    """The loss of a network whose only part is its two logits."""
    return functional.cross_entropy(judgement.parts[0], target)


def kaiming(network: nn.Module) -> None:
    """He's initialisation of convolutions, as torchvision's networks begin."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class OnePicture(nn.Module):
    """A two-class picture network, fed with the only view; ``backbone`` keeps its own key names."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, views: Tensor) -> Judgement:
        """(batch, 1, side, side, 3) uint8 RGB; ImageNet's scaling."""
        return judged(self.backbone(pictures(views[:, 0], IMAGENET_MEAN, IMAGENET_STD)))


class FrameMean(nn.Module):
    """A two-class picture network on every frame; the clip's logits are the frames' mean."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, views: Tensor) -> Judgement:
        """(batch, frames, side, side, 3) uint8 RGB; ImageNet's scaling."""
        frames = pictures(views.flatten(0, 1), IMAGENET_MEAN, IMAGENET_STD)
        logits = self.backbone(frames).unflatten(0, views.shape[:2])
        return judged(logits.mean(1))


class OnlyDepth(nn.Module):
    """Shows a network nothing but the depth of a capture."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, views: Tensor) -> Judgement:
        """(batch, 3, side, side, 3) uint8: RGB, depth and infrared."""
        judgement: Judgement = self.network(views[:, DEPTH : DEPTH + 1])
        return judgement
