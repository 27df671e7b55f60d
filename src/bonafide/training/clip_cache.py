"""The N frames of every clip of a sample table, read once and memory-mapped; and pool5 of them.

Decoding, finding faces and magnifying a clip take longer than training on it, and the CNN longer
than the LSTM.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bonafide.capture.errors import CaptureError
from bonafide.capture.sniff import MediaKind
from bonafide.capture.sources import expand_sources
from bonafide.cues.clip_frames import ClipFile, ClipSettings, read_clip
from bonafide.face.detect import MtcnnDetector
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.training.array_cache import META, ArrayCache, Made, Recipe, array_cache, fits
from bonafide.types import Presentation, ReasonCode

CLIPS = "clips.npy"
POOL5 = "pool5.npy"
PHOTO = "This model judges clips, and this is a photo."


def clip_cache(
    samples: Sequence[Presentation],
    folder: Path,
    settings: ClipSettings,
    *,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> ArrayCache:
    """Open the cache of a table's clips, reading them first; see `array_cache.array_cache`.

    Clips without one usable face, or too short for the window or the band, are listed in
    missed.csv with the reason, and so are photos.

    Returns:
        values (clips, N, side, side, 3) uint8 RGB, one row a clip.

    Raises:
        BonafideError: not one sample gives its frames.
    """
    recipe = Recipe(
        name=CLIPS,
        settings=asdict(settings),
        make=functools.partial(_read_sample, settings=settings),
        nothing="no clip gives the frames asked for.",
    )
    return array_cache(samples, folder, recipe, workers=workers, on_sample=on_sample)


def pool5_cache(clips: ArrayCache, folder: Path, network: MotionCnnLstm) -> npt.NDArray[np.float16]:
    """Open the CNN's features of a clip cache, computing them first if they do not fit.

    They fit if they were made of the same clips by the same weights. For training with a CNN that
    does not learn.

    Args:
        clips: of `clip_cache`, in a folder of its own.
        folder: of the features; written under another name and renamed when complete.
        network: its CNN is put into evaluation mode.

    Returns:
        (clips, N, channels, height, width) float16, memory-mapped: half the disk, and a loss that
        differs by less than a thousandth.
    """
    meta = {"clips": _digest(clips.values), "weights": _digest_of_weights(network)}
    if not fits(folder, meta):
        _build_pool5(clips.values, folder, network, meta)
    return np.load(folder / POOL5, mmap_mode="r", allow_pickle=False)


def _build_pool5(
    clips: npt.NDArray[np.uint8], folder: Path, network: MotionCnnLstm, meta: dict[str, Any]
) -> None:
    scratch = folder.with_name(folder.name + ".partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    device = next(network.parameters()).device
    network.cnn.eval()
    shape = (*clips.shape[:2], *network.cnn.plan.pool5)
    out = np.lib.format.open_memmap(scratch / POOL5, "w+", np.float16, shape)
    with torch.inference_mode():
        for number, clip in enumerate(clips):
            pool5 = network.cnn(torch.from_numpy(np.array(clip)).to(device))
            out[number] = pool5.half().cpu().numpy()
    out.flush()
    del out
    (scratch / META).write_text(json.dumps(meta))
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(scratch, folder)


def _digest(values: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256(str(values.shape).encode())
    for row in values:
        digest.update(np.ascontiguousarray(row))
    return digest.hexdigest()


def _digest_of_weights(network: MotionCnnLstm) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(network.cnn.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.cpu().numpy()))
    return digest.hexdigest()


@functools.cache
def _detector() -> MtcnnDetector:
    """One a process: loading it takes longer than a clip's face."""
    return MtcnnDetector()


def _read_sample(sample: Presentation, settings: ClipSettings) -> Made:
    frames, reason, advice = frames_of_sample(sample, settings)
    return Made([] if frames is None else [frames], reason, advice)


def frames_of_sample(
    sample: Presentation, settings: ClipSettings
) -> tuple[npt.NDArray[np.uint8] | None, str, str]:
    """The frames of one row of a sample table, or None with the reason's code and advice."""
    [source] = expand_sources([str(Path(sample.path))])
    if source.kind is MediaKind.PHOTO:
        return None, ReasonCode.CLIP_TOO_SHORT.value, PHOTO
    try:
        if source.error is not None:
            raise source.error
        passes = ClipFile(Path(sample.path), settings.window_s, None, sample.rotation_deg)
        read = read_clip(passes, settings, _detector())
    except CaptureError as error:
        return None, ReasonCode.UNREADABLE.value, str(error)
    if read.frames is None:
        return None, read.reasons[0].code.value, read.reasons[0].advice
    return read.frames, "", ""
