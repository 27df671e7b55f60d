"""Attacks by screens: phone, tablet, laptop or monitor, showing a photo or a video.

The panel emits R, G and B and nothing in near infrared; its glass reflects a few per cent of lamps,
walls and the infrared illuminator, as a mirror does. The subpixel grid is sampled where the sensor
samples, so moire comes and goes with distance and angle.
"""

from __future__ import annotations

from dataclasses import asdict

import cv2
import numba
import numpy as np
import numpy.typing as npt

from bonafide.simulator.carrier import (
    Plane,
    Source,
    Staging,
    Warp,
    albedo_texture,
    box,
    hand,
    sheet,
)
from bonafide.simulator.display import (
    LAYOUTS,
    MM_PER_INCH,
    DisplaySettings,
    Showing,
    draw_showing,
    show_photo,
)
from bonafide.simulator.identity import Identity
from bonafide.simulator.linear_light import Light, decode
from bonafide.simulator.mesh import Material, Surface, plain_texture
from bonafide.simulator.structure import prefilter_tile

Float = npt.NDArray[np.float32]
PANELS_MM = {"phone": (68.0, 148.0), "tablet": (160.0, 226.0), "laptop": (310.0, 194.0),
             "monitor": (530.0, 300.0)}  # fmt: skip
"""Family -> usual (width, height) of the panel as held, mm."""


def family_of(display: DisplaySettings) -> str:
    """The family word that a display's name begins with."""
    return display.name.split()[0]


def subpixel_structure(
    display: DisplaySettings,
    showing: Showing,
    size_mm: tuple[float, float],
    fill: float,
    beat_hz: float,
) -> Plane:
    """The panel's subpixels and its flicker, as the sensor samples them."""  # fmt: skip
    period, make = LAYOUTS[display.layout]
    per_mm = display.pixels_per_inch / MM_PER_INCH / period
    tile = make(display.fill)
    tile = tile / tile.mean(axis=(0, 1))
    cache: dict[float, Float] = {}

    def gain(x: Float, y: Float, u: Float, v: Float, px_per_mm: float, time_s: float) -> Float:
        del u
        per_px = round(per_mm / px_per_mm, 3)
        if per_px not in cache:
            cache.clear()
            cache[per_px] = prefilter_tile(tile, 0.35 * per_px, fill * per_px)
        out = look_up_colors(cache[per_px], x, y, per_mm)
        if display.flicker == 0:
            return out
        phase = showing.band_phase + beat_hz * time_s
        bands = np.cos(2 * np.pi * (showing.band_cycles * v + phase))
        return out * (1 + np.float32(display.flicker) * bands)[..., None]

    return Plane(0, size_mm, gain)


def _fit(
    source: Source, panel: tuple[float, float], life: float, rng: np.random.Generator
) -> tuple[tuple[float, float, float, float], tuple[float, float], npt.NDArray[np.float64]]:
    """(panel frame mm), (panel px per picture px scale, offsets) and landmarks; face at origin."""
    scale = source.mm_per_px * life
    height, width = source.frame(0.0).shape[:2]
    marks = source.landmarks
    center = marks.mean(0)
    wide, tall = width * scale, height * scale
    left, top = -(center[0] + 0.5) * scale, (center[1] + 0.5) * scale
    # The picture is centred on the panel; what is wider is cropped, what is left stays black.
    shift = float(rng.normal(0, 0.03)) * panel[1]
    frame = (left + wide / 2 - panel[0] / 2, top - tall / 2 + panel[1] / 2 + shift, *panel)
    spots = np.stack([(marks[:, 0] - center[0]) * scale, -(marks[:, 1] - center[1]) * scale], 1)
    return frame, (left, top), spots


def compose(
    rgb: npt.NDArray[np.uint8],
    display: DisplaySettings,
    frame: tuple[float, float, float, float],
    corner: tuple[float, float],
    scale: float,
    shape: tuple[int, int],
    brightness: float,
) -> Float:
    """(h, w, 4) light of the panel: the picture at its place, black bars around it."""  # fmt: skip
    height, width = shape
    per_mm = width / frame[2]
    zoom = scale * per_mm
    move = np.array([[zoom, 0, (corner[0] - frame[0]) * per_mm],
                     [0, zoom, (frame[1] - corner[1]) * per_mm]], np.float32)  # fmt: skip
    rgb, move = _shown_part(rgb, move.astype(np.float64), shape)
    light = show_photo(decode(rgb), display)
    panel = cv2.warpAffine(light, move, (width, height), flags=cv2.INTER_LINEAR)
    out = np.empty((height, width, 4), np.float32)
    _shine(panel, np.float32(brightness), out)
    return out


def _shown_part(
    rgb: npt.NDArray[np.uint8], move: npt.NDArray[np.float64], shape: tuple[int, int]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """The part of a picture that a scaling and shift bring onto (height, width), and its shift."""
    zoom, moved, spans = move[0, 0], move.copy(), []
    for axis in (0, 1):
        whole, side, start = rgb.shape[1 - axis], shape[1 - axis], move[axis, 2]
        # Two px more on either side, for the interpolation at the edge.
        first = min(max(int(np.floor(-start / zoom)) - 2, 0), whole - 1)
        after = max(int(np.ceil((side - start) / zoom)) + 3, first + 1)
        spans.append(slice(first, after))
        moved[axis, 2] += zoom * first
    return np.ascontiguousarray(rgb[spans[1], spans[0]]), moved


def look_up_colors(tile: Light, x: Light, y: Light, per_unit: float) -> Light:
    """(h, w, 3) nearest entries of a periodic (side, side, 3) tile, as `tile_index` finds them.

    Args:
        x, y: (h, w) plane coordinates; per_unit: periods per plane unit.
    """
    out = np.empty((*x.shape, 3), np.float32)
    _look_up_colors(tile, x, y, np.float32(per_unit), out)
    return out


@numba.njit(cache=True, nogil=True)
def _look_up_colors(tile, x, y, per_unit, out):
    side = np.float32(tile.shape[0])
    last, shift = tile.shape[0] - 1, np.float32(65536 * tile.shape[0])
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            column = np.int32(x[i, j] * per_unit * side + shift) & last
            row = np.int32(y[i, j] * per_unit * side + shift) & last
            for channel in range(3):
                out[i, j, channel] = tile[row, column, channel]


@numba.njit(cache=True, fastmath={"contract"}, nogil=True)
def _shine(panel, level, out):
    """Backlight, which leaks where the panel is black; hardly anything in infrared."""
    leak = np.float32(0.0015) * level
    for y in range(panel.shape[0]):
        for x in range(panel.shape[1]):
            for c in range(3):
                out[y, x, c] = level * panel[y, x, c] + leak
            out[y, x, 3] = np.float32(0.008)


def stage_screen(
    source: Source,
    display: DisplaySettings,
    holder: Identity,
    rng: np.random.Generator,
    *,
    video: bool,
    fill: float,
    ambient: float,
    held: bool | None = None,
) -> Staging:
    """A screen that shows the subject.

    Args:
        video: replayed in time, or one photo.
        fill: side of the area that a sensor px integrates, px.
        ambient: light on white paper in the room; the screen's white is set relative to it.
        held: by a hand, or on a stand; None draws it, and only what is small is held.
    """  # fmt: skip
    family = family_of(display)
    panel = PANELS_MM[family]
    tall, wide = source.frame(0.0).shape[:2]
    turned = family == "phone" and bool(rng.random() < 0.25)
    if family in ("phone", "tablet") and (turned or wide > tall):
        panel = panel[1], panel[0]
    showing = draw_showing(rng, display)
    face_mm = float(min(rng.uniform(*display.face_mm), 150.0))
    life = face_mm / 150.0
    frame, corner, spots = _fit(source, panel, life, rng)
    brightness = float(np.clip(showing.brightness, 0.6, 3.0)) * max(ambient, 0.15)
    scale = source.mm_per_px * life
    shape = (round(320 * panel[1] / max(panel)), round(320 * panel[0] / max(panel)))

    def content(time_s: float) -> Float:
        return compose(source.frame(time_s), display, frame, corner, scale, shape, brightness)

    glossy = display.reflectance > 0.02
    glass = Material(albedo_texture(content(0.0), 1.0), 400000.0 if glossy else 120.0,
                     0.042 if glossy else 0.004, emission=1.0)  # fmt: skip
    extras = [sheet(*frame, glass, Warp())]
    extras += _device(family, frame, display)
    small = family in ("phone", "tablet") and bool(rng.random() < 0.75)
    in_hand = small if held is None else held
    if in_hand:
        extras += _grip(rng, frame, holder)
    plane = subpixel_structure(display, showing, frame[2:], fill, float(rng.uniform(-6, 6)))
    return Staging(
        species=f"{'replay' if video else 'photo'}_{family}",
        detail=f"{display.name}, {'hand' if in_hand else 'stand'}",
        actor=None,
        extras=tuple(extras),
        life=life,
        landmarks=np.column_stack([spots, np.zeros(5)]),
        held=float(in_hand),
        refresh=(0, content) if video else None,
        plane=plane,
        glow=display.white,
        parameters={"display": asdict(display), "showing": asdict(showing), "life": life},
    )


def _device(
    family: str, frame: tuple[float, float, float, float], display: DisplaySettings
) -> list[Surface]:
    """Bezel, body, and a laptop's keyboard half."""
    left, top, width, height = frame
    side, end = {"phone": (2.5, 9.0), "tablet": (9.0, 12.0), "laptop": (7.0, 14.0),
                 "monitor": (9.0, 22.0)}[family]  # fmt: skip
    if family == "phone" and width > height:
        side, end = end, side
    shade = [*display.bezel, max(display.bezel[0], 0.08)]
    plastic = Material(plain_texture(shade, 0.6), 60.0, 0.04)
    thick = {"phone": 8.0, "tablet": 7.0, "laptop": 6.0, "monitor": 30.0}[family]
    z = 0.4
    rims = [(left - side, top + end, width + 2 * side, end), (left - side, top - height,
            width + 2 * side, end), (left - side, top, side, height), (left + width, top, side,
            height)]  # fmt: skip
    out = [box(*rim, thick, plastic, z) for rim in rims]
    if family == "laptop":
        metal = Material(plain_texture([0.3, 0.3, 0.31, 0.35], 0.8), 40.0, 0.05)
        out.append(box(left - side, top - height - end, width + 2 * side, 14.0, -150.0, metal, z))
    return out


def _grip(
    rng: np.random.Generator, frame: tuple[float, float, float, float], holder: Identity
) -> list[Surface]:
    """A hand at one side or below."""
    left, top, width, height = frame
    if rng.random() < 0.5:
        side = rng.random() < 0.5
        x = left - 3 if side else left + width + 3
        toward = float(rng.uniform(10, 45)) if side else 180 - float(rng.uniform(10, 45))
        y = top - height * float(rng.uniform(0.7, 0.95))
    else:
        x, y = left + width * float(rng.uniform(0.2, 0.8)), top - height - 9
        toward = float(rng.uniform(60, 120))
    return hand(rng, x, y, toward, holder.melanin)
