"""Folders of bona fide photos: who is on which file, and roughly where the face is.

The simulator stands above the detector's room and cannot use it; OpenCV's frontal cascade is
enough to frame a picture, and what it misses is placed where portraits have their faces.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from bonafide.types import BonafideError, Box, RgbImage

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
USUAL_FACE = (0.5, 0.40, 0.42)
"""Face centre x, y and width as shares of a portrait's width and height: medians over 247
official portraits in which the cascade found exactly one face."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One bona fide photo of one person."""

    subject: str
    path: Path


@lru_cache(maxsize=1)
def _cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


def rough_face(photo: RgbImage) -> Box:
    """A square about the face (ear to ear), from OpenCV's cascade or the usual place.

    For framing only: it is off by up to a quarter of a face, and no evaluation may use it.
    """
    height, width = photo.shape[:2]
    usual_x, usual_y, usual_side = USUAL_FACE
    scale = 240 / max(height, width)
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (0, 0), fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    least = max(int(0.22 * min(small.shape)), 24)
    found = _cascade().detectMultiScale(small, 1.1, 5, minSize=(least, least))
    side = usual_side * min(width, height)
    best = Box(usual_x * width - side / 2, usual_y * height - side / 2, side, side)
    if len(found):
        # The largest one near the middle; flags and ties now and then look like faces.
        weights = [w * np.exp(-3 * abs((x + w / 2) / small.shape[1] - 0.5)) for x, _, w, _ in found]
        x, y, w, h = (float(v) / scale for v in found[int(np.argmax(weights))])
        best = Box(x, y, w, h)
    return best


def trim_border(photo: RgbImage) -> RgbImage:
    """Cut off the frame of a scanned photo: a live scene has no printed margin.

    A frame shows as a straight edge along at least 60 % of a side, within its outer eighth, on
    three sides or more; what lies outside the innermost such edges goes. A photo without a frame is
    returned whole.
    """
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    height, width = grey.shape
    edges_y = (np.abs(grey[2:] - grey[:-2]) > 14).mean(axis=1)
    edges_x = (np.abs(grey[:, 2:] - grey[:, :-2]) > 14).mean(axis=0)

    def inset(strength: np.ndarray, length: int) -> int:
        strong = np.flatnonzero(strength[: length // 8] > 0.6)
        return int(strong[-1]) + 4 if len(strong) else 0

    top, bottom = inset(edges_y, height), inset(edges_y[::-1], height)
    left, right = inset(edges_x, width), inset(edges_x[::-1], width)
    if sum(cut > 0 for cut in (top, bottom, left, right)) < 3:
        return photo
    return np.ascontiguousarray(photo[top : height - bottom, left : width - right])


def read_photo(path: Path) -> RgbImage:
    """Decode a photo upright, as (height, width, 3) uint8 R, G, B.

    Raises:
        BonafideError: the file is missing or no picture.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise BonafideError(
            f"cannot be read ({error.strerror}).", where=str(path), remedy="Check the folder."
        ) from error
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise BonafideError(
            "not a readable picture.", where=str(path), remedy="Remove it or save it as JPEG."
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def find_portraits(folder: Path) -> list[Portrait]:
    """List a folder of bona fide photos, sorted by subject and file.

    With a manifest.csv (columns file and subject) that list counts. Without one, each subfolder is
    a person, and each picture directly in the folder is a person of its own.

    Raises:
        BonafideError: no such folder, a manifest without those columns or with missing files, or
            no picture at all.
    """
    if not folder.is_dir():
        raise BonafideError(
            "no such folder.", where=str(folder), remedy="Name a folder of bona fide photos."
        )
    manifest = folder / "manifest.csv"
    found = _from_manifest(manifest) if manifest.exists() else _from_tree(folder)
    if not found:
        raise BonafideError(
            "no photo found.",
            where=str(folder),
            remedy=f"Put a photo or a subfolder per person there ({', '.join(PICTURE_ENDINGS)}).",
        )
    return sorted(found, key=lambda portrait: (portrait.subject, str(portrait.path)))


def _from_manifest(manifest: Path) -> list[Portrait]:
    with manifest.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not {"file", "subject"} <= set(rows[0]):
        raise BonafideError(
            "needs the columns file and subject, and a row.",
            where=str(manifest),
            remedy="Add them, or remove the manifest to go by file names.",
        )
    portraits = [Portrait(row["subject"], manifest.parent / row["file"]) for row in rows]
    for portrait in portraits:
        if not portrait.subject or not portrait.path.is_file():
            raise BonafideError(
                f"lists {portrait.path.name!r} of {portrait.subject!r}, which is not there.",
                where=str(manifest),
                remedy="Restore the file or remove its row.",
            )
    return portraits


def _from_tree(folder: Path) -> list[Portrait]:
    return [
        Portrait(path.parent.name if path.parent != folder else path.stem, path)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in PICTURE_ENDINGS and len(path.relative_to(folder).parts) <= 2
    ]
