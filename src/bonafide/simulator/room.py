"""Furnished rooms behind the subject, drawn alike for live people and attacks.

A room is a wall and things in front of it at their own depths: windows, curtains, doors, shelves,
posters, lamps, plants, and deliberate distractors that look like attack instruments (white sheets,
framed faces, dark screens). Every surface has R, G, B and NIR albedo and is lit by the room's light
and, in NIR, by the illuminator's falloff with distance, so the background is the same physics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.lighting import Lighting
from bonafide.simulator.picture import SAMPLES, Backdrop, View
from bonafide.simulator.shade import FLASH_REFERENCE_MM

Float = npt.NDArray[np.float32]
WORK_PX = 288
"""Rooms are drawn at this width and enlarged: they are out of focus anyway."""
BAYS = 3
USUAL_SHARE = 0.45
"""Breadth of the face over the picture's width where the picture is one bay wide."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a room's wall lies behind a picture.

    A wall is `BAYS` bays wide and furnished bay by bay; a bay is about as wide as what a close
    picture shows. Were the same part behind every picture of a room, pixels at fixed places would
    tell who was filmed there from who was filmed elsewhere and is shown there.

    Attributes:
        left, top: of the picture, in bays from the first bay's corner; size: its width in bays.
    """

    left: float
    top: float
    size: float


def place_window(face_share: float, at: tuple[float, float]) -> Window:
    """The part of the wall behind a face; the smaller the face, the more wall, as lenses have it.

    Args:
        face_share: breadth of the face over the picture's width.
        at: where the camera points, (across, down), each 0..1.
    """
    size = float(np.clip(USUAL_SHARE / face_share, 0.7, 1.8))
    top = 0.5 - size / 2 + 0.3 * (at[1] - 0.5)
    return Window(at[0] * (BAYS - size), top, size)


class _Canvas:
    """Albedo, emission and depth of the room while it is being furnished."""

    def __init__(self, width: int, height: int, far_mm: float, window: Window) -> None:
        self.width, self.height, self.window, self.bay = width, height, window, 0
        self.albedo = np.full((height, width, 4), 0.5, np.float32)
        self.glow = np.zeros((height, width, 4), np.float32)
        self.depth = np.full((height, width), far_mm, np.float32)

    def polygon(self, corners: npt.ArrayLike, color: npt.ArrayLike, depth_mm: float,
                glow: npt.ArrayLike | None = None) -> None:  # fmt: skip
        """Fill a polygon; corners in shares of the bay."""
        window = self.window
        seen = np.asarray(corners, float) + np.array([self.bay - window.left, -window.top])
        scale = np.array([self.width, self.height]) / window.size
        points = np.rint(seen * scale).astype(np.int32)
        shade = tuple(float(c) for c in np.asarray(color, float))
        cv2.fillPoly(self.albedo, [points], shade, cv2.LINE_AA)
        cv2.fillPoly(self.depth, [points], float(depth_mm))
        light = (0.0,) * 4 if glow is None else tuple(float(c) for c in np.asarray(glow, float))
        cv2.fillPoly(self.glow, [points], light, cv2.LINE_AA)

    def box(self, x: float, y: float, w: float, h: float, color: npt.ArrayLike, depth_mm: float,
            glow: npt.ArrayLike | None = None, tilt: float = 0.0) -> None:  # fmt: skip
        """Fill an upright rectangle whose right side may be ``tilt`` lower, as in perspective."""
        self.polygon(
            [(x, y), (x + w, y + tilt), (x + w, y + h - tilt), (x, y + h)], color, depth_mm, glow
        )


def _color(rng: np.random.Generator, low: float = 0.05, high: float = 0.8) -> Float:
    """R, G, B by value and hue, NIR drawn beside them: dyes hide little in near infrared."""
    value = np.exp(rng.uniform(np.log(low), np.log(high)))
    tint = 1 + rng.uniform(-1, 1, 3) * rng.choice([0.08, 0.25, 0.6], p=[0.5, 0.3, 0.2])
    infrared = rng.uniform(0.5, 1.0) * max(value, 0.35) if rng.random() < 0.8 else value
    return np.clip(np.array([*(value * tint), infrared]), 0.01, 0.92).astype(np.float32)


def _window(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y = rng.uniform(-0.2, 0.85), rng.uniform(-0.2, 0.2)
    w, h = rng.uniform(0.25, 0.55), rng.uniform(0.4, 0.7)
    sky = np.array([0.9, 1.0, 1.15, 0.7]) * np.exp(rng.uniform(np.log(0.3), np.log(2.2)))
    frame = _color(rng, 0.3, 0.85)
    room.box(x - 0.015, y - 0.015, w + 0.03, h + 0.03, frame, far)
    panes = int(rng.integers(1, 4))
    for k in range(panes):
        room.box(x + k * w / panes + 0.006, y, w / panes - 0.012, h, [0.04] * 4, far * 3, sky)
        green = sky * [0.35, 0.5, 0.25, 0.9]
        room.box(x + k * w / panes + 0.006, y + h * 0.7, w / panes - 0.012, h * 0.3, [0.04] * 4,
                 far * 3, green)  # fmt: skip


def _curtain(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, w = rng.uniform(-0.1, 0.9), rng.uniform(0.12, 0.4)
    color, folds = _color(rng, 0.1, 0.8), int(rng.integers(5, 14))
    for k in range(folds * 2):
        shade = 0.8 + 0.2 * np.cos(np.pi * k)
        room.box(x + k * w / folds / 2, -0.1, w / folds / 2 + 0.002, 1.2, color * shade, far - 60)


def _shelf(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, w, rows = rng.uniform(-0.15, 0.8), rng.uniform(0.25, 0.5), int(rng.integers(2, 5))
    wood, depth = _color(rng, 0.08, 0.6), far - rng.uniform(200, 350)
    top, step = rng.uniform(-0.1, 0.15), rng.uniform(0.17, 0.24)
    room.box(x, top, w, step * rows + 0.02, wood * 0.45, depth + 180)
    for row in range(rows):
        base = top + step * (row + 1)
        at = x + 0.012
        while at < x + w - 0.03:
            thick, tall = rng.uniform(0.008, 0.03), step * rng.uniform(0.55, 0.9)
            if rng.random() < 0.85:
                room.box(at, base - tall, thick, tall, _color(rng, 0.04, 0.7), depth + 40)
            at += thick + 0.001
        room.box(x, base, w, 0.016, wood, depth)
    for side in (x, x + w - 0.012):
        room.box(side, top, 0.012, step * rows + 0.016, wood * 0.9, depth)


def _poster(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y = rng.uniform(0.0, 0.85), rng.uniform(0.0, 0.45)
    w = rng.uniform(0.1, 0.28)
    h = w * rng.uniform(0.7, 1.4)
    tilt = rng.normal(0, 0.008)
    room.box(
        x - 0.008, y - 0.008, w + 0.016, h + 0.016, _color(rng, 0.02, 0.85), far - 15, tilt=tilt
    )
    room.box(x, y, w, h, _color(rng, 0.2, 0.85), far - 14, tilt=tilt)
    if rng.random() < 0.4:
        # A framed face, as a picture on a wall: skin-coloured oval, hair and shoulders.
        skin = np.array([0.45, 0.28, 0.2, 0.55]) * rng.uniform(0.25, 1.3)
        angle = np.linspace(0, 2 * np.pi, 24)
        cx, cy = x + w / 2, y + h * 0.45
        oval = np.stack([np.cos(angle), np.sin(angle)], 1)
        room.polygon(
            oval * [w * 0.26, h * 0.3] + [cx, cy - 0.05 * h], _color(rng, 0.01, 0.3), far - 14
        )
        room.polygon(oval * [w * 0.38, h * 0.2] + [cx, y + h * 0.82], _color(rng), far - 14)
        room.polygon(oval * [w * 0.2, h * 0.25] + [cx, cy], skin, far - 14)
        return
    for _ in range(int(rng.integers(1, 6))):
        a, b = rng.uniform(0.05, 0.7, 2)
        room.box(x + a * w, y + b * h, w * rng.uniform(0.1, 0.3), h * rng.uniform(0.05, 0.3),
                 _color(rng), far - 14)  # fmt: skip


def _white_sheet(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y = rng.uniform(-0.05, 0.9), rng.uniform(-0.05, 0.8)
    w, h = rng.uniform(0.08, 0.4, 2)
    white = np.array([0.8, 0.79, 0.77, 0.8]) * rng.uniform(0.7, 1.1)
    room.box(
        x, y, w, h, np.clip(white, 0, 0.9), far - rng.uniform(10, 700), tilt=rng.normal(0, 0.02)
    )


def _screen(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y, w = rng.uniform(-0.05, 0.85), rng.uniform(0.0, 0.7), rng.uniform(0.08, 0.4)
    h, depth = w * rng.uniform(0.5, 1.8), far - rng.uniform(50, 700)
    room.box(x - 0.01, y - 0.01, w + 0.02, h + 0.02, [0.02, 0.02, 0.02, 0.06], depth)
    glow = _color(rng, 0.02, 1.0) if rng.random() < 0.6 else np.zeros(4)
    glow[3] = 0
    room.box(x, y, w, h, [0.01] * 4, depth, glow)


def _door(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, w = rng.uniform(-0.1, 0.85), rng.uniform(0.22, 0.36)
    color = _color(rng, 0.15, 0.8)
    room.box(x - 0.02, 0.02, w + 0.04, 1.2, color * 0.8, far)
    room.box(x, 0.04, w, 1.2, color, far - 5)
    for y in (0.1, 0.5):
        room.box(x + 0.15 * w, y, 0.7 * w, 0.33, color * 0.88, far - 3)


def _lamp(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y, w = rng.uniform(0, 1), rng.uniform(0.05, 0.5), rng.uniform(0.06, 0.14)
    depth = far - rng.uniform(100, 500)
    room.box(x + 0.45 * w, y, 0.1 * w, 1.0, _color(rng, 0.02, 0.4), depth)
    warm = np.array([1.0, 0.75, 0.45, 0.8]) * rng.choice([0.0, rng.uniform(0.5, 2.5)])
    room.polygon([(x + 0.2 * w, y), (x + 0.8 * w, y), (x + w, y + w), (x, y + w)],
                 _color(rng, 0.4, 0.85), depth, warm)  # fmt: skip


def _plant(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y, size = rng.uniform(0, 1), rng.uniform(0.35, 0.8), rng.uniform(0.08, 0.2)
    depth = far - rng.uniform(150, 600)
    angle = np.linspace(0, 2 * np.pi, 12)
    for _ in range(int(rng.integers(14, 34))):
        turn, reach = rng.uniform(-2.6, 2.6), rng.uniform(0.3, 1.0) * size
        leaf = np.stack([np.cos(angle) * 0.16 * size, np.sin(angle) * 0.45 * size], 1)
        c, s = np.cos(turn), np.sin(turn)
        center = [x + reach * np.sin(turn), y - reach * np.cos(turn)]
        green = np.array([0.05, 0.12, 0.03, 0.55]) * rng.uniform(0.5, 2.0)
        room.polygon(leaf @ np.array([[c, s], [-s, c]]) + center, green, depth)
    room.box(x - 0.3 * size, y + 0.2 * size, 0.6 * size, 0.7 * size, _color(rng), depth)


def _sofa(room: _Canvas, rng: np.random.Generator, far: float) -> None:
    x, y, w = rng.uniform(-0.3, 0.5), rng.uniform(0.6, 0.85), rng.uniform(0.5, 0.9)
    color, depth = _color(rng, 0.05, 0.6), far - rng.uniform(300, 700)
    room.box(x, y, w, 0.6, color, depth)
    for k in range(3):
        room.box(
            x + w * (0.03 + 0.32 * k), y + 0.03, w * 0.3, 0.6, color * rng.uniform(0.85, 1.1), depth
        )


FURNITURE: dict[str, tuple[Callable[[_Canvas, np.random.Generator, float], None], float]] = {
    "window": (_window, 0.25), "curtain": (_curtain, 0.2), "door": (_door, 0.2),
    "shelf": (_shelf, 0.35), "poster": (_poster, 0.45), "white sheet": (_white_sheet, 0.25),
    "screen": (_screen, 0.22), "lamp": (_lamp, 0.2), "sofa": (_sofa, 0.2), "plant": (_plant, 0.25),
}  # fmt: skip
"""Thing -> (how it is drawn, how often it is there)."""


def draw_room(
    rng: np.random.Generator,
    view: View,
    lighting: Lighting,
    flash: float,
    *,
    furnished: bool = True,
    window: Window | None = None,
) -> Backdrop:
    """Draw a room.

    Args:
        rng: decides everything; the same for live and attack.
        flash: NIR irradiance of the illuminator at 500 mm.
        furnished: things stand in it, or there is an even wall alone.
        window: the part of it behind the picture, the second bay if None.
    """
    width = min(WORK_PX, view.width * SAMPLES)
    height = max(round(width * view.height / view.width), 8)
    far = view.distance_mm + float(np.exp(rng.uniform(np.log(350), np.log(3500))))
    room = _Canvas(width, height, far, window or Window(1.0, 0.0, 1.0))
    _wall(room, rng, even=not furnished)
    for bay, (draw, chance) in product(range(BAYS if furnished else 0), FURNITURE.values()):
        room.bay = bay
        if rng.random() < chance:
            draw(room, rng, far)
    corner = _contact_shadows(room.depth)
    gradient = 1 + 0.35 * _slope(rng, height, width)
    ambient = np.array(lighting.walls) * 0.7 + np.array(lighting.lamps[0].power) * 0.35
    light = room.albedo * (ambient.astype(np.float32) * (gradient * corner)[..., None]) + room.glow
    light[..., 3] += room.albedo[..., 3] * flash * (FLASH_REFERENCE_MM / room.depth) ** 2
    blur = float(np.exp(rng.uniform(np.log(0.4), np.log(4.5)))) * width / WORK_PX
    light = cv2.GaussianBlur(light.astype(np.float32), (0, 0), blur)
    size = (view.width * SAMPLES, view.height * SAMPLES)
    return Backdrop(
        np.ascontiguousarray(cv2.resize(light, size, interpolation=cv2.INTER_LINEAR)),
        cv2.resize(room.depth, size, interpolation=cv2.INTER_NEAREST),
    )


def _wall(room: _Canvas, rng: np.random.Generator, *, even: bool) -> None:
    room.albedo[:] = _color(rng, 0.12, 0.8)
    across = room.window.left + room.window.size * np.arange(room.width) / room.width
    if not even and rng.random() < 0.25:
        period = int(rng.integers(5, 26))
        other = _color(rng, 0.15, 0.8)
        room.albedo[:, (across * WORK_PX // period) % 2 == 0] = other
    if not even and rng.random() < 0.3:
        room.albedo[:, across > rng.uniform(0.1, BAYS - 0.1)] *= rng.uniform(0.6, 0.95)
    grain = rng.standard_normal((room.height, room.width)).astype(np.float32)
    room.albedo *= (1 + 0.10 * cv2.GaussianBlur(grain, (0, 0), 1.2))[..., None]


def _contact_shadows(depth: Float) -> Float:
    """Things darken the wall beside them: blurred depth minus depth."""
    soft = cv2.GaussianBlur(depth, (0, 0), 7.0)
    return 1 - 0.35 * np.clip((depth - soft) / 250.0, 0, 1)


def _slope(rng: np.random.Generator, height: int, width: int) -> Float:
    angle = rng.uniform(0, 2 * np.pi)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32) * np.float32(0.7)
