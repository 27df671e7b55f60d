"""What a deployed model says about itself: preprocessing, operating point, provenance.

The record travels inside the ONNX file's metadata and beside it as JSON, so that nobody has to
guess a crop scale, a colour order or a threshold.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from bonafide.decision.operating_point import OperatingPoint, parse_operating_point
from bonafide.types import BonafideError

METADATA_KEY = "bonafide"
FORMAT = 1


@dataclass(frozen=True)
class ModelRecord:
    """The record of one exported model.

    Attributes:
        name: such as "ms-fans".
        version: of the model; changes whenever its weights do.
        family: the models/ file that it was built from.
        scales: crop scales in input order.
        crop_px: side of the square crops.
        input: what the graph takes, in words.
        score: what the graph's score means, in words.
        operating_point: threshold and the evidence behind it.
        trained_on: the data's name; simulated data says so.
        provenance: seed, commit, data digest, counts, settings; whatever the run recorded.
    """

    name: str
    version: str
    family: str
    scales: tuple[float, ...]
    crop_px: int
    input: str
    score: str
    operating_point: OperatingPoint
    trained_on: str
    provenance: dict[str, Any]

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)


def parse_record(text: str, *, where: str) -> ModelRecord:
    """Read a record from the JSON text in a model's metadata.

    Raises:
        BonafideError: it is not a record of a format that this version reads.
    """
    try:
        values = json.loads(text)
        if values.pop("format") != FORMAT:
            raise KeyError("format")
        point = parse_operating_point(json.dumps(values.pop("operating_point")), where=where)
        scales = tuple(float(scale) for scale in values.pop("scales"))
        return ModelRecord(operating_point=point, scales=scales, **values)
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BonafideError(
            f"its record cannot be read ({error}).",
            where=where,
            remedy="Export the model again with this version: bonafide export RUN MODEL.onnx.",
        ) from error
