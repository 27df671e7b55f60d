"""Export a trained network to ONNX, and refuse to write a file that answers differently."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper

from bonafide.deploy.record import METADATA_KEY, ModelRecord
from bonafide.deploy.runtime import OnnxScorer
from bonafide.models.ms_fans import MsFans, MsFansScorer
from bonafide.types import BonafideError

PARITY = 1e-4
"""Largest difference of a score or alpha between torch and ONNX Runtime that is let pass."""

OPSET = 18
MAX_BATCH = 4096


def export_onnx(
    network: MsFans,
    record: ModelRecord,
    out: Path,
    *,
    probe: npt.NDArray[np.uint8],
) -> float:
    """Write network and record as one ONNX file, checked against torch before it appears.

    Weights that float16 holds exactly are stored so and cast when the file is loaded.

    Args:
        network: trained; on the CPU.
        record: goes into the file's metadata.
        out: the file to write.
        probe: (faces, n, crop_px, crop_px, 3) uint8 real crops, at least two, for the parity check.

    Returns:
        the largest difference found, of scores and alphas.

    Raises:
        BonafideError: torch and ONNX Runtime differ by more than 1e-4; nothing is written.
    """
    scorer = MsFansScorer(network).eval()
    model = _trace(scorer, probe[:2])
    _store_half(model)
    _forget_origin(model)
    onnx.helper.set_model_props(model, {METADATA_KEY: record.to_json()})
    onnx.checker.check_model(model)
    scratch = out.with_suffix(".partial")
    scratch.write_bytes(model.SerializeToString())
    try:
        difference = parity(scorer, OnnxScorer(scratch), probe)
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


def parity(scorer: MsFansScorer, runtime: OnnxScorer, probe: npt.NDArray[np.uint8]) -> float:
    """Largest absolute difference over the whole probe, one face at a time and all in one batch."""
    with torch.inference_mode():
        score, alpha = (value.numpy() for value in scorer(torch.from_numpy(probe)))
    single = [runtime.score(probe[i : i + 1]) for i in range(len(probe))]
    batched = runtime.score(probe)
    return float(
        max(
            np.abs(batched.score - score).max(),
            np.abs(batched.alpha - alpha).max(),
            np.abs(np.concatenate([one.score for one in single]) - score).max(),
        )
    )


def _trace(scorer: MsFansScorer, example: npt.NDArray[np.uint8]) -> onnx.ModelProto:
    batch = torch.export.Dim("batch", min=1, max=MAX_BATCH)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter warns about torch's own internals
        program = torch.onnx.export(
            scorer,
            (torch.from_numpy(example.copy()),),
            dynamo=True,
            dynamic_shapes={"crops": {0: batch}},
            input_names=["crops"],
            output_names=["score", "alpha"],
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
