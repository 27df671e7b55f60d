"""Export a trained network to ONNX, and refuse to write a file that answers differently."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import nn

from bonafide.deploy.graph import GraphForm, graph_of
from bonafide.deploy.record import METADATA_KEY, ModelRecord
from bonafide.deploy.runtime import OnnxModel
from bonafide.models.motion_cnn_lstm import MotionCnnLstm, MotionScorer
from bonafide.models.ms_fans import MsFans, MsFansScorer
from bonafide.models.recapture_fusion import RecaptureFusion
from bonafide.models.recapture_net import RecaptureNet, RecaptureScorer
from bonafide.models.skin_colour import SkinColour, SkinColourScorer
from bonafide.types import BonafideError

PARITY = 1e-4
"""Largest difference of a score or alpha between torch and ONNX Runtime that is let pass."""

FaceNetwork = MsFans | SkinColour | RecaptureNet | RecaptureFusion
"""A network that judges the crops of a face."""

CROPS_FORM = GraphForm("crops", ("score", "alpha"), {0: "batch"})


def export_onnx(
    network: FaceNetwork,
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


def face_scorer(network: FaceNetwork) -> nn.Module:
    """The deployed form of a network: uint8 crops in, score and scale weights out."""
    if isinstance(network, RecaptureFusion):
        return network.eval()
    if isinstance(network, RecaptureNet):
        return RecaptureScorer(network).eval()
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
    model = graph_of(scorer, probes[0][:2], form)
    return write_checked(
        model, record, out, lambda runtime: max(parity(scorer, runtime, one) for one in probes)
    )


def write_checked(
    model: onnx.ModelProto,
    record: ModelRecord,
    out: Path,
    difference_of: Callable[[OnnxModel], float],
) -> float:
    """Write a graph and its record, unless it answers differently from the run.

    Args:
        model: without metadata.
        record: goes into it.
        out: the file to write.
        difference_of: the largest difference between the written file's answers and the run's.

    Returns:
        that difference.

    Raises:
        BonafideError: it is more than 1e-4, or no number; nothing is written.
    """
    onnx.helper.set_model_props(model, {METADATA_KEY: record.to_json()})
    onnx.checker.check_model(model)
    scratch = out.with_suffix(".partial")
    scratch.write_bytes(model.SerializeToString())
    try:
        difference = difference_of(OnnxModel(scratch))
        if not difference <= PARITY:
            raise BonafideError(
                f"the run and ONNX Runtime differ by {difference:.2g}, more than {PARITY}.",
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
