"""Export a trained network to ONNX, and refuse to write a file that answers differently."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from bonafide.deploy.record import METADATA_KEY, ModelRecord
from bonafide.deploy.runtime import OnnxModel
from bonafide.models.motion_cnn_lstm import MotionCnnLstm, MotionScorer
from bonafide.models.ms_fans import MsFans, MsFansScorer
from bonafide.models.skin_colour import SkinColour, SkinColourScorer
from bonafide.types import BonafideError

PARITY = 1e-4
"""Largest difference of a score or alpha between torch and ONNX Runtime that is let pass."""

OPSET = 18
MAX_BATCH = 4096


@dataclass(frozen=True)
class GraphForm:
    """What a graph's input and outputs are called, and which sizes may differ.

    Attributes:
        input: name of its input.
        outputs: names of its outputs.
        free_axes: axis of the input -> its name; of any size from 1 (0 is the batch).
    """

    input: str
    outputs: tuple[str, ...]
    free_axes: dict[int, str]


CROPS_FORM = GraphForm("crops", ("score", "alpha"), {0: "batch"})


def export_onnx(
    network: MsFans | SkinColour,
    record: ModelRecord,
    out: Path,
    *,
    probe: npt.NDArray[np.uint8],
) -> float:
    """Write a model of faces and its record as one ONNX file; see `export_scorer`.

    Args:
        network: trained; on the CPU.
        record: goes into the file's metadata.
        out: the file to write.
        probe: (faces, n, crop_px, crop_px, 3) uint8 real crops, at least two, for the parity check.
    """
    return export_scorer(face_scorer(network), record, out, CROPS_FORM, [probe])


def face_scorer(network: MsFans | SkinColour) -> nn.Module:
    """The deployed form of a network: uint8 crops in, score and scale weights out."""
    scorer = SkinColourScorer(network) if isinstance(network, SkinColour) else MsFansScorer(network)
    return scorer.eval()


def export_clip_onnx(
    network: MotionCnnLstm,
    record: ModelRecord,
    out: Path,
    *,
    probe: npt.NDArray[np.uint8],
) -> float:
    """Write the motion CNN-LSTM and its record as one ONNX file; see `export_scorer`.

    Without attention the graph takes clips of any number of frames, and parity is checked on a
    second length too.

    Args:
        network: trained; on the CPU.
        record: goes into the file's metadata.
        out: the file to write.
        probe: (clips, N, side, side, 3) uint8 real clips, at least two.
    """
    bound = network.variant.attention
    axes = {0: "batch"} if bound else {0: "batch", 1: "frames"}
    probes = [probe] if bound or probe.shape[1] < 3 else [probe, probe[:, 1:]]
    form = GraphForm("clips", ("score", "attention"), axes)
    return export_scorer(MotionScorer(network).eval(), record, out, form, probes)


def export_scorer(
    scorer: nn.Module,
    record: ModelRecord,
    out: Path,
    form: GraphForm,
    probes: Sequence[npt.NDArray[np.uint8]],
) -> float:
    """Write a network and its record as one ONNX file, checked against torch before it appears.

    Weights that float16 holds exactly are stored so and cast when the file is loaded.

    Args:
        scorer: takes one array, gives as many as ``form`` names; in evaluation mode.
        record: goes into the file's metadata.
        out: the file to write.
        form: names and free sizes.
        probes: real inputs, each of at least two, for the parity check.

    Returns:
        the largest difference found, of all outputs.

    Raises:
        BonafideError: torch and ONNX Runtime differ by more than 1e-4; nothing is written.
    """
    model = _trace(scorer, probes[0][:2], form)
    _store_half(model)
    _forget_origin(model)
    onnx.helper.set_model_props(model, {METADATA_KEY: record.to_json()})
    onnx.checker.check_model(model)
    scratch = out.with_suffix(".partial")
    scratch.write_bytes(model.SerializeToString())
    try:
        runtime = OnnxModel(scratch)
        difference = max(parity(scorer, runtime, probe) for probe in probes)
        if not difference <= PARITY:
            raise BonafideError(
                f"torch and ONNX Runtime differ by {difference:.2g}, more than {PARITY}.",
                where=str(out),
                remedy="Nothing was written. Report this with the run's run.toml.",
            )
        os.replace(scratch, out)
    finally:
        scratch.unlink(missing_ok=True)
    return difference


def parity(scorer: nn.Module, runtime: OnnxModel, probe: npt.NDArray[np.uint8]) -> float:
    """Largest absolute difference over the whole probe, one input at a time and all in a batch."""
    with torch.inference_mode():
        expected = [value.numpy() for value in scorer(torch.from_numpy(probe.copy()))]
    single = [runtime.run(probe[i : i + 1]) for i in range(len(probe))]
    joined = [np.concatenate(values) for values in zip(*single, strict=True)]
    batched = runtime.run(probe)
    return float(
        max(
            np.abs(found - value).max()
            for answer in (joined, batched)
            for found, value in zip(answer, expected, strict=True)
        )
    )


def _trace(scorer: nn.Module, example: npt.NDArray[np.uint8], form: GraphForm) -> onnx.ModelProto:
    free = {
        axis: torch.export.Dim(name, min=1, max=MAX_BATCH) for axis, name in form.free_axes.items()
    }
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter warns about torch's own internals
        program = torch.onnx.export(
            scorer,
            (torch.from_numpy(example.copy()),),
            dynamo=True,
            dynamic_shapes=(free,),
            input_names=[form.input],
            output_names=list(form.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def _store_half(model: onnx.ModelProto) -> None:
    """Store large float32 weights as float16 where that loses nothing, with a Cast behind each."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(weight)
        half = values.astype(np.float16)
        if values.size < 4096 or not np.array_equal(half.astype(np.float32), values):
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: stack traces with this machine's paths, and inferred shapes."""
    graph = model.graph
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
