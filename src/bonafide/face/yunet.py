"""The YuNet detector through OpenCV, for those who have its model file.

The file is not part of this package: `face_detection_yunet_2023mar.onnx` of the OpenCV Zoo (MIT
licence). Its five landmarks take the place of the default detector's; scores are not comparable.
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bonafide.face.patches import resize_area
from bonafide.types import BonafideError, Box, Face, RgbImage

PUBLISHED_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
"""Of face_detection_yunet_2023mar.onnx, as the OpenCV Zoo publishes it; not verified here, because
the file was not at hand. Pass another as ``sha256`` if yours is another version."""


class YunetModelError(BonafideError):
    """The model file is missing, is not the expected one, or OpenCV cannot read it."""


class YunetDetector:
    """A `FaceDetector` on `cv2.FaceDetectorYN`. Safe to call from several threads, one at a time.

    Args:
        model_path: the user's ONNX file.
        sha256: what the file's SHA-256 must be, lower-case hex; None to take any file.
        min_confidence: the least score of a face, 0..1.
        overlap: of two boxes above which the weaker is dropped, 0..1.
        max_side_px: a larger picture is shrunk to this first.

    Raises:
        YunetModelError: the file is missing, has another SHA-256, or OpenCV cannot read it.
    """

    def __init__(
        self,
        model_path: Path,
        sha256: str | None = PUBLISHED_SHA256,
        *,
        min_confidence: float = 0.7,
        overlap: float = 0.3,
        max_side_px: int = 1280,
    ) -> None:
        _check(model_path, sha256)
        self.max_side_px = max_side_px
        self._lock = threading.Lock()
        try:
            self._network: Any = cv2.FaceDetectorYN.create(
                str(model_path), "", (320, 320), min_confidence, overlap
            )
        except cv2.error as error:
            raise YunetModelError(
                "OpenCV cannot read it as a YuNet model.",
                where=str(model_path),
                remedy="Name face_detection_yunet_2023mar.onnx of the OpenCV Zoo.",
            ) from error

    def detect(self, rgb: RgbImage) -> list[Face]:
        """Every face of the picture, the largest box first; see `detect.FaceDetector`."""
        height, width = rgb.shape[:2]
        scale = min(1.0, self.max_side_px / max(height, width))
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        small = rgb if scale == 1.0 else resize_area(rgb, size)
        with self._lock:  # size and picture are two calls on one object
            self._network.setInputSize(size)
            _, rows = self._network.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if rows is None:
            return []
        ratio = np.array([width / size[0], height / size[1]])
        faces = [_face(np.asarray(row, dtype=np.float64), ratio) for row in rows]
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)


def _face(row: np.ndarray[Any, np.dtype[np.float64]], ratio: Any) -> Face:
    """From OpenCV's row: left, top, width, height, five points (x, y), score.

    The points are the person's right eye, left eye, nose tip, right and left mouth corner. The
    right eye of an upright face is the one on the picture's left, so this is the order of
    `types.Landmarks` already.
    """
    left, top = ((row[0:2] + 0.5) * ratio - 0.5).tolist()
    width, height = (row[2:4] * ratio).tolist()
    landmarks = ((row[4:14].reshape(5, 2) + 0.5) * ratio - 0.5).astype(np.float32)
    return Face(Box(left, top, width, height), landmarks, float(np.clip(row[14], 0.0, 1.0)))


def _check(path: Path, sha256: str | None) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise YunetModelError(
            f"cannot be read ({error.strerror}).",
            where=str(path),
            remedy="Name face_detection_yunet_2023mar.onnx of the OpenCV Zoo.",
        ) from error
    if sha256 is not None and found != sha256.lower():
        raise YunetModelError(
            f"SHA-256 is {found}, expected {sha256}.",
            where=str(path),
            remedy="Take the published file, or pass the SHA-256 of the one you trust.",
        )
