"""How a twin stores photos of three registered sensors: colour, depth, infrared (simulated)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.camera import encode_jpeg
from bonafide.simulator.capture_clip import CapturedFrame, capture_clip
from bonafide.simulator.twin import Job, Record
from bonafide.simulator.twin_media import face_box
from bonafide.simulator.twin_scene import Scene, drawn_of, stage_scene
from bonafide.types import Landmarks, RgbImage

Depth = npt.NDArray[np.uint16]
Grey = npt.NDArray[np.uint8]
NEAR_MM = 30.0
"""Cropped depth counts from this far before the face's nearest 5 %."""


@dataclass(frozen=True, slots=True)
class PhotoForm:
    """How the photos of a clip are stored.

    Attributes:
        gap_s: between two photos.
        quality: (worst, best) JPEG quality, drawn alike for live and attack.
        whole: the whole frame, or the face alone on black.
        sides: (colour, depth and infrared) px of face pictures; (0, 0) with ``whole``.
        links: a file -> the same bytes under another name, both of the job.
    """

    gap_s: float
    quality: tuple[int, int]
    whole: bool
    sides: tuple[int, int] = (0, 0)
    links: tuple[tuple[str, str], ...] = ()


def film_photos(job: Job, folder: Path) -> Record:
    """Film a scene; its files are colour, depth, infrared of one photo after the other."""
    scene, form = job.scene, job.form
    assert isinstance(scene, Scene)
    assert isinstance(form, PhotoForm)
    scene_rng, rng = np.random.default_rng(job.seed).spawn(2)
    linked = {name for _, name in form.links}
    own = [name for name in job.files if name not in linked]
    clip = stage_scene(scene, scene_rng)
    quality = int(rng.integers(form.quality[0], form.quality[1] + 1))
    start_s = 0.0 if clip.staging.refresh is not None else float(rng.uniform(0, 20))
    frames = capture_clip(clip, len(own) // 3, 1 / form.gap_s, start_s=start_s, device=job.device)
    marks: dict[str, Landmarks] = {}
    for (color, depth, infrared), frame in zip(_triplets(own), frames, strict=True):
        if form.whole:
            marks[color] = _write_whole(folder, (color, depth, infrared), frame, quality)
        else:
            marks[color] = _write_face(folder, (color, depth, infrared), frame, form, quality, rng)
    for source, name in form.links:
        os.link(folder / source, folder / name)
        if source in marks:
            marks[name] = marks[source]
    return drawn_of(scene, clip) | {"quality": quality, "start_s": start_s, "landmarks": marks}


def _triplets(names: list[str]) -> Iterator[tuple[str, str, str]]:
    return zip(names[::3], names[1::3], names[2::3], strict=True)


def _write_whole(
    folder: Path, names: tuple[str, str, str], frame: CapturedFrame, quality: int
) -> Landmarks:
    """Colour as JPEG, depth as 16-bit PNG in mm, infrared as 8-bit PNG."""
    assert frame.depth_mm is not None
    assert frame.infrared is not None
    color, depth, infrared = (folder / name for name in names)
    color.write_bytes(encode_jpeg(frame.rgb, quality, "4:2:0"))
    depth.write_bytes(_png(frame.depth_mm))
    infrared.write_bytes(_png(frame.infrared))
    return frame.landmarks


def _png(picture: Grey | Depth) -> bytes:
    return bytes(cv2.imencode(".png", picture)[1])


def _write_face(
    folder: Path,
    names: tuple[str, str, str],
    frame: CapturedFrame,
    form: PhotoForm,
    quality: int,
    rng: np.random.Generator,
) -> Landmarks:
    """The face alone, on black: the same oval around the landmarks, whatever is shown."""
    assert frame.depth_mm is not None
    assert frame.infrared is not None
    mask, box = face_oval(frame.landmarks, frame.rgb.shape[:2], rng)
    pictures = (
        (frame.rgb, form.sides[0]),
        (depth_grey(frame.depth_mm, mask), form.sides[1]),
        (frame.infrared, form.sides[1]),
    )
    left, top, side, _ = box
    for name, (picture, size) in zip(names, pictures, strict=True):
        shown = np.where(mask[..., None] if picture.ndim == 3 else mask, picture, 0)
        cut = _resized(_cut(shown.astype(np.uint8), left, top, side), size)
        data = cv2.cvtColor(cut, cv2.COLOR_GRAY2RGB) if cut.ndim == 2 else cut
        (folder / name).write_bytes(
            encode_jpeg(np.ascontiguousarray(data), quality if picture.ndim == 3 else 95, "4:2:0")
        )
    return ((frame.landmarks - [left, top]) * (form.sides[0] / side)).astype(np.float32)


def face_oval(
    landmarks: Landmarks, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[npt.NDArray[np.bool_], tuple[int, int, int, int]]:
    """((h, w) inside an oval around five landmarks, its square box left, top, side, side).

    The oval is a little off at random, as a fitted face outline is; nobody asks what is shown.
    """
    _, _, width, height = face_box(landmarks)
    middle = landmarks.mean(0)
    eyes = landmarks[1] - landmarks[0]
    roll_deg = float(np.rad2deg(np.arctan2(eyes[1], eyes[0])))
    wide, tall = (width * 1.02 * rng.uniform(0.95, 1.05), height * 1.12 * rng.uniform(0.95, 1.05))
    center = middle + rng.normal(0, 0.012, 2) * width - [0, 0.02 * height]
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.ellipse(canvas, (tuple(map(float, center)), (wide, tall), roll_deg), 255, -1)
    side = round(1.04 * max(wide, tall))
    return canvas > 0, (
        round(float(center[0]) - side / 2), round(float(center[1]) - side / 2), side, side
    )  # fmt: skip


def depth_grey(depth_mm: Depth, mask: npt.NDArray[np.bool_]) -> Grey:
    """Depth in mm to 8 bits: millimetres beyond a plane just before the face; 0 unknown."""
    known = depth_mm[mask & (depth_mm > 0)]
    near = (float(np.percentile(known, 5)) if known.size else 0.0) - NEAR_MM
    grey = np.clip(depth_mm.astype(np.float32) - near, 1, 255)
    return np.where(depth_mm > 0, np.rint(grey), 0).astype(np.uint8)


def _cut(picture: RgbImage | Grey, left: int, top: int, side: int) -> RgbImage | Grey:
    """A square of the picture; black where it reaches beyond."""
    out = np.zeros((side, side, *picture.shape[2:]), np.uint8)
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    out[y0 - top : y1 - top, x0 - left : x1 - left] = picture[y0:y1, x0:x1]
    return out


def _resized(picture: RgbImage | Grey, size: int) -> RgbImage | Grey:
    shrinks = picture.shape[0] > size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=how), np.uint8)
