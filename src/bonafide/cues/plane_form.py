"""What a stage of the cascade sees of an aligned capture: the one way, in training and in use."""

from __future__ import annotations

from dataclasses import dataclass

from bonafide.cues.aligned_capture import (
    D_PLANES,
    M_PLANES,
    AlignedCapture,
    Planes,
    depth_planes,
    spectral_planes,
)
from bonafide.cues.depth import ScaleRange
from bonafide.types import BonafideError

DEPTH, SPECTRAL = "depth", "spectral"
LAYOUTS: dict[str, dict[str, slice]] = {DEPTH: D_PLANES, SPECTRAL: M_PLANES}
"""Kind -> what its channels are."""


@dataclass(frozen=True, slots=True)
class PlaneForm:
    """The constants that turn an aligned capture into a net's input; they travel with the net.

    Attributes:
        kind: DEPTH (D-Net's F1, F2, F3) or SPECTRAL (M-Net's raw and fused pictures).
        scale_low, scale_high: F2's range in mm per px², of DEPTH.
        attenuation_per_m: c, of SPECTRAL.
    """

    kind: str
    scale_low: float = 0.0
    scale_high: float = 0.0
    attenuation_per_m: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in LAYOUTS:
            raise BonafideError(
                f"unknown planes {self.kind!r}.",
                where="planes",
                remedy=f"One of {', '.join(LAYOUTS)}.",
            )

    @property
    def channels(self) -> int:
        """Of the planes."""
        return max(part.stop for part in LAYOUTS[self.kind].values())

    def of(self, aligned: AlignedCapture) -> Planes:
        """(side, side, channels) uint8, laid out as `LAYOUTS` says."""
        if self.kind == DEPTH:
            return depth_planes(aligned, ScaleRange(self.scale_low, self.scale_high))
        return spectral_planes(aligned, self.attenuation_per_m)
