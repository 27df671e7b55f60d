"""The three sorts of models that a service can run, behind one small interface.

A model of faces judges photos, and clips frame by frame; a clip model judges clips as a whole; a
cascade judges colour, depth and infrared together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.image import decode_image
from bonafide.capture.multimodal import DepthUnit, decode_multimodal
from bonafide.capture.video import decode_clip
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.answer import ModelId, face_to_json
from bonafide.deploy.clip_detector import ClipDetector
from bonafide.deploy.detector import Detector, Examination, Stopwatch
from bonafide.deploy.files import with_damage
from bonafide.deploy.load import load_detector
from bonafide.deploy.onnx_metadata import family_of_file
from bonafide.face.detect import FaceDetector
from bonafide.face.prepare import PreparedFace, prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.service.answers import reason_to_json
from bonafide.service.settings import ServiceSettings
from bonafide.service.wire import PARTS
from bonafide.types import Frame, RgbImage

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
    """

    takes: tuple[str, ...]
    modalities: tuple[str, ...]
    window_s: float | None
    depth_unit: DepthUnit | None

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

    def guide(self, picture: Media) -> dict[str, Any]:
        """A quick look at one camera frame, without a verdict.

        Raises:
            CaptureError: the frame cannot be read.
        """
        ...

    def warm_up(self) -> None:
        """Run everything once."""
        ...


class ServedFaces:
    """A model that judges a face in a picture."""

    takes: tuple[str, ...] = ("photo", "clip")
    modalities: tuple[str, ...] = ("rgb",)
    window_s: float | None = None
    depth_unit: DepthUnit | None = None

    def __init__(self, detector: Detector, settings: ServiceSettings) -> None:
        self._detector, self._settings = detector, settings

    @property
    def model_id(self) -> ModelId:
        """See `Served`."""
        return self._detector.model_id

    @property
    def point(self) -> OperatingPoint:
        """See `Served`."""
        return self._detector.operating_point

    def with_point(self, point: OperatingPoint) -> Self:
        """See `Served`."""
        old = self._detector
        return type(self)(Detector(old.scorer, old.faces, point, old.limits), self._settings)

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

    def guide(self, picture: Media) -> dict[str, Any]:
        """See `Served`."""
        one, record = self._detector, self._detector.scorer.record
        frame = decode_image(bytes(picture), UPLOAD, self._settings.photo)
        return _guidance(frame.rgb, one.faces, record.scales, record.crop_px, one.limits)

    def warm_up(self) -> None:
        """See `Served`."""
        self._detector.examine(_GREY)


class ServedClips:
    """A model that judges a clip as a whole."""

    takes: tuple[str, ...] = ("clip",)
    modalities: tuple[str, ...] = ("rgb",)
    depth_unit: DepthUnit | None = None

    def __init__(self, detector: ClipDetector, settings: ServiceSettings) -> None:
        self._detector, self._settings = detector, settings
        self.window_s: float | None = detector.settings.window_s

    @property
    def model_id(self) -> ModelId:
        """See `Served`."""
        return self._detector.model_id

    @property
    def point(self) -> OperatingPoint:
        """See `Served`."""
        return self._detector.operating_point

    def with_point(self, point: OperatingPoint) -> Self:
        """See `Served`."""
        old = self._detector
        return type(self)(ClipDetector(old.scorer, old.faces, point, old.limits), self._settings)

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

    def guide(self, picture: Media) -> dict[str, Any]:
        """See `Served`."""
        one, clip = self._detector, self._detector.settings
        frame = decode_image(bytes(picture), UPLOAD, self._settings.photo)
        return _guidance(frame.rgb, one.faces, (1.0,), clip.side_px, one.limits)

    def warm_up(self) -> None:
        """See `Served`."""
        clip = self._detector.settings
        self._detector.faces.detect(_GREY)
        shape = max(clip.frames, 2), clip.side_px, clip.side_px, 3
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


class ServedCaptures:
    """A cascade that judges colour, depth and infrared together."""

    takes: tuple[str, ...] = ("multimodal",)
    modalities: tuple[str, ...] = ("rgb", "depth", "infrared")
    window_s: float | None = None

    def __init__(self, detector: CascadeDetector, settings: ServiceSettings) -> None:
        self._detector, self._settings = detector, settings
        self.depth_unit: DepthUnit | None = detector.unit

    @property
    def model_id(self) -> ModelId:
        """See `Served`."""
        return self._detector.model_id

    @property
    def point(self) -> OperatingPoint:
        """See `Served`; of the last stage."""
        return self._detector.operating_point

    def with_point(self, point: OperatingPoint) -> Self:
        """See `Served`; the last stage's point is replaced."""
        from bonafide.deploy.cascade import CascadeDetector

        old = self._detector
        return type(self)(CascadeDetector(old.model, old.faces, old.limits, point), self._settings)

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

    def guide(self, picture: Media) -> dict[str, Any]:
        """Never asked: a browser's camera has no depth, and `takes` has no clip."""
        raise NotImplementedError

    def warm_up(self) -> None:
        """See `Served`."""
        self._detector.faces.detect(_GREY)


_GREY: RgbImage = np.full((96, 96, 3), 90, np.uint8)


def load_served(settings: ServiceSettings) -> Served:
    """The model that the settings name.

    Raises:
        BonafideError: it cannot be read, or its family is unknown.
    """
    model = Path(settings.model)
    if family_of_file(model) == "cascade":
        from bonafide.deploy.cascade import CascadeDetector  # other models need nothing of it

        return ServedCaptures(
            CascadeDetector.load(model, min_face_px=settings.min_face_px), settings
        )
    detector = load_detector(model, min_face_px=settings.min_face_px)
    if isinstance(detector, ClipDetector):
        return ServedClips(detector, settings)
    return ServedFaces(detector, settings)


def _guidance(
    rgb: RgbImage,
    faces: FaceDetector,
    scales: Sequence[float],
    crop_px: int,
    limits: QualityLimits,
) -> dict[str, Any]:
    """Where the face is, and what to do better."""
    prepared: PreparedFace = prepare_face(rgb, faces.detect(rgb), scales, crop_px, limits)
    height, width = rgb.shape[:2]
    return {
        "ready": prepared.crops is not None,
        "width_px": width,
        "height_px": height,
        "reasons": [reason_to_json(reason) for reason in prepared.reasons],
        "faces": [face_to_json(face) for face in prepared.faces],
    }
