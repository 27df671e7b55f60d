"""Patch- and depth-based CNNs: does any patch betray the carrier, and has the face a relief?

Atoum, Liu, Jourabloo, Liu: "Face Anti-Spoofing Using Patch and Depth-Based CNNs", IJCB 2017. One
network scores patches of 96 px cut at random from the face at its own resolution; a fully
convolutional one draws the face's depth map from HSV and YCbCr. The two scores are averaged.
MS-FANS' Tables IV-V: EER 2.67 % on CASIA-FASD, 0.79 % and HTER 0.72 % on Replay-Attack, 42.0 G
operations (41.8 G in Table V).

The patch network is the paper's: its layers as bob's PatchCNN (Idiap) restates them.

Deviations: the depth network's own layer table was not at hand; it has three groups of three, and
the cost of both is of the published order only. Both are trained together and not one after the
other; the depth map is scored as `cdcn` does and not by a support vector machine; the true depth is
`depth_target`'s. Faces are cut to 256 px, ten patches from them, at test a fixed row of ten.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.depth_target import depth_score, face_depth
from bonafide.models.rival import BONA_FIDE, Judgement, kaiming
from bonafide.types import CLASSES

PATCHES = 10
COLUMNS = 5
"""The patches at test: two rows of five."""

PATCH_SHARE = 96 / 256
"""Of the face's side."""


def _convolutions(widths: tuple[int, ...], kernel: int = 3) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        convolution = nn.Conv2d(before, after, kernel, 1, kernel // 2)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return layers


def patch_network(patch_px: int) -> nn.Sequential:
    """(n, 3, patch, patch) -> (n, 2) logits; 3 x 3 x 250 before the dense layers for 96 px."""
    layers: list[nn.Module] = []
    before, kernel, side = 3, 5, patch_px
    for after in (50, 100, 150, 200, 250):
        layers += [*_convolutions((before, after), kernel), nn.MaxPool2d(2)]
        before, kernel, side = after, 3, side // 2
    for after in (1000, 400):
        inputs = before * side**2
        layers += [nn.Flatten(), nn.Linear(inputs, after), nn.BatchNorm1d(after)]
        layers += [nn.ReLU(inplace=True), nn.Dropout(0.5)] if after == 1000 else [nn.ReLU()]
        before, side = after, 1
    return nn.Sequential(*layers, nn.Linear(before, len(CLASSES)))


def depth_network() -> nn.Sequential:
    """(batch, 6, side, side) -> (batch, 1, side, side), at least 0."""
    return nn.Sequential(
        *_convolutions((6, 64, 128, 196)),
        nn.MaxPool2d(2),
        *_convolutions((196, 128, 196, 128)),
        nn.MaxPool2d(2),
        *_convolutions((128, 128, 196, 128)),
        nn.ConvTranspose2d(128, 128, 4, 2, 1),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(128, 64, 4, 2, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(64, 1, 3, 1, 1),
        nn.Softplus(),
    )


class PatchDepthCnn(nn.Module):
    """For crops (batch, 1, side, side, 3); the depth network sees them at half the side."""

    def __init__(self, input_px: int, scale: float) -> None:
        super().__init__()
        self.patches = patch_network(int(input_px * PATCH_SHARE))
        self.depth = depth_network()
        self.register_buffer("true", face_depth(scale, input_px // 2), persistent=False)
        kaiming(self)

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops.

        Parts: the patches' logits (batch, 10, 2), the drawn depth (batch, side/2, side/2), the true
        depth of a face (side/2, side/2).
        """
        face = views[:, 0].movedim(-1, 1).float() / 255
        cut = _random_patches(face) if self.training else _fixed_patches(face)
        logits = self.patches(2 * cut.flatten(0, 1) - 1).unflatten(0, cut.shape[:2])
        # Means of four levels are exact: no rounding decides which of two channels is larger.
        half = functional.avg_pool2d(255 * face, 2).round(decimals=2) / 255
        drawn = self.depth(colour_planes(half))[:, 0]
        assert isinstance(self.true, Tensor)
        of_patches = logits.float().softmax(2)[:, :, BONA_FIDE].mean(1)
        return Judgement(
            (of_patches + depth_score(drawn, self.true)) / 2, (logits, drawn, self.true)
        )


def loss(judgement: Judgement, target: Tensor) -> Tensor:
    """Cross-entropy of every patch + mean square of the depth map."""
    logits, drawn, true = judgement.parts
    live = (target == BONA_FIDE).to(true.dtype)
    of_patches = functional.cross_entropy(
        logits.flatten(0, 1), target.repeat_interleave(logits.shape[1])
    )
    return of_patches + functional.mse_loss(drawn.float(), live[:, None, None] * true)


def colour_planes(rgb: Tensor) -> Tensor:
    """(batch, 3, h, w) R, G, B in 0..1 -> (batch, 6, h, w): H, S, V, Y, Cb, Cr, all in 0..1.

    Hue 0 and 1 are the same red; YCbCr is BT.601, full range.
    """
    high, low = rgb.amax(1), rgb.amin(1)
    span = (high - low).clamp_min(1e-6)
    red, green, blue = rgb.unbind(1)
    hue = torch.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span)
    hue = torch.where(high == red, (green - blue) / span, hue) / 6 % 1
    saturation = (high - low) / high.clamp_min(1e-6)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    blueness, redness = 0.5 + (blue - luma) / 1.772, 0.5 + (red - luma) / 1.402
    return torch.stack([hue, saturation, high, luma, blueness, redness], 1)


def _cut(face: Tensor, corners: list[list[int]]) -> Tensor:
    """(3, side, side) and n top left corners -> (n, 3, patch, patch)."""
    side = int(face.shape[1] * PATCH_SHARE)
    return torch.stack([face[:, top : top + side, left : left + side] for top, left in corners])


def _random_patches(faces: Tensor) -> Tensor:
    room = faces.shape[2] - int(faces.shape[2] * PATCH_SHARE) + 1
    return torch.stack([_cut(face, torch.randint(room, (PATCHES, 2)).tolist()) for face in faces])


def _fixed_patches(faces: Tensor) -> Tensor:
    side = int(faces.shape[2] * PATCH_SHARE)
    room = faces.shape[2] - side
    places = [
        (room * (i // COLUMNS), round(room * (i % COLUMNS) / (COLUMNS - 1))) for i in range(PATCHES)
    ]
    cut = [faces[:, :, top : top + side, left : left + side] for top, left in places]
    return torch.stack(cut, dim=1)
