"""What a cascade is to the detector, wherever its nets run: stages, alignment, identity."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonafide.cues.aligned_capture import Planes
from bonafide.cues.plane_form import PlaneForm
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.answer import ModelId
from bonafide.training.capture_cache import AlignSettings

FAMILY = "cascade"
FIRST, SECOND = "d_net", "m_net"
"""The stages' names, in the order in which they are asked."""


@dataclass(frozen=True)
class Stage:
    """One net with all that its answer needs.

    Attributes:
        name: d_net or m_net.
        form: what it sees of an aligned capture.
        scores: (n, side, side, channels) uint8 planes -> (n,) float32 probability of bona fide.
        point: its operating point.
    """

    name: str
    form: PlaneForm
    scores: Callable[[Planes], npt.NDArray[np.float32]]
    point: OperatingPoint

    def score(self, planes: Planes) -> float:
        """The probability of bona fide of one capture's planes."""
        return float(self.scores(planes[None])[0])


@dataclass(frozen=True)
class CascadeModel:
    """One or two stages that judge the same aligned capture.

    Attributes:
        stages: in the order in which they are asked.
        align: how captures are read and aligned.
        identity: which model it is.
    """

    stages: tuple[Stage, ...]
    align: AlignSettings
    identity: ModelId
