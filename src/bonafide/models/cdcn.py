"""CDCN: convolutions that also see how a pixel differs from its neighbours, drawing a depth map.

Yu et al.: "Searching Central Difference Convolutional Networks for Face Anti-Spoofing", CVPR 2020,
section 3 and Table 1: three blocks of 128, 196 and 128 maps, their outputs brought to 32x32 and
joined, three more convolutions to one map. theta = 0.7. Loss: mean square + contrastive depth loss
(Wang et al., 2018): mean square of the differences of each cell to its eight neighbours.

Deviations: the true depth is `depth_target`'s one face for all, not fitted to each picture. The
map ends in a softplus in place of ReLU, which in some short runs gave zeros everywhere for good.
Neither the paper nor its repository gives parameters or FLOPs; the layers are those of both.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.depth_target import depth_score, face_depth
from bonafide.models.rival import BONA_FIDE, Judgement, centred

THETA = 0.7
WIDTHS = (128, 196, 128)
SHRINK = 8
"""Side of the input divided by that of the map: 256 px give 32."""


class DifferenceConvolution(nn.Conv2d):
    """Eq. 4: convolution minus theta times the centre pixel weighed by the kernel's sum.

    The second term only changes the kernel's middle, so it costs what one convolution costs.
    """

    def forward(self, x: Tensor) -> Tensor:
        """As a 3x3 convolution with padding 1."""
        middle = functional.pad(self.weight.sum((2, 3), keepdim=True), (1, 1, 1, 1))
        return functional.conv2d(x, self.weight - THETA * middle, padding=1)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        DifferenceConvolution(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _block(before: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for after in WIDTHS:
        layers.append(_convolution(before, after))
        before = after
    return nn.Sequential(*layers, nn.MaxPool2d(3, 2, 1))


class Cdcn(nn.Module):
    """Table 1: (batch, 1, side, side, 3) -> a depth map of a side eighth."""

    def __init__(self, input_px: int, scale: float) -> None:
        super().__init__()
        self.map_px = input_px // SHRINK
        self.stem = _convolution(3, 64)
        self.blocks = nn.ModuleList([_block(64), _block(WIDTHS[-1]), _block(WIDTHS[-1])])
        self.head = nn.Sequential(
            _convolution(3 * WIDTHS[-1], 128),
            _convolution(128, 64),
            DifferenceConvolution(64, 1, 3, padding=1, bias=False),
            nn.Softplus(),
        )
        self.register_buffer("true", face_depth(scale, self.map_px), persistent=False)

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops; parts: the drawn map (batch, side / 8, side / 8), the true one of a face."""
        x = self.stem(centred(views[:, 0]))
        levels = []
        for block in self.blocks:
            x = block(x)
            size = (self.map_px, self.map_px)
            levels.append(functional.interpolate(x, size, mode="bilinear", align_corners=False))
        drawn = self.head(torch.cat(levels, 1))[:, 0]
        assert isinstance(self.true, Tensor)
        return Judgement(depth_score(drawn, self.true), (drawn, self.true))


def loss(judgement: Judgement, target: Tensor) -> Tensor:
    """Mean square + contrastive depth loss, against the face's map or a flat one."""
    drawn, face = judgement.parts
    live = (target == BONA_FIDE).to(face.dtype)
    error = drawn.float() - live[:, None, None] * face
    return error.square().mean() + neighbour_differences(error).square().mean()


def neighbour_differences(maps: Tensor) -> Tensor:
    """Each inner cell minus each of its eight neighbours: (batch, h, w) -> (batch, 8, h-2, w-2).

    The loss is linear in the map up to the square, so the difference of two maps may be given.
    """
    height, width = maps.shape[1] - 2, maps.shape[2] - 2
    inner = maps[:, 1:-1, 1:-1]
    around = [(y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1)]
    return torch.stack([inner - maps[:, y : y + height, x : x + width] for y, x in around], 1)
