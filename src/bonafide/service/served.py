"""What every sort of model behind the service offers, whatever it judges.

`served_pictures`, `served_clips` and `served_captures` are the sorts; `load` tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from bonafide.capture.image import decode_image
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import DepthUnit
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.answer import ModelId, face_to_json
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.face.detect import FaceDetector
from bonafide.face.prepare import prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.service.answers import reason_to_json
from bonafide.service.settings import ServiceSettings
from bonafide.types import RgbImage

Media = bytes | bytearray | memoryview
UPLOAD = "upload"
"""How messages call an upload; its own name stays with the client."""

GREY: RgbImage = np.full((96, 96, 3), 90, np.uint8)
"""What models are warmed up with: no face."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent.

    Attributes:
        kind: one of `wire.PARTS`.
        parts: its files by their names there.
        unit: of the depth, as stated; None for the model's own, or no depth.
    """

    kind: str
    parts: Mapping[str, Media]
    unit: DepthUnit | None = None


class Served(Protocol):
    """A model that answers uploads, by one operating point.

    Attributes:
        takes: kinds of uploads that it judges.
        modalities: that it looks at.
        window_s: seconds of a clip that it needs; None where any length will do.
        depth_unit: of depth that comes without one; None for 16-bit millimetres, or no depth.
        guidance: for whoever stands before a camera; None where a camera cannot show all that the
            model judges.
    """

    takes: tuple[str, ...]
    modalities: tuple[str, ...]
    window_s: float | None
    depth_unit: DepthUnit | None
    guidance: Guidance | None

    @property
    def model_id(self) -> ModelId:
        """Which model answers."""
        ...

    @property
    def point(self) -> OperatingPoint:
        """What it decides by."""
        ...

    def with_point(self, point: OperatingPoint) -> Self:
        """The same model, deciding by another point."""
        ...

    def examine(self, upload: Upload, watch: Stopwatch) -> Examination:
        """Judge an upload of a kind that it takes.

        Args:
            upload: what was sent.
            watch: times decoding and judging.

        Raises:
            CaptureError: a file cannot be read; ``where`` names the part or `UPLOAD`.
        """
        ...

    def warm_up(self) -> None:
        """Run everything once."""
        ...


@dataclass(frozen=True, slots=True)
class Guidance:
    """A quick look at one frame of a camera, without a verdict.

    Attributes:
        faces: finds the faces.
        scales, crop_px: of the crops that the model would judge.
        limits: of quality.
        photo: on what a frame may be.
    """

    faces: FaceDetector
    scales: Sequence[float]
    crop_px: int
    limits: QualityLimits
    photo: Limits

    def look(self, picture: Media) -> dict[str, Any]:
        """Where the face is in an encoded picture, and what to do better.

        Raises:
            CaptureError: the picture cannot be read.
        """
        rgb = decode_image(bytes(picture), UPLOAD, self.photo).rgb
        found = self.faces.detect(rgb)
        prepared = prepare_face(rgb, found, self.scales, self.crop_px, self.limits)
        height, width = rgb.shape[:2]
        return {
            "ready": prepared.crops is not None,
            "width_px": width,
            "height_px": height,
            "reasons": [reason_to_json(reason) for reason in prepared.reasons],
            "faces": [face_to_json(face) for face in prepared.faces],
        }


class AnyDetector(Protocol):
    """What all detectors have."""

    operating_point: OperatingPoint

    @property
    def model_id(self) -> ModelId:
        """Which model answers."""
        ...

    def with_point(self, point: OperatingPoint) -> Self:
        """The same detector, deciding by another point."""
        ...


Judging = TypeVar("Judging", bound=AnyDetector)


class ServedDetector(Generic[Judging]):
    """The part of `Served` that its detector answers alike, whatever it judges."""

    def __init__(self, detector: Judging, settings: ServiceSettings) -> None:
        self._detector, self._settings = detector, settings

    @property
    def model_id(self) -> ModelId:
        """See `Served`."""
        return self._detector.model_id

    @property
    def point(self) -> OperatingPoint:
        """See `Served`; of a cascade's last stage."""
        return self._detector.operating_point

    def with_point(self, point: OperatingPoint) -> Self:
        """See `Served`; of a cascade the last stage's point is replaced."""
        return type(self)(self._detector.with_point(point), self._settings)
