"""The depth map that a live face should give, for networks that are trained to draw it.

The papers fit a 3-D face model to each training picture (PRNet and the like). Crops here are
aligned to the canonical face, so that one and the same smooth face serves for all: a half ellipsoid
over the canonical face, 1 at its middle and 0 from its border on. An attack's map is flat: zero.
What is lost is each face's own pose and relief; what is kept is that the network must tell a face
from a flat sheet at every place, which is what the supervision is for.
"""

from __future__ import annotations

import torch
from torch import Tensor

FACE_MIDDLE = (0.5, 0.55)
"""Of the ellipsoid: across and down, in sides of the scale-1.0 crop."""

FACE_REACH = (0.42, 0.58)
"""Its half axes, likewise."""


def face_depth(scale: float, side: int) -> Tensor:
    """The map of a live face in a crop.

    Args:
        scale: of the crop, see `face.crop`.
        side: of the map.

    Returns:
        (side, side) float32, 0..1; left and right alike, so that it holds for mirrored crops.
    """
    places = (torch.arange(side) + 0.5) / side * scale + 0.5 - scale / 2
    across = ((places - FACE_MIDDLE[0]) / FACE_REACH[0]) ** 2
    down = ((places - FACE_MIDDLE[1]) / FACE_REACH[1]) ** 2
    return (1 - across[None, :] - down[:, None]).clamp_min(0).sqrt()


def depth_score(drawn: Tensor, true: Tensor) -> Tensor:
    """How much depth a map shows, as a score.

    Args:
        drawn: (batch, side, side), at least 0.
        true: (side, side) of `face_depth`.

    Returns:
        (batch,): 1 - 2^-r, where r is the ratio of the means: 0 for a flat map, 0.5 for a live
        face's. Strictly rising, so that no order is lost.
    """
    ratio = drawn.float().mean((1, 2)) / true.mean()
    return 1 - torch.exp2(-ratio)
