"""What D-Net and M-Net saw, as pictures for the evidence page."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bonafide.cues.aligned_capture import D_PLANES, M_PLANES, Planes
from bonafide.types import RgbImage

CAPTIONS: dict[str, str] = {
    "f1": "F1: depth within the face, near dark",
    "f2": "F2: depth over the face's size",
    "f3": "F3: angle to the face's plane",
    "rgb": "colour, aligned",
    "infrared": "infrared, aligned",
    "stack": "stack: distance-free colour",
    "stack_infrared": "stack: distance-free infrared",
    "summation": "summation",
    "difference": "difference",
}


def panels_of(seen: Mapping[str, Planes]) -> dict[str, RgbImage]:
    """Caption -> picture of every plane that was looked at.

    Args:
        seen: stage -> its planes; a stage that was not asked has none, and no pictures.
    """
    panels: dict[str, RgbImage] = {}
    for stage, planes in seen.items():
        layout = D_PLANES if stage == "d_net" else M_PLANES
        for name, part in layout.items():
            picture = planes[..., part]
            if name == "stack":
                panels[CAPTIONS["stack_infrared"]] = _grey(picture[..., 3:])
                picture = picture[..., :3]
            panels[CAPTIONS[name]] = _grey(picture) if picture.shape[2] == 1 else picture
    return panels


def _grey(picture: Planes) -> RgbImage:
    return np.repeat(picture, 3, axis=2)
