"""Two MiniFASNets with a Fourier target: what most products run today.

Minivision: "Silent-Face-Anti-Spoofing", 2020 (repository and its report; there is no paper). The
architecture is MobileFaceNet (Chen et al., 2018) whose channels were pruned to the uneven widths
below. Faces are seen at 2.7 and at 4.0 times the face, 80 px; a branch that exists in training only
predicts the picture's Fourier spectrum from the middle features; loss 0.5 cross-entropy + 0.5 mean
square. One network has 0.435 M parameters (with three classes) and 44.7 M multiply-adds.

Deviations: two classes in place of three (print, live, replay); both scales use version 2 (theirs
has version 1 with squeeze-and-excitation at 4.0); crops are aligned to the face and the scales
count from the canonical face, which is about a detector's box.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.rival import BONA_FIDE, Judgement, centred
from bonafide.types import CLASSES

SCALES = (2.7, 4.0)
INPUT_PX = 80
MAP_PX = 10
"""Side of the features that the Fourier branch reads, and of its target."""

LUMA = (0.299, 0.587, 0.114)

# Expanded widths: of the step down into a stage, and of each residual block in it.
STAGES = ((64, 103, (13, 13, 13, 13)), (128, 231, (231, 52, 26, 77, 26, 26)), (128, 308, (26, 26)))


def _convolution(
    before: int, after: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.PReLU(after),
    )


class Bottleneck(nn.Module):
    """Expand, filter each channel, project without activation."""

    def __init__(self, before: int, wide: int, after: int, stride: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            _convolution(before, wide, 1),
            _convolution(wide, wide, 3, stride, 1, groups=wide),
            nn.Conv2d(wide, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.adds = stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, after, h / stride, w / stride)."""
        return x + self.block(x) if self.adds else self.block(x)


class MiniFasNet(nn.Module):
    """Version 2 for one crop: (batch, 3, 80, 80) -> logits (batch, classes), middle features."""

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _convolution(3, 32, 3, 2, 1), _convolution(32, 32, 3, 1, 1, groups=32)
        )
        stages, before = [], 32
        for after, down, widths in STAGES:
            blocks = [Bottleneck(before, down, after, 2)]
            blocks += [Bottleneck(after, wide, after, 1) for wide in widths]
            stages.append(nn.Sequential(*blocks))
            before = after
        self.stages = nn.ModuleList(stages)
        self.head = nn.Sequential(
            _convolution(128, 512, 1),
            nn.Conv2d(512, 512, INPUT_PX // 16, groups=512, bias=False),
            nn.BatchNorm2d(512),
            nn.Flatten(),
            nn.Linear(512, 128, bias=False),
            nn.BatchNorm1d(128),
            nn.Dropout(0.2),
            nn.Linear(128, classes, bias=False),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class; the features are (batch, 128, 10, 10)."""
        middle = self.stages[1](self.stages[0](self.stem(x)))
        return self.head(self.stages[2](middle)), middle


def fourier_branch() -> nn.Sequential:
    """(batch, 128, 10, 10) -> (batch, 1, 10, 10)."""
    layers: list[nn.Module] = []
    for before, after in ((128, 128), (128, 64), (64, 1)):
        layers += [nn.Conv2d(before, after, 3, 1, 1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class TwoScaleMiniFasNet(nn.Module):
    """A network for each crop; the score is the mean of their probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(MiniFasNet() for _ in SCALES)
        self.fourier = nn.ModuleList(fourier_branch() for _ in SCALES)

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops (batch, 2, 80, 80, 3) uint8 RGB.

        Parts: logits (batch, 2 scales, 2 classes); in training also the predicted and the true
        spectrum, both (batch, 2 scales, 10, 10).
        """
        given = [net(centred(views[:, i])) for i, net in enumerate(self.networks)]
        logits = torch.stack([one for one, _ in given], 1)
        score = logits.float().softmax(2)[:, :, BONA_FIDE].mean(1)
        if not self.training:
            return Judgement(score, (logits,))
        told = [branch(middle) for branch, (_, middle) in zip(self.fourier, given, strict=True)]
        return Judgement(score, (logits, torch.cat(told, 1), spectrum(views)))


def spectrum(views: Tensor) -> Tensor:
    """The target: log magnitude of the luma's Fourier transform, zero frequency in the middle.

    Args:
        views: (batch, n, side, side, 3) uint8 RGB.

    Returns:
        (batch, n, 10, 10) float32; each picture's from 0 to 1 before it is averaged down.
    """
    luma = views.float() @ torch.tensor(LUMA, device=views.device)
    whole = torch.fft.fftshift(torch.fft.fft2(luma), dim=(-2, -1)).abs().log1p()
    low, high = whole.amin((-2, -1), keepdim=True), whole.amax((-2, -1), keepdim=True)
    return functional.adaptive_avg_pool2d((whole - low) / (high - low).clamp_min(1e-6), MAP_PX)


def loss(judgement: Judgement, target: Tensor) -> Tensor:
    """0.5 cross-entropy + 0.5 mean square of the spectrum; cross-entropy alone outside training."""
    logits = judgement.parts[0]
    scales = logits.shape[1]
    class_loss = functional.cross_entropy(logits.flatten(0, 1), target.repeat_interleave(scales))
    if len(judgement.parts) == 1:
        return class_loss
    _, told, true = judgement.parts
    return 0.5 * class_loss + 0.5 * functional.mse_loss(told.float(), true)
