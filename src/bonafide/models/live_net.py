"""LiveNet: VGG-11 trained on small batches that are drawn anew every time.

Rehman, Po, Liu: "LiveNet: Improving Features Generalization for Face Liveness Detection Using
Convolution Neural Networks", Expert Systems with Applications 108, 2018. The network is VGG-11
(Simonyan, Zisserman, configuration A); what is theirs is *continuous data randomisation*: small
batches drawn with replacement from the whole training set, like bootstrapping. Drawing that way is
what this project's sampler does for every model.

Deviations: batch normalisation, so that it trains from random weights in few steps; 128 px; the
fully connected layers are 512 wide in place of 4096, which the small crops need no more than.
"""

from __future__ import annotations

from torch import Tensor, nn

from bonafide.models.rival import Judgement, centred, judged, kaiming
from bonafide.types import CLASSES

CONFIGURATION_A = ((64,), (128,), (256, 256), (512, 512), (512, 512))
"""Maps of the convolutions between two poolings."""


class LiveNet(nn.Module):
    """For crops (batch, 1, side, side, 3), a side of whole 32 px."""

    def __init__(self, input_px: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for group in CONFIGURATION_A:
            for after in group:
                layers += [nn.Conv2d(before, after, 3, 1, 1), nn.BatchNorm2d(after)]
                layers.append(nn.ReLU(inplace=True))
                before = after
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        wide = 512
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(before * (input_px // 32) ** 2, wide),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(wide, len(CLASSES)),
        )
        kaiming(self)

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops."""
        return judged(self.classifier(self.features(centred(views[:, 0]))))
