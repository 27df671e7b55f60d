"""An exported cascade: one ONNX file, one or two nets, run without torch.

Two nets share one graph whose only node is an If: it runs the net that is asked for and leaves the
other alone, so a capture that D-Net rejects never costs M-Net. The record's preprocessing holds,
beside "align" (see `capture_cache.AlignSettings`), "stages" in the order in which they are asked:
"name", "input" of the graph, "planes" (see `plane_form.PlaneForm`) and "operating_point".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.cues.aligned_capture import Planes
from bonafide.cues.plane_form import PlaneForm
from bonafide.decision.operating_point import OperatingPoint, parse_operating_point
from bonafide.deploy.answer import ModelId
from bonafide.deploy.cascade_model import FAMILY, CascadeModel, Stage
from bonafide.deploy.runtime import OnnxModel
from bonafide.training.capture_cache import AlignSettings
from bonafide.types import BonafideError

SECOND_ASKED = "second"
"""Input of a graph of two nets: a bool, whether the second net is asked, or the first."""


def cascade_of_file(path: Path, threads: int = 1) -> CascadeModel:
    """Load an exported cascade.

    Raises:
        BonafideError: the file is missing, not ONNX, of another family, or its record is damaged.
    """
    model = OnnxModel(path, threads=threads)
    if model.record.family != FAMILY:
        raise BonafideError(
            f"is no cascade but a model of family {model.record.family}.",
            where=str(path),
            remedy="Name a cascade for colour, depth and infrared; this one judges pictures alone.",
        )
    record = model.record
    try:
        align = AlignSettings(**record.preprocessing["align"])
        about = record.preprocessing["stages"]
        stages = tuple(_stage(model, about, number) for number in range(len(about)))
        if not 1 <= len(stages) <= 2:
            raise ValueError(f"{len(stages)} stages")
    except (KeyError, TypeError, ValueError) as error:
        raise BonafideError(
            f"its record of a cascade cannot be read ({error!r}).",
            where=str(path),
            remedy="Export it again with this version: bonafide export RUN MODEL.onnx.",
        ) from error
    identity = ModelId(record.name, record.version, model.sha256, record.trained_on)
    return CascadeModel(stages, align, identity)


def stage_about(
    name: str, given: str, form: PlaneForm, point: OperatingPoint, trained_on: str
) -> dict[str, Any]:
    """What the record says of one stage."""
    return {
        "name": name,
        "input": given,
        "planes": asdict(form),
        "operating_point": asdict(point),
        "trained_on": trained_on,
    }


def _stage(model: OnnxModel, about: list[dict[str, Any]], number: int) -> Stage:
    own = about[number]
    point = parse_operating_point(json.dumps(own["operating_point"]), where=str(model.path))
    form = PlaneForm(**own["planes"])
    return Stage(own["name"], form, stage_scores(model, number), point)


def stage_scores(model: OnnxModel, number: int) -> Callable[[Planes], npt.NDArray[np.float32]]:
    """Ask the net of one stage alone; planes of another shape than the record's are refused."""
    stages = model.record.preprocessing["stages"]
    side = int(model.record.preprocessing["align"]["crop_px"])
    forms = [PlaneForm(**stage["planes"]) for stage in stages]
    others: dict[str, npt.NDArray[Any]] = {}
    if len(stages) > 1:
        others = {
            stage["input"]: np.zeros((0, side, side, form.channels), np.uint8)
            for stage, form in zip(stages, forms, strict=True)
        }
        others[SECOND_ASKED] = np.array(number == 1)
    expected = (side, side, forms[number].channels)

    def scores(planes: Planes) -> npt.NDArray[np.float32]:
        if planes.dtype != np.uint8 or planes.shape[1:] != expected:
            raise BonafideError(
                f"planes of shape {planes.shape} and type {planes.dtype} do not fit.",
                where=str(model.path),
                remedy=f"{stages[number]['name']} takes uint8 planes of shape (n, {expected}).",
            )
        return model.run_named({**others, stages[number]["input"]: planes})[0]

    return scores
