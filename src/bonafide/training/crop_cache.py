"""Crops of a whole sample table, cut once and memory-mapped, so that the network sets the speed."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.capture.limits import Limits
from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import expand_sources, open_source
from bonafide.capture.spread import spread_frames
from bonafide.face.crop import CropStack
from bonafide.face.depth_picture import FORM
from bonafide.face.detect import MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.face.prepare import modality_crops, prepare_face, read_registered
from bonafide.face.quality import QualityLimits
from bonafide.training.array_cache import Made, Recipe, array_cache
from bonafide.types import BonafideError, Frame, Presentation, ReasonCode

CROPS = "crops.npy"


@dataclass(frozen=True)
class CropSettings:
    """What decides the pixels of a cache.

    Attributes:
        scales: crop scales, see `face.crop`.
        crop_px: side of the crops.
        frames_per_clip: frames taken from each clip, evenly spaced in time.
        modalities: cut the same place out of RGB, depth and infrared instead, at the only scale;
            pictures alone, registered to the RGB one.
    """

    scales: tuple[float, ...]
    crop_px: int = 128
    frames_per_clip: int = 8
    modalities: bool = False


@dataclass(frozen=True)
class CropCache:
    """A finished cache.

    Attributes:
        crops: (rows, n, side, side, 3) uint8 RGB, memory-mapped read-only.
        samples: the presentation of each row; a clip has several rows.
        missed: (presentation, reason code) of everything that gave no crop.
    """

    crops: npt.NDArray[np.uint8]
    samples: list[Presentation]
    missed: list[tuple[str, str]]


def crop_cache(
    samples: Sequence[Presentation],
    folder: Path,
    settings: CropSettings,
    *,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> CropCache:
    """Open the cache of a sample table, cutting it first; see `array_cache.array_cache`.

    Pictures without one usable face are listed in missed.csv, not dropped unseen.

    Raises:
        BonafideError: not one sample has a usable face.
    """
    recipe = Recipe(
        name=CROPS,
        settings=asdict(settings) | ({"depth": FORM} if settings.modalities else {}),
        make=functools.partial(_cut_sample, settings=settings),
        nothing="no sample shows one usable face.",
    )
    cache = array_cache(samples, folder, recipe, workers=workers, on_sample=on_sample)
    return CropCache(cache.values, cache.samples, cache.missed)


@functools.cache
def _detector() -> MtcnnDetector:
    """One a process: loading it takes longer than a picture."""
    return MtcnnDetector()


def _cut_sample(sample: Presentation, settings: CropSettings) -> Made:
    detector = _detector()
    crops: list[npt.NDArray[np.uint8]] = []
    reason, advice = ReasonCode.NO_FACE.value, ""
    for rgb in _pictures(sample, settings.frames_per_clip):
        faces = find_faces(rgb, detector)
        prepared = prepare_face(rgb, faces, settings.scales, settings.crop_px, QualityLimits())
        if prepared.crops is not None:
            stack = prepared.crops
            crops.append(_modalities(sample, rgb, stack) if settings.modalities else stack.crops)
        elif prepared.reasons:
            reason, advice = prepared.reasons[0].code.value, prepared.reasons[0].advice
    return Made(list(crops), reason, advice)


def _modalities(
    sample: Presentation, rgb: npt.NDArray[np.uint8], stack: CropStack
) -> npt.NDArray[np.uint8]:
    """The first crop's place in RGB, depth and infrared: (3, side, side, 3)."""
    for column in ("depth_path", "infrared_path"):
        if not getattr(sample, column):
            raise BonafideError(
                f"{column} is empty.",
                where=sample.presentation,
                remedy="A multimodal model needs RGB, depth and infrared of every presentation.",
            )
    others = read_registered(
        Path(sample.depth_path), Path(sample.infrared_path), Limits(), sample.rotation_deg
    )
    return modality_crops(rgb, others, stack)


def _pictures(sample: Presentation, frames_per_clip: int) -> Iterator[npt.NDArray[np.uint8]]:
    turns = -sample.rotation_deg // 90
    for rgb in _read(Path(sample.path), frames_per_clip):
        yield np.ascontiguousarray(np.rot90(rgb, turns))


def _read(path: Path, frames_per_clip: int) -> Iterator[npt.NDArray[np.uint8]]:
    [source] = expand_sources([str(path)])
    if source.kind is not MediaKind.CLIP:
        opened = open_source(source)
        assert isinstance(opened, Frame)
        yield opened.rgb
        return
    with spread_frames(path, frames_per_clip) as clip:
        for frame in itertools.islice(clip, frames_per_clip):
            yield frame.rgb
