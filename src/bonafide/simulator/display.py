"""The screen: subpixels, tone, white point, reflections, flicker (simulated).

The pixel grid is never drawn; it is sampled (see `structure`), so moire appears exactly where a
sensor's sampling would fold it. Colour temperatures are those that screens ship with (6500 to
9300 K); black is lifted by the room's light on the glass (about 4 % of it for a glossy, 1 % for
a matte surface), not by the panel, whose contrast of 1000:1 and more no camera sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bonafide.simulator.illumination import planckian_rgb
from bonafide.simulator.linear_light import Light, color_matrix, gradient_field, smooth_field
from bonafide.simulator.structure import TILE, PlaneMap, SensorGrid, look_up, prefilter_tile

MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """One screen.

    Attributes:
        name: how tables call it, such as "phone pentile".
        layout: a key of LAYOUTS.
        pixels_per_inch: of whole (logical) pixels.
        fill: share of a subpixel's cell that emits, along a side.
        gamma: exponent applied to linear light (1 when the panel decodes sRGB exactly).
        white: (3,) colour of white, green = 1.
        saturation: of the primaries relative to sRGB; wide-gamut panels that ignore profiles
            exceed 1.
        falloff: loss of light at the picture's edge by viewing angle, 0..1.
        flicker: relative amplitude of rolling bands from PWM or refresh.
        reflectance: share of the room's light that the glass returns as a picture.
        bezel: (3,) linear colour of the frame.
        face_mm: (smallest, largest) width at which a face is shown.
    """

    name: str
    layout: str
    pixels_per_inch: float
    fill: float
    gamma: float
    white: tuple[float, float, float]
    saturation: float
    falloff: float
    flicker: float
    reflectance: float
    bezel: tuple[float, float, float]
    face_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Showing:
    """One picture shown on a screen.

    Attributes:
        face_mm: width of the face on the screen.
        brightness: screen white relative to a white sheet in the room.
        band_cycles, band_phase: rolling bands per picture height, and where they start (cycles).
        glare: strength of window reflections, relative to screen white.
    """

    face_mm: float
    brightness: float
    band_cycles: float
    band_phase: float
    glare: float


def _stripes(fill: float, order: tuple[int, int, int], turned: bool) -> Light:
    """Three stripes side by side in one square pixel."""
    tile = np.zeros((TILE, TILE, 3), np.float32)
    center = (np.arange(TILE) + 0.5) / TILE
    tall = np.abs(center - 0.5) < 0.5 * min(1.0, fill + 0.15)
    for place, channel in enumerate(order):
        wide = np.abs(center - (place + 0.5) / 3) < fill / 6
        tile[..., channel] = np.outer(wide, tall) if turned else np.outer(tall, wide)
    return tile


def _pentile(fill: float) -> Light:
    """Diamond pentile over 2x2 pixels: a green in every pixel, red and blue in every second."""
    tile = np.zeros((TILE, TILE, 3), np.float32)
    y, x = (np.mgrid[:TILE, :TILE] + 0.5) / (TILE / 2)
    spots = [(0.5, 0.5, 0), (1.5, 1.5, 0), (1.5, 0.5, 2), (0.5, 1.5, 2)]
    spots += [(px, py, 1) for px in (0.0, 1.0) for py in (0.0, 1.0)]
    for px, py, channel in spots:
        away_x = np.abs((x - px + 1) % 2 - 1)
        away_y = np.abs((y - py + 1) % 2 - 1)
        radius = fill * (0.34 if channel == 1 else 0.45)
        tile[..., channel] = np.maximum(tile[..., channel], away_x + away_y < radius)
    return tile


LAYOUTS = {
    "rgb stripe": (1, lambda fill: _stripes(fill, (0, 1, 2), False)),
    "bgr stripe": (1, lambda fill: _stripes(fill, (2, 1, 0), False)),
    "rgb stripe, turned": (1, lambda fill: _stripes(fill, (0, 1, 2), True)),
    "pentile": (2, _pentile),
}
"""Layout -> (pixels per period, function of fill giving one period)."""

_FAMILIES = {
    "phone": ((300.0, 520.0), (28.0, 62.0), ["rgb stripe", "rgb stripe, turned", "pentile"]),
    "tablet": ((216.0, 330.0), (50.0, 120.0), ["rgb stripe", "rgb stripe, turned", "pentile"]),
    "laptop": ((100.0, 230.0), (60.0, 150.0), ["rgb stripe"]),
    "monitor": ((81.0, 140.0), (80.0, 190.0), ["rgb stripe", "bgr stripe"]),
}


def draw_display(rng: np.random.Generator) -> DisplaySettings:
    """One screen: phone, tablet, laptop or monitor."""
    family = str(rng.choice(list(_FAMILIES), p=[0.4, 0.15, 0.2, 0.25]))
    density, face_mm, layouts = _FAMILIES[family]
    layout = str(rng.choice(layouts))
    white = planckian_rgb(float(np.exp(rng.uniform(np.log(6300), np.log(9300)))))
    shade = float(np.exp(rng.uniform(np.log(0.004), np.log(0.05))))
    if rng.random() < 0.12:
        shade = float(rng.uniform(0.4, 0.8))
    return DisplaySettings(
        name=f"{family} {layout}",
        layout=layout,
        pixels_per_inch=float(rng.uniform(*density)),
        fill=float(rng.uniform(0.65, 0.92)),
        gamma=float(rng.normal(1.02, 0.06)),
        white=(float(white[0]), 1.0, float(white[2])),
        saturation=float(rng.uniform(0.9, 1.22) if family != "laptop" else rng.uniform(0.75, 1.1)),
        falloff=float(rng.uniform(0, 0.2 if layout != "pentile" else 0.08)),
        flicker=float(rng.uniform(0.01, 0.07)) if rng.random() < 0.4 else 0.0,
        reflectance=float(rng.uniform(0.005, 0.015) if family == "monitor" and rng.random() < 0.7
                          else rng.uniform(0.03, 0.06)),
        bezel=(shade, shade, shade * float(rng.uniform(0.95, 1.1))),
        face_mm=face_mm,
    )  # fmt: skip


def draw_showing(rng: np.random.Generator, display: DisplaySettings) -> Showing:
    """One picture shown."""
    return Showing(
        face_mm=float(rng.uniform(*display.face_mm)),
        brightness=float(np.exp(rng.uniform(np.log(0.6), np.log(4.0)))),
        band_cycles=float(rng.uniform(0.6, 5.0)),
        band_phase=float(rng.uniform(0, 1)),
        glare=float(rng.exponential(0.05)) if rng.random() < 0.5 else 0.0,
    )


def show_photo(photo: Light, display: DisplaySettings) -> Light:
    """Emitted light of the content, white = ``display.white``; fine structure comes later."""
    shown = cv2.transform(photo, color_matrix(display.saturation))
    np.clip(shown, 0, 1, out=shown)
    if display.gamma != 1.0:
        shown = cv2.pow(shown, display.gamma)
    return cv2.transform(shown, np.diag(np.asarray(display.white, np.float32)))


def pixel_gain(
    display: DisplaySettings, pixels_per_unit: float, plane: PlaneMap, grid: SensorGrid, zoom: float
) -> Light:
    """(height, width, 3) gain of the subpixel grid as the sensor samples it, mean about 1.

    Args:
        pixels_per_unit: display pixels per plane unit.
        zoom: working px per plane unit.
    """
    period, make = LAYOUTS[display.layout]
    per_unit = pixels_per_unit / period
    per_sensor_px = per_unit / (zoom * grid.oversampling)
    tile = make(display.fill)
    tile = prefilter_tile(
        tile / tile.mean(axis=(0, 1)), grid.lens_sigma_px * per_sensor_px, grid.fill * per_sensor_px
    )
    gain = np.empty((grid.height, grid.width, 3), np.float32)
    for channel in range(3):
        columns, rows, step, offset = grid.sites(channel)
        x, y = plane.coordinates(columns, rows, step=step, offset=offset)
        entry = look_up(
            np.ascontiguousarray(tile[..., channel]),
            x * np.float32(per_unit),
            y * np.float32(per_unit),
        )
        gain[..., channel] = grid.to_working(entry)
    return gain


def rolling_bands(display: DisplaySettings, showing: Showing, height: int) -> Light:
    """(height, 1, 1) gain of flicker caught by a rolling shutter."""
    y = np.arange(height, dtype=np.float32) / height
    wave = np.cos(2 * np.pi * (showing.band_cycles * y + showing.band_phase))
    return (1 + display.flicker * wave).astype(np.float32)[:, None, None]


def angle_falloff(
    display: DisplaySettings, rng: np.random.Generator, height: int, width: int
) -> Light:
    """(height, width, 1) dimming towards one side; screens are brightest along their normal."""
    return (1 + display.falloff * 0.5 * gradient_field(rng, height, width))[..., None]


def reflections(
    display: DisplaySettings, showing: Showing, room: Light, rng: np.random.Generator
) -> Light:
    """(height, width, 3) light of the room on the glass, relative to screen white.

    Args:
        room: (height, width, 3) what the glass mirrors, relative to a white sheet in the room.
    """
    height, width = room.shape[:2]
    mirrored = room * np.float32(display.reflectance / showing.brightness)
    # Diffuse haze of the surface and finger grease lifts blacks even where the room is dark.
    haze = 0.012 * float(rng.uniform(0.1, 1.0)) / showing.brightness
    light = mirrored + np.float32(haze) * (1 + 0.5 * smooth_field(rng, height, width, 3))[..., None]
    if showing.glare > 0.01:
        light = light + showing.glare * _window(rng, height, width)[..., None]
    return light.astype(np.float32)


def _window(rng: np.random.Generator, height: int, width: int) -> Light:
    """(height, width) soft reflection of a window or lamp, 0..1."""
    small = np.zeros((max(height // 4, 8), max(width // 4, 8)), np.float32)
    extent = rng.uniform(0.1, 0.5, 2) * small.shape[::-1]
    center = rng.uniform(0.0, 1.0, 2) * small.shape[::-1]
    if rng.random() < 0.6:
        box = cv2.boxPoints((tuple(center), tuple(extent), float(rng.normal(0, 12))))
        cv2.fillConvexPoly(small, np.rint(box).astype(np.int32), 1.0)
    else:
        radius = max(int(extent.min() / 3), 2)
        cv2.circle(small, (int(center[0]), int(center[1])), radius, 1.0, -1)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.02, 0.12)) * small.shape[1] + 0.5)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
