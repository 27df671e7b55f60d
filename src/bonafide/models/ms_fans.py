"""MS-FANS: face crops at several scales, one CNN, an LSTM that weighs the scales.

Luo, Kan, Wu, Chen, Shan: "Face Anti-Spoofing with Multi-Scale Information", section III.

The order is the paper's: the two networks of Table I, the fusion of section III-B and its rivals
from Table III, the loss of Eq. 6. Read as follows where the paper leaves room:

- Convolutions and pools are unpadded. This is what the published cost pins: counting 2 per
  multiply-add in convolutions and 1 in fully connected layers, one scale costs 25.397 M (CNN_S)
  and 256.855 M (CNN_D); three scales are Table IV's 0.075 G and 0.768 G.
- The LSTM has one hidden unit; its output at step i is alpha_i itself, in (-1, 1), no softmax.
- Its gates start open, near the average fusion; see `LstmFusion._start_near_the_average`.
- Dropout (p = 0.5) follows every fully connected layer of the CNN; the paper gives no rate.
- The auxiliary classifiers of Eq. 5 are one linear layer per scale, used in training only; a
  single scale has none ("the softmax is directly used", section IV-B).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.types import CLASSES

INPUT_PX = 112
"""Side of the square window that the network sees (Table I)."""

FEATURES = 1024
"""Length of the feature f_s of one scale (Table I: the last fully connected layer)."""

PAPER_SCALES = (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
PAPER_GROUPS = tuple(PAPER_SCALES[i : i + 3] for i in range(5))
"""Table III's five groups of three neighbouring scales."""


def _block(before: int, after: int, *, stride: int) -> nn.Sequential:
    """conv(3, stride, after) - batch norm - ReLU - pool(3, 2), nothing padded.

    The maximum of ReLUs is the ReLU of the maximum: written in this order, ReLU has a quarter of
    the values to go through and the result is the same.
    """
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride, bias=False),
        nn.BatchNorm2d(after),
        nn.MaxPool2d(3, 2),
        nn.ReLU(inplace=True),
    )


def _dense(before: int, after: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(nn.Linear(before, after), nn.ReLU(inplace=True), nn.Dropout(dropout))


def build_cnn_s(dropout: float = 0.5) -> nn.Sequential:
    """CNN_S of Table I: (batch, 3, 112, 112) -> 6x6x96 -> (batch, 1024)."""
    return nn.Sequential(
        _block(3, 48, stride=2),
        _block(48, 96, stride=2),
        nn.Flatten(),
        _dense(6 * 6 * 96, FEATURES, dropout),
    )


def build_cnn_d(dropout: float = 0.5) -> nn.Sequential:
    """CNN_D of Table I: (batch, 3, 112, 112) -> 4x4x256 -> 2048 -> (batch, 1024)."""
    return nn.Sequential(
        _block(3, 32, stride=1),
        _block(32, 64, stride=1),
        _block(64, 128, stride=1),
        _block(128, 256, stride=1),
        nn.Flatten(),
        _dense(4 * 4 * 256, 2048, dropout),
        _dense(2048, FEATURES, dropout),
    )


CNNS: dict[str, Callable[[float], nn.Sequential]] = {"cnn_s": build_cnn_s, "cnn_d": build_cnn_d}


class LstmFusion(nn.Module):
    """Section III-B: an LSTM with one hidden unit reads the features and weighs them (Eqs. 2-3)."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.scales = scales
        self.features = FEATURES
        # The cell, not nn.LSTM: for one hidden unit oneDNN's layer takes longer than a convolution.
        self.lstm = nn.LSTMCell(FEATURES, 1)
        self._start_near_the_average()

    def _start_near_the_average(self) -> None:
        """Begin with open gates and every alpha between 0.3 and 0.5.

        PyTorch draws an LSTM's weights by its hidden size: for one unit from U(-1, 1). Summed over
        1024 features that saturates every gate, and training ends with alpha = 0 for good.
        """
        bound = FEATURES**-0.5
        nn.init.uniform_(self.lstm.weight_ih, -bound, bound)
        nn.init.zeros_(self.lstm.weight_hh)
        nn.init.zeros_(self.lstm.bias_hh)
        with torch.no_grad():  # input, forget, cell, output
            self.lstm.bias_ih.copy_(torch.tensor([1.0, -1.0, 1.0, 1.0]))

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n, 1024) -> fused (batch, 1024), alpha (batch, n) in (-1, 1)."""
        h = c = f.new_zeros(f.shape[0], 1)
        alphas = []
        for i in range(self.scales):
            h, c = self.lstm(f[:, i], (h, c))
            alphas.append(h)
        alpha = torch.cat(alphas, 1)
        return (alpha.unsqueeze(2) * f).sum(1), alpha


class AverageFusion(nn.Module):
    """Table III's "Average": every scale weighs 1/n. With one scale it is the single-scale net."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.scales = scales
        self.features = FEATURES

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n, 1024) -> mean (batch, 1024), weights 1/n (batch, n)."""
        return f.mean(1), torch.full_like(f[:, :, 0], 1.0 / self.scales)


class ConcatenationFusion(nn.Module):
    """Table III's "Concat": one long feature. It has no weights; 1/n stands for "all alike"."""

    def __init__(self, scales: int) -> None:
        super().__init__()
        self.scales = scales
        self.features = scales * FEATURES

    def forward(self, f: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n, 1024) -> (batch, n * 1024), weights 1/n (batch, n)."""
        return f.flatten(1), torch.full_like(f[:, :, 0], 1.0 / self.scales)


Fusion = LstmFusion | AverageFusion | ConcatenationFusion
FUSIONS: dict[str, Callable[[int], Fusion]] = {
    "lstm": LstmFusion,
    "average": AverageFusion,
    "concatenation": ConcatenationFusion,
}


class MsFansOutput(NamedTuple):
    """What one forward pass gives.

    Attributes:
        logits: (batch, 2), see `types.CLASSES`.
        alpha: (batch, n), the weight of each scale.
        scale_logits: (batch, n, 2) of the auxiliary classifiers of Eq. 5.
    """

    logits: Tensor
    alpha: Tensor
    scale_logits: Tensor


class MsFans(nn.Module):
    """Fig. 2: one CNN over all crops, a fusion of their features, one linear classifier."""

    def __init__(self, scales: int, cnn: str = "cnn_s", fusion: str = "lstm", dropout: float = 0.5):
        super().__init__()
        # Channels last halves the time of a training step on the CPU.
        self.cnn = CNNS[cnn](dropout).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.fusion = FUSIONS[fusion](scales)
        self.classifier = nn.Linear(self.fusion.features, len(CLASSES))
        self.scale_classifiers = nn.ModuleList(
            nn.Linear(FEATURES, len(CLASSES)) for _ in range(scales)
        )

    def forward(self, crops: Tensor) -> MsFansOutput:
        """Judge crops (batch, n, 3, 112, 112), float32, RGB, normalised by `normalise`."""
        batch, scales = crops.shape[:2]
        f = self.cnn(crops.flatten(0, 1)).unflatten(0, (batch, scales))
        fused, alpha = self.fusion(f)
        per_scale = [head(f[:, i]) for i, head in enumerate(self.scale_classifiers)]
        return MsFansOutput(self.classifier(fused), alpha, torch.stack(per_scale, 1))


def loss(output: MsFansOutput, target: Tensor, *, first_half: bool) -> Tensor:
    """Eq. 6: L_f + 0.5 * sum of L_fi in the first half of the iterations, L_f alone after.

    With one scale it is L_f throughout.

    Args:
        output: of `MsFans.forward`.
        target: (batch,), int64, an index into `types.CLASSES`.
        first_half: whether iter < MAXITER / 2.

    Returns:
        the mean over the batch, a scalar.
    """
    fused = functional.cross_entropy(output.logits, target)
    scales = output.scale_logits.shape[1]
    if not first_half or scales == 1:
        return fused
    auxiliary = functional.cross_entropy(
        output.scale_logits.flatten(0, 1), target.repeat_interleave(scales)
    )
    return fused + 0.5 * scales * auxiliary


def normalise(crops: Tensor) -> Tensor:
    """(..., height, width, 3) uint8 RGB -> (..., 3, height, width) float32 in [-1, 1].

    The memory keeps its order, so the convolutions meet channels last.
    """
    return (crops.float() - 127.5).div_(127.5).movedim(-1, -3)


class MsFansScorer(nn.Module):
    """The deployed network: uint8 crops in, scores out, so that no caller preprocesses anything.

    Takes the central 112 px window of each crop (section IV-A: training takes a random one).
    """

    def __init__(self, network: MsFans) -> None:
        super().__init__()
        self.network = network

    def judge(self, crops: Tensor) -> MsFansOutput:
        """(batch, n, 128, 128, 3) uint8 RGB -> the network's output."""
        margin = (crops.shape[2] - INPUT_PX) // 2
        window = crops[:, :, margin : margin + INPUT_PX, margin : margin + INPUT_PX]
        return self.network(normalise(window))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, n, 128, 128, 3) uint8 RGB -> score (batch,) in 0..1, alpha (batch, n).

        The score is the probability of bona fide: higher is more bona fide.
        """
        output = self.judge(crops)
        return output.logits.softmax(1)[:, CLASSES.index("bona_fide")], output.alpha


def count_paper_flops(cnn: nn.Module) -> int:
    """Cost of one scale as the paper's Tables IV-V count it.

    Two per multiply-add in convolutions, one in fully connected layers; batch norm, pooling and
    the LSTM are left out.
    """
    total = 0

    def count(layer: nn.Module, _: Sequence[Tensor], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += 2 * layer.weight.numel() * output.shape[2] * output.shape[3]
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()

    handles = [layer.register_forward_hook(count) for layer in cnn.modules()]
    was_training = cnn.training
    with torch.no_grad():
        cnn.eval()(torch.zeros(1, 3, INPUT_PX, INPUT_PX))
    cnn.train(was_training)
    for handle in handles:
        handle.remove()
    return total
