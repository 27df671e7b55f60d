"""The three sorts of models that a service can run, behind one small interface.

A model of faces judges photos, and clips frame by frame; a clip model judges clips as a whole; a
cascade judges colour, depth and infrared together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import numpy as np

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.image import decode_image
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import DepthUnit, decode_multimodal
from bonafide.capture.video import decode_clip
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.answer import ModelId, face_to_json
from bonafide.deploy.clip_detector import ClipDetector
from bonafide.deploy.detector import Detector, Examination, Stopwatch
from bonafide.deploy.files import with_damage
from bonafide.deploy.load import VIEW_CLIP_FAMILIES, load_detector
from bonafide.deploy.onnx_metadata import family_of_file
from bonafide.deploy.rival_file import CAPTURE_FAMILY
from bonafide.face.detect import FaceDetector
from bonafide.face.prepare import prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.service.answers import reason_to_json
from bonafide.service.settings import ServiceSettings
from bonafide.service.wire import PARTS
from bonafide.types import BonafideError, Frame, RgbImage

if TYPE_CHECKING:
    from bonafide.deploy.cascade import CascadeDetector

Media = bytes | bytearray | memoryview
UPLOAD = "upload"
"""How messages call an upload; its own name stays with the client."""


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

    def examine(
        self,
        kind: str,
        parts: Mapping[str, Media],
        unit: tuple[float, float] | None,
        watch: Stopwatch,
    ) -> Examination:
        """Judge an upload.

        Args:
            kind: one of ``takes``.
            parts: its files.
            unit: mm per level and offset in mm of the depth; None for the model's own.
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


class _ServedDetector(Generic[Judging]):
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


class ServedFaces(_ServedDetector[Detector]):
    """A model that judges a face in a picture."""

    takes: tuple[str, ...] = ("photo", "clip")
    modalities: tuple[str, ...] = ("rgb",)
    window_s: float | None = None
    depth_unit: DepthUnit | None = None

    def __init__(self, detector: Detector, settings: ServiceSettings) -> None:
        super().__init__(detector, settings)
        record = detector.scorer.record
        self.guidance: Guidance | None = Guidance(
            detector.faces, record.scales, record.crop_px, detector.limits, settings.photo
        )

    def examine(
        self,
        kind: str,
        parts: Mapping[str, Media],
        unit: tuple[float, float] | None,
        watch: Stopwatch,
    ) -> Examination:
        """See `Served`."""
        del unit  # no depth
        settings, content = self._settings, bytes(parts["file"])
        if kind == "photo":
            frame = decode_image(content, UPLOAD, settings.photo)
            watch.lap("decode")
            return self._detector.examine(frame.rgb, watch)
        with decode_clip(content, UPLOAD, settings.clip, sample_hz=settings.sample_hz) as opened:
            watch.lap("decode")
            return with_damage(self._detector.examine_clip(opened, watch), opened.report)

    def warm_up(self) -> None:
        """See `Served`."""
        self._detector.examine(_GREY)


class ServedClips(_ServedDetector[ClipDetector]):
    """A model that judges a clip as a whole."""

    takes: tuple[str, ...] = ("clip",)
    modalities: tuple[str, ...] = ("rgb",)
    depth_unit: DepthUnit | None = None

    def __init__(self, detector: ClipDetector, settings: ServiceSettings) -> None:
        super().__init__(detector, settings)
        clip = detector.settings
        self.window_s: float | None = clip.window_s
        self.guidance: Guidance | None = Guidance(
            detector.faces, (1.0,), clip.side_px, detector.limits, settings.photo
        )

    def examine(
        self,
        kind: str,
        parts: Mapping[str, Media],
        unit: tuple[float, float] | None,
        watch: Stopwatch,
    ) -> Examination:
        """See `Served`."""
        del kind, unit  # clips only, and no depth
        window = _ClipWindow(bytes(parts["file"]), self._detector.settings.window_s, self._settings)
        examination = self._detector.examine_clip(window, watch)
        return with_damage(examination, window.report)

    def warm_up(self) -> None:
        """See `Served`."""
        clip = self._detector.settings
        self._detector.faces.detect(_GREY)
        shape = max(clip.frames, 3), clip.side_px, clip.side_px, 3
        self._detector.scorer.score_clip(np.zeros(shape, np.uint8))


class _ClipWindow:
    """The window of a clip in memory, read as often as asked; a `cues.clip_frames.FramesOf`."""

    def __init__(self, content: bytes, window_s: float, settings: ServiceSettings) -> None:
        self.report: ClipReport | None = None
        self._content, self._window_s, self._limits = content, window_s, settings.clip

    def __call__(self, sample_hz: float | None) -> Iterator[Frame]:
        opened = decode_clip(
            self._content, UPLOAD, self._limits, sample_hz=sample_hz, until_s=self._window_s
        )
        with opened as clip:
            self.report = clip.report
            yield from clip


class ServedCaptures(_ServedDetector["CascadeDetector"]):
    """A cascade that judges colour, depth and infrared together."""

    takes: tuple[str, ...] = ("multimodal",)
    modalities: tuple[str, ...] = ("rgb", "depth", "infrared")
    window_s: float | None = None
    guidance: Guidance | None = None

    def __init__(self, detector: CascadeDetector, settings: ServiceSettings) -> None:
        super().__init__(detector, settings)
        self.depth_unit: DepthUnit | None = detector.unit

    def examine(
        self,
        kind: str,
        parts: Mapping[str, Media],
        unit: tuple[float, float] | None,
        watch: Stopwatch,
    ) -> Examination:
        """See `Served`."""
        del kind  # captures only
        capture = decode_multimodal(
            *(bytes(parts[name]) for name in PARTS["multimodal"]),
            unit=self.depth_unit if unit is None else DepthUnit(*unit),
            limits=self._settings.photo,
            one_view=self._detector.one_view,
        )
        watch.lap("decode")
        return self._detector.examine(capture, watch)

    def warm_up(self) -> None:
        """See `Served`."""
        self._detector.faces.detect(_GREY)


_GREY: RgbImage = np.full((96, 96, 3), 90, np.uint8)


def load_served(settings: ServiceSettings) -> Served:
    """The model that the settings name.

    Raises:
        BonafideError: it cannot be read, or the service cannot run its family.
    """
    model = Path(settings.model)
    family = family_of_file(model)
    if family in (*VIEW_CLIP_FAMILIES, CAPTURE_FAMILY):
        raise BonafideError(
            f"holds a model of family {family!r}, which the service does not run.",
            where=str(model),
            remedy="It judges files: use `bonafide check` or `bonafide score`.",
        )
    if family == "cascade":
        from bonafide.deploy.cascade import CascadeDetector  # other models need nothing of it

        return ServedCaptures(
            CascadeDetector.load(model, min_face_px=settings.min_face_px), settings
        )
    detector = load_detector(model, min_face_px=settings.min_face_px)
    if isinstance(detector, ClipDetector):
        return ServedClips(detector, settings)
    return ServedFaces(detector, settings)
