"""Models that judge colour, depth and infrared together."""

from __future__ import annotations

import numpy as np

from bonafide.capture.image import decode_image
from bonafide.capture.multimodal import DepthUnit, decode_multimodal
from bonafide.deploy.cascade import CascadeDetector
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.deploy.rival_file import MODALITIES
from bonafide.deploy.view_captures import ViewCaptureDetector
from bonafide.face.prepare import decode_registered
from bonafide.service.served import GREY, Guidance, Judging, ServedDetector, Upload
from bonafide.service.settings import ServiceSettings
from bonafide.service.wire import PARTS


def files_of(upload: Upload) -> tuple[bytes, bytes, bytes]:
    """Colour, depth and infrared."""
    rgb, depth, infrared = (bytes(upload.parts[name]) for name in PARTS["multimodal"])
    return rgb, depth, infrared


class _ServedCaptures(ServedDetector[Judging]):
    """What both sorts take: three registered pictures of one moment."""

    takes: tuple[str, ...] = ("multimodal",)
    modalities: tuple[str, ...] = ("rgb", "depth", "infrared")
    window_s: float | None = None
    guidance: Guidance | None = None


class ServedCascade(_ServedCaptures[CascadeDetector]):
    """A cascade: depth in millimetres, of the unit that it was trained with if none is stated."""

    def __init__(self, detector: CascadeDetector, settings: ServiceSettings) -> None:
        super().__init__(detector, settings)
        self.depth_unit: DepthUnit | None = detector.unit

    def examine(self, upload: Upload, watch: Stopwatch) -> Examination:
        """See `Served`."""
        rgb, depth, infrared = files_of(upload)
        unit = self.depth_unit if upload.unit is None else upload.unit
        capture = decode_multimodal(
            rgb, depth, infrared, unit, self._settings.photo, one_view=self._detector.one_view
        )
        watch.lap("decode")
        return self._detector.examine(capture, watch)

    def warm_up(self) -> None:
        """See `Served`."""
        self._detector.faces.detect(GREY)


class ServedViewCaptures(_ServedCaptures[ViewCaptureDetector]):
    """A rival of the catalogue: depth of 8 bits is a picture, unless a unit is stated."""

    depth_unit: DepthUnit | None = None

    def examine(self, upload: Upload, watch: Stopwatch) -> Examination:
        """See `Served`."""
        rgb, depth, infrared = files_of(upload)
        limits = self._settings.photo
        colour = decode_image(rgb, "rgb", limits).rgb
        others = decode_registered(depth, infrared, limits, upload.unit)
        watch.lap("decode")
        return self._detector.examine(colour, others, watch)

    def warm_up(self) -> None:
        """See `Served`."""
        side = self._detector.scorer.record.crop_px
        self._detector.faces.detect(GREY)
        self._detector.scorer.score(np.zeros((1, MODALITIES, side, side, 3), np.uint8))
