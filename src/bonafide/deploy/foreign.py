"""Somebody else's ONNX model as a row: a spec says what it takes and what its output means.

Nothing about such a file is guessed: a wrong colour order or a missing division by 255 still gives
numbers that look like scores. Example:

    name = "MiniFASNetV2 of Silent-Face"
    crop = "box"                     # or "aligned"
    scale = 2.7                      # sides of the box, or of the canonical face if aligned
    size_px = 80
    channels = "bgr"                 # or "rgb"
    layout = "nchw"                  # or "nhwc"
    divide_by = 1.0                  # value = (pixel / divide_by - mean) / std
    mean = [0.0, 0.0, 0.0]           # in the order of `channels`
    std = [1.0, 1.0, 1.0]
    output = "logits"                # what the numbers are: see OUTPUTS
    bona_fide_index = 1              # of logits and probabilities
    higher_is = "bona_fide"          # of a single logit or probability; or "attack"
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.deploy.detector import Detector
from bonafide.deploy.record import ModelRecord
from bonafide.deploy.runtime import CropScores, open_model
from bonafide.face.crop import CropStack, crop_box
from bonafide.face.detect import FaceDetector
from bonafide.face.prepare import PreparedFace
from bonafide.types import BonafideError, Box, Face, RgbImage

CROPS = ("box", "aligned")
CHANNELS = ("rgb", "bgr")
LAYOUTS = ("nchw", "nhwc")
OUTPUTS = ("logits", "probabilities", "logit", "probability")
"""One number a class before or after softmax; one number before or after the logistic function."""

DIRECTIONS = ("bona_fide", "attack")

NO_POINT = OperatingPoint(
    "none", "a foreign model has no operating point yet", 0.5, DevelopmentEvidence("", "", 0, 0, 0)
)
"""Stands in the record of a model that is only scored; its decisions are never written."""


@dataclass(frozen=True)
class InputSpec:
    """What a foreign model takes and gives; every field is explained in the file's head.

    Attributes:
        name, crop, scale, size_px, channels, layout, divide_by, mean, std, output: must be stated.
        bona_fide_index: must be stated for "logits" and "probabilities", and for no other.
        higher_is: must be stated for "logit" and "probability", and for no other.
        output_name: which output of the graph; "" for its only one.
    """

    name: str
    crop: str
    scale: float
    size_px: int
    channels: str
    layout: str
    divide_by: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    output: str
    bona_fide_index: int = -1
    higher_is: str = ""
    output_name: str = ""

    def __post_init__(self) -> None:
        _one_of(self.crop, CROPS, "crop")
        _one_of(self.channels, CHANNELS, "channels")
        _one_of(self.layout, LAYOUTS, "layout")
        _one_of(self.output, OUTPUTS, "output")
        _require(self.scale > 0, "scale", "above 0")
        _require(self.size_px > 0, "size_px", "1 px or more")
        _require(self.divide_by > 0, "divide_by", "above 0, such as 255")
        _require(len(self.mean) == 3, "mean", "three numbers")
        _require(len(self.std) == 3 and all(s > 0 for s in self.std), "std", "three, above 0")
        several = self.output in ("logits", "probabilities")
        if several:
            _require(self.bona_fide_index >= 0, "bona_fide_index", "stated, 0 or more")
            _require(not self.higher_is, "higher_is", "left out where there is a bona_fide_index")
        else:
            _one_of(self.higher_is, DIRECTIONS, "higher_is")
            _require(self.bona_fide_index == -1, "bona_fide_index", "left out for a single number")


def read_spec(path: Path) -> InputSpec:
    """Read a spec from TOML.

    Raises:
        BonafideError: the file is missing or not TOML, a field is unknown, missing, of the wrong
            type or out of range; the message names it.
    """
    try:
        values: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BonafideError(
            f"cannot be read as TOML ({error}).",
            where=str(path),
            remedy="Write a spec; docs/rivals.md has one to begin with.",
        ) from error
    known = {item.name: item for item in fields(InputSpec)}
    required = [n for n in known if n not in ("bona_fide_index", "higher_is", "output_name")]
    unknown = sorted(set(values) - set(known))
    missing = [name for name in required if name not in values]
    if unknown or missing:
        raise BonafideError(
            f"unknown fields {unknown}, missing fields {missing}.",
            where=str(path),
            remedy="State every field; nothing about a model of others is guessed.",
        )
    try:
        return InputSpec(**{name: _typed(name, value) for name, value in values.items()})
    except BonafideError as error:
        raise BonafideError(
            error.problem, where=f"{path}, {error.where}", remedy=error.remedy
        ) from error


def _typed(name: str, value: Any) -> Any:
    wanted: tuple[type, ...] = (str,)
    if name in ("mean", "std"):
        good = isinstance(value, list) and all(_is_number(v) for v in value)
        _require(good, name, "a list of numbers")
        return tuple(float(v) for v in value)
    if name in ("scale", "divide_by"):
        _require(_is_number(value), name, "a number")
        return float(value)
    if name in ("size_px", "bona_fide_index"):
        wanted = (int,)
    good = isinstance(value, wanted) and not isinstance(value, bool)
    _require(good, name, "a whole number" if wanted == (int,) else "a text")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class ForeignScorer:
    """A foreign ONNX model behind the same call as one of ours.

    Attributes:
        spec: what it takes and gives.
        record: a record with what the spec says; without an operating point.
        sha256: of the file.
    """

    def __init__(self, path: Path, spec: InputSpec, *, threads: int = 1) -> None:
        """Load a model.

        Raises:
            BonafideError: the file is missing or not ONNX, has several inputs, or several outputs
                of which the spec names none.
        """
        content, self._session = open_model(path, threads)
        self.spec, self.path = spec, path
        self.sha256 = hashlib.sha256(content).hexdigest()
        inputs = [one.name for one in self._session.get_inputs()]
        outputs = [one.name for one in self._session.get_outputs()]
        if len(inputs) != 1:
            raise BonafideError(
                f"takes {len(inputs)} inputs {inputs}.",
                where=str(path),
                remedy="Only models with one picture as input can be scored.",
            )
        if spec.output_name not in outputs and (spec.output_name or len(outputs) > 1):
            raise BonafideError(
                f"has the outputs {outputs}, not {spec.output_name!r}.",
                where=str(path),
                remedy="Name one of them as output_name in the spec.",
            )
        self._input, self._output = inputs[0], spec.output_name or outputs[0]
        self.record = ModelRecord(
            name=spec.name,
            version=self.sha256[:12],
            family="foreign",
            preprocessing={"scales": [spec.scale], "crop_px": spec.size_px},
            input=f"one {spec.crop} crop, {spec.channels}, {spec.layout}, as its spec says",
            score="probability of bona fide, as its spec reads the output",
            operating_point=NO_POINT,
            trained_on="not stated",
            provenance={},
        )

    def score(self, crops: npt.NDArray[np.uint8]) -> CropScores:
        """Score faces one by one: many published graphs take a batch of 1 and no other.

        Args:
            crops: (faces, 1, size_px, size_px, 3) uint8 RGB.

        Raises:
            BonafideError: the graph refuses the input, or its output is not what the spec says.
        """
        scores = [self._one(prepared(crop[0], self.spec)) for crop in crops]
        return CropScores(np.array(scores, np.float32), np.ones((len(scores), 1), np.float32))

    def _one(self, values: npt.NDArray[np.float32]) -> float:
        try:
            [given] = self._session.run([self._output], {self._input: values[None]})
        # ONNX Runtime's own errors share no public base class below Exception.
        except Exception as error:
            raise BonafideError(
                f"refuses an input of shape {(1, *values.shape)} ({str(error).splitlines()[0]}).",
                where=str(self.path),
                remedy="Correct layout and size_px in the spec.",
            ) from error
        return bona_fide_score(np.asarray(given, np.float64).ravel(), self.spec, str(self.path))


class ForeignDetector(Detector):
    """The same faces and the same refusals as for our models, with the crop that the spec asks."""

    def __init__(self, scorer: ForeignScorer, faces: FaceDetector) -> None:
        super().__init__(scorer, faces)
        self._spec = scorer.spec

    def _prepare(self, rgb: RgbImage, faces: list[Face]) -> PreparedFace:
        ready = super()._prepare(rgb, faces)
        if ready.crops is None or ready.face is None or self._spec.crop == "aligned":
            return ready
        return replace(ready, crops=box_crop(rgb, ready.face.box, self._spec))


def box_crop(rgb: RgbImage, box: Box, spec: InputSpec) -> CropStack:
    """The square about the middle of a detector's box, ``scale`` times its longer side, upright.

    Where it reaches beyond the picture it is moved back in, and made smaller if it does not fit,
    as the models that work so do; the score then rests on the picture alone.
    """
    height, width = rgb.shape[:2]
    side = min(max(box.width, box.height) * spec.scale, width, height)
    left = min(max(box.center[0] - side / 2, 0), width - side)
    top = min(max(box.center[1] - side / 2, 0), height - side)
    crop, inside = crop_box(rgb, Box(left, top, side, side), spec.size_px)
    step = side / spec.size_px
    matrix = np.array([[step, 0, left + step / 2], [0, step, top + step / 2]])
    return CropStack(crop[None], inside[None], (spec.scale,), matrix[None])


def prepared(crop: npt.NDArray[np.uint8], spec: InputSpec) -> npt.NDArray[np.float32]:
    """A crop (size, size, 3) uint8 RGB as the model takes it, without a batch axis."""
    ordered = crop if spec.channels == "rgb" else crop[..., ::-1]
    values = (ordered.astype(np.float32) / spec.divide_by - np.array(spec.mean)) / spec.std
    moved = values.transpose(2, 0, 1) if spec.layout == "nchw" else values
    return np.ascontiguousarray(moved, np.float32)


def bona_fide_score(given: npt.NDArray[np.float64], spec: InputSpec, where: str) -> float:
    """The model's output for one face as a probability of bona fide.

    Args:
        given: (k,), all numbers of the output.
        spec: says what they are.
        where: the file, for the message.

    Raises:
        BonafideError: the number of values does not fit, a value is not finite, or a probability
            is not in 0..1.
    """
    several = spec.output in ("logits", "probabilities")
    if several and not spec.bona_fide_index < len(given) > 1:
        raise _wrong_output(f"{len(given)} values, none at {spec.bona_fide_index}", where)
    if not several and len(given) != 1:
        raise _wrong_output(f"{len(given)} values where the spec says one", where)
    if not np.isfinite(given).all():
        raise _wrong_output("a value that is not finite", where)
    if spec.output == "logits":
        shares = np.exp(given - given.max())
        return float((shares / shares.sum())[spec.bona_fide_index])
    value = float(given[spec.bona_fide_index] if several else given[0])
    if spec.output == "logit":
        value = float(0.5 + 0.5 * np.tanh(value / 2))
    if not -1e-6 <= value <= 1 + 1e-6:
        raise _wrong_output(f"{value:g}, which is no probability", where)
    value = min(max(value, 0.0), 1.0)
    return 1 - value if spec.higher_is == "attack" else value


def _wrong_output(found: str, where: str) -> BonafideError:
    return BonafideError(
        f"gives {found}.", where=where, remedy="Correct output and its index in the spec."
    )


def _one_of(value: str, allowed: Sequence[str], field: str) -> None:
    _require(value in allowed, field, f"one of {', '.join(allowed)}")


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise BonafideError(
            "is out of range.", where=f"field {field!r}", remedy=f"Allowed: {rule}."
        )
