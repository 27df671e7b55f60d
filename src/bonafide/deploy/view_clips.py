"""The detector for rivals that judge crops of a clip's frames together, such as an LSTM over them.

Frames are spread evenly over the whole clip and aligned one by one, as `training.crop_cache` and
`training.view_set` take them; a photo is a clip that stands still.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
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
from bonafide.types import FaceReport, Frame, Reason, RgbImage


class ViewClipDetector(ScorerDetector[ViewScorer]):
    """Face presentation attack detection by a clip's frames, with a rival of the catalogue."""

    @property
    def frames(self) -> int:
        """How many the model judges together."""
        return int(self.scorer.record.preprocessing["frames"])

    def examine(self, rgb: RgbImage, stopwatch: Stopwatch | None = None) -> Examination:
        """Judge a photo: (height, width, 3) uint8 RGB, upright; a clip that stands still."""
        return self.examine_clip([Frame(rgb, 0, 0.0, "photo")], stopwatch)

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
        turns = -rotation_deg // 90
        with spread_frames(path, self.frames, limits) as clip:
            frames = (
                replace(frame, rgb=np.ascontiguousarray(np.rot90(frame.rgb, turns)))
                for frame in clip
            )
            return self.examine_clip(frames, stopwatch), clip

    def examine_clip(
        self, frames: Iterable[Frame], stopwatch: Stopwatch | None = None
    ) -> Examination:
        """Judge a clip and keep the evidence.

        Args:
            frames: upright, spread over the clip as `capture.spread` does. No more than `frames`
                are taken, and of their pictures one is held at a time, besides the one that is
                kept as evidence.
            stopwatch: one that already timed opening the clip.

        Raises:
            CaptureError: the clip cannot be read.
        """
        watch = stopwatch or Stopwatch()
        picture, first = None, None
        looks: list[tuple[float, PreparedFace]] = []
        for frame in islice(frames, self.frames):
            watch.lap("decode")
            prepared = self._prepare(frame.rgb, watch)
            looks.append((frame.time_s, prepared))
            if picture is None or (first is None and prepared.crops is not None):
                picture = frame.rgb
            if first is None and prepared.crops is not None:
                first = prepared
        if first is None:
            reasons, faces = _refusal([prepared for _, prepared in looks])
            verdict = self._verdict(None, reasons, faces, (0, len(looks)), watch)
            return Examination(verdict, picture, None, None)
        shown = [(at_s, one.crops.crops[0]) for at_s, one in looks if one.crops is not None]
        rows = evenly(len(shown), self.frames)
        views = np.stack([shown[row][1] for row in rows])
        score = float(self.scorer.score(views[None]).score[0])
        watch.lap("score")
        distinct = np.unique(rows)  # a frame that the model is shown twice is one frame
        verdict = self._verdict(
            score, first.reasons, first.faces, (len(distinct), len(looks)), watch
        )
        judged = JudgedClip(
            np.stack([shown[row][1] for row in distinct]),
            np.array([shown[row][0] for row in distinct]),
            None,
        )
        return Examination(verdict, picture, first.face, None, clip=judged)

    def _prepare(self, rgb: RgbImage, watch: Stopwatch) -> PreparedFace:
        record = self.scorer.record
        found = find_faces(rgb, self.faces)
        watch.lap("detect")
        prepared = prepare_face(rgb, found, record.scales, record.crop_px, self.limits)
        watch.lap("crop")
        return prepared


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
