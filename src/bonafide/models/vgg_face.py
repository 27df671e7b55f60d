"""VGG-Face fine-tuned, and DPCNN: its part features, reduced, and a support vector machine.

Li, Feng, Boulkenafet, Xia, Li, Hadid: "An Original Face Anti-spoofing Approach Using Partial
Convolutional Neural Network", IPTA 2016. VGG-Face (Parkhi et al., BMVC 2015; VGG-16) is fine-tuned
on the faces at hand; as it is, it is the first rival. For the second, the responses of its last
convolutions are taken part by part, reduced by PCA and given to a support vector machine. MS-FANS'
Tables IV-V: EER 5.20 % and 4.50 % on CASIA-FASD, 8.40 % and 2.90 % on Replay-Attack, 30.919 G
operations both.

Deviations: DPCNN's parts are the places of the last pooled maps, all reduced together; the machine
is linear. VGG-Face's weights are the user's: `bonafide weights import` makes the file that
``weights`` names; without it both begin with random weights and the run's record says so.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from bonafide.models.motion_cnn_lstm import CNNS, CnnPlan, ConvolutionalPart
from bonafide.models.rival import Judgement, judged
from bonafide.types import CLASSES

WIDE = 4096


class VggFace(nn.Module):
    """VGG-16 for crops (batch, 1, side, side, 3), a side of whole 32 px."""

    def __init__(self, input_px: int = 224) -> None:
        super().__init__()
        self.backbone = ConvolutionalPart(CnnPlan(CNNS["vgg16"].blocks, input_px, False))
        channels, height, width = self.backbone.plan.pool5
        self.dense = nn.Sequential(
            nn.Linear(channels * height * width, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(WIDE, WIDE),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
        )
        self.classifier = nn.Linear(WIDE, len(CLASSES))

    def features(self, views: Tensor) -> Tensor:
        """The part features, pool5 normalised to length 1: (batch, 512 * 7 * 7) at 224 px."""
        return functional.normalize(self.backbone(views[:, 0]).flatten(1))

    def forward(self, views: Tensor) -> Judgement:
        """Judge crops by the fully connected layers."""
        return judged(self.classifier(self.dense(self.backbone(views[:, 0]).flatten(1))))
