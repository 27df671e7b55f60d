"""A small residual network over the aligned face: live, print or replay?

Four stages after He and others, "Deep Residual Learning for Image Recognition" (CVPR 2016), of 0.2
million parameters. It owes what it knows of real screens and papers to how it is trained, see
`training.recapture_task`: photometric changes so strong that little but shape and contrast between
places in the face stays, and a penalty on whatever tells live sources apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.ms_fans import normalise

INPUT_PX = 112
KINDS = ("live", "print", "replay")
"""What the logits stand for, in their order."""


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut that halves the sides by averaging."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.c = nn.Sequential(
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.s = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, side, side) -> (batch, after, side / 2, side / 2)."""
        return functional.relu(self.c(x) + self.s(x))


class RecaptureNet(nn.Module):
    """Stem, three blocks, mean over places, one linear layer."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.b1, self.b2, self.b3 = Block(16, 24), Block(24, 48), Block(48, 96)
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(96, len(KINDS))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 3, 112, 112) float32 RGB in [-1, 1] -> logits (batch, 3), see `KINDS`."""
        places = self.b3(self.b2(self.b1(self.stem(x))))
        return cast(Tensor, self.fc(self.drop(places.mean((2, 3)))))


def log_odds(logits: Tensor) -> Tensor:
    """(batch, 3) -> (batch,): log of P(live) over P(print or replay); higher is more bona fide."""
    return logits[:, 0] - torch.logsumexp(logits[:, 1:], 1)


def mirrored_log_odds(network: nn.Module, crops: Tensor) -> Tensor:
    """The mean score of a face and its mirror image.

    Args:
        network: a `RecaptureNet` in evaluation mode.
        crops: (batch, side, side, 3) uint8 RGB, the side 112 or more; the central 112 px are seen.

    Returns:
        (batch,) float32, see `log_odds`.
    """
    margin = (crops.shape[1] - INPUT_PX) // 2
    window = crops[:, margin : margin + INPUT_PX, margin : margin + INPUT_PX]
    x = normalise(window)
    return (log_odds(network(x)) + log_odds(network(x.flip(3)))) / 2


def mean_log_odds(networks: Sequence[nn.Module] | nn.ModuleList, crops: Tensor) -> Tensor:
    """The mean of `mirrored_log_odds` over networks, such as those of several seeds."""
    return torch.stack([mirrored_log_odds(network, crops) for network in networks]).mean(0)


class RecaptureScorer(nn.Module):
    """The deployed network: uint8 crops in, scores out, in the form of `ms_fans.MsFansScorer`."""

    def __init__(self, network: RecaptureNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1, side, side, 3) uint8 RGB -> score (batch,) in 0..1, scale weights of 1."""
        score = mirrored_log_odds(self.network, crops[:, 0]).sigmoid()
        return score, torch.ones_like(score)[:, None]
