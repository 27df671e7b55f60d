"""The detector for rivals that judge crops of a clip's frames together, such as an LSTM over them.

Frames are spread evenly over the whole clip and aligned one by one, as `training.crop_cache` and
`training.view_set` take them; a photo is a clip that stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.capture.limits import Limits
from bonafide.capture.spread import spread_frames
from bonafide.capture.video import ClipReader
from bonafide.deploy.clip import NO_FRAME
from bonafide.deploy.detector import Examination, JudgedClip, ScorerDetector, Stopwatch
from bonafide.deploy.rival_file import ViewScorer
from bonafide.face.find import find_faces
from bonafide.face.prepare import PreparedFace, prepare_face
from bonafide.types import FaceReport, Reason, RgbImage


class ViewClipDetector(ScorerDetector[ViewScorer]):
    """Face presentation attack detection by a clip's frames, with a rival of the catalogue."""

    @property
    def frames(self) -> int:
        """How many the model judges together."""
        return int(self.scorer.record.preprocessing["frames"])

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
            reasons, faces = _refusal(prepared)
            verdict = self._verdict(None, reasons, faces, (0, len(pictures)), watch)
            return Examination(verdict, pictures[0] if pictures else None, None, None)
        rows = [shown[i] for i in evenly(len(shown), self.frames)]
        crops = [one.crops.crops[0] for one in prepared if one.crops is not None]
        views = np.stack([crops[shown.index(row)] for row in rows])
        score = float(self.scorer.score(views[None]).score[0])
        watch.lap("score")
        first, counted = prepared[shown[0]], (len(set(rows)), len(pictures))
        verdict = self._verdict(score, first.reasons, first.faces, counted, watch)
        judged = JudgedClip(views, np.array([times_s[row] for row in rows]), None)
        return Examination(verdict, pictures[shown[0]], first.face, first.crops, clip=judged)

    def _prepare(self, rgb: RgbImage) -> PreparedFace:
        record = self.scorer.record
        found = find_faces(rgb, self.faces)
        return prepare_face(rgb, found, record.scales, record.crop_px, self.limits)


def _refusal(
    prepared: Sequence[PreparedFace],
) -> tuple[tuple[Reason, ...], tuple[FaceReport, ...]]:
    """Why no frame could be judged, and the faces of the last."""
    if not prepared:
        return (NO_FRAME,), ()
    last = prepared[-1]
    return last.reasons or (NO_FRAME,), last.faces


def evenly(available: int, wanted: int) -> npt.NDArray[np.intp]:
    """(wanted,) places among the available ones, evenly spaced from first to last.

    >>> evenly(3, 5).tolist(), evenly(9, 3).tolist()
    ([0, 0, 1, 2, 2], [0, 4, 8])
    """
    return np.linspace(0, available - 1, wanted).round().astype(np.intp)
