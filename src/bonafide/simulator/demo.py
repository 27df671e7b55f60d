"""Pictures to look at: contact sheets, and the three recaptures of `bonafide demo` (simulated)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from bonafide.simulator.camera import CameraSettings, Shot, capture
from bonafide.simulator.display import DisplaySettings, Showing
from bonafide.simulator.illumination import Illumination
from bonafide.simulator.portraits import rough_face
from bonafide.simulator.presentations import KINDS, print_and_hold, show_and_hold
from bonafide.simulator.printer import PrinterSettings, Sheet
from bonafide.simulator.recapture import recapture
from bonafide.simulator.scene import Framing
from bonafide.simulator.stage import Stage, draw_devices
from bonafide.types import Box, RgbImage


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


DEMO_CAMERA = CameraSettings(
    name="demo phone",
    sensor_oversampling=2.0,
    sensor_fill=0.55,
    working_ratio=1.1,
    lens_sigma_px=0.2,
    mosaic=False,
    photon_noise=1e-4,
    read_noise=1e-3,
    chroma_blur_px=0.8,
    coring=0.004,
    sharpen_amount=0.5,
    sharpen_radius_px=1.0,
    contrast=0.2,
    black_point=0.7,
    shoulder=0.6,
    saturation=1.0,
    white_adaptation=0.9,
    vignette=0.08,
    flare=0.01,
    metering_target=0.2,
    jpeg_quality=92,
    jpeg_subsampling="4:2:0",
)
DEMO_SHOT = Shot(0.02, 0.0, 0.0, 0.0, (1.0, 1.0), 1.0, 0, 1.0)
DEMO_PRINTER = PrinterSettings(
    "inkjet matte", 0.0, 720.0, 0.03, (1.01, 1.0, 0.98), 1.0, 0.03, 0.008, 0.05, 0.004
)
DEMO_PHONE = DisplaySettings(
    "phone pentile", "pentile", 420.0, 0.8, 1.0, (0.97, 1.0, 1.08), 1.1, 0.04, 0.0, 0.045,
    (0.008, 0.008, 0.009), (45.0, 45.0),
)  # fmt: skip
DEMO_MONITOR = DisplaySettings(
    "monitor rgb stripe", "rgb stripe", 92.0, 0.8, 1.0, (0.98, 1.0, 1.05), 1.0, 0.12, 0.02, 0.03,
    (0.01, 0.01, 0.01), (150.0, 150.0),
)  # fmt: skip


def demo_recaptures(photo_rgb: RgbImage, rng: np.random.Generator) -> dict[str, RgbImage]:
    """Three simulated attacks made from one photo, as `bonafide demo` shows them.

    Args:
        photo_rgb: (h, w, 3) uint8 R, G, B, a photo with one face.
        rng: decides backgrounds and noise; devices and framing are fixed.

    Returns:
        "print": a sheet held up, its edge in view; "phone replay"; "monitor replay", with moire and
        a window's glare. Each (h, w, 3) uint8 R, G, B.
    """
    photo_rgb = _head_and_shoulders(photo_rgb, rough_face(photo_rgb))
    face = rough_face(photo_rgb)
    sheet = Sheet(face_mm=110.0, bend=0.05, waves=0.04, crease=0.0, band_mm=6.0)
    phone = Showing(45.0, brightness=2.0, band_cycles=1.0, band_phase=0.2, glare=0.0)
    monitor = Showing(150.0, brightness=1.5, band_cycles=2.0, band_phase=0.0, glare=0.1)
    upright, turned = _demo_stage(photo_rgb, face, 1.35, 4.0), _demo_stage(photo_rgb, face, 1.2, -3)
    close = _demo_stage(photo_rgb, face, 0.95, 1.5)
    rendered = {
        "print": (upright, print_and_hold(photo_rgb, face, upright, DEMO_PRINTER, sheet, rng)),
        "phone replay": (turned, show_and_hold(photo_rgb, face, turned, DEMO_PHONE, phone, rng)),
        "monitor replay": (
            close,
            show_and_hold(photo_rgb, face, close, DEMO_MONITOR, monitor, rng),
        ),
    }
    pictures = {}
    for name, (stage, seen) in rendered.items():
        size = (stage.framing.width, stage.framing.height)
        shot = (stage.camera, stage.shot, size, rng, seen.structure)
        pictures[name] = capture(seen.radiance, seen.illuminant, *shot).rgb
    return pictures


def _head_and_shoulders(photo: RgbImage, face: Box) -> RgbImage:
    """The part of a photo that reaches 1.2 face widths to every side of the face."""
    reach = 1.2 * face.width
    left, top = max(int(face.left - reach), 0), max(int(face.top - reach), 0)
    right, bottom = int(face.right + reach), int(face.bottom + reach)
    return np.ascontiguousarray(photo[top:bottom, left:right])


def _demo_stage(photo: RgbImage, face: Box, reach: float, roll_deg: float) -> Stage:
    """A frame ``reach`` times as wide and high as the photo, at least 480 px high."""
    height, width = photo.shape[:2]
    scale = max(480, min(height, 720)) / height / reach
    framing = Framing(
        width=round(width * reach * scale),
        height=round(height * reach * scale),
        face_px=face.width * scale,
        face_at=(
            (face.center[0] + (reach - 1) / 2 * width) * scale,
            (face.center[1] + (reach - 1) / 2 * height) * scale,
        ),
        roll_deg=roll_deg,
        yaw_deg=8.0,
        pitch_deg=-4.0,
        distance=2.0,
    )
    light = Illumination((1.08, 1.0, 0.86), 0.2, 0.06)
    return Stage(framing, DEMO_CAMERA, DEMO_SHOT, light)
