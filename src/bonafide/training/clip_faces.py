"""Where the face of every clip of a sample table moves, found once for all caches cut from them.

Finding the face takes most of the time of reading a clip, and is the same whether the clip is
magnified or not, for networks and for texture.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonafide.capture.errors import CaptureError
from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import expand_sources
from bonafide.cues.clip_frames import ClipFile, ClipSettings
from bonafide.face.clip_face import find_clip_face
from bonafide.face.detect import MtcnnDetector
from bonafide.training.array_cache import MISSED, Made, Recipe, array_cache
from bonafide.types import Box, Presentation, ReasonCode

SWEPT = "swept.npy"
PHOTO = "This model judges clips, and this is a photo."


@dataclass(frozen=True)
class NoFace:
    """Why a clip has no box.

    Attributes:
        reason: its code.
        advice: the same in words.
    """

    reason: str
    advice: str


Faces = dict[str, Box | NoFace]
"""Presentation -> the square that its face sweeps (`crop.extended_clip_box` by 1.0), or why not."""


def clip_faces(
    samples: Sequence[Presentation],
    folder: Path,
    settings: ClipSettings,
    *,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> Faces:
    """Open the faces of a table's clips, finding them first; see `array_cache.array_cache`.

    Args:
        samples: rows of a sample table.
        folder: of the cache.
        settings: only the window and how often it is looked at matter.
        workers: processes.
        on_sample: called once for every finished presentation.

    Raises:
        BonafideError: not one clip shows a usable face.
    """
    looks = {"window_s": settings.window_s, "look_hz": settings.look_hz}
    recipe = Recipe(
        name=SWEPT,
        settings=dict(looks),
        make=functools.partial(_find, **looks),
        nothing="no clip shows one usable face.",
    )
    cache = array_cache(samples, folder, recipe, workers=workers, on_sample=on_sample)
    faces: Faces = {
        sample.presentation: Box(*map(float, row))
        for sample, row in zip(cache.samples, cache.values, strict=True)
    }
    with (folder / MISSED).open(newline="") as file:
        for row in csv.DictReader(file):
            faces[row["presentation"]] = NoFace(row["reason"], row["advice"])
    return faces


def extended(swept: Box, factor: float) -> Box:
    """The square enlarged about its middle, as `crop.extended_clip_box` does.

    >>> extended(Box(10, 20, 4, 4), 1.5)
    Box(left=9.0, top=19.0, width=6.0, height=6.0)
    """
    more = (factor - 1) / 2
    return Box(
        swept.left - more * swept.width,
        swept.top - more * swept.height,
        factor * swept.width,
        factor * swept.height,
    )


def _find(sample: Presentation, window_s: float, look_hz: float) -> Made:
    box = find_face(sample, window_s, look_hz)
    if isinstance(box, NoFace):
        return Made([], box.reason, box.advice)
    return Made([np.array([box.left, box.top, box.width, box.height])])


def find_face(sample: Presentation, window_s: float, look_hz: float) -> Box | NoFace:
    """The square that the face of one row of a sample table sweeps."""
    [source] = expand_sources([str(Path(sample.path))])
    if source.kind is MediaKind.PHOTO:
        return NoFace(ReasonCode.CLIP_TOO_SHORT.value, PHOTO)
    try:
        if source.error is not None:
            raise source.error
        passes = ClipFile(Path(sample.path), window_s, None, sample.rotation_deg)
        face = find_clip_face(passes(look_hz), _detector(), extend=1.0)
    except CaptureError as error:
        return NoFace(ReasonCode.UNREADABLE.value, str(error))
    if face.box is None:
        return NoFace(face.reasons[0].code.value, face.reasons[0].advice)
    return face.box


@functools.cache
def _detector() -> MtcnnDetector:
    """One a process: loading it takes longer than a clip's face."""
    return MtcnnDetector()
