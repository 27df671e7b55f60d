"""The N frames of every clip of a sample table, read once and memory-mapped; and pool5 of them.

Decoding, finding faces and magnifying a clip take longer than training on it, and the CNN longer
than the LSTM.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bonafide.capture.errors import CaptureError
from bonafide.cues.clip_frames import ClipFile, ClipSettings, take_frames
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.training.array_cache import META, ArrayCache, Made, Recipe, array_cache, fits
from bonafide.training.clip_faces import Faces, NoFace, extended, find_face
from bonafide.training.once import make_once
from bonafide.training.settings import MIXED
from bonafide.types import Presentation, ReasonCode

CLIPS = "clips.npy"
POOL5 = "pool5.npy"


def clip_cache(
    samples: Sequence[Presentation],
    folder: Path,
    settings: ClipSettings,
    *,
    faces: Faces | None = None,
    workers: int = 1,
    on_sample: Callable[[], None] | None = None,
) -> ArrayCache:
    """Open the cache of a table's clips, reading them first; see `array_cache.array_cache`.

    Clips without one usable face, or too short for the window or the band, are listed in
    missed.csv with the reason, and so are photos.

    Args:
        samples, folder, workers, on_sample: as there.
        settings: which frames of a clip.
        faces: of `clip_faces`, found with the same window and looks; None finds them on the way.

    Returns:
        values (clips, N, side, side, 3) uint8 RGB, one row a clip.

    Raises:
        BonafideError: not one sample gives its frames.
    """
    recipe = Recipe(
        name=CLIPS,
        settings=asdict(settings),
        make=functools.partial(_read_sample, settings=settings, faces=faces),
        nothing="no clip gives the frames asked for.",
    )
    return array_cache(samples, folder, recipe, workers=workers, on_sample=on_sample)


def pool5_cache(
    clips: ArrayCache, folder: Path, network: MotionCnnLstm, precision: str = "32-true"
) -> npt.NDArray[np.float16]:
    """Open the CNN's features of a clip cache, computing them first if they do not fit.

    They fit if they were made of the same clips by the same weights, at the same precision. For a
    CNN that does not learn.

    Args:
        clips: of `clip_cache`, in a folder of its own.
        folder: of the features; written under another name and renamed when complete.
        network: its CNN is put into evaluation mode.
        precision: of the run, see `settings.RunSettings`; bf16-mixed takes a quarter of the time on
            a CPU that multiplies matrices of bfloat16.

    Returns:
        (clips, N, channels, height, width) float16, memory-mapped: half the disk, and a loss that
        differs by less than a thousandth.
    """
    meta = {
        "clips": _digest(clips.values),
        "weights": _digest_of_weights(network),
        "precision": precision,
    }

    def build(scratch: Path) -> None:
        _fill_pool5(scratch, clips.values, network, mixed=precision == MIXED)
        (scratch / META).write_text(json.dumps(meta))

    make_once(folder, lambda: fits(folder, meta), build)
    return np.load(folder / POOL5, mmap_mode="r", allow_pickle=False)


def _fill_pool5(
    scratch: Path, clips: npt.NDArray[np.uint8], network: MotionCnnLstm, *, mixed: bool
) -> None:
    device = next(network.parameters()).device
    network.cnn.eval()
    shape = (*clips.shape[:2], *network.cnn.plan.pool5)
    out = np.lib.format.open_memmap(scratch / POOL5, "w+", np.float16, shape)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=mixed):
        for number, clip in enumerate(clips):
            still = (clip == clip[:1]).all()  # the control with one frame, repeated
            frames = np.array(clip[:1] if still else clip)
            pool5 = network.cnn(torch.from_numpy(frames).to(device))
            out[number] = pool5.half().cpu().numpy()
    out.flush()


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


def _read_sample(sample: Presentation, settings: ClipSettings, faces: Faces | None) -> Made:
    frames, reason, advice = frames_of_sample(sample, settings, faces)
    return Made([] if frames is None else [frames], reason, advice)


def frames_of_sample(
    sample: Presentation, settings: ClipSettings, faces: Faces | None = None
) -> tuple[npt.NDArray[np.uint8] | None, str, str]:
    """The frames of one row of a sample table, or None with the reason's code and advice.

    Args:
        sample: the row.
        settings: which frames.
        faces: of `clip_faces`; None finds the face now.
    """
    if faces is None:
        face = find_face(sample, settings.window_s, settings.look_hz)
    else:
        face = faces[sample.presentation]
    if isinstance(face, NoFace):
        return None, face.reason, face.advice
    try:
        passes = ClipFile(Path(sample.path), settings.window_s, None, sample.rotation_deg)
        taken = take_frames(passes, extended(face, settings.extend), settings)
    except CaptureError as error:
        return None, ReasonCode.UNREADABLE.value, str(error)
    if taken.refusal is not None:
        return None, taken.refusal.code.value, taken.refusal.advice
    return taken.frames, "", ""
