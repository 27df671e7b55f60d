"""Hand-made features by name, as exported machines need them: numpy and OpenCV, no torch.

A record carries the settings beside the name. A file whose settings are not this version's was made
for other numbers, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.cues import hoof, lpq
from bonafide.cues.lbp import COLOUR_SPACES, MULTI_SCALE
from bonafide.models import colour_texture, fisher_texture, ml_lpq, videolet
from bonafide.models.texture_svm import VARIANTS
from bonafide.types import BonafideError

Describe = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Descriptor:
    """One kind of feature.

    Attributes:
        describe: pictures (n, side, side, 3) uint8 RGB -> values, float32.
        settings: all that decides the values, in plain JSON.
        least_frames: what a clip must have.
    """

    describe: Describe
    settings: dict[str, Any]
    least_frames: int = 1


_ONE_SCALE = [[8, 1]]
_LBP = "uniform LBP (points, radius_px)"
_SCALES = [list(scale) for scale in MULTI_SCALE]

VIEW_DESCRIPTORS: dict[str, Descriptor] = {
    "colour_texture": Descriptor(
        colour_texture.describe, {"of": [*COLOUR_SPACES], _LBP: _ONE_SCALE}
    ),
    "fisher_texture": Descriptor(
        fisher_texture.describe,
        {
            "of": [*COLOUR_SPACES],
            "dense SIFT": {"step_px": fisher_texture.STEP_PX, "size_px": fisher_texture.SIZE_PX},
        },
    ),
    "videolet": Descriptor(
        videolet.describe,
        {
            "of": ["grey"],
            "magnified by": videolet.ALPHA,
            _LBP: _SCALES,
            "oriented flow": {
                "bins": hoof.BINS,
                "blocks": hoof.BLOCKS,
                "margin_px": hoof.MARGIN_PX,
                "still_px": hoof.STILL_PX,
            },
        },
    ),
    "ml_lpq": Descriptor(
        ml_lpq.describe,
        {
            "of": ["grey"],
            "local phase quantisation": {"window_px": lpq.WINDOW, "correlation": lpq.CORRELATION},
            "levels": list(ml_lpq.LEVELS),
        },
    ),
}
"""Machine of the catalogue -> its views (n, side, side, 3) to one descriptor."""

CLIP_DESCRIPTORS: dict[str, Descriptor] = {
    "lbp": Descriptor(VARIANTS["lbp"], {"of": ["grey"], _LBP: _ONE_SCALE}),
    "lbp_multi_scale": Descriptor(VARIANTS["lbp_multi_scale"], {"of": ["grey"], _LBP: _SCALES}),
    "lbp_colour": Descriptor(VARIANTS["lbp_colour"], {"of": [*COLOUR_SPACES], _LBP: _ONE_SCALE}),
    "lbp_top": Descriptor(
        VARIANTS["lbp_top"],
        {"of": ["grey"], "planes": ["xy", "xt", "yt"], _LBP: _ONE_SCALE},
        least_frames=3,
    ),
}
"""Cue of a texture machine -> a clip's frames to rows of values, one a frame or one a clip."""


def descriptor_of(
    known: Mapping[str, Descriptor], name: object, settings: object, *, where: str
) -> Descriptor:
    """The feature that a record asks for.

    Args:
        known: `VIEW_DESCRIPTORS` or `CLIP_DESCRIPTORS`.
        name, settings: as the record says.
        where: the file that says it.

    Raises:
        BonafideError: this version has no such feature, or makes it otherwise.
    """
    if not isinstance(name, str) or name not in known or known[name].settings != settings:
        raise BonafideError(
            f"needs the feature {name!r} in a form that this version does not make.",
            where=where,
            remedy="Use the version that wrote it, or train and export with this one.",
        )
    return known[name]
