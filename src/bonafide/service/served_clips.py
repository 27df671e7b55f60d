"""Models that judge the first seconds of a clip as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.multimodal import DepthUnit
from bonafide.capture.video import decode_clip
from bonafide.deploy.clip_detector import ClipDetector
from bonafide.deploy.detector import Examination, Stopwatch
from bonafide.deploy.files import with_damage
from bonafide.service.served import GREY, UPLOAD, Guidance, ServedDetector, Upload
from bonafide.service.settings import ServiceSettings
from bonafide.types import Frame


class ServedClips(ServedDetector[ClipDetector]):
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

    def examine(self, upload: Upload, watch: Stopwatch) -> Examination:
        """See `Served`."""
        content = bytes(upload.parts["file"])
        window = _ClipWindow(content, self._detector.settings.window_s, self._settings)
        examination = self._detector.examine_clip(window, watch)
        return with_damage(examination, window.report)

    def warm_up(self) -> None:
        """See `Served`."""
        clip = self._detector.settings
        self._detector.faces.detect(GREY)
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
