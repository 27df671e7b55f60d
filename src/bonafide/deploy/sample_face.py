"""One real face that the package brings, and what models see of it: for demonstrations and checks.

Astronaut Eileen Collins; NASA Great Images database, public domain (also in scikit-image). Each of
its views is a little shifted, turned, mirrored and lit otherwise, so that no two are alike. They
stand in for a user's own crops when an export is held against torch; they are no test data.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.capture.image import read_image
from bonafide.capture.multimodal import MultimodalCapture
from bonafide.cues.aligned_capture import AlignedCapture, align_capture
from bonafide.face.crop import multi_scale_crops
from bonafide.face.prepare import Registered, modality_crops
from bonafide.types import Landmarks, RgbImage

PHOTO = Path(__file__).parent / "shipped" / "astronaut.jpg"
LANDMARKS = np.array([[204, 111], [245, 108], [226, 132], [208, 152], [246, 150]], np.float32)
"""Eyes, nose, corners of the mouth in the photo, px, by hand."""

FACE_MM = 600.0
"""Made-up distance of the face; the photo has none."""


def sample_crops(scales: tuple[float, ...], side_px: int, count: int) -> npt.NDArray[np.uint8]:
    """(count, n, side, side, 3) uint8 RGB: crops at n scales, as models of faces see them."""
    views = [_view(number) for number in range(count)]
    return np.stack([multi_scale_crops(rgb, at, scales, side_px).crops for rgb, at in views])


def sample_clips(frames: int, side_px: int, scale: float, count: int) -> npt.NDArray[np.uint8]:
    """(count, frames, side, side, 3) uint8 RGB: in each clip the face sways a little."""
    crops = sample_crops((scale,), side_px, frames * count)
    return np.ascontiguousarray(crops.reshape(count, frames, side_px, side_px, 3))


def sample_modalities(scale: float, side_px: int, count: int) -> npt.NDArray[np.uint8]:
    """(count, 3, side, side, 3) uint8: colour, made-up depth of an egg, red as infrared."""
    made = []
    for number in range(count):
        rgb, at = _view(number)
        depth = np.nan_to_num(_depth_mm(rgb, at)).round().astype(np.uint16)
        others = Registered(depth, np.ascontiguousarray(rgb[..., 0]), "depth", "infrared")
        stack = multi_scale_crops(rgb, at, (scale,), side_px)
        made.append(modality_crops(rgb, others, stack))
    return np.array(made)


def sample_captures(crop_scale: float, crop_px: int, count: int) -> list[AlignedCapture]:
    """Aligned captures with made-up depth and infrared, as the cascade sees them."""
    made = []
    for number in range(count):
        rgb, at = _view(number)
        capture = MultimodalCapture(rgb, _depth_mm(rgb, at), rgb[..., 0], "sample face")
        made.append(align_capture(capture, at, crop_scale, crop_px))
    return made


def _view(number: int) -> tuple[RgbImage, Landmarks]:
    """The photo and its landmarks, moved and lit by the number; 0 is as taken."""
    rgb = read_image(PHOTO).rgb
    rng = np.random.default_rng(number)
    amount = min(number, 1)
    turn_deg, gain = amount * rng.uniform(-8, 8), 1 + amount * rng.uniform(-0.5, 0.3)
    middle = tuple(float(value) for value in LANDMARKS.mean(0))
    matrix = cv2.getRotationMatrix2D(middle, turn_deg, 1 + amount * rng.uniform(-0.15, 0.15))
    moved = cv2.warpAffine(rgb, matrix, (rgb.shape[1], rgb.shape[0]))
    lit = np.clip(moved * gain, 0, 255).astype(np.uint8)
    at = (LANDMARKS @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    if number % 2 == 0:
        return lit, at
    at[:, 0] = rgb.shape[1] - 1 - at[:, 0]
    return np.ascontiguousarray(lit[:, ::-1]), at[[1, 0, 2, 4, 3]]


def _depth_mm(rgb: RgbImage, at: Landmarks) -> npt.NDArray[np.float32]:
    """Half an egg about the landmarks, before a wall."""
    y, x = np.indices(rgb.shape[:2])
    middle, eyes_px = at.mean(0), float(np.linalg.norm(at[1] - at[0]))
    away = np.hypot((x - middle[0]) / 1.9, (y - middle[1]) / 2.4) / eyes_px
    egg = FACE_MM + 60 * (1 - np.sqrt(np.clip(1 - away**2, 0, 1)))
    return np.where(away < 1, egg, 2 * FACE_MM).astype(np.float32)
