"""Export a machine over hand-made features: its graph, held against the run on real faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bonafide.deploy.export import write_checked
from bonafide.deploy.machine_file import KIND_FAMILIES, OnnxMachineScorer, OnnxTextureScorer
from bonafide.deploy.machine_graph import ENCODERS, machine_graph
from bonafide.deploy.record import ModelRecord
from bonafide.deploy.rival_export import BATCHES, cached_views, sample_views
from bonafide.deploy.runtime import OnnxModel
from bonafide.deploy.sample_face import sample_clips
from bonafide.models.catalogue import MACHINES
from bonafide.models.support_machine import SupportMachine
from bonafide.models.texture_svm import VARIANTS, TextureSvm
from bonafide.training.rival_machine import MachineSettings, load_machine, load_machine_parts
from bonafide.training.run import RECORD
from bonafide.training.settings import load_settings
from bonafide.training.texture_run import load_texture_run
from bonafide.types import BonafideError

PROBE_FRAMES = 16
"""Of a clip of the bundled face; texture machines take any number."""

PROBE_ROWS = 512

Tensors = dict[str, torch.Tensor]


def machine_family(run: Path) -> str:
    """The family of the exported record of a machine of the catalogue."""
    settings = load_settings(MachineSettings, run / RECORD)
    return KIND_FAMILIES[MACHINES[settings.model].views.kind]


def export_machine(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[Tensors, float]:
    """Write a finished run of a machine of the catalogue as one ONNX file.

    Args:
        run, output: see `package.export_run`.
        record: goes into the file.
        probe: a crops.npy of the run's cache; the bundled face if None.

    Returns:
        what was learned and the machine, and the largest difference from the run's own scores, with
        one face, three, and all at once.

    Raises:
        BonafideError: they differ by more than 1e-4; nothing is written.
    """
    settings = load_settings(MachineSettings, run / RECORD)
    one = MACHINES[settings.model]
    learned, machine = load_machine_parts(run)
    pictures = sample_views(one.views) if probe is None else cached_views(probe, one.views)
    encode = None if one.encode is None else ENCODERS[settings.model]
    graph = machine_graph(machine, one.describe(pictures[0]).shape, encode, learned)

    def difference_of(runtime: OnnxModel) -> float:
        expected = load_machine(run).scores(pictures)
        whole = _difference([OnnxMachineScorer(runtime.path).score(pictures).score], expected)
        rows = np.stack([one.describe(views) for views in pictures])
        return max(whole, rows_difference(runtime, rows, expected))

    difference = write_checked(graph, record, output, difference_of)
    return {**_tensors("learned", learned), **_tensors("machine", machine.arrays())}, difference


def export_texture(
    run: Path, record: ModelRecord, output: Path, probe: Path | None
) -> tuple[Tensors, float]:
    """Write a finished run of a texture machine as one ONNX file; see `export_machine`.

    Args:
        run, record, output: as there.
        probe: a features.npy of the run's cache, for the graph; clips of the bundled face go
            through all of it in any case.
    """
    texture = load_texture_run(run)
    machine = support_machine(texture)
    graph = machine_graph(machine, (len(machine.mean),))

    def difference_of(runtime: OnnxModel) -> float:
        clip = record.preprocessing["clip"]
        clips = sample_clips(PROBE_FRAMES, clip["side_px"], clip["extend"], 2)
        scorer = OnnxTextureScorer(runtime.path)
        found = [scorer.score_clip(frames).score for frames in clips]
        whole = _difference([np.array(found)], [texture.score(frames) for frames in clips])
        if probe is None:
            rows = np.concatenate([VARIANTS[texture.variant](frames) for frames in clips])
        else:
            rows = _cached_rows(probe, len(machine.mean))
        return max(whole, rows_difference(runtime, rows, texture.probability(rows).tolist()))

    difference = write_checked(graph, record, output, difference_of)
    return _tensors("machine", machine.arrays()), difference


def rows_difference(
    runtime: OnnxModel, rows: npt.NDArray[np.float32], expected: list[float]
) -> float:
    """Largest difference of a descriptor's score, with one, three, and all of them at once."""
    worst = 0.0
    for size in (*BATCHES, len(rows)):
        parts = [runtime.run(rows[i : i + size])[0] for i in range(0, len(rows), size)]
        worst = max(worst, _difference(parts, expected))
    return worst


def support_machine(texture: TextureSvm) -> SupportMachine:
    """The numbers of a texture machine, as other machines have them."""
    return SupportMachine(
        texture.mean,
        texture.scale,
        texture.support,
        texture.weight,
        texture.intercept,
        texture.gamma,
        texture.platt_a,
        texture.platt_b,
    )


def _cached_rows(path: Path, values: int) -> npt.NDArray[np.float32]:
    """Some rows of a cache of features, evenly spaced.

    Raises:
        BonafideError: they are no features of this length.
    """
    rows = np.load(path, mmap_mode="r", allow_pickle=False)
    if rows.ndim != 2 or rows.shape[1] != values or len(rows) < 2:
        raise BonafideError(
            f"holds {rows.dtype} of shape {rows.shape}.",
            where=str(path),
            remedy=f"Name the features.npy of the run's cache, rows of {values} values.",
        )
    step = max(len(rows) // PROBE_ROWS, 1)
    return np.array(rows[::step][:PROBE_ROWS], np.float32)


def _difference(parts: list[npt.NDArray[Any]], expected: list[float]) -> float:
    return float(np.abs(np.concatenate(parts) - np.array(expected)).max())


def _tensors(name: str, arrays: dict[str, npt.NDArray[Any]]) -> Tensors:
    return {
        f"{name}.{key}": torch.from_numpy(np.ascontiguousarray(value))
        for key, value in arrays.items()
    }
