"""CNN-LSTM on (motion-magnified) clips, with attention over the frames.

Tu, Zhang, Xie, Luo, Zhang, Ma: "Enhance the Motion Cues for Face Anti-Spoofing using CNN-LSTM
Architecture", section 3. Magnification (Eqs. 1-5) is done before: `bonafide.cues.magnification`.

The order is the paper's: the convolutional part of VGG-16 (section 3.2), the LSTM (Eqs. 6-11), the
attention (Eqs. 12-13), the combined loss. Read as follows where the paper leaves room:

- pool5, 7x7x512 at 224 px, goes straight into the LSTM; no fully connected layer.
- Two LSTM layers (Fig. 3b shows a cascade) of 256 hidden units (the paper gives no number).
- Eq. 13 as printed has h_(i-1) below the line too, so that the weights would not add to 1. Read as
  the softmax over the N steps of W_i . h_(i-1), with h_0 = 0. W belongs to the step, so a network
  with attention takes clips of N frames and no other. W_1 meets h_0 = 0 and never learns.
- "Batch normalization layer is used to ensure inputs to a layer are normalized": one stands where
  the CNN meets the LSTM, over pool5's maps. In the CNN itself there is none, as in VGG-Face.
- The CNN loss is that of a linear classifier of each frame's mean pool5 map, averaged over frames;
  the two losses weigh the same.
- The variant CNN is that classifier alone; a clip's score is the mean over its frames, as for LBP.
- `small` is ours: fewer channels, one convolution a block, each with batch norm, 112 px. It trains
  from random weights on a CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from bonafide.types import CLASSES


@dataclass(frozen=True)
class CnnPlan:
    """Blocks of 3x3 convolutions, each block ending in a 2x2 max pool.

    Attributes:
        blocks: (channels, convolutions) of each block.
        input_px: side of the square frames.
        batch_norm: after every convolution.
    """

    blocks: tuple[tuple[int, int], ...]
    input_px: int
    batch_norm: bool

    @property
    def pool5(self) -> tuple[int, int, int]:
        """(channels, height, width) of the last pool."""
        side = self.input_px // 2 ** len(self.blocks)
        return self.blocks[-1][0], side, side


CNNS: dict[str, CnnPlan] = {
    "vgg16": CnnPlan(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 224, False),
    "small": CnnPlan(((8, 1), (16, 1), (32, 1), (64, 1), (64, 1)), 112, True),
}


@dataclass(frozen=True)
class Variant:
    """A column of Tables 1 and 2, but for the magnification, which is a setting of the data.

    Attributes:
        recurrent: whether an LSTM reads the frames.
        attention: whether Eqs. 12-13 weigh its states; if not, the last state counts.
    """

    recurrent: bool
    attention: bool


VARIANTS: dict[str, Variant] = {
    "cnn": Variant(recurrent=False, attention=False),
    "cnn-lstm": Variant(recurrent=True, attention=False),
    "cnn-lstm-a": Variant(recurrent=True, attention=True),
}


class ConvolutionalPart(nn.Module):
    """VGG-16 up to pool5 (Simonyan and Zisserman, configuration D), or another `CnnPlan`.

    Layers are called conv1_1 ... conv5_3, as in all published forms of VGG-16 and VGG-Face. The
    normalisation of the input is part of the weights: they know what they were trained with.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, plan: CnnPlan) -> None:
        super().__init__()
        self.plan = plan
        self.register_buffer("mean", torch.full((3,), 127.5))
        self.register_buffer("std", torch.full((3,), 127.5))
        before = 3
        self._order: list[list[str]] = []
        for block, (channels, convolutions) in enumerate(plan.blocks, 1):
            names = [f"conv{block}_{number}" for number in range(1, convolutions + 1)]
            self._order.append(names)
            for name in names:
                layer = nn.Conv2d(before, channels, 3, padding=1, bias=not plan.batch_norm)
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
                self.add_module(name, layer)
                if plan.batch_norm:
                    self.add_module(f"{name}_norm", nn.BatchNorm2d(channels))
                before = channels
        # Channels last halves the time of a training step on the CPU.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Tensor) -> Tensor:
        """(..., side, side, 3) uint8 RGB -> pool5 (..., channels, height, width), float32."""
        x = ((frames.flatten(0, -4).float() - self.mean) / self.std).movedim(-1, -3)
        for names in self._order:
            for name in names:
                x = self.get_submodule(name)(x)
                if self.plan.batch_norm:
                    x = self.get_submodule(f"{name}_norm")(x)
                x = functional.relu(x)
            x = functional.max_pool2d(x, 2)
        return x.unflatten(0, frames.shape[:-3])


class StepAttention(nn.Module):
    """Eqs. 12-13: every step has its own W_i, and is weighed by what the LSTM knew before it."""

    def __init__(self, steps: int, hidden: int) -> None:
        super().__init__()
        # Equal weights to begin with, which is the mean over the steps.
        self.weight = nn.Parameter(torch.zeros(steps, hidden))

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states (batch, N, hidden) -> c (batch, hidden), alpha (batch, N), of sum 1."""
        previous = functional.pad(h, (0, 0, 1, 0))[:, :-1]  # h_(i-1), h_0 = 0
        alpha = (self.weight * previous).sum(2).softmax(1)
        return (alpha.unsqueeze(2) * h).sum(1), alpha


class MotionOutput(NamedTuple):
    """What one forward pass gives.

    Attributes:
        logits: (batch, 2) of the clip, see `types.CLASSES`. Of the variant CNN: logarithms of the
            frames' mean probabilities.
        frame_logits: (batch, N, 2) of the per-frame classifier.
        attention: (batch, N), how much each frame's state weighs, of sum 1; all on the last frame
            without attention, all alike without an LSTM.
    """

    logits: Tensor
    frame_logits: Tensor
    attention: Tensor


class MotionCnnLstm(nn.Module):
    """Fig. 3a: a CNN over every frame, the LSTM over its pool5, and a classifier of each."""

    def __init__(
        self, variant: str = "cnn-lstm-a", cnn: str = "vgg16", frames: int = 16, hidden: int = 256
    ) -> None:
        """Set up with random weights.

        Args:
            variant: of `VARIANTS`.
            cnn: of `CNNS`.
            frames: N; only a network with attention is bound to it.
            hidden: units of each of the two LSTM layers.
        """
        super().__init__()
        self.frames = frames
        self.variant = VARIANTS[variant]
        self.cnn = ConvolutionalPart(CNNS[cnn])
        channels, height, width = CNNS[cnn].pool5
        self.input_norm = nn.BatchNorm2d(channels)
        self.frame_classifier = nn.Linear(channels, len(CLASSES))
        if self.variant.recurrent:
            self.lstm = nn.LSTM(channels * height * width, hidden, num_layers=2, batch_first=True)
            self.classifier = nn.Linear(hidden, len(CLASSES))
        if self.variant.attention:
            self.attention = StepAttention(frames, hidden)

    def freeze_cnn(self) -> None:
        """Let the CNN learn no more; its batch norm stays as it is, too."""
        self.cnn.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """As always, but a frozen CNN stays in evaluation mode."""
        super().train(mode)
        if not any(parameter.requires_grad for parameter in self.cnn.parameters()):
            self.cnn.eval()
        return self

    def forward(self, clips: Tensor) -> MotionOutput:
        """Judge clips (batch, N, side, side, 3), uint8 RGB.

        Or from the CNN's pool5 of them, (batch, N, channels, height, width), float32: what a frozen
        CNN makes of a clip need not be computed twice.
        """
        pool5 = self.cnn(clips) if clips.dtype == torch.uint8 else clips
        x = self.input_norm(pool5.flatten(0, 1)).unflatten(0, pool5.shape[:2])
        frame_logits = self.frame_classifier(x.mean((3, 4)))
        if not self.variant.recurrent:
            mean = frame_logits.softmax(2).mean(1)
            alike = torch.full_like(frame_logits[..., 0], 1 / pool5.shape[1])
            return MotionOutput(mean.log(), frame_logits, alike)
        h, _ = self.lstm(x.flatten(2))
        if self.variant.attention:
            c, alpha = self.attention(h)
        else:
            c = h[:, -1]
            alpha = functional.pad(torch.zeros_like(frame_logits[:, :-1, 0]), (0, 1), value=1.0)
        return MotionOutput(self.classifier(c), frame_logits, alpha)


def loss(
    output: MotionOutput, target: Tensor, *, recurrent: bool, cnn_weight: float = 1.0
) -> Tensor:
    """The combined loss: LSTM loss + cnn_weight * CNN loss; of the variant CNN its own alone.

    Args:
        output: of `MotionCnnLstm`.
        target: (batch,), int64, an index into `types.CLASSES`.
        recurrent: whether the network has an LSTM.
        cnn_weight: the paper's "combined" is read as 1.

    Returns:
        the mean over the batch, a scalar.
    """
    frames = output.frame_logits.shape[1]
    cnn = functional.cross_entropy(
        output.frame_logits.flatten(0, 1), target.repeat_interleave(frames)
    )
    if not recurrent:
        return cnn
    return functional.cross_entropy(output.logits, target) + cnn_weight * cnn


class MotionScorer(nn.Module):
    """The deployed network: uint8 frames in, scores out; no caller preprocesses anything."""

    def __init__(self, network: MotionCnnLstm) -> None:
        super().__init__()
        self.network = network

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, N, side, side, 3) uint8 RGB -> score (batch,) in 0..1, attention (batch, N).

        The score is the probability of bona fide: higher is more bona fide.
        """
        output = self.network(clips)
        return output.logits.softmax(1)[:, CLASSES.index("bona_fide")], output.attention
