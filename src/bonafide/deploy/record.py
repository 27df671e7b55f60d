"""What a deployed model says about itself: preprocessing, operating point, provenance.

The record travels inside the ONNX file's metadata and beside it as JSON, so that nobody has to
guess a crop scale, a colour order or a threshold. Every family of models has the same record; what
one family alone needs to know stands in its ``preprocessing``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from bonafide.decision.operating_point import OperatingPoint, parse_operating_point
from bonafide.types import BonafideError

METADATA_KEY = "bonafide"
FORMAT = 2
"""1, still read: ``scales`` and ``crop_px`` stood beside the others; every model was MS-FANS."""


@dataclass(frozen=True)
class ModelRecord:
    """The record of one exported model.

    Attributes:
        name: such as "ms-fans".
        version: of the model; changes whenever its weights do.
        family: the models/ file that it was built from; decides how it is run.
        preprocessing: from a picture or clip to the network's input, in plain JSON values. Of
            ms_fans: "scales" in input order and "crop_px".
        input: what the graph takes, in words.
        score: what the graph's score means, in words.
        operating_point: threshold and the evidence behind it.
        trained_on: the data's name; simulated data says so.
        provenance: seed, commit, data digest, counts, settings; whatever the run recorded.
    """

    name: str
    version: str
    family: str
    preprocessing: dict[str, Any]
    input: str
    score: str
    operating_point: OperatingPoint
    trained_on: str
    provenance: dict[str, Any]

    @property
    def scales(self) -> tuple[float, ...]:
        """Crop scales in input order; of ms_fans."""
        return tuple(float(scale) for scale in self.preprocessing["scales"])

    @property
    def crop_px(self) -> int:
        """Side of the square crops; of ms_fans."""
        return int(self.preprocessing["crop_px"])

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
        written = values.pop("format")
        if written == 1:
            values["preprocessing"] = {name: values.pop(name) for name in ("scales", "crop_px")}
        elif written != FORMAT:
            raise KeyError("format")
        point = parse_operating_point(json.dumps(values.pop("operating_point")), where=where)
        return ModelRecord(operating_point=point, **values)
    except (json.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BonafideError(
            f"its record cannot be read ({error}).",
            where=where,
            remedy="Export the model again with this version: bonafide export RUN MODEL.onnx.",
        ) from error
