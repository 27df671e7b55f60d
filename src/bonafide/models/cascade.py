"""The two-stage cascade: D-Net on depth, M-Net on fused colour and infrared.

W. Liu et al., "Data-Fusion-Based Two-Stage Cascade Framework for Multimodality Face Anti-Spoofing"
(IEEE TCDS 14(2), 2022), sections III-C and III-D. One class is both nets; the inputs differ. Read
as follows where the paper leaves room:

- A branch has the backbone's first three stages (Fig. 2: "the first three residual blocks").
- "SE outputs are carried from shallow to deep and concatenated" before a global average pool: the
  mean of a map carried down by 2x2 averages is its own mean, so each SE output is averaged where
  it is and the means are concatenated; the same numbers for less.
- The first fully connected layer has 256 units with ReLU and dropout 0.5; the paper says nothing.
- Without SE (Table VII's "Res") there is neither SE in the backbone nor fusion of shallow stages.
- M-Net's answer before fine-tuning is the mean over the 36 positions; after it, the alpha-weighted
  sum. The LAST weights judge every picked position: one network, not 36 copies of it.
- The paper's D-Net score is of attack (above 0.5: stop). Here every score is of bona fide;
  `paper_attack_score` is the one place that turns it round.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.cues.depth import BACKGROUND
from bonafide.models.se_resnext import BackboneShape, SeResNext, SqueezeExcite
from bonafide.types import CLASSES, BonafideError

GRID = 6
POSITIONS = GRID * GRID
"""Fixed patch positions, and rounds of Algorithm 1."""

HIDDEN = 256
LEAST_LOSS = 1e-6
"""Keeps alpha finite where a position's weighted loss vanishes or reaches 1."""

D_NET_BRANCHES = ("f1", "f2", "f3")
M_NET_BRANCHES = ("stack", "summation", "difference")

Floats = npt.NDArray[np.float64]


class CascadeNet(nn.Module):
    """Fig. 2: branches, SE fusion of each stage, GAP, two fully connected layers.

    Attributes:
        branches: the picture that each branch sees, in order.
        alpha: (36,) how much each patch position counts in the final score (Algorithm 1, line 6),
            at any scale; equal before fine-tuning.
        position_weight: (36,) omega of Algorithm 1. Sums to 1.
    """

    alpha: Tensor
    position_weight: Tensor

    def __init__(
        self,
        planes: Mapping[str, slice],
        branches: Sequence[str],
        shape: BackboneShape,
        dropout: float = 0.5,
    ) -> None:
        """Build a net with random weights from torch's global generator.

        Args:
            planes: picture -> its channels in the input, such as `aligned_capture.M_PLANES`.
            branches: keys of ``planes``, one a branch; one, two or three of them.
            shape: of each branch.
            dropout: between the fully connected layers.
        """
        super().__init__()
        unknown = [name for name in branches if name not in planes]
        if unknown or not branches:
            raise BonafideError(
                f"unknown branches {unknown}." if unknown else "no branch is named.",
                where="branches",
                remedy=f"Choose from {', '.join(planes)}.",
            )
        self.branches = tuple(branches)
        self._slices = [planes[name] for name in branches]
        # Channels last halves the time of a training step on the CPU.
        self.backbones = nn.ModuleList(
            SeResNext(part.stop - part.start, shape) for part in self._slices
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        widths = [len(branches) * width for width in shape.channels()]
        self.fusions = nn.ModuleList(SqueezeExcite(w) for w in widths) if shape.se else None
        self.hidden = nn.Linear(sum(widths) if shape.se else widths[-1], HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(HIDDEN, len(CLASSES))
        self.register_buffer("alpha", torch.full((POSITIONS,), 1 / POSITIONS))
        self.register_buffer("position_weight", torch.full((POSITIONS,), 1 / POSITIONS))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, h, w) normalised pictures or patches -> logits (batch, 2)."""
        seen = [
            net.maps(x[:, part]) for net, part in zip(self.backbones, self._slices, strict=True)
        ]
        stages = [torch.cat(maps, 1) for maps in zip(*seen, strict=True)]
        if self.fusions is None:
            feature = stages[-1].mean((2, 3))
        else:
            fused = [fuse(stage) for fuse, stage in zip(self.fusions, stages, strict=True)]
            feature = torch.cat([stage.mean((2, 3)) for stage in fused], 1)
        return self.classifier(self.dropout(functional.relu(self.hidden(feature))))


def normalise(planes: Tensor) -> Tensor:
    """(..., h, w, channels) uint8 -> (..., channels, h, w) float32 in [-1, 1], channels last."""
    return (planes.float() - 127.5).div_(127.5).movedim(-1, -3)


def paper_attack_score(score: float) -> float:
    """The paper's D-Net score, of attack, from the house's, of bona fide: above 0.5 stops.

    >>> paper_attack_score(0.25)
    0.75
    """
    return 1.0 - score


def patch_positions(side: int, patch_px: int) -> list[tuple[int, int]]:
    """(top, left) of the 36 fixed patches: a 6x6 grid from border to border, row by row.

    >>> patch_positions(112, 48)[:3], patch_positions(112, 48)[-1]
    ([(0, 0), (0, 13), (0, 26)], (64, 64))
    """
    if not 0 < patch_px <= side:
        raise BonafideError(
            f"a patch of {patch_px} px does not fit into {side} px.",
            where="patch_px",
            remedy="Make it smaller than the aligned picture.",
        )
    steps = [round(i * (side - patch_px) / (GRID - 1)) for i in range(GRID)]
    return list(itertools.product(steps, steps))


def cut_patches(planes: Tensor, patch_px: int, positions: Sequence[tuple[int, int]]) -> Tensor:
    """(batch, side, side, c) -> (batch, positions, patch_px, patch_px, c)."""
    return torch.stack([planes[:, y : y + patch_px, x : x + patch_px] for y, x in positions], dim=1)


class CascadeScorer(nn.Module):
    """A net as it is deployed: uint8 planes in, scores of bona fide out.

    With ``patch_px`` 0 the whole picture is judged; else the fixed positions whose alpha is above
    0, 36 at most, in one batch. A whole picture that is background alone scores 0: depth that was
    measured around a face and not on it shows no face, and a net that was trained without screens
    has never seen such a thing.

    Attributes:
        picked: those positions, as alpha stood when this was made; what they are must not hang on
            tensors, so that the scorer can be traced.
    """

    def __init__(self, network: CascadeNet, patch_px: int) -> None:
        super().__init__()
        self.network = network
        self.patch_px = patch_px
        self.picked: list[int] = network.alpha.nonzero().flatten().tolist()

    def forward(self, planes: Tensor) -> Tensor:
        """(batch, side, side, channels) uint8 -> (batch,) probability of bona fide, 0..1."""
        live = CLASSES.index("bona_fide")
        if not self.patch_px:
            seen = (planes != BACKGROUND).any(3).any(2).any(1)
            return self.network(normalise(planes)).softmax(1)[:, live] * seen
        alpha = self.network.alpha[self.picked]
        score = self.positions(planes, self.picked)
        return (score * alpha).sum(1) / alpha.sum()

    def positions(self, planes: Tensor, picked: Sequence[int]) -> Tensor:
        """(batch, len(picked)) probability of bona fide at each of these positions."""
        grid = patch_positions(planes.shape[1], self.patch_px)
        patches = cut_patches(planes, self.patch_px, [grid[i] for i in picked])
        logits = self.network(normalise(patches.flatten(0, 1)))
        live = CLASSES.index("bona_fide")
        return logits.softmax(1)[:, live].unflatten(0, patches.shape[:2])


@dataclass(frozen=True)
class Round:
    """What one round of Algorithm 1 decides.

    Attributes:
        position: of the classifier G_t.
        alpha: its weight in the final score, at least 0.
        weights: (N,) omega for the next training, sum 1.
    """

    position: int
    alpha: float
    weights: Floats


def fine_tuning_round(
    weights: Floats,
    cross_entropy: Floats,
    margin: Floats,
    free: npt.NDArray[np.bool_] | None = None,
) -> Round:
    """Lines 3 and 4 of Algorithm 1, weighted fine-tuning.

    Read so that it is AdaBoost's update over positions: y is +1 for bona fide and -1 for attack;
    G_t inside the exponential is signed likewise, 2 p - 1, or a rejected attack would count as
    undecided; losses are means over the samples, so that they do not grow with their number; the
    weights stay normalised to sum 1. The text around the algorithm says that good positions gain
    weight; its formula, which counts here, gives weight to the bad ones, as AdaBoost does.

    Args:
        weights: (N,) omega_t.
        cross_entropy: (N,) mean over the samples at each position, unweighted.
        margin: (M, N) y (2 p - 1) of each sample at each position, -1..1; above 0 is right.
        free: (N,) positions that may be picked; None allows all, as the algorithm does.
    """
    loss = weights * cross_entropy
    position = int((loss if free is None else np.where(free, loss, np.inf)).argmin())
    least = float(np.clip(loss[position], LEAST_LOSS, 1 - LEAST_LOSS))
    alpha = 0.5 * np.log((1 - least) / least)
    updated = weights * np.exp(-alpha * margin).mean(axis=0)
    return Round(position, max(float(alpha), 0.0), updated / updated.sum())


def weighted_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Line 5: the sum over positions of omega times the mean cross-entropy.

    Args:
        logits: (batch, N, 2); target: (batch,) indices into `CLASSES`; weight: (N,) omega.
    """
    batch, positions = logits.shape[:2]
    repeated = target.repeat_interleave(positions)
    each = functional.cross_entropy(logits.flatten(0, 1), repeated, reduction="none")
    return (each.view(batch, positions).mean(0) * weight).sum()


def cyclic_cosine(step: int, steps: int, cycles: int, start: float) -> float:
    """Learning rate of cyclic cosine annealing: from ``start`` to nearly 0, ``cycles`` times.

    >>> [round(cyclic_cosine(step, 8, 2, 0.1), 3) for step in range(8)]
    [0.1, 0.085, 0.05, 0.015, 0.1, 0.085, 0.05, 0.015]
    """
    length = -(-steps // cycles)
    return float(0.5 * start * (1 + np.cos(np.pi * (step % length) / length)))
