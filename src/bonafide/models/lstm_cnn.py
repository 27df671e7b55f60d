"""LSTM-CNN: a small network on each frame, an LSTM over the frames.

Xu, Li, Deng: "Learning Temporal Features Using LSTM-CNN Architecture for Face Anti-spoofing", ACPR
2015. Two convolutions with pooling and a fully connected layer give each frame's feature; an LSTM
reads them in order; the last frame's output decides. MS-FANS' Table IV gives it EER 5.17 % on
CASIA-FASD and 3.045 G operations.

Deviations: the paper's own text was not at hand. Widths (48 and 96 maps, 1000 and 100 units), the
128 px input and six frames are chosen so that the cost meets the published one within a tenth.
Frames are aligned one by one, as everywhere in this toolkit's crops.
"""

from __future__ import annotations

from torch import Tensor, nn

from bonafide.models.rival import Judgement, centred, judged, kaiming
from bonafide.types import CLASSES

FRAMES = 6
HIDDEN = 100


class LstmCnn(nn.Module):
    """For clips (batch, frames, side, side, 3), in order of time."""

    def __init__(self, input_px: int = 128) -> None:
        super().__init__()
        side = ((input_px - 4) // 2 - 2) // 2
        self.cnn = nn.Sequential(
            nn.Conv2d(3, 48, 5),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(48, 96, 3),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(96 * side**2, 1000),
            nn.ReLU(inplace=True),
        )
        self.lstm = nn.LSTM(1000, HIDDEN, batch_first=True)
        self.classifier = nn.Linear(HIDDEN, len(CLASSES))
        kaiming(self)

    def forward(self, views: Tensor) -> Judgement:
        """Judge clips."""
        features = self.cnn(centred(views).flatten(0, 1)).unflatten(0, views.shape[:2])
        states, _ = self.lstm(features)
        return judged(self.classifier(states[:, -1]))
