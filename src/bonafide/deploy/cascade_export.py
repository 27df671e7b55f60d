"""Export a cascade: one stage as a plain graph, or both in one file that runs the net asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, compose, helper

from bonafide.cues.aligned_capture import AlignedCapture, Planes
from bonafide.deploy.cascade_file import SECOND_ASKED, stage_about, stage_scores
from bonafide.deploy.cascade_model import FAMILY
from bonafide.deploy.cascade_run import StageRun, stages_of
from bonafide.deploy.export import write_checked
from bonafide.deploy.graph import OPSET, GraphForm, graph_of
from bonafide.deploy.record import METADATA_KEY, ModelRecord
from bonafide.deploy.runtime import OnnxModel
from bonafide.deploy.sample_face import sample_captures
from bonafide.training.capture_cache import open_captures_of
from bonafide.training.cascade_data import align_settings, plane_form
from bonafide.training.checkpoint import save_tensors
from bonafide.training.loop import compact
from bonafide.training.run import RECORD
from bonafide.training.settings import read_toml
from bonafide.types import BonafideError

PROBE_CAPTURES = 16
"""Captures that both nets are asked about before a file is written."""

SCORE = (
    "probability of bona fide of each stage, 0..1; the next stage is asked, and the last one "
    "accepts, if and only if score >= threshold"
)


def export_cascade_run(
    run: Path, output: Path, *, probe: Path | None, name: str, version: str
) -> float:
    """Export a cascade's folder, or the run of one stage, with its weights beside as safetensors.

    Args:
        run, output, name, version: see `package.export_run`.
        probe: a split's folder of the cache of aligned captures, such as samples.captures/test;
            the bundled face with a made-up depth if None.

    Returns:
        the largest difference between torch and ONNX Runtime on the probe, of both nets.

    Raises:
        BonafideError: a run is missing or not finished, the cache is of other captures, or the
            exported nets answer differently.
    """
    stages = stages_of(run)
    settings = stages[0].settings
    if probe is None:
        faces = sample_captures(settings.crop_scale, settings.crop_px, PROBE_CAPTURES)
    else:
        faces = probe_captures(probe, settings.crop_px)
    probes = [np.stack([plane_form(stage.settings).of(face) for face in faces]) for stage in stages]
    record = cascade_record(stages, name=name, version=version)
    difference = export_cascade(stages, record, output, probes)
    tensors = {
        f"{stage.name}.{key}": value
        for stage in stages
        for key, value in compact(stage.scorer.network).items()
    }
    save_tensors(output.with_suffix(".safetensors"), tensors, {METADATA_KEY: record.to_json()})
    return difference


def probe_captures(folder: Path, crop_px: int) -> list[AlignedCapture]:
    """Some aligned captures of a cache, evenly spaced.

    Raises:
        BonafideError: the folder holds no cache of captures of this size, or fewer than two.
    """
    cache = open_captures_of(folder)
    count = len(cache.arrays["rgb"]) if cache is not None else 0
    if cache is None or count < 2 or cache.arrays["rgb"].shape[1] != crop_px:
        raise BonafideError(
            f"holds no two aligned captures of {crop_px} px.",
            where=str(folder),
            remedy="Name a split of the run's cache, such as samples.captures/development.",
        )
    step = max(count // PROBE_CAPTURES, 1)
    return [cache.aligned(row) for row in range(0, count, step)][:PROBE_CAPTURES]


def export_cascade(
    stages: Sequence[StageRun], record: ModelRecord, out: Path, probes: Sequence[Planes]
) -> float:
    """Write one or two stages and their record as one ONNX file; see `export.export_scorer`.

    Args:
        stages: in the order in which they are asked.
        record: see `cascade_record`.
        out: the file to write.
        probes: planes of real captures for each stage, (n, side, side, channels), n at least 2.

    Returns:
        the largest difference between torch and ONNX Runtime, of both nets.

    Raises:
        BonafideError: they differ by more than 1e-4; nothing is written.
    """
    graphs = [
        graph_of(
            _OneOutput(stage.scorer).eval(),
            probe[:2],
            GraphForm(stage.name, ("score",), {0: f"{stage.name}_rows"}),
        )
        for stage, probe in zip(stages, probes, strict=True)
    ]
    model = graphs[0] if len(graphs) == 1 else either(graphs[0], graphs[1])

    def difference_of(runtime: OnnxModel) -> float:
        return max(
            stage_difference(stage, runtime, number, probe)
            for number, (stage, probe) in enumerate(zip(stages, probes, strict=True))
        )

    return write_checked(model, record, out, difference_of)


class _OneOutput(torch.nn.Module):
    """The scorer's answer in the tuple that `graph_of` names."""

    def __init__(self, scorer: torch.nn.Module) -> None:
        super().__init__()
        self.scorer = scorer

    def forward(self, planes: torch.Tensor) -> tuple[torch.Tensor]:
        return (self.scorer(planes),)


def stage_difference(stage: StageRun, runtime: OnnxModel, number: int, probe: Planes) -> float:
    """Largest difference of a stage's score over the probe, one by one and all in a batch."""
    ask = stage_scores(runtime, number)
    expected = stage.scores(probe)
    single = np.concatenate([ask(probe[i : i + 1]) for i in range(len(probe))])
    return float(max(np.abs(found - expected).max() for found in (single, ask(probe))))


def either(first: onnx.ModelProto, second: onnx.ModelProto) -> onnx.ModelProto:
    """One graph that runs the second net where its input `SECOND_ASKED` is true, else the first.

    Each net keeps its input's name; the one that is not run may be given no rows. Initialisers
    stay within their branch.
    """
    branches = [
        _branch(model, f"{name}/")
        for model, name in zip((first, second), ("first", "second"), strict=True)
    ]
    choice = helper.make_node(
        "If", [SECOND_ASKED], ["score"], then_branch=branches[1], else_branch=branches[0]
    )
    inputs = [first.graph.input[0], second.graph.input[0]]
    asked = helper.make_tensor_value_info(SECOND_ASKED, TensorProto.BOOL, [])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, ["rows"])
    graph = helper.make_graph([choice], "cascade", [*inputs, asked], [score])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = max(first.ir_version, second.ir_version)
    return model


def _branch(model: onnx.ModelProto, prefix: str) -> onnx.GraphProto:
    """A model as the branch of an If: its names its own, its input that of the whole graph."""
    given = model.graph.input[0].name
    renamed = compose.add_prefix(model, prefix, rename_inputs=False)
    graph = renamed.graph
    assert graph.input[0].name == given
    del graph.input[:]
    return graph


def cascade_record(stages: Sequence[StageRun], *, name: str, version: str) -> ModelRecord:
    """The record of finished runs of one or two stages."""
    about = [
        stage_about(s.name, s.name, plane_form(s.settings), s.point, s.trained_on) for s in stages
    ]
    provenance = {}
    for stage in stages:
        told = read_toml(stage.folder / RECORD)
        own = {**told["provenance"], **told["settings"], **told["data"], "weights": stage.sha256}
        provenance[stage.name] = own
    return ModelRecord(
        name=name,
        version=version,
        family=FAMILY,
        preprocessing={"align": asdict(align_settings(stages[0].settings)), "stages": about},
        input="uint8 planes (batch, crop_px, crop_px, channels) of each stage, as in "
        "bonafide.cues.plane_form",
        score=SCORE,
        operating_point=stages[-1].point,
        trained_on=", ".join(dict.fromkeys(stage.trained_on for stage in stages)),
        provenance=provenance,
    )
