"""Follow faces through a clip: one identity per track, at a fraction of the cost of detecting.

Between full detections only the predicted place of each face is looked at again (`FaceRefiner`).
Whatever is found must pass the same gate: it lies where the track expects it, has its size, and
looks like it did. In doubt a track ends and a new one begins. A track that is cut in two costs a
few frames; a track that jumps to another person would mix two people's scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonafide.face.align import AlignmentError
from bonafide.face.crop import multi_scale_crops
from bonafide.face.detect import FaceDetector, FaceRefiner
from bonafide.face.find import find_faces
from bonafide.types import Box, Face, Frame, RgbImage

Appearance = npt.NDArray[np.float32]
"""The aligned face of scale 1.0 at 32x32 px, each colour's mean taken off, of length 1."""

MIN_OVERLAP = 0.3
CONTEST_OVERLAP = 0.1
MAX_SIZE_RATIO = 1.6
SAME_FACE = 0.5
SAME_FACE_IN_DOUBT = 0.7
"""Correlations of two appearances. Measured (docs/face.md): the same person 0.1 s later has at
least 0.7 in 99 of 100 cases, two different people at most 0.74 in 99 of 100."""

MAX_PREDICTION_S = 0.3
VELOCITY_SHARE = 0.5
START_CONFIDENCE = 0.9


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face with the identity of its track; ids count up from 0 and are never given again."""

    track_id: int
    face: Face


@dataclass(slots=True)
class _Track:
    track_id: int
    face: Face
    appearance: Appearance
    seen_s: float
    velocity: tuple[float, float] = (0.0, 0.0)
    lost: bool = False

    def expected_box(self, time_s: float) -> Box:
        """Constant velocity, for a short while only."""
        wait = min(time_s - self.seen_s, MAX_PREDICTION_S)
        box = self.face.box
        return Box(
            box.left + self.velocity[0] * wait,
            box.top + self.velocity[1] * wait,
            box.width,
            box.height,
        )

    def move_to(self, face: Face, appearance: Appearance, time_s: float) -> None:
        wait = time_s - self.seen_s
        if wait > 0:
            old, new = self.face.box.center, face.box.center
            speeds = ((new[i] - old[i]) / wait for i in (0, 1))
            vx, vy = (
                VELOCITY_SHARE * speed + (1 - VELOCITY_SHARE) * before
                for speed, before in zip(speeds, self.velocity, strict=True)
            )
            self.velocity = (vx, vy)
        self.face, self.appearance, self.seen_s, self.lost = face, appearance, time_s, False


class FaceTracker:
    """Follows the faces of one clip after another.

    Args:
        detector: any `FaceDetector`; one that is a `FaceRefiner` too makes most frames cheap.
        redetect_every_s: a full detection at least this often, to see new faces.
        lost_after_s: a face not seen for longer than this has left; it comes back as a new track.
        start_confidence: of the detector, from which a face begins a track.
    """

    def __init__(
        self,
        detector: FaceDetector,
        *,
        redetect_every_s: float = 1.0,
        lost_after_s: float = 0.5,
        start_confidence: float = START_CONFIDENCE,
    ) -> None:
        self._detector = detector
        self._refiner = detector if isinstance(detector, FaceRefiner) else None
        self._redetect_every_s = redetect_every_s
        self._lost_after_s = lost_after_s
        self._start_confidence = start_confidence
        self._tracks: list[_Track] = []
        self._next_id = 0
        self._detected_s = -np.inf
        self._last: Frame | None = None

    def update(self, frame: Frame) -> list[TrackedFace]:
        """The faces of the next frame, the largest first.

        Frames come in the order of their times, not necessarily every frame of the clip. A frame
        of another source, of another size or of an earlier time starts anew.
        """
        if self._starts_anew(frame):
            self._tracks, self._detected_s = [], -np.inf
        self._last = frame
        now = frame.time_s
        self._tracks = [t for t in self._tracks if now - t.seen_s <= self._lost_after_s]
        if not self._follow(frame):
            self._detect(frame)
        seen = [track for track in self._tracks if not track.lost]
        seen.sort(key=lambda track: -track.face.box.width * track.face.box.height)
        return [TrackedFace(track.track_id, track.face) for track in seen]

    def _starts_anew(self, frame: Frame) -> bool:
        last = self._last
        return last is None or (
            last.source != frame.source
            or last.rgb.shape != frame.rgb.shape
            or last.time_s > frame.time_s
        )

    def _follow(self, frame: Frame) -> bool:
        """Look only where faces are expected; False when a full detection is called for."""
        due = frame.time_s - self._detected_s >= self._redetect_every_s
        if due or self._refiner is None or not self._tracks:
            return False
        expected = [track.expected_box(frame.time_s) for track in self._tracks]
        found = [face for face in self._refiner.refine(frame.rgb, expected) if face is not None]
        looks = [_appearance(frame.rgb, face) for face in found]
        pairs = self._pair(found, looks, frame.time_s)
        if len(pairs) < len(self._tracks):
            return False
        for track, number in pairs:
            track.move_to(found[number], looks[number], frame.time_s)
        return True

    def _detect(self, frame: Frame) -> None:
        """Detect in the whole picture, continue tracks where the gate allows it, start others."""
        if self._tracks:
            faces = self._detector.detect(frame.rgb)
        else:
            faces = find_faces(frame.rgb, self._detector, sideways=False, enlarge_below_px=0)
        self._detected_s = frame.time_s
        looks = [_appearance(frame.rgb, face) for face in faces]
        pairs = self._pair(faces, looks, frame.time_s)
        for track in self._tracks:
            track.lost = True
        for track, number in pairs:
            track.move_to(faces[number], looks[number], frame.time_s)
        taken = {number for _, number in pairs}
        for number, (face, look) in enumerate(zip(faces, looks, strict=True)):
            if number not in taken and face.confidence >= self._start_confidence and look.any():
                self._tracks.append(_Track(self._next_id, face, look, frame.time_s))
                self._next_id += 1

    def _pair(
        self, faces: list[Face], looks: list[Appearance], time_s: float
    ) -> list[tuple[_Track, int]]:
        """Tracks with the number of their face, the surest pairs first; each used once."""
        expected = [track.expected_box(time_s) for track in self._tracks]
        overlaps = np.array(
            [[box.intersection_over_union(face.box) for face in faces] for box in expected]
        ).reshape(len(expected), len(faces))
        likeness = np.array(
            [[float((track.appearance * look).sum()) for look in looks] for track in self._tracks]
        ).reshape(overlaps.shape)
        near = overlaps >= CONTEST_OVERLAP
        contested = (near.sum(axis=0)[None] > 1) | (near.sum(axis=1)[:, None] > 1)
        lost = np.array([track.lost for track in self._tracks], dtype=np.bool_)[:, None]
        needed = np.where(contested | lost, SAME_FACE_IN_DOUBT, SAME_FACE)
        allowed = (overlaps >= MIN_OVERLAP) & (likeness >= needed)
        pairs: list[tuple[_Track, int]] = []
        for place in np.argsort(-(overlaps + likeness), axis=None, kind="stable"):
            row, column = divmod(int(place), max(len(faces), 1))
            if allowed[row, column] and _similar_size(expected[row], faces[column].box):
                pairs.append((self._tracks[row], column))
                allowed[row, :] = False
                allowed[:, _same_place(faces, column)] = False
        return pairs


def _same_place(faces: list[Face], number: int) -> list[int]:
    """The faces that are this face, found again from another track's expectation."""
    box = faces[number].box
    return [i for i, face in enumerate(faces) if box.intersection_over_union(face.box) > 0.5]


def _similar_size(expected: Box, found: Box) -> bool:
    ratio = found.height / expected.height if expected.height > 0 else np.inf
    return bool(1 / MAX_SIZE_RATIO <= ratio <= MAX_SIZE_RATIO)


def _appearance(rgb: RgbImage, face: Face) -> Appearance:
    """See `Appearance`; all zero, which resembles nothing, where no face can be aligned."""
    try:
        crop = multi_scale_crops(rgb, face.landmarks, (1.0,), 32).crops[0].astype(np.float32)
    except AlignmentError:
        return np.zeros((32, 32, 3), dtype=np.float32)
    crop -= crop.mean(axis=(0, 1))
    length = float(np.linalg.norm(crop))
    return np.asarray(crop / max(length, 1e-6), dtype=np.float32)
