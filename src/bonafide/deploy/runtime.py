"""Run an exported model with ONNX Runtime and numpy alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from bonafide.deploy.record import METADATA_KEY, ModelRecord, parse_record
from bonafide.types import BonafideError

SHIPPED = {
    "recapture-fusion": Path(__file__).parent / "shipped" / "recapture_fusion.onnx",
    "skin-colour": Path(__file__).parent / "shipped" / "skin_colour.onnx",
    "ms-fans": Path(__file__).parent / "shipped" / "ms_fans.onnx",
}
"""The models that the package brings, by name; their cards are docs/model-card*.md."""

SHIPPED_MODEL = SHIPPED["recapture-fusion"]
"""The one that is used when none is named."""

FACE_FAMILIES = ("ms_fans", "skin_colour", "recapture_net", "recapture_fusion", "rival")
"""Families whose graphs take crops (faces, n, crop_px, crop_px, 3) and give score and alpha."""


@dataclass(frozen=True)
class CropScores:
    """What a model says of a batch of faces.

    Attributes:
        score: (faces,) float32, 0..1, higher is more bona fide.
        alpha: (faces, n) float32, the weight of each scale.
    """

    score: npt.NDArray[np.float32]
    alpha: npt.NDArray[np.float32]


class OnnxModel:
    """An exported network of any family with its record: one input, some outputs.

    Attributes:
        record: what the file says of itself.
        sha256: of the file.
        path: where it lies.
    """

    def __init__(self, path: Path = SHIPPED_MODEL, *, threads: int = 1) -> None:
        """Load a model.

        Args:
            path: an ONNX file that `bonafide export` wrote.
            threads: of one forward pass.

        Raises:
            BonafideError: the file is missing, not ONNX, or carries no record of ours.
        """
        self.path = path
        content, self._session = open_model(path, threads)
        self.sha256 = hashlib.sha256(content).hexdigest()
        metadata = _metadata_of(self._session, path)
        if METADATA_KEY not in metadata:
            raise BonafideError(
                "has no bonafide record in its metadata, so its preprocessing is unknown.",
                where=str(path),
                remedy="Use a file written by `bonafide export`.",
            )
        self.record: ModelRecord = parse_record(metadata[METADATA_KEY], where=str(path))

    def run(self, value: npt.NDArray[Any]) -> list[npt.NDArray[np.float32]]:
        """The graph's outputs in their order for its one input."""
        return self.run_named({self._session.get_inputs()[0].name: value})

    def run_named(self, values: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
        """The graph's outputs in their order, for a value of each of its inputs."""
        return [np.asarray(output) for output in self._session.run(None, dict(values))]

    def check_family(self, *families: str) -> None:
        """Refuse a model of other families than the caller can run.

        Raises:
            BonafideError: as said.
        """
        if self.record.family not in families:
            raise BonafideError(
                f"holds a model of family {self.record.family}, not {' or '.join(families)}.",
                where=str(self.path),
                remedy="Load it with bonafide.deploy.load.load_detector, which takes any family.",
            )


class OnnxScorer(OnnxModel):
    """An exported model that judges the crops of a face: one of `FACE_FAMILIES`."""

    def __init__(self, path: Path = SHIPPED_MODEL, *, threads: int = 1) -> None:
        """As `OnnxModel`.

        Raises:
            BonafideError: besides, a model of another family.
        """
        super().__init__(path, threads=threads)
        self.check_family(*FACE_FAMILIES)

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """Score faces in one forward pass.

        Args:
            crops: (faces, n, crop_px, crop_px, 3) uint8 RGB, scales as in the record.

        Raises:
            BonafideError: shape or dtype differ from the record.
        """
        side = self.record.crop_px
        expected = (len(self.record.scales), side, side, 3)
        if crops.dtype != np.uint8 or crops.shape[1:] != expected:
            raise BonafideError(
                f"crops of shape {crops.shape} and type {crops.dtype} do not fit.",
                where=str(self.path),
                remedy=f"The model takes uint8 RGB crops of shape (faces, {expected}).",
            )
        score, alpha = self.run(crops)
        return CropScores(score, alpha)


def model_path(model: Path | str | None) -> Path:
    """Where a model lies: a file, a run folder, a name of `SHIPPED`, or None for the usual one.

    >>> model_path("ms-fans").name
    'ms_fans.onnx'
    """
    if model is None:
        return SHIPPED_MODEL
    return SHIPPED.get(str(model), Path(model))


def open_model(path: Path, threads: int) -> tuple[bytes, onnxruntime.InferenceSession]:
    """Open any ONNX file on the CPU.

    Returns:
        the file's bytes, and a session with so many threads.

    Raises:
        BonafideError: the file is missing or not ONNX.
    """
    content = read_model(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return content, _open_session(content, options, path)


def read_model(path: Path) -> bytes:
    """The content of a model file.

    Raises:
        BonafideError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Name a model.onnx that `bonafide export` wrote.",
        ) from error


def _metadata_of(session: onnxruntime.InferenceSession, path: Path) -> dict[str, str]:
    try:
        return dict(session.get_modelmeta().custom_metadata_map)
    except UnicodeDecodeError as error:
        raise BonafideError(
            "its metadata is damaged: no UTF-8.",
            where=str(path),
            remedy="Copy the file again, or export the model anew.",
        ) from error


def _open_session(
    content: bytes, options: onnxruntime.SessionOptions, path: Path
) -> onnxruntime.InferenceSession:
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # ONNX Runtime's own errors share no public base class below Exception.
    except Exception as error:
        raise BonafideError(
            f"not a model that ONNX Runtime can load ({str(error).splitlines()[0]}).",
            where=str(path),
            remedy="Name a model.onnx that `bonafide export` wrote.",
        ) from error
