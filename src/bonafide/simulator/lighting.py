"""Lamps, windows and walls around a scene, and what of their light reaches each point.

Four channels everywhere: R, G, B and near infrared. World space: x to the picture's right, y up,
z towards the camera. The light of walls and the shadows of lamps are found once a clip, by drawing
the scene from many directions (`bake`); the terminator, highlights and the infrared illuminator
at the camera are computed per sample in `shade`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
import numpy.typing as npt

from bonafide.simulator.illumination import planckian_rgb
from bonafide.simulator.mesh import Scene
from bonafide.simulator.raster import draw_strands, draw_triangles

Float = npt.NDArray[np.float32]
MAP_PX = 160
SKY_DIRECTIONS = 36
LAMP_SAMPLES = 5
BIAS_MM = 4.0
HAIR_BIAS_MM = 14.0
"""Light gets this far into hair."""
Bounce = tuple[float, float, float, float]
SKIN_BOUNCE: Bounce = (0.32, 0.20, 0.15, 0.35)
"""What blocks a direction on a face is mostly the face itself: dim and warm."""


@dataclass(frozen=True, slots=True)
class Lamp:
    """A distant source of some size.

    Attributes:
        toward: (x, y, z) unit vector from the scene to the lamp.
        spread_deg: half angle of the cone it fills; soft shadows.
        power: irradiance on a surface that faces it, R, G, B, NIR; 1 makes white paper 1.
    """

    toward: tuple[float, float, float]
    spread_deg: float
    power: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Lighting:
    """All light of a room.

    Attributes:
        lamps: one to three.
        ceiling, walls, floor: radiance of the surroundings in R, G, B, NIR; 1 all round makes
            white paper 1.
        white: (r, g, b) colour that the camera's white balance looks for, g = 1.
        adverse: whether it was drawn as bad light.
    """

    lamps: tuple[Lamp, ...]
    ceiling: tuple[float, float, float, float]
    walls: tuple[float, float, float, float]
    floor: tuple[float, float, float, float]
    white: tuple[float, float, float]
    adverse: bool


def _direction(azimuth_deg: float, height_deg: float) -> tuple[float, float, float]:
    a, h = np.deg2rad(azimuth_deg), np.deg2rad(height_deg)
    return float(np.cos(h) * np.sin(a)), float(np.sin(h)), float(np.cos(h) * np.cos(a))


def draw_lighting(rng: np.random.Generator, *, adverse: bool | None = None) -> Lighting:
    """Draw a room's light; adverse light comes from one side, from behind, or is scarce."""
    adverse = bool(rng.random() < 0.3) if adverse is None else adverse
    kelvin = float(np.exp(rng.uniform(np.log(2900), np.log(7500))))
    color = planckian_rgb(kelvin)
    # Incandescent light is rich in infrared, LED and fluorescent light has next to none.
    near = float(rng.choice([0.02, 0.15, 0.6], p=[0.55, 0.25, 0.2]) * rng.uniform(0.5, 1.5))
    base = float(rng.uniform(0.10, 0.24) if adverse else rng.uniform(0.30, 0.55))
    tint = color * (1 + rng.uniform(-0.06, 0.06, 3))
    lamps = [_key_lamp(rng, color, near, adverse)]
    if rng.random() < 0.5:
        other = planckian_rgb(float(np.exp(rng.uniform(np.log(2900), np.log(7500)))))
        power = float(rng.uniform(0.08, 0.30))
        lamps.append(Lamp(_direction(float(rng.uniform(-120, 120)), float(rng.uniform(0, 55))),
                          18.0, (*(float(c) * power for c in other), near * power)))  # fmt: skip
    shell = [
        tuple(float(v) for v in (*(tint * base * k), near * base * k))
        for k in (rng.uniform(1.0, 1.7), rng.uniform(0.6, 1.1), rng.uniform(0.2, 0.6))
    ]
    white = tuple(float(c) for c in tint / tint[1])
    return Lighting(tuple(lamps), shell[0], shell[1], shell[2], white, adverse)  # fmt: skip


def _key_lamp(rng: np.random.Generator, color: Float, near: float, adverse: bool) -> Lamp:
    if adverse:
        side = float(rng.choice([-1, 1]) * rng.uniform(55, 115))
        height, power, spread = float(rng.uniform(-5, 50)), float(rng.uniform(0.5, 1.3)), 8.0
    else:
        side, height = float(rng.normal(0, 32)), float(rng.uniform(18, 58))
        power, spread = float(rng.uniform(0.35, 0.85)), float(rng.uniform(6, 20))
    return Lamp(
        _direction(side, height), spread, (*(float(c) * power for c in color), near * power)
    )


@dataclass(frozen=True, slots=True)
class Baked:
    """What reaches points at rest: shares of lamps and light of the surroundings.

    Attributes:
        lamps: (n, lamps) visible share of each lamp, 0..1.
        sky: (n, 4) irradiance from the surroundings, including one bounce off the neighbours.
    """

    lamps: Float
    sky: Float


def sphere_directions(count: int) -> npt.NDArray[np.float64]:
    """(count, 3) directions spread evenly by the golden angle."""
    k = np.arange(count) + 0.5
    y = 1 - 2 * k / count
    angle = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - y * y)
    return np.stack([r * np.cos(angle), y, r * np.sin(angle)], 1)


def surroundings(lighting: Lighting, directions: npt.NDArray[np.float64]) -> Float:
    """(n, 4) radiance of ceiling, walls and floor seen in each direction."""
    up = np.clip(directions[:, 1:2] * 1.6, 0, 1) ** 0.8
    down = np.clip(-directions[:, 1:2] * 1.6, 0, 1) ** 0.8
    walls = np.array(lighting.walls)
    out = walls + up * (np.array(lighting.ceiling) - walls) + down * (
        np.array(lighting.floor) - walls)  # fmt: skip
    return out.astype(np.float32)


def _frame(direction: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(3, 3) rows: two axes across the direction and the direction itself."""
    helper = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    first = np.cross(helper, direction)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(direction, first), direction])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _project_along(points, axes, center, scale, half, out):
    """Orthographic view along a direction; the third value grows towards the light."""
    for i in range(points.shape[0]):
        x, y, z = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        out[i, 0] = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * scale + half
        out[i, 1] = half - (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * scale
        out[i, 2] = (axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z) + np.float32(5000.0)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _lit(points, axes, center, scale, half, zbuf, bias, from_hair, hair_bias, out):
    """Share of the four nearest texels of a depth map that each point is not behind."""
    height, width = zbuf.shape
    for i in range(points.shape[0]):
        p, q, r = points[i, 0] - center[0], points[i, 1] - center[1], points[i, 2] - center[2]
        x = int(np.floor((axes[0, 0] * p + axes[0, 1] * q + axes[0, 2] * r) * scale + half))
        y = int(np.floor(half - (axes[1, 0] * p + axes[1, 1] * q + axes[1, 2] * r) * scale))
        reach = (axes[2, 0] * p + axes[2, 1] * q + axes[2, 2] * r) + np.float32(5000.0)
        reach += bias if i < from_hair else hair_bias
        total = np.float32(0.0)
        for b in range(2):
            for a in range(2):
                if (
                    x + a < 0
                    or y + b < 0
                    or x + a >= width
                    or y + b >= height
                    or reach >= zbuf[y + b, x + a]
                ):
                    total += np.float32(0.25)
        out[i] = total


class Shadows:
    """Tells which of many points see a direction, by depth maps of the scene.

    Args:
        points: posed points of the scene's surfaces, (m, 3) world mm.
        strands: posed points of hair and fuzz, each (k, 3).
        targets: (n, 3) points to test: as many of surfaces as ``points``, then of hair.
    """

    def __init__(
        self, scene: Scene, points: Float, strands: tuple[Float, Float], targets: Float
    ) -> None:
        self._scene, self._points, self._targets = scene, points, targets
        # Fuzz is too fine to cast a shadow.
        self._hair = strands[0]
        low, high = points.min(0), points.max(0)
        self._center = (low + high) / 2
        self._reach = float(np.linalg.norm(high - low) / 2) + 20.0
        self._both = np.ones(len(scene.triangles), np.bool_)
        self._thin = np.full(len(scene.hair.points), 1e-6, np.float32)
        self._screen, self._shot = np.empty_like(points), np.empty_like(self._hair)
        self._zbuf = np.zeros((MAP_PX, MAP_PX), np.float32)
        self._item = np.zeros((MAP_PX, MAP_PX), np.int32)
        self._bary = np.zeros((MAP_PX, MAP_PX, 2), np.float32)

    def seen(self, toward: npt.NDArray[np.float64]) -> Float:
        """(n,) share 0..1 of each target that sees the direction ``toward``."""
        scene, zbuf = self._scene, self._zbuf
        axes = _frame(toward).astype(np.float32)
        half, scale = np.float32(MAP_PX / 2), np.float32(MAP_PX / 2 / self._reach)
        zbuf.fill(0.0)
        _project_along(self._points, axes, self._center, scale, half, self._screen)
        draw_triangles(self._screen, scene.triangles, self._both, scene.uv, scene.material,
                       scene.cut, scene.pool, self._item, self._bary, zbuf)  # fmt: skip
        if len(self._hair):
            _project_along(self._hair, axes, self._center, scale, half, self._shot)
            draw_strands(self._shot, scene.hair.points.shape[1], self._thin, np.int32(0),
                         self._item, self._bary, zbuf)  # fmt: skip
        out = np.empty(len(self._targets), np.float32)
        _lit(self._targets, axes, self._center, scale, half, zbuf, np.float32(BIAS_MM),
             len(self._points), np.float32(HAIR_BIAS_MM), out)  # fmt: skip
        return out


def bake(
    scene: Scene,
    points: Float,
    normals: Float,
    strands: tuple[Float, Float],
    lighting: Lighting,
    bounce: Bounce = SKIN_BOUNCE,
) -> tuple[Baked, Baked, Baked]:
    """Light of lamps and surroundings at the scene's points, its hair and its fuzz.

    Args:
        points, normals: posed, (n, 3), world; strands: posed points of hair and fuzz.
        bounce: share of the surroundings' mean light that comes from blocked directions.
    """  # fmt: skip
    targets = np.concatenate([points + 1.0 * normals, *strands]).astype(np.float32)
    count = len(points)
    shadows = Shadows(scene, points, strands, targets)
    lamps = np.zeros((len(targets), len(lighting.lamps)), np.float32)
    for number, lamp in enumerate(lighting.lamps):
        axes = _frame(np.array(lamp.toward))
        for k in range(LAMP_SAMPLES):
            angle = 2 * np.pi * k / LAMP_SAMPLES
            tilt = np.tan(np.deg2rad(lamp.spread_deg)) * (0.35 + 0.65 * (k % 2))
            toward = axes[2] + tilt * (np.cos(angle) * axes[0] + np.sin(angle) * axes[1])
            toward /= np.linalg.norm(toward)
            lamps[:, number] += shadows.seen(toward) / LAMP_SAMPLES
    sky = _bake_sky(shadows, normals, len(targets), lighting, bounce)
    cuts = np.cumsum([0, count, len(strands[0]), len(strands[1])])
    pieces = [Baked(lamps[a:b], sky[a:b]) for a, b in pairwise(cuts)]
    return pieces[0], pieces[1], pieces[2]


def _bake_sky(
    shadows: Shadows, normals: Float, count: int, lighting: Lighting, share: Bounce
) -> Float:
    """(count, 4): sum over directions; blocked ones give a dim bounce instead."""
    directions = sphere_directions(SKY_DIRECTIONS)
    radiance = surroundings(lighting, directions)
    bounce = radiance.mean(0) * np.array(share, np.float32)
    sky = np.zeros((count, 4), np.float32)
    for toward, light in zip(directions, radiance, strict=True):
        seen = shadows.seen(toward)
        _add_direction(seen, normals, toward.astype(np.float32), light, bounce, sky)
    return sky * np.float32(4.0 / SKY_DIRECTIONS)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _add_direction(seen, normals, toward, light, bounce, sky):
    """Add one direction's light to ``sky`` (n, 4); hair, after the surfaces, has no normal."""
    for i in range(seen.shape[0]):
        cos = np.float32(0.25)
        if i < normals.shape[0]:
            cos = (normals[i, 0] * toward[0] + normals[i, 1] * toward[1]
                   + normals[i, 2] * toward[2])  # fmt: skip
            cos = max(cos, np.float32(0.0))
        for c in range(4):
            sky[i, c] += cos * (bounce[c] + seen[i] * (light[c] - bounce[c]))
