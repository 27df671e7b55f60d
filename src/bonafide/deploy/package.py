"""From a run folder to the files that are given to others: ONNX and safetensors with one record."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np

from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.export import export_onnx
from bonafide.deploy.record import METADATA_KEY, ModelRecord
from bonafide.deploy.run_scores import OPERATING_POINT
from bonafide.training.checkpoint import save_tensors
from bonafide.training.loop import compact
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.ms_fans_task import load_network
from bonafide.training.run import RECORD
from bonafide.training.settings import load_settings
from bonafide.types import BonafideError

PROBE_FACES = 64


def export_run(run: Path, output: Path, *, probe: Path, name: str, version: str) -> float:
    """Export the kept network of a run as ONNX, with the same weights beside it as safetensors.

    Args:
        run: a finished run with an operating point.
        output: the ONNX file; the safetensors file gets the same stem.
        probe: a crops.npy of the run's scales, for the parity check.
        name, version: of the model.

    Returns:
        the largest difference between torch and ONNX Runtime on the probe.

    Raises:
        BonafideError: the run is not finished, or the exported network answers differently.
    """
    network, settings = load_network(run)
    record = record_of(run, name=name, version=version)
    difference = export_onnx(network, record, output, probe=_probe(probe, settings.scales))
    save_tensors(
        output.with_suffix(".safetensors"), compact(network), {METADATA_KEY: record.to_json()}
    )
    return difference


def record_of(run: Path, *, name: str, version: str) -> ModelRecord:
    """The record of a finished run.

    Raises:
        BonafideError: the run has no readable settings or operating point.
    """
    settings = load_settings(MsFansSettings, run / RECORD)
    return ModelRecord(
        name=name,
        version=version,
        family="ms_fans",
        preprocessing={"scales": list(settings.scales), "crop_px": settings.crop_px},
        input="uint8 RGB crops (batch, n, crop_px, crop_px, 3), aligned as in bonafide.face.crop",
        score="probability of bona fide, 0..1; accepted if and only if score >= threshold",
        operating_point=load_operating_point(run / OPERATING_POINT),
        trained_on=str(_table(run, "data")["dataset"]),
        provenance={**_table(run, "provenance"), **_table(run, "settings"), **_table(run, "data")},
    )


def _table(run: Path, name: str) -> dict[str, object]:
    return dict(tomllib.loads((run / RECORD).read_text())[name])


def _probe(path: Path, scales: tuple[float, ...]) -> np.ndarray:
    crops = np.load(path, mmap_mode="r", allow_pickle=False)
    if crops.ndim != 5 or crops.shape[1] != len(scales) or crops.dtype != np.uint8:
        raise BonafideError(
            f"holds {crops.dtype} of shape {crops.shape}.",
            where=str(path),
            remedy=f"Name a crop cache's crops.npy with {len(scales)} scales.",
        )
    step = max(len(crops) // PROBE_FACES, 1)
    return np.array(crops[::step][:PROBE_FACES])
