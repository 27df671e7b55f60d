"""The detector for rivals that judge crops of a clip's frames together, such as an LSTM over them.

Frames are spread evenly over the whole clip and aligned one by one, as `training.crop_cache` and
`training.view_set` take them; a photo is a clip that stands still.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.capture.limits import Limits
from bonafide.capture.video import ClipReader, spread_frames
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.answer import ModelId
from bonafide.deploy.clip import NO_FRAME
from bonafide.deploy.detector import Examination, JudgedClip, Stopwatch
from bonafide.deploy.rival_file import ViewScorer
from bonafide.face.detect import FaceDetector
from bonafide.face.find import find_faces
from bonafide.face.prepare import PreparedFace, prepare_face
from bonafide.face.quality import QualityLimits
from bonafide.types import Decision, RgbImage, Verdict


class ViewClipDetector:
    """Face presentation attack detection by a clip's frames, with a rival of the catalogue."""

    def __init__(
        self,
        scorer: ViewScorer,
        faces: FaceDetector,
        operating_point: OperatingPoint | None = None,
        limits: QualityLimits | None = None,
    ) -> None:
        """Put a detector together; most users want `deploy.load.load_detector`.

        Args:
            scorer: the model.
            faces: finds the faces.
            operating_point: replaces the one in the model's record.
            limits: of quality; the defaults of the face room if None.
        """
        self.scorer = scorer
        self.faces = faces
        self.operating_point = operating_point or scorer.record.operating_point
        self.limits = limits or QualityLimits()
        self.frames = int(scorer.record.preprocessing["frames"])

    @property
    def model_id(self) -> ModelId:
        """Which model answers."""
        record = self.scorer.record
        return ModelId(record.name, record.version, self.scorer.sha256, record.trained_on)

    def examine(self, rgb: RgbImage, stopwatch: Stopwatch | None = None) -> Examination:
        """Judge a photo: (height, width, 3) uint8 RGB, upright; a clip that stands still."""
        return self._judge([rgb], [0.0], stopwatch or Stopwatch())

    def examine_file(
        self,
        path: Path,
        limits: Limits,
        rotation_deg: int = 0,
        stopwatch: Stopwatch | None = None,
    ) -> tuple[Examination, ClipReader]:
        """Judge a clip file.

        Returns:
            the examination, and the clip, read and closed, with its report.

        Raises:
            CaptureError: the clip cannot be read.
        """
        watch, turns = stopwatch or Stopwatch(), -rotation_deg // 90
        pictures: list[RgbImage] = []
        times_s: list[float] = []
        with spread_frames(path, self.frames, limits) as clip:
            for frame in islice(clip, self.frames):
                pictures.append(np.ascontiguousarray(np.rot90(frame.rgb, turns)))
                times_s.append(frame.time_s)
        watch.lap("decode")
        return self._judge(pictures, times_s, watch), clip

    def _judge(
        self, pictures: list[RgbImage], times_s: list[float], watch: Stopwatch
    ) -> Examination:
        prepared = [self._prepare(rgb) for rgb in pictures]
        watch.lap("crop")
        shown = [i for i, one in enumerate(prepared) if one.crops is not None]
        if not shown:
            verdict = self._silent(prepared, watch)
            return Examination(verdict, pictures[0] if pictures else None, None, None)
        rows = [shown[i] for i in evenly(len(shown), self.frames)]
        crops = [one.crops.crops[0] for one in prepared if one.crops is not None]
        views = np.stack([crops[shown.index(row)] for row in rows])
        score = float(self.scorer.score(views[None]).score[0])
        watch.lap("score")
        point, first = self.operating_point, prepared[shown[0]]
        ruling = point.rule(score)
        verdict = Verdict(
            decision=ruling.decision,
            score=ruling.score,
            threshold=point.threshold,
            operating_point=point.name,
            reasons=ruling.reasons + first.reasons,
            faces=first.faces,
            frames_evaluated=len(set(rows)),
            frames_seen=len(pictures),
            timing_ms=dict(watch.ms),
        )
        judged = JudgedClip(views, np.array([times_s[row] for row in rows]), None)
        return Examination(verdict, pictures[shown[0]], first.face, first.crops, clip=judged)

    def _prepare(self, rgb: RgbImage) -> PreparedFace:
        record = self.scorer.record
        found = find_faces(rgb, self.faces)
        return prepare_face(rgb, found, record.scales, record.crop_px, self.limits)

    def _silent(self, prepared: list[PreparedFace], watch: Stopwatch) -> Verdict:
        point, last = self.operating_point, prepared[-1] if prepared else None
        return Verdict(
            Decision.NOT_EVALUATED,
            None,
            point.threshold,
            point.name,
            last.reasons if last and last.reasons else (NO_FRAME,),
            last.faces if last else (),
            frames_seen=len(prepared),
            timing_ms=dict(watch.ms),
        )


def evenly(available: int, wanted: int) -> npt.NDArray[np.intp]:
    """(wanted,) places among the available ones, evenly spaced from first to last.

    >>> evenly(3, 5).tolist(), evenly(9, 3).tolist()
    ([0, 0, 1, 2, 2], [0, 4, 8])
    """
    return np.linspace(0, available - 1, wanted).round().astype(np.intp)
