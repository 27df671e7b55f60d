"""Models that judge the face in a picture, and clips by some of their frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

import numpy as np

from bonafide.capture.image import decode_image
from bonafide.capture.multimodal import DepthUnit
from bonafide.capture.spread import decode_spread
from bonafide.capture.video import ClipReader, decode_clip
from bonafide.deploy.detector import Detector, Examination, Stopwatch
from bonafide.deploy.files import with_damage
from bonafide.deploy.view_clips import ViewClipDetector
from bonafide.service.served import GREY, UPLOAD, Guidance, ServedDetector, Upload
from bonafide.service.settings import ServiceSettings

Looking = TypeVar("Looking", bound=Detector | ViewClipDetector)


class _ServedPictures(ServedDetector[Looking], ABC):
    """What both sorts take: a photo, or a clip of any length."""

    takes: tuple[str, ...] = ("photo", "clip")
    modalities: tuple[str, ...] = ("rgb",)
    window_s: float | None = None
    depth_unit: DepthUnit | None = None

    def __init__(self, detector: Looking, settings: ServiceSettings) -> None:
        super().__init__(detector, settings)
        record = detector.scorer.record
        self.guidance: Guidance | None = Guidance(
            detector.faces, record.scales, record.crop_px, detector.limits, settings.photo
        )

    def examine(self, upload: Upload, watch: Stopwatch) -> Examination:
        """See `Served`."""
        content = bytes(upload.parts["file"])
        if upload.kind == "photo":
            frame = decode_image(content, UPLOAD, self._settings.photo)
            watch.lap("decode")
            return self._detector.examine(frame.rgb, watch)
        with self._open(content) as opened:
            watch.lap("decode")
            return with_damage(self._detector.examine_clip(opened, watch), opened.report)

    def warm_up(self) -> None:
        """See `Served`."""
        side = self._detector.scorer.record.crop_px
        self._detector.examine(GREY)
        self._detector.scorer.score(np.zeros((1, self._views, side, side, 3), np.uint8))

    @abstractmethod
    def _open(self, content: bytes) -> ClipReader:
        """A clip, of which the frames that the model wants are delivered."""

    @property
    @abstractmethod
    def _views(self) -> int:
        """How many pictures the model judges together."""


class ServedFaces(_ServedPictures[Detector]):
    """A model that judges a face in a picture, and a clip frame by frame."""

    def _open(self, content: bytes) -> ClipReader:
        settings = self._settings
        return decode_clip(content, UPLOAD, settings.clip, sample_hz=settings.sample_hz)

    @property
    def _views(self) -> int:
        return len(self._detector.scorer.record.scales)


class ServedViewClips(_ServedPictures[ViewClipDetector]):
    """A rival of the catalogue that judges frames of a whole clip together."""

    def _open(self, content: bytes) -> ClipReader:
        return decode_spread(content, UPLOAD, self._detector.frames, self._settings.clip)

    @property
    def _views(self) -> int:
        return self._detector.frames
