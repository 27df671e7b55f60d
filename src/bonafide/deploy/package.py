"""From a run folder to the files that are given to others: ONNX and safetensors with one record."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.cascade_export import export_cascade_run
from bonafide.deploy.export import export_clip_onnx, export_onnx
from bonafide.deploy.face_networks import NETWORKS
from bonafide.deploy.machine_export import (
    Tensors,
    export_machine,
    export_texture,
    machine_family,
)
from bonafide.deploy.machine_file import DESCRIPTORS
from bonafide.deploy.record import METADATA_KEY, ModelRecord
from bonafide.deploy.rival_export import export_rival, rival_family
from bonafide.deploy.rival_file import VIEWS
from bonafide.deploy.rival_run import view_preprocessing, views_of
from bonafide.deploy.run_scores import OPERATING_POINT
from bonafide.deploy.sample_face import sample_clips, sample_crops
from bonafide.models.catalogue import MACHINES
from bonafide.models.descriptors import CLIP_DESCRIPTORS
from bonafide.training import (
    motion_task,
    ms_fans_task,
    recapture_fusion,
    recapture_task,
    rival_machine,
    rival_task,
    skin_colour_task,
    texture_run,
)
from bonafide.training.cascade_settings import is_cascade
from bonafide.training.checkpoint import save_tensors
from bonafide.training.loop import compact
from bonafide.training.motion_settings import MotionSettings
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.recapture_settings import RecaptureSettings
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.run import RECORD, family_of
from bonafide.training.settings import load_settings
from bonafide.training.skin_colour_settings import SkinColourSettings
from bonafide.training.texture_run import TextureSettings
from bonafide.types import BonafideError

PROBE_FACES = 64
PROBE_CLIPS = 8
CROPS = "uint8 RGB crops (batch, n, crop_px, crop_px, 3), aligned as in bonafide.face.crop"
SCORE = "probability of bona fide, 0..1; accepted if and only if score >= threshold"


def export_run(
    run: Path, output: Path, *, probe: Path | None = None, name: str = "", version: str
) -> float:
    """Export the kept model of a run as ONNX, with the same weights beside it as safetensors.

    Args:
        run: a finished run with an operating point; or a cascade's folder.
        output: the ONNX file; the safetensors file gets the same stem.
        probe: for the parity check, a crops.npy, clips.npy or features.npy of the run's cache, or
            for a cascade a split's folder of it; views of the bundled `sample_face` if None.
        name: of the model; its family's or catalogue's if "".
        version: of the model.

    Returns:
        the largest difference between the run and ONNX Runtime on the probe.

    Raises:
        BonafideError: the run is not finished, its family is unknown, or the exported model answers
            differently.
    """
    if is_cascade(run):
        called = name or "cascade"
        return export_cascade_run(run, output, probe=probe, name=called, version=version)
    family = family_of(run)
    if family not in EXPORTERS:
        raise _unknown(run, family)
    record = record_of(run, name=name, version=version)
    tensors, difference = EXPORTERS[family](run, record, output, probe)
    save_tensors(output.with_suffix(".safetensors"), tensors, {METADATA_KEY: record.to_json()})
    return difference


def _export_face(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[Tensors, float]:
    network = NETWORKS[family_of(run)](run)
    return compact(network), export_onnx(network, record, output, probe=_crops(probe, record))


def _crops(probe: Path | None, record: ModelRecord) -> npt.NDArray[np.uint8]:
    if probe is None:
        return sample_crops(record.scales, record.crop_px, PROBE_FACES)
    return _probe(probe, (len(record.scales),), PROBE_FACES)


def _export_motion(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[Tensors, float]:
    network, settings = motion_task.load_network(run)
    clip = settings.clip()
    if probe is None:
        clips = sample_clips(clip.frames, clip.side_px, clip.extend, 2)
    else:
        clips = _probe(probe, (clip.frames, clip.side_px, clip.side_px), PROBE_CLIPS)
    return compact(network), export_clip_onnx(network, record, output, probe=clips)


def _export_rival(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[Tensors, float]:
    family = rival_family(run)
    network, difference = export_rival(run, replace(record, family=family), output, probe)
    return compact(network), difference


def _export_machine(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[Tensors, float]:
    return export_machine(run, replace(record, family=machine_family(run)), output, probe)


Exporter = Callable[[Path, ModelRecord, Path, Path | None], tuple[Tensors, float]]
EXPORTERS: dict[str, Exporter] = {
    **dict.fromkeys(NETWORKS, _export_face),
    motion_task.FAMILY: _export_motion,
    rival_task.FAMILY: _export_rival,
    rival_machine.FAMILY: _export_machine,
    texture_run.FAMILY: export_texture,
}
"""Family -> what writes its ONNX file and gives the weights, and the largest difference."""


@dataclass(frozen=True)
class _Input:
    """What a family's record says of its input, to machines and to people, and of which model."""

    preprocessing: dict[str, Any]
    words: str
    model: str = ""


def _ms_fans_input(run: Path) -> _Input:
    settings = load_settings(MsFansSettings, run / RECORD)
    return _Input({"scales": list(settings.scales), "crop_px": settings.crop_px}, CROPS)


def _skin_colour_input(run: Path) -> _Input:
    settings = load_settings(SkinColourSettings, run / RECORD)
    return _Input({"scales": [settings.scale], "crop_px": settings.crop_px}, CROPS)


def _recapture_input(run: Path) -> _Input:
    settings = load_settings(RecaptureSettings, run / RECORD)
    return _Input({"scales": [settings.scale], "crop_px": settings.crop_px}, CROPS)


def _fusion_input(run: Path) -> _Input:
    settings = load_settings(recapture_fusion.FusionSettings, run / RECORD)
    return _Input({"scales": list(settings.scales), "crop_px": settings.crop_px}, CROPS)


def _motion_input(run: Path) -> _Input:
    clip = load_settings(MotionSettings, run / RECORD).clip()
    words = "uint8 RGB clips (batch, N, side_px, side_px, 3), as bonafide.cues.clip_frames gives"
    return _Input({"clip": asdict(clip)}, words)


def _texture_input(run: Path) -> _Input:
    settings = load_settings(TextureSettings, run / RECORD)
    made = CLIP_DESCRIPTORS[settings.cue].settings
    about = {"clip": asdict(settings.clip()), "cue": settings.cue, "descriptor": made}
    return _Input(about, DESCRIPTORS)


def _rival_input(run: Path) -> _Input:
    settings = load_settings(RivalSettings, run / RECORD)
    views = views_of(settings.model, settings.side_px)
    return _Input(view_preprocessing(views, settings.model), VIEWS, settings.model)


def _machine_input(run: Path) -> _Input:
    name = load_settings(MachineSettings, run / RECORD).model
    return _Input(view_preprocessing(MACHINES[name].views, name), DESCRIPTORS, name)


INPUTS: dict[str, Callable[[Path], _Input]] = {
    ms_fans_task.FAMILY: _ms_fans_input,
    skin_colour_task.FAMILY: _skin_colour_input,
    recapture_task.FAMILY: _recapture_input,
    recapture_fusion.FAMILY: _fusion_input,
    motion_task.FAMILY: _motion_input,
    texture_run.FAMILY: _texture_input,
    rival_task.FAMILY: _rival_input,
    rival_machine.FAMILY: _machine_input,
}
"""Family -> what its runs say of their input."""


def record_of(run: Path, *, name: str, version: str) -> ModelRecord:
    """The record of a finished run; without a name, that of its model or family.

    Raises:
        BonafideError: the run has no readable settings or operating point, or is of a family that
            this version does not know.
    """
    family = family_of(run)
    if family not in INPUTS:
        raise _unknown(run, family)
    about = INPUTS[family](run)
    return ModelRecord(
        name=name or about.model or family.replace("_", "-"),
        version=version,
        family=family,
        preprocessing=about.preprocessing,
        input=about.words,
        score=SCORE,
        operating_point=load_operating_point(run / OPERATING_POINT),
        trained_on=str(_table(run, "data")["dataset"]),
        provenance={**_table(run, "provenance"), **_table(run, "settings"), **_table(run, "data")},
    )


def _unknown(run: Path, family: str) -> BonafideError:
    return BonafideError(
        f"is a run of unknown family {family!r}.",
        where=str(run),
        remedy=f"This version knows {', '.join([*INPUTS, 'cascade'])}.",
    )


def _table(run: Path, name: str) -> dict[str, object]:
    return dict(tomllib.loads((run / RECORD).read_text())[name])


def _probe(path: Path, shape: tuple[int, ...], count: int) -> np.ndarray:
    """Some rows of a cache, evenly spaced, whose shape begins as the network's input does."""
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    fits = values.ndim == 5 and values.shape[1 : 1 + len(shape)] == shape
    if not fits or values.dtype != np.uint8 or len(values) < 2:
        raise BonafideError(
            f"holds {values.dtype} of shape {values.shape}.",
            where=str(path),
            remedy=f"Name the .npy of the run's cache, whose rows have shape {shape} ...",
        )
    step = max(len(values) // count, 1)
    return np.array(values[::step][:count])
