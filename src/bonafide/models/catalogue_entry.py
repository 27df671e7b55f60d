"""What the catalogue says of a model: what it sees, how it is made, what is published of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn, zeros
from torch import uint8 as torch_uint8

from bonafide.models import rival
from bonafide.models.cost import Cost, least_ms
from bonafide.models.pretrained import load_backbone

Pictures = npt.NDArray[np.uint8]
Descriptors = npt.NDArray[np.float32]
Learned = dict[str, npt.NDArray[Any]]

SCALES, FRAMES, MODALITIES = "scales", "frames", "modalities"


@dataclass(frozen=True)
class Views:
    """What a model is shown of one presentation: (n, side, side, 3) uint8 RGB.

    Attributes:
        kind: SCALES are crops of one picture at several scales; FRAMES are crops of a clip's
            frames at one scale, evenly spaced; MODALITIES are RGB, depth and infrared, at one scale
            (depth and infrared repeat their channel).
        scales: of the crops, see `face.crop`.
        side_px: of the crops.
        frames: of a clip; 1 for pictures, which score a clip frame by frame.
    """

    kind: str
    scales: tuple[float, ...]
    side_px: int
    frames: int = 1

    @property
    def count(self) -> int:
        """n."""
        if self.kind == MODALITIES:
            return len(rival.MODALITIES)
        return self.frames if self.kind == FRAMES else len(self.scales)

    def blank(self, side_px: int = 0) -> Tensor:
        """A black presentation with a batch axis, such as for counting; other side if given."""
        side = side_px or self.side_px
        return zeros(1, self.count, side, side, 3, dtype=torch_uint8)


@dataclass(frozen=True)
class Published:
    """What the authors, or a table that cites them, state of the cost.

    Attributes:
        parameters, flops: None where nobody states it.
        counting: ours as they count theirs.
        rule: the same in words.
        tolerance: share by which ours may differ from it; a test holds it.
        remark: why it differs, or of what the figure is.
    """

    parameters: float | None = None
    flops: float | None = None
    counting: Callable[[Cost], float] = lambda cost: cost.multiply_adds
    rule: str = "multiply-adds"
    tolerance: float = 0.005
    remark: str = ""


@dataclass(frozen=True)
class NetworkRival:
    """A network and how it is trained.

    Attributes:
        title: for tables.
        paper: authors, year.
        views: what it sees.
        build: side of the views in px -> the network; draws from torch's generator.
        loss: see `rival.Loss`.
        tables: of our papers that it stands in, such as "ms-fans/4".
        published: cost.
        learning_rate: to begin with; AdamW and one schedule serve all.
        small_px: a side at which it still works, for quick tests.
        pretrained: the part that published weights fit, by attribute name; "" if none.
        begin: reads a file of published weights into that part.
        machine: after training, a linear machine on the network's ``features`` gives the score; so
            many principal components of them are kept, all for 0; None leaves the score to the
            network.
    """

    title: str
    paper: str
    views: Views
    build: Callable[[int], nn.Module]
    loss: rival.Loss = rival.cross_entropy
    tables: tuple[str, ...] = ()
    published: Published = field(default_factory=Published)
    learning_rate: float = 1e-3
    small_px: int = 32
    pretrained: str = ""
    begin: Callable[[Any, Path], object] = load_backbone
    machine: int | None = None


@dataclass(frozen=True)
class MachineRival:
    """Features and a support vector machine.

    Attributes:
        title, paper, views, tables: as for a network.
        describe: views (n, side, side, 3) uint8 of one item -> its descriptors.
        learn: descriptors of the training items and a seed -> what `encode` needs; None when the
            descriptors are the features.
        encode: descriptors and what was learned -> the feature (D,).
        kernel: of `support_machine.KERNELS`.
    """

    title: str
    paper: str
    views: Views
    describe: Callable[[Pictures], Descriptors]
    tables: tuple[str, ...]
    learn: Callable[[Sequence[Descriptors], int], Learned] | None = None
    encode: Callable[[Descriptors, Learned], Descriptors] | None = None
    kernel: str = "rbf"


def describe_ms(one: MachineRival, rounds: int = 5) -> float:
    """`cost.least_ms` to describe one presentation; the machine itself takes next to none."""
    shape = (one.views.count, one.views.side_px, one.views.side_px, 3)
    views = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return least_ms(lambda: one.describe(views), rounds)
