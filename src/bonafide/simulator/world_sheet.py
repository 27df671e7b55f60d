"""Contact sheets of the rendered world: every species in colour, near infrared and depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.capture_clip import (
    SPECIES,
    CapturedFrame,
    capture_clip,
    plan_capture,
    stage_clip,
)
from bonafide.simulator.identity import Identity, balanced_population
from bonafide.types import RgbImage

TITLE_PX = 18
RELIEF_MM = 130.0
"""Depth shown from black (this far behind the face) to white (this far before it)."""


def depth_picture(depth_mm: npt.NDArray[np.uint16], landmarks: npt.NDArray[np.float32]) -> RgbImage:
    """(h, w, 3) grey: nearer is brighter around the face's own distance; black is unknown."""
    height, width = depth_mm.shape
    x, y = np.clip(np.rint(landmarks.mean(0)).astype(int), 12, [width - 13, height - 13])
    near = depth_mm[y - 12 : y + 13, x - 12 : x + 13]
    known = near[near > 0] if (near > 0).any() else depth_mm[depth_mm > 0]
    middle = float(np.median(known)) if known.size else 500.0
    grey = np.clip(128 + (middle - depth_mm.astype(np.float64)) * (127 / RELIEF_MM), 24, 255)
    return np.repeat(np.where(depth_mm > 0, grey, 0).astype(np.uint8)[..., None], 3, axis=2)


def tile_of(frame: CapturedFrame) -> RgbImage:
    """(h, 3 w, 3) colour, near infrared and depth side by side."""
    assert frame.infrared is not None
    assert frame.depth_mm is not None
    infrared = np.repeat(frame.infrared[..., None], 3, axis=2)
    return np.hstack([frame.rgb, infrared, depth_picture(frame.depth_mm, frame.landmarks)])


def write_title(tile: RgbImage, text: str) -> RgbImage:
    """The tile with a line of text above it."""
    bar = np.full((TITLE_PX, tile.shape[1], 3), 24, np.uint8)
    cv2.putText(bar, text, (5, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([bar, tile])


def _place(tiles: Sequence[RgbImage], columns: int) -> RgbImage:
    blank = np.zeros_like(tiles[0])
    padded = [*tiles, *[blank] * (-len(tiles) % columns)]
    rows = [np.hstack(padded[i : i + columns]) for i in range(0, len(padded), columns)]
    return np.ascontiguousarray(np.vstack(rows))


def species_sheet(
    seed: int,
    *,
    size: int = 160,
    columns: int = 3,
    species: Sequence[str] = tuple(SPECIES),
    progress: Callable[[str], None] = lambda _: None,
) -> RgbImage:
    """One presentation of each species, three modalities each (simulated).

    Args:
        seed: decides every picture; size: side of a picture, px; columns: presentations a row.
        species: keys of `capture_clip.SPECIES`.
    """  # fmt: skip
    people = balanced_population(np.random.default_rng(seed), 48)
    tiles = []
    for number, name in enumerate(species):
        subject, holder = people[number % 48], people[(number + 11) % 48]
        frame = first_frame(subject, holder, name, (seed, number), size)
        tiles.append(write_title(tile_of(frame), f"{name} (simulated)"))
        progress(name)
    return _place(tiles, columns)


def people_sheet(
    seed: int, people: int, clips: int = 2, size: int = 160, columns: int = 6
) -> RgbImage:
    """Live people, each in several sessions below each other: is it the same person again?"""
    population = balanced_population(np.random.default_rng(seed), max(people, 2))
    tiles = []
    for number, subject in enumerate(population[:people]):
        shots = [first_frame(subject, subject, "bona_fide", (seed, 7, number, clip), size).rgb
                 for clip in range(clips)]  # fmt: skip
        tiles.append(np.vstack(shots))
    return _place(tiles, columns)


def first_frame(
    subject: Identity, holder: Identity, species: str, seed: tuple[int, ...], size: int
) -> CapturedFrame:
    """One frame of a fresh session."""
    plan = plan_capture(np.random.default_rng((*seed, 1)), size, size)
    clip = stage_clip(subject, species, np.random.default_rng(seed), plan, holder=holder)
    return next(capture_clip(clip, 1, start_s=1.0))
