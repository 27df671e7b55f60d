"""Pictures to look at: contact sheets, and the three recaptures of `bonafide demo` (simulated)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from bonafide.simulator.portraits import rough_face
from bonafide.simulator.presentations import KINDS
from bonafide.simulator.recapture import recapture
from bonafide.simulator.stage import draw_devices
from bonafide.types import RgbImage


def contact_sheet(
    photos: Sequence[RgbImage], rng: np.random.Generator, cell_px: int = 224
) -> RgbImage:
    """One row per kind (live, print, replay), one column per photo.

    Args:
        photos: bona fide photos, (h, w, 3) uint8 R, G, B each.
        rng: decides everything; a column shares framing, camera and light.
        cell_px: side of a cell; pictures are centred on grey.

    Returns:
        (kinds * cell_px, photos * cell_px, 3) uint8 R, G, B.
    """
    devices = draw_devices(rng)
    seeds = rng.integers(0, 2**63, len(photos))
    faces = [rough_face(photo) for photo in photos]
    rows = [
        np.hstack(
            [
                _cell(
                    recapture(
                        photo, kind, np.random.default_rng(seed), devices=devices, face=face
                    ).rgb,
                    cell_px,
                )
                for photo, face, seed in zip(photos, faces, seeds, strict=True)
            ]
        )
        for kind in KINDS
    ]
    return np.vstack(rows)


def _cell(rgb: RgbImage, side: int) -> RgbImage:
    scale = side / max(rgb.shape[:2])
    width, height = max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    cell = np.full((side, side, 3), 128, np.uint8)
    left, top = (side - width) // 2, (side - height) // 2
    cell[top : top + height, left : left + width] = cv2.resize(
        rgb, (width, height), interpolation=method
    )
    return cell
