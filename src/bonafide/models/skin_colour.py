"""Skin colour: statistics of a face's colour, one linear classifier.

A screen gives skin a cooler white and its glass a veil of the room's light; a print or a mask lacks
what blood does to light. Both move the chroma of a face and narrow or widen its spread. That colour
carries over where texture does not is the finding of Boulkenafet, Komulainen and Hadid, "Face
Anti-Spoofing Based on Color Texture Analysis" (ICIP 2015); here are no textures, only moments and
quantiles, which neither size nor sharpness nor compression of a picture moves much.

The classifier is small on purpose: simulated captures teach it a direction, not details.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.types import CLASSES

POOLED_PX = 64
"""Crops are averaged down to this side first: noise, blocks and grids of pixels are gone then."""

QUANTILES = (0.02, 0.10, 0.25, 0.50, 0.75, 0.90, 0.98)
SATURATION_QUANTILES = (0.10, 0.50, 0.90)
MIDDLE_ROWS, MIDDLE_COLUMNS = slice(16, 52), slice(16, 48)
"""Eyes to mouth, cheek to cheek, of the pooled crop: skin without hair and background."""

DARK = 16.0
"""Added to luma before dividing by it, so that black is not infinitely colourful (0..255)."""

# ITU-T T.871 (JFIF): luma and the two colour differences, chroma without its offset of 128.
TO_LUMA_RED_BLUE = ((0.299, 0.587, 0.114), (0.5, -0.4187, -0.0813), (-0.1687, -0.3313, 0.5))

NAMES = (
    *(
        f"{plane} {what}"
        for plane in ("Cr", "Cb")
        for what in ("mean", "deviation", "skew", *(f"q{q:.2f}" for q in QUANTILES))
    ),
    *(f"saturation {what}" for what in ("mean", "deviation")),
    *(f"saturation q{q:.2f}" for q in SATURATION_QUANTILES),
    *(f"middle {plane} {what}" for what in ("mean", "deviation") for plane in ("Cr", "Cb")),
)
"""Columns of `colour_statistics`. Quantiles of Cr and Cb are given as distances from the mean."""


def colour_statistics(crops: Tensor) -> Tensor:
    """Colour statistics of face crops.

    Args:
        crops: (batch, side, side, 3) uint8 RGB, the side a multiple of `POOLED_PX`.

    Returns:
        (batch, len(NAMES)) float32, in steps of the 0..255 scale, saturation as a share of luma.
    """
    side = crops.shape[1]
    pooled = functional.avg_pool2d(crops.float().movedim(-1, 1), side // POOLED_PX).movedim(1, -1)
    planes = pooled @ crops.new_tensor(TO_LUMA_RED_BLUE, dtype=torch.float32).T
    flat = planes.flatten(1, 2)
    chroma = flat[..., 1:].movedim(-1, 1)  # (batch, 2, px)
    mean, deviation = chroma.mean(2), _deviation(chroma)
    skew = ((chroma - mean[..., None]) ** 3).mean(2) / (deviation**3 + 1)
    spread = _quantiles(chroma, QUANTILES) - mean[..., None]
    moments = torch.stack([mean, deviation, skew], 2)
    saturation = flat[..., 1:].square().sum(2).sqrt() / (flat[..., 0] + DARK)
    about = torch.stack([saturation.mean(1), _deviation(saturation)], 1)
    middle = planes[:, MIDDLE_ROWS, MIDDLE_COLUMNS, 1:].flatten(1, 2).movedim(-1, 1)
    return torch.cat(
        [
            torch.cat([moments, spread], 2).flatten(1),
            about,
            _quantiles(saturation, SATURATION_QUANTILES),
            middle.mean(2),
            _deviation(middle),
        ],
        1,
    )


def _deviation(values: Tensor) -> Tensor:
    """Standard deviation along the last axis, of the population."""
    return (values - values.mean(-1, keepdim=True)).square().mean(-1).sqrt()


def _quantiles(values: Tensor, shares: tuple[float, ...]) -> Tensor:
    """(..., px) -> (..., quantiles), interpolated linearly between order statistics."""
    ordered = values.sort(-1).values
    places = [share * (values.shape[-1] - 1) for share in shares]
    below = ordered[..., [int(place) for place in places]]
    above = ordered[..., [min(int(place) + 1, values.shape[-1] - 1) for place in places]]
    share = values.new_tensor([place - int(place) for place in places])
    return below + share * (above - below)


class SkinColour(nn.Module):
    """Logistic regression on standardised colour statistics."""

    centre: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(len(NAMES)))
        self.register_buffer("spread", torch.ones(len(NAMES)))
        self.classifier = nn.Linear(len(NAMES), len(CLASSES))
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def standardise_by(self, statistics: Tensor) -> None:
        """Take mean and deviation of the training faces, (n, len(NAMES)) float32."""
        self.centre.copy_(statistics.mean(0))
        self.spread.copy_(statistics.std(0, correction=0).clamp_min(1e-6))

    def forward(self, statistics: Tensor) -> Tensor:
        """(batch, len(NAMES)) -> logits (batch, 2), see `types.CLASSES`."""
        return torch.as_tensor(self.classifier((statistics - self.centre) / self.spread))


class SkinColourScorer(nn.Module):
    """The deployed network: uint8 crops in, scores out, in the form of `ms_fans.MsFansScorer`."""

    def __init__(self, network: SkinColour) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1, side, side, 3) uint8 RGB -> score (batch,) in 0..1, scale weights of 1."""
        logits = self.network(colour_statistics(crops[:, 0]))
        score = logits.softmax(1)[:, CLASSES.index("bona_fide")]
        return score, torch.ones_like(score)[:, None]
