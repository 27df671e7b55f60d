"""FaceBagNet: patches of three modalities, one of which is now and then erased.

Shen, Huang, Tong: "FaceBagNet: Bag-of-local-features Model for Multi-modal Face Anti-spoofing",
CVPR Workshops 2019. Patches in place of whole faces, so that the network learns material and not
layout; a stream of SE-ResNeXt blocks a modality; the streams joined after their third stage, one
more stage, global average pooling, fully connected layers. *Modal feature erasing*: while training,
the features of one modality drawn at random are set to zero. The test score is the mean over many
patches.

Deviations: one patch size, 48 of 112 px (they also train 16, 32, 64 and 96); a 3x3 grid of patches
at test (they use 36 augmented ones); stages of two blocks; the streams are joined by one more
SE-ResNeXt stage, where their repository weighs them by squeeze-and-excitation, narrows them to 384
and has two stages of basic blocks; any one modality or none is erased with equal probability.
Neither the paper nor its repository states parameters or FLOPs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bonafide.models.casia_surf_fusion import SqueezeExcitation
from bonafide.models.rival import BONA_FIDE, MODALITIES, Judgement, centred, kaiming
from bonafide.types import CLASSES

PATCH_PX = 48
GRID = 3
"""Patches a side at test."""

CARDINALITY = 32


class SeResNextBlock(nn.Module):
    """1x1, grouped 3x3, 1x1, squeeze-and-excitation, shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        wide = after // 2
        self.main = nn.Sequential(
            nn.Conv2d(before, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=CARDINALITY, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(inplace=True),
            nn.Conv2d(wide, after, 1, bias=False),
            nn.BatchNorm2d(after),
            SqueezeExcitation(after),
        )
        self.side: nn.Module = nn.Identity()
        if before != after or stride != 1:
            self.side = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, after, h / stride, w / stride)."""
        return self.relu(self.main(x) + self.side(x))


def _stage(before: int, after: int, stride: int) -> nn.Sequential:
    return nn.Sequential(SeResNextBlock(before, after, stride), SeResNextBlock(after, after, 1))


def _stream() -> nn.Sequential:
    """(batch, 3, 48, 48) -> (batch, 512, 6, 6)."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        _stage(64, 128, 1),
        _stage(128, 256, 2),
        _stage(256, 512, 2),
    )


class FaceBagNet(nn.Module):
    """For so many modalities, (batch, modalities, side, side, 3), a side from 48 px on.

    With one, nothing is erased: what is left is the bag of patches.
    """

    def __init__(self, modalities: int = len(MODALITIES)) -> None:
        super().__init__()
        self.streams = nn.ModuleList(_stream() for _ in range(modalities))
        self.fusion = _stage(modalities * 512, 512, 2)
        self.classifier = nn.Sequential(
            nn.Linear(512, 256), nn.ReLU(inplace=True), nn.Linear(256, len(CLASSES))
        )
        kaiming(self)

    def forward(self, views: Tensor) -> Judgement:
        """Judge patches: one drawn at random in training, the grid's mean otherwise.

        Parts: logits (batch, patches, 2).
        """
        patches = _random_patch(views) if self.training else _grid(views)
        x = centred(patches).flatten(0, 1)
        streams = torch.stack([stream(x[:, i]) for i, stream in enumerate(self.streams)], 1)
        if self.training and len(self.streams) > 1:
            kept = _erasing(len(x), len(self.streams))
            streams = streams * kept.to(streams)[:, :, None, None, None]
        logits = self.classifier(self.fusion(streams.flatten(1, 2)).mean((2, 3)))
        logits = logits.unflatten(0, patches.shape[:2])
        return Judgement(logits.float().softmax(2)[:, :, BONA_FIDE].mean(1), (logits,))


def loss(judgement: Judgement, target: Tensor) -> Tensor:
    """Cross-entropy of every patch."""
    logits = judgement.parts[0]
    return nn.functional.cross_entropy(
        logits.flatten(0, 1), target.repeat_interleave(logits.shape[1])
    )


def _random_patch(views: Tensor) -> Tensor:
    """(batch, m, side, side, 3) -> (batch, 1, m, 48, 48, 3), one place a face, all modalities."""
    corners = torch.randint(views.shape[2] - PATCH_PX + 1, (len(views), 2)).tolist()
    cut = [
        face[:, top : top + PATCH_PX, left : left + PATCH_PX]
        for face, (top, left) in zip(views, corners, strict=True)
    ]
    return torch.stack(cut)[:, None]


def _grid(views: Tensor) -> Tensor:
    """(batch, m, side, side, 3) -> (batch, 9, m, 48, 48, 3)."""
    room = views.shape[2] - PATCH_PX
    starts = [round(room * i / (GRID - 1)) for i in range(GRID)]
    cut = [
        views[:, :, top : top + PATCH_PX, left : left + PATCH_PX]
        for top in starts
        for left in starts
    ]
    return torch.stack(cut, 1)


def _erasing(faces: int, modalities: int) -> Tensor:
    """(faces, modalities) of ones with one modality's zero, or none's."""
    lost = torch.randint(modalities + 1, (faces,))
    return 1 - torch.eye(modalities + 1)[lost, :-1]
