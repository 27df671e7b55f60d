"""Find faces where one look is not enough: tight crops, sideways pictures, small faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.face.detect import FaceDetector
from bonafide.face.patches import BORDER_GREY
from bonafide.types import Box, Face, RgbImage

Points = npt.NDArray[np.float64]
Attempt = tuple[RgbImage, Callable[[Points], Points]]
"""A changed picture, and the map of (n, 2) points in it back to the original."""

BORDER_SHARE = 0.25
ENLARGEMENT = 2


def find_faces(
    rgb: RgbImage,
    detector: FaceDetector,
    *,
    border: bool = True,
    sideways: bool = True,
    enlarge_below_px: int = 640,
    sure: float = 0.97,
) -> list[Face]:
    """Every face of a picture, with further attempts when the first look is not sure of one.

    The attempts, in order, with their cost in units of the first (all: 1 + 2.3 + 3 + 4):

    1. the picture as it is (1);
    2. with a grey border of a quarter of its size on every side, for a face that fills the
       picture or reaches beyond it (2.3);
    3. turned by 90, 270 and 180 degrees, for sideways pictures (1 each);
    4. enlarged twice, for small faces in small pictures (4).

    The first attempt whose best face has at least the confidence ``sure`` is taken. When none
    has, the attempt with the most confident face is taken, the earlier one at equality. So a
    picture with an upright, clear face costs 1, and one without any face costs all attempts.

    Args:
        rgb: (height, width, 3) uint8.
        detector: any `FaceDetector`.
        border, sideways: whether attempts 2 and 3 are made.
        enlarge_below_px: attempt 4 is made when the longer side is at most this; 0 for never.
        sure: confidence from which no further attempt is made, 0..1. Measured (docs/face.md):
            turned faces that are wrongly found upright stay below it.

    Returns:
        Faces in px of ``rgb``, the largest first. Landmarks of a face found sideways keep the
        order of the upright face: the first is the eye on the left once the face is upright.
    """
    best: list[Face] = []
    for picture, back in _attempts(rgb, border, sideways, enlarge_below_px):
        faces = [_mapped(face, back) for face in detector.detect(picture)]
        if _confidence(faces) > _confidence(best):
            best = faces
        if _confidence(best) >= sure:
            break
    return best


def _confidence(faces: list[Face]) -> float:
    return max((face.confidence for face in faces), default=0.0)


def _attempts(
    rgb: RgbImage, border: bool, sideways: bool, enlarge_below_px: int
) -> Iterator[Attempt]:
    """The pictures to look at, each made only when it is its turn."""
    yield rgb, lambda points: points
    if border:
        yield _bordered(rgb)
    if sideways:
        for quarter_turns in (1, 3, 2):
            yield _turned(rgb, quarter_turns)
    if max(rgb.shape[:2]) <= enlarge_below_px:
        yield _enlarged(rgb)


def _bordered(rgb: RgbImage) -> Attempt:
    down, across = (round(side * BORDER_SHARE) for side in rgb.shape[:2])
    picture = cv2.copyMakeBorder(
        rgb, down, down, across, across, cv2.BORDER_CONSTANT, value=BORDER_GREY
    )
    return np.asarray(picture, dtype=np.uint8), lambda points: points - [across, down]


def _turned(rgb: RgbImage, quarter_turns: int) -> Attempt:
    """Turned counterclockwise by quarter turns of 90 degrees."""
    last_y, last_x = rgb.shape[0] - 1, rgb.shape[1] - 1

    def back(points: Points) -> Points:
        x, y = points[:, 0], points[:, 1]
        turned_back = {1: (last_x - y, x), 2: (last_x - x, last_y - y), 3: (y, last_y - x)}
        return np.stack(turned_back[quarter_turns], axis=1)

    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)), back


def _enlarged(rgb: RgbImage) -> Attempt:
    size = rgb.shape[1] * ENLARGEMENT, rgb.shape[0] * ENLARGEMENT
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    return picture, lambda points: (points + 0.5) / ENLARGEMENT - 0.5


def _mapped(face: Face, back: Callable[[Points], Points]) -> Face:
    box = face.box
    corners = back(np.array([[box.left, box.top], [box.right, box.bottom]], dtype=np.float64))
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    landmarks = back(face.landmarks.astype(np.float64)).astype(np.float32)
    return Face(Box(left, top, right - left, bottom - top), landmarks, face.confidence)
