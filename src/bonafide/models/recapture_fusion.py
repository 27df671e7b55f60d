"""Skin colour and the recapture network, each a voice of the same weight.

The two err on different faces: one sees only colours, the other is trained to overlook them. Their
scales have nothing in common, so each is measured in deviations from its own mean over bona fide
photos before they are averaged: "Z-norm" of Jain, Nandakumar and Ross, "Score Normalization in
Multimodal Biometric Systems" (Pattern Recognition 38, 2005), fitted to one class alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bonafide.models.recapture_net import RecaptureNet, mean_log_odds
from bonafide.models.skin_colour import SkinColour, colour_statistics
from bonafide.types import CLASSES

LEAST_DEVIATION = 1e-6


class RecaptureFusion(nn.Module):
    """The deployed model: uint8 crops in, scores out, in the form of `ms_fans.MsFansScorer`."""

    centre: Tensor
    spread: Tensor

    def __init__(self, colour: SkinColour, networks: Sequence[RecaptureNet]) -> None:
        """Join trained models; call `standardise_by` before the first score.

        Args:
            colour: sees the first crop.
            networks: of different seeds; see the second crop, and their mean counts.
        """
        super().__init__()
        self.colour = colour
        self.networks = nn.ModuleList(networks)
        self.register_buffer("centre", torch.zeros(2))
        self.register_buffer("spread", torch.ones(2))

    def parts(self, crops: Tensor) -> Tensor:
        """(batch, 2, side, side, 3) uint8 RGB -> log odds of colour and of networks, (batch, 2)."""
        logits = self.colour(colour_statistics(crops[:, 0]))
        colour = logits[:, CLASSES.index("bona_fide")] - logits[:, CLASSES.index("attack")]
        return torch.stack([colour, mean_log_odds(self.networks, crops[:, 1])], 1)

    def standardise_by(self, parts: Tensor) -> None:
        """Take mean and deviation (of the population) of `parts` of bona fide photos, (n, 2)."""
        self.centre.copy_(parts.mean(0))
        self.spread.copy_(parts.std(0, correction=0).clamp_min(LEAST_DEVIATION))

    def join(self, parts: Tensor) -> Tensor:
        """`parts`, (batch, 2) -> (batch,), their mean in deviations.

        0 is the mean of the bona fide photos, and higher is more bona fide.
        """
        return ((parts - self.centre) / self.spread).mean(1)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 2, side, side, 3) uint8 RGB -> score (batch,) in 0..1, weights (batch, 2)."""
        score = self.join(self.parts(crops)).sigmoid()
        return score, torch.full_like(score, 0.5)[:, None].repeat(1, 2)
