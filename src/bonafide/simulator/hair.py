"""Hair, beard and brows as strands that grow from the head's surface.

Strands belong to wisps: the hairs of a wisp share a direction, a length and a curl, which is what
makes hair read as hair and not as a helmet. They grow step by step, pulled by a combing direction
and by gravity, and are pushed out of the head where they would enter it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from bonafide.simulator.features import plan_face
from bonafide.simulator.hairline import beard_density, hair_albedo, hairline_margin
from bonafide.simulator.head import COLUMNS, RAY_CENTER, ROWS, HeadMesh, latitudes, longitudes
from bonafide.simulator.identity import BeardStyle, HairStyle, Identity
from bonafide.simulator.skin import brow_density

Field = npt.NDArray[np.float64]
HAIR_STEPS = 10
FUZZ_STEPS = 4
_SUBSTEPS = 3


@dataclass(frozen=True, slots=True)
class Strands:
    """Many hairs with the same number of points.

    Attributes:
        points: (n, steps, 3) float32, mm, head space, roots first.
        albedo: (n, 4) float32 in R, G, B, NIR.
        radius_mm: half breadth of a drawn strand; one stands for many hairs.
    """

    points: npt.NDArray[np.float32]
    albedo: npt.NDArray[np.float32]
    radius_mm: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A hair style as numbers.

    Attributes:
        count: strands; top_mm, side_mm: lengths on the crown and above the ears.
        lift: how much strands leave the scalp, 0 flat to 1 upright.
        gravity: pull down a step; comb: pull along the combing field.
        cover_mm: thickness of the layer that the strands fill above the scalp.
        wisps: how many wisps; tangle: deviation between wisps.
        cling_mm: how far above its layer a strand may stand.
    """

    count: int
    top_mm: float
    side_mm: float
    lift: float
    gravity: float
    comb: float
    cover_mm: float
    wisps: int
    tangle: float
    cling_mm: float


CUTS = {
    HairStyle.BALD: Cut(1500, 3, 3, 0.5, 0.0, 0.2, 1.5, 300, 0.3, 1),
    HairStyle.BUZZ: Cut(7500, 5, 4, 0.55, 0.05, 0.3, 3, 500, 0.3, 6),
    HairStyle.SHORT: Cut(6500, 38, 14, 0.50, 0.10, 0.55, 13, 330, 0.42, 18),
    HairStyle.SIDE_PART: Cut(6500, 75, 18, 0.30, 0.10, 0.75, 13, 260, 0.22, 14),
    HairStyle.RECEDING: Cut(5500, 26, 13, 0.35, 0.10, 0.5, 7, 330, 0.35, 12),
    HairStyle.CURLY: Cut(5500, 75, 50, 0.55, 0.16, 0.2, 30, 420, 0.6, 40),
    HairStyle.AFRO: Cut(7000, 55, 45, 0.95, 0.0, 0.0, 52, 900, 0.55, 200),
    HairStyle.BOB: Cut(6000, 230, 165, 0.12, 0.75, 0.8, 14, 420, 0.10, 4),
    HairStyle.LONG: Cut(6600, 370, 300, 0.12, 0.75, 0.8, 15, 450, 0.10, 4),
    HairStyle.TIED: Cut(6000, 125, 100, 0.05, 0.0, 1.0, 5, 260, 0.10, 1),
}


class HeadRadius:
    """Distance of the head's surface from `RAY_CENTER` in any direction."""

    def __init__(self, head: HeadMesh) -> None:
        grid = head.rest.reshape(ROWS, COLUMNS, 3).astype(np.float64)
        self._radius = np.linalg.norm(grid - RAY_CENTER, axis=-1)
        self._lon, self._lat = longitudes(), latitudes()

    def __call__(self, points: Field) -> Field:
        """(...,) radius in mm towards each of (..., 3) points."""
        away = points - RAY_CENTER
        length = np.linalg.norm(away, axis=-1) + 1e-9
        lat = np.rad2deg(np.arcsin(np.clip(away[..., 1] / length, -1, 1)))
        lon = np.rad2deg(np.arctan2(away[..., 0], away[..., 2]))
        row = np.interp(-lat, -self._lat, np.arange(ROWS))
        column = np.interp(lon, self._lon, np.arange(COLUMNS))
        at = np.stack([row.ravel(), column.ravel()])
        return map_coordinates(self._radius, at, order=1, mode="nearest").reshape(lat.shape)

    def hold(self, points: Field, clearance: Field, cling_mm: float) -> Field:
        """Points moved to between ``clearance`` and that plus ``cling_mm`` above the surface.

        Below the ears hair is free to hang, and below the jaw the head ends.
        """
        away = points - RAY_CENTER
        length = np.linalg.norm(away, axis=-1) + 1e-9
        skin = self(points)
        y = points[..., 1]
        least = np.where(y < -100, 0.0, skin + clearance)
        most = np.where(y < -25, 1e6, skin + clearance + cling_mm)
        return RAY_CENTER + away * (np.clip(length, least, most) / length)[..., None]


def _scatter(
    head: HeadMesh, density: Field, count: int, rng: np.random.Generator
) -> tuple[Field, Field]:
    """Roots and outward normals of ``count`` points drawn with a density per vertex."""
    corners = head.rest[head.triangles].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1)
    weight = area * density[head.triangles].mean(1)
    if weight.sum() <= 0:
        return np.zeros((0, 3)), np.zeros((0, 3))
    # Systematic sampling spreads roots more evenly than independent draws.
    total = np.cumsum(weight)
    at = (np.arange(count) + rng.uniform(0, 1, count)) / count * total[-1]
    pick = np.minimum(np.searchsorted(total, at), len(total) - 1)
    u, v = rng.uniform(0, 1, (2, count))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    c = corners[pick]
    roots = c[:, 0] + u[:, None] * (c[:, 1] - c[:, 0]) + v[:, None] * (c[:, 2] - c[:, 0])
    return roots, normal[pick] / np.maximum(area[pick], 1e-9)[:, None]


def _unit(v: Field) -> Field:
    return v / (np.linalg.norm(v, axis=-1, keepdims=True) + 1e-9)


def _combing(roots: Field, normal: Field, style: HairStyle, part_x: float) -> Field:
    """(n, 3) the direction in which the comb lays each root's hair."""
    x, y, z = roots.T
    side = np.sign(x - part_x) + (x == part_x)
    if style is HairStyle.TIED:
        return _unit(np.array([0.0, 45.0, -115.0]) - roots)
    if style in (HairStyle.BOB, HairStyle.LONG):
        out = np.stack([side * 1.0, -0.55 + 0 * x, -0.25 - 0.3 * (z > 40)], 1)
        return _unit(out)
    if style is HairStyle.SIDE_PART:
        return _unit(np.stack([side * 1.0, -0.2 + 0 * x, -0.35 + 0 * x], 1))
    top = np.clip((y - 50) / 40, 0, 1)
    out = np.stack(
        [0.5 * np.sign(part_x) * top, -0.9 * (1 - top), 0.25 * top - 0.25 * (1 - top)], 1
    )
    return _unit(out + 0.15 * normal)


def grow_hair(head: HeadMesh, person: Identity) -> Strands:
    """The hair of a person's head."""
    rng = np.random.default_rng((person.texture_seed, 1))
    style = person.hair_style
    cut = CUTS[style]
    x, y, z = head.rest.astype(np.float64).T
    margin = hairline_margin(x, y, z, person) + 2.0 * rng.standard_normal(len(x))
    roots, normal = _scatter(head, np.clip(margin / 8 + 0.1, 0, 1), cut.count, rng)
    part_x = float(rng.choice([-1, 1]) * rng.uniform(18, 34))
    if style in (HairStyle.BOB, HairStyle.LONG):
        part_x = float(rng.normal(0, 14))
    wisp = _assign_wisps(roots, cut.wisps, rng)
    top = np.clip((roots[:, 1] - 35) / 45, 0, 1)
    length = (cut.side_mm + (cut.top_mm - cut.side_mm) * top) * person.hair_length_mm
    length *= np.clip(1 + 0.16 * rng.standard_normal(cut.wisps), 0.5, 1.5)[wisp]
    length *= rng.uniform(0.75, 1.05, len(roots))
    comb = _combing(roots, normal, style, part_x)
    # The comb's direction within the scalp, so that flat styles do not dive into the head.
    comb = _unit(comb - 0.9 * (comb * normal).sum(1, keepdims=True) * normal)
    turn = cut.tangle * rng.standard_normal((cut.wisps, 3))[wisp]
    turn += 0.35 * cut.tangle * rng.standard_normal(roots.shape)
    points = _grow(HeadRadius(head), roots, normal, comb, turn, length, cut, rng)
    points = _curl(points, wisp, person.hair_curl, length, cut, rng)
    return Strands(points.astype(np.float32), _strand_albedo(person, len(roots), rng), 0.60)


def _assign_wisps(roots: Field, wisps: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The nearest of ``wisps`` roots chosen as centres."""
    centers = roots[rng.choice(len(roots), wisps, replace=False)]
    return cKDTree(centers).query(roots + rng.normal(0, 1.5, roots.shape))[1]


def _grow(
    radius: HeadRadius,
    roots: Field,
    normal: Field,
    comb: Field,
    turn: Field,
    length: Field,
    cut: Cut,
    rng: np.random.Generator,
) -> Field:
    """(n, HAIR_STEPS, 3) strands, each drawn step found in `_SUBSTEPS` smaller ones."""
    step = (length / ((HAIR_STEPS - 1) * _SUBSTEPS))[:, None]
    layer = rng.uniform(0.05, 1.0, len(roots)) * cut.cover_mm
    direction = _unit(cut.lift * normal + (1 - cut.lift) * comb + turn)
    down = np.array([0.0, -1.0, 0.0])
    points, here = [roots], roots
    for k in range(1, HAIR_STEPS * _SUBSTEPS - _SUBSTEPS + 1):
        far = k / ((HAIR_STEPS - 1) * _SUBSTEPS)
        way = np.minimum(far * length / 60.0, 1.0)[:, None]
        pull = cut.gravity * (0.15 + way) * down + 0.5 * cut.comb * comb * (1 - way)
        direction = _unit(direction + (pull + 0.08 * turn) / _SUBSTEPS)
        rise = layer * np.minimum(1.0, far * length / 25.0)
        moved = radius.hold(here + step * direction, rise, cut.cling_mm)
        if cut.gravity > 0.3:
            moved = _off_face_and_shoulders(moved, layer)
        direction = _unit(0.5 * direction + 0.5 * _unit(moved - here))
        here = moved
        if k % _SUBSTEPS == 0:
            points.append(here)
    return np.stack(points, 1)  # fmt: skip


def _off_face_and_shoulders(points: Field, layer: Field) -> Field:
    """Long hair is kept beside the face and before or behind the shoulders."""
    x, y, z = points.T.copy()
    side = np.where(x < 0, -1.0, 1.0)
    free = np.interp(y, [-400, -120, -60, 0, 30, 55], [44, 50, 60, 63, 52, 0]) + 0.5 * layer
    x = np.where((z > 5) & (np.abs(x) < free), side * free, x)
    half, deep, middle = (np.interp(-y, [105, 128, 155, 192, 290], v) for v in (
        [58, 66, 104, 180, 210], [60, 62, 74, 98, 118], [-22, -26, -31, -31, -24]))  # fmt: skip
    inside = (x / half) ** 2 + ((z - middle) / deep) ** 2
    room = deep * np.sqrt(np.maximum(1 - (x / half) ** 2, 0)) + 2 + 0.4 * layer
    out = np.where(z - middle > -15, middle + room, middle - room)
    # Move a little at a time, so that strands bend over the shoulder and do not jump.
    z = np.where((inside < 1) & (y < -120), z + np.clip(out - z, -9, 9), z)
    return np.stack([x, y, z], 1)


def _curl(
    points: Field,
    wisp: npt.NDArray[np.int64],
    curl: float,
    length: Field,
    cut: Cut,
    rng: np.random.Generator,
) -> Field:
    """Waves around the strand's way, alike within a wisp."""
    phase = rng.uniform(0, 2 * np.pi, (cut.wisps, 2))[wisp] + 0.25 * rng.standard_normal(
        (len(wisp), 2)
    )
    period = np.clip(70 - 62 * curl, 9, 70) * np.exp(0.2 * rng.standard_normal(cut.wisps))[wisp]
    along = np.linspace(0, 1, HAIR_STEPS)[None] * length[:, None]
    size = (0.6 + 5.0 * curl**1.2) * np.minimum(along / 14.0, 1.0)
    tangent = np.gradient(points, axis=1)
    first = _unit(np.cross(tangent, np.array([0.3, 0.2, 1.0])))
    second = _unit(np.cross(tangent, first))
    angle = 2 * np.pi * along / period[:, None]
    wave = size[..., None] * (
        np.sin(angle + phase[:, :1])[..., None] * first
        + np.cos(angle + phase[:, 1:])[..., None] * second
    )
    return points + np.where(length[:, None, None] > 9, wave, 0)  # fmt: skip


def _strand_albedo(
    person: Identity, count: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Per strand: pigment and greying vary."""
    pigment = hair_albedo(replace(person, hair_grey=0.0))
    albedo = pigment * np.exp(0.16 * rng.standard_normal((count, 1)))
    # A drawn strand stands for many hairs, so it mixes both kinds.
    share = np.clip(person.hair_grey + 0.18 * rng.standard_normal(count), 0, 1)[:, None]
    share *= person.hair_grey > 0
    albedo = albedo + share * (np.array([0.46, 0.45, 0.43, 0.52]) - albedo)
    return np.clip(albedo, 0.006, 0.85).astype(np.float32)


def grow_fuzz(head: HeadMesh, person: Identity) -> Strands:
    """Brows and beard: short, slightly curved hairs."""
    rng = np.random.default_rng((person.texture_seed, 2))
    plan = plan_face(person)
    x, y, z = head.rest.astype(np.float64).T
    brow = brow_density(x, y, person, plan) * (z > 20)
    count = int(650 * person.brow_density * person.brow_thickness_mm / 6)
    roots, normal = _scatter(head, brow, count, rng)
    outward = np.stack([np.sign(roots[:, 0]), 0.45 - 0.02 * np.abs(roots[:, 0]),
                        -0.15 * np.ones(len(roots))], 1)  # fmt: skip
    pieces = [_short(roots, normal, outward, rng.uniform(5, 8.5, len(roots)), 0.18, rng)]
    if person.beard in (BeardStyle.MOUSTACHE, BeardStyle.GOATEE, BeardStyle.FULL):
        zone = beard_density(x, y, z, person, plan)
        count = {BeardStyle.FULL: 4200, BeardStyle.GOATEE: 1900}.get(person.beard, 800)
        roots, normal = _scatter(head, zone, count, rng)
        spread = np.stack([0.45 * np.tanh(roots[:, 0] / 25), -1 + 0 * roots[:, 0],
                           0.25 + 0 * roots[:, 0]], 1)  # fmt: skip
        length = person.beard_length_mm * rng.uniform(0.6, 1.1, len(roots))
        length = np.where(roots[:, 1] > plan.lip_y - 2, np.minimum(length, 9.0), length)
        pieces.append(_short(roots, normal, spread, length, 0.35, rng))
    points = np.concatenate(pieces)
    return Strands(points.astype(np.float32), _strand_albedo(person, len(points), rng), 0.17)


def _short(
    roots: Field, normal: Field, comb: Field, length: Field, lift: float, rng: np.random.Generator
) -> Field:
    """(n, FUZZ_STEPS, 3) hairs that lean from the normal towards the comb."""
    comb = _unit(comb + 0.3 * rng.standard_normal(roots.shape))
    at = np.linspace(0, 1, FUZZ_STEPS)[None, :, None] * length[:, None, None]
    rise = lift * normal[:, None] * (1 - 0.5 * np.linspace(0, 1, FUZZ_STEPS))[None, :, None]
    flat = _unit(comb - 0.92 * (comb * normal).sum(1, keepdims=True) * normal)
    return roots[:, None] + at * (flat[:, None] * (1 - 0.4 * lift) + rise) + 0.25 * normal[:, None]
