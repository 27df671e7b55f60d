"""What carries an attack: sheets, frames, hands, and how they are staged before the rig.

Carrier space is world space with the mean of the shown face's five landmarks at the origin: every
carrier pivots at the face, as a live head does, so its place in the picture tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numba
import numpy as np
import numpy.typing as npt

from bonafide.simulator.actor import Actor
from bonafide.simulator.body import SKIN_WRAP
from bonafide.simulator.head import grid_triangles
from bonafide.simulator.lighting import SKIN_BOUNCE, Bounce
from bonafide.simulator.mesh import Material, Scene, Surface, plain_texture, surface
from bonafide.simulator.motion import REST, Gesture
from bonafide.simulator.picture import SAMPLES, Radiance
from bonafide.simulator.skin import CHANNELS, MOUTH, NO_MOUTH, OPACITY, SPECULAR, skin_albedo
from bonafide.types import RgbImage

Float = npt.NDArray[np.float32]
SHEET_CELLS = 28


@dataclass(frozen=True, slots=True)
class Source:
    """An earlier capture of the subject, as the attacker has it.

    Attributes:
        frame: time in seconds -> (h, w, 3) uint8 R, G, B; constant for a photo.
        landmarks: (5, 2) px in the first frame.
        mm_per_px: of the subject's face in it, at life size.
        whole: prints show all of it; else about half of them are cut close to the head.
    """

    frame: Callable[[float], RgbImage]
    landmarks: npt.NDArray[np.float64]
    mm_per_px: float
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """How an attack is presented; None draws it.

    Attributes:
        held: a print or screen is in a hand, or on a stand.
        regions: what is cut out of a region-cut print, a key of `prints.REGIONS`.
        bent: a cut print is bent around the face, or flat.
    """

    held: bool | None = None
    regions: str | None = None
    bent: bool | None = None


@dataclass(frozen=True, slots=True)
class Plane:
    """Fine structure of a flat carrier, sampled where the sensor samples (see `structure`).

    Attributes:
        part: which surface of the scene, counted from the first extra one.
        size_mm: (width, height) that its texture coordinates 0..1 span.
        gain: (x mm (h, w), y mm (h, w), u, v, px per mm, time s) -> (h, w, 3).
    """

    part: int
    size_mm: tuple[float, float]
    gain: Callable[[Float, Float, Float, Float, float, float], Float]


@dataclass(frozen=True, slots=True)
class Staging:
    """Everything in front of the rig except the room.

    Attributes:
        species: PAI species or "bona_fide"; detail: in words.
        actor: the person in the scene, if any; extras: carrier and hands, carrier space.
        gesture: the actor's movement; life: size of the shown face relative to life.
        landmarks: (5, 3) on the carrier, or None when the actor's own face is shown.
        follows: the extras are worn by the actor, and move with the head.
        held: how much the carrier shakes: 1 in a hand, 0 on a stand.
        refresh: part, then time -> (h, w, 4) albedo of that extra surface; or None.
        plane: fine structure, or None.
        glow: (r, g, b) white of a carrier that shines by itself, `plane`'s surface; or None.
        bounce: light from what blocks the surroundings' light, see `lighting.bake`.
        parameters: every drawn number, JSON-ready.
    """

    species: str
    detail: str
    actor: Actor | None
    extras: tuple[Surface, ...]
    gesture: Callable[[float], Gesture] = lambda _: REST
    life: float = 1.0
    landmarks: npt.NDArray[np.float64] | None = None
    follows: bool = False
    held: float = 1.0
    refresh: tuple[int, Callable[[float], Float]] | None = None
    plane: Plane | None = None
    glow: tuple[float, float, float] | None = None
    bounce: Bounce = SKIN_BOUNCE
    parameters: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Warp:
    """Shape of a sheet.

    Attributes:
        bend_per_mm: curvature of a cylinder, 1/mm; bend_deg: direction of its axis.
        wave_mm, wave_period_mm, wave_phase: a smaller undulation across.
    """

    bend_per_mm: float = 0.0
    bend_deg: float = 90.0
    wave_mm: float = 0.0
    wave_period_mm: float = 120.0
    wave_phase: float = 0.0

    def depth(self, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> Float:
        """z in mm at plane positions; 0 where the face's centre lies."""
        angle = np.deg2rad(self.bend_deg)
        across = x * np.sin(angle) + y * np.cos(angle)
        bend = -0.5 * self.bend_per_mm * across**2
        wave = np.sin(2 * np.pi * (x + 0.4 * y) / self.wave_period_mm + self.wave_phase)
        return (bend + self.wave_mm * (wave - np.sin(self.wave_phase))).astype(np.float32)


class Shape(Protocol):
    """What a sheet is bent into."""

    def depth(self, x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> Float:
        """z in mm at plane positions."""
        ...


def sheet(
    left: float,
    top: float,
    width: float,
    height: float,
    material: Material,
    warp: Shape,
    z: float = 0.0,
    cells: int = SHEET_CELLS,
) -> Surface:
    """A sheet in the plane, bent by ``warp``; texture coordinates run right and down.

    Args:
        left, top: of its upper left corner, mm, y up; cells: along either side.
    """  # fmt: skip
    n = cells + 1
    u, v = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    x, y = left + u * width, top - v * height
    points = np.stack([x, y, warp.depth(x, y) + z], -1).reshape(-1, 3)
    uv = np.stack([u, v], -1).reshape(-1, 2)
    return surface(points, grid_triangles(n, n), uv, material, two_sided=True)


def box(
    left: float,
    top: float,
    width: float,
    height: float,
    thick: float,
    material: Material,
    z: float = 0.0,
) -> Surface:
    """A slab whose front lies at ``z`` and whose back at ``z - thick``."""  # fmt: skip
    x = np.array([left, left + width, left + width, left])
    y = np.array([top, top, top - height, top - height])
    front = np.stack([x, y, np.full(4, z)], 1)
    points = np.concatenate([front, front - [0, 0, thick]])
    quads = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 4, 7, 3), (1, 2, 6, 5), (0, 1, 5, 4), (3, 7, 6, 2)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    # Corners are not shared between faces, so that every face keeps its own flat normal.
    flat = points[np.array(triangles).ravel()]
    index = np.arange(len(flat)).reshape(-1, 3)
    return surface(flat, index, np.zeros((len(flat), 2)), material, two_sided=True)


def albedo_texture(albedo: Float, specular: float) -> Float:
    """(h, w, CHANNELS) texture of (h, w, 4) albedo, opaque."""
    out = np.zeros((*albedo.shape[:2], CHANNELS), np.float32)
    out[..., :4] = albedo
    out[..., SPECULAR], out[..., MOUTH], out[..., OPACITY] = specular, NO_MOUTH, 1.0
    return out


def _capsule(path: npt.ArrayLike, radius: npt.ArrayLike, material: Material) -> Surface:
    """A finger: rings along a path with a radius each, closed at its ends."""
    path, radius = np.asarray(path, float), np.asarray(radius, float)
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    first = np.cross(along, [0.13, 0.21, 1.0])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, 13)
    ring = np.cos(angle)[:, None] * first[:, None] + np.sin(angle)[:, None] * second[:, None]
    points = (path[:, None] + radius[:, None, None] * ring).reshape(-1, 3)
    u, v = np.meshgrid(np.linspace(0, 1, 13), np.linspace(0, 1, len(path)))
    uv = np.stack([u, v], -1).reshape(-1, 2)
    return surface(points, grid_triangles(len(path), 13), uv, material, two_sided=True)


def _bend(points: list[tuple[float, float, float]], radii: list[float], count: int = 12):
    t = np.linspace(0, 1, len(points))
    at = np.linspace(0, 1, count)
    path = np.stack([np.interp(at, t, np.array(points)[:, q]) for q in range(3)], 1)
    radius = np.interp(at, t, radii)
    # Round ends.
    radius[0] *= 0.25
    radius[-1] *= 0.45
    radius[1] *= 0.85
    radius[-2] *= 0.88
    return path, radius


def hand(
    rng: np.random.Generator,
    edge_x: float,
    edge_y: float,
    toward: float,
    melanin: float,
    scale: float = 1.0,
    depth: float = 0.0,
) -> list[Surface]:
    """A hand that grips an edge: thumb in front, fingers behind, wrist leaving the picture.

    Args:
        edge_x, edge_y: where it grips, mm; toward: direction into the carrier, degrees, 0 to the
            right, 90 up.
        melanin: of the holder's skin; depth: z of the carrier there.
    """  # fmt: skip
    tone = skin_albedo(melanin, rng.uniform(0.34, 0.5))
    texture = plain_texture(tone, 0.4, 16)
    shade = 1 + 0.06 * rng.standard_normal((16, 16, 1)).astype(np.float32)
    texture[..., :4] *= shade
    # The nail and the last joint's folds.
    texture[12:15, 4:9, :3] *= 1.18
    texture[7, :, :4] *= 0.86
    skin = Material(texture, 16.0, 0.028, SKIN_WRAP)
    angle = np.deg2rad(toward)
    c, s = np.cos(angle), np.sin(angle)

    def put(along: float, across: float, z: float) -> tuple[float, float, float]:
        a, b = along * scale, across * scale
        return edge_x + c * a - s * b, edge_y + s * a + c * b, depth + z * scale

    thumb = _bend([put(-42, -14, 2), put(-14, -8, 12), put(10, 0, 11), put(27, 4, 7)],
                  [13 * scale, 11.5 * scale, 10 * scale, 7.5 * scale])  # fmt: skip
    out = [_capsule(*thumb, skin)]
    for k in range(4):
        across = 4 - 19 * k + rng.normal(0, 1.5)
        finger = _bend([put(-50, across, -4), put(-22, across, -11), put(18 - 3 * k, across, -11)],
                       [10 * scale, 9 * scale, 7 * scale])  # fmt: skip
        out.append(_capsule(*finger, skin))
    palm = _bend([put(-20, -24, -3), put(-55, -26, -6), put(-110, -34, -14), put(-330, -60, -30)],
                 [30 * scale, 36 * scale, 27 * scale, 34 * scale], 16)  # fmt: skip
    out.append(_capsule(*palm, skin))
    return out


def shows_part(scene: Scene, part: int, radiance: Radiance) -> npt.NDArray[np.bool_]:
    """(h, w) whether the first sample of each px shows the surface ``part`` of ``scene.parts``."""
    first, last = np.searchsorted(scene.material, [part, part + 1])
    item = radiance.buffer.item[::SAMPLES, ::SAMPLES]
    shown: npt.NDArray[np.bool_] = (item >= first) & (item < last)
    return shown


@numba.njit(cache=True, nogil=True)
def _find_plane(item, bary, triangles, uv, first, last, out):
    """Texture coordinates at the first sample of each px that shows triangles first..last-1.

    Args:
        out: (2, h, w) u and v, 0 or more, where the carrier is seen; -1 and 0 elsewhere.
    """
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            t = item[y * SAMPLES, x * SAMPLES]
            out[0, y, x] = -1.0
            out[1, y, x] = 0.0
            if t < first or t >= last:
                continue
            b, c = bary[y * SAMPLES, x * SAMPLES, 0], bary[y * SAMPLES, x * SAMPLES, 1]
            i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            for q in range(2):
                out[q, y, x] = (1 - b - c) * uv[i, q] + b * uv[j, q] + c * uv[k, q]


@numba.njit(cache=True, nogil=True)
def _leave_alone(u, gain):
    """Set the gain to 1 where u (h, w) is negative: the carrier is not seen there."""
    for y in range(gain.shape[0]):
        for x in range(gain.shape[1]):
            if u[y, x] < 0:
                for q in range(3):
                    gain[y, x, q] = 1.0


def sample_structure(
    plane: Plane, scene: Scene, part: int, radiance: Radiance, px_per_mm: float, time_s: float
) -> Float:
    """(h, w, 3) gain of a carrier's fine structure, 1 where it is not seen.

    Args:
        part: index of the carrier's surface among ``scene.parts``.
        px_per_mm: of the picture at the carrier.
    """
    material = np.searchsorted(scene.material, [part, part + 1])
    height, width = radiance.depth_mm.shape
    found = np.empty((2, height, width), np.float32)
    _find_plane(radiance.buffer.item, radiance.buffer.bary, scene.triangles, scene.uv,
                int(material[0]), int(material[1]), found)  # fmt: skip
    u, v = np.maximum(found, 0)
    gain = plane.gain(u * np.float32(plane.size_mm[0]), v * np.float32(plane.size_mm[1]), u, v,
                      px_per_mm, time_s)  # fmt: skip
    _leave_alone(found[0], gain)
    return gain
