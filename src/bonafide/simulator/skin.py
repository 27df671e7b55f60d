"""Skin, lips, brows and stubble as textures in R, G, B and near infrared.

Reflectance is a scattering base attenuated by two absorbers, in the spirit of Beer-Lambert:
albedo = base * exp(-melanin * m - blood * b). Melanin's coefficients fall with wavelength (about
as lambda^-3.3 towards 850 nm, Jacques 1998, "Skin optics"; within R, G and B they follow the ratios
between the Monk skin tones 5 and 8). Blood absorbs mostly green, which is why the pulse shows there
most, and why lips and cheeks nearly vanish in near infrared. The base is fitted by eye.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.features import (
    Plan,
    bump,
    eye_coordinates,
    lid_curves,
    lip_curves,
    pair,
    plan_face,
)
from bonafide.simulator.hairline import beard_density, hair_albedo, hairline_margin
from bonafide.simulator.identity import BeardStyle, HairStyle, Identity

Texture = npt.NDArray[np.float32]
TEXTURE_PX = 512
CHANNELS = 10
"""R, G, B, NIR albedo; slope x, slope y; specular 0..1; pulse weight; mouth strip; opacity."""
RED, GREEN, BLUE, INFRARED, SLOPE_X, SLOPE_Y, SPECULAR, PULSE, MOUTH, OPACITY = range(CHANNELS)
NO_MOUTH = 2.0
MOUTH_STRIP_MM = 1.4

MELANIN = np.array([0.80, 1.0, 1.15, 0.23])
BLOOD = np.array([0.09, 1.0, 0.72, 0.05])
SCATTER = np.array([0.77, 0.65, 0.52, 0.72])


def skin_albedo(melanin: npt.ArrayLike, blood: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """(..., 4) albedo in R, G, B, NIR of skin with these amounts of melanin and blood."""
    m, b = np.asarray(melanin, float)[..., None], np.asarray(blood, float)[..., None]
    return SCATTER * np.exp(-m * MELANIN - b * BLOOD) + 0.006


def noise(
    rng: np.random.Generator, cells: int, octaves: int = 3, size: int = TEXTURE_PX
) -> Texture:
    """(size, size) smooth noise of about unit deviation, ``cells`` bumps along a side."""
    out = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        n = min(cells * 2**octave, size)
        coarse = rng.standard_normal((n, n)).astype(np.float32)
        out += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) / 2**octave
    return out / max(float(out.std()), 1e-6)


def skin_noise(
    rng: np.random.Generator, where: tuple[Texture, Texture], bump_mm: float, octaves: int = 3
) -> Texture:
    """Noise of unit deviation with bumps of about ``bump_mm``, alike all over the head.

    Args:
        where: of `noise_places`.
    """
    tile = noise(rng, max(int(TEXTURE_PX * 0.5 / bump_mm), 2), octaves)
    return cv2.remap(tile, *where, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def noise_places(points: npt.NDArray[np.float64]) -> tuple[Texture, Texture]:
    """Column and row in a tile of noise for (h, w, 3) points, mm: azimuth and height."""
    arc = np.arctan2(points[..., 0], points[..., 2]) * 76.0
    u = ((arc * 2) % (TEXTURE_PX - 1)).astype(np.float32)
    return u, ((points[..., 1] * 2) % (TEXTURE_PX - 1)).astype(np.float32)


def position_map(surface: npt.NDArray[np.float32], rows: int, columns: int) -> Texture:
    """(TEXTURE_PX, TEXTURE_PX, 3) the point of the surface at each texel, mm."""
    grid = surface.reshape(rows, columns, 3)
    at = (np.arange(TEXTURE_PX, dtype=np.float32) + 0.5) / TEXTURE_PX
    x, y = np.meshgrid(at * (columns - 1), at * (rows - 1))
    return cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def paint_head(
    person: Identity, surface: npt.NDArray[np.float32], rows: int, columns: int
) -> Texture:
    """The head's texture.

    Args:
        surface: (rows * columns, 3) points at rest, mm, head space.

    Returns:
        (TEXTURE_PX, TEXTURE_PX, CHANNELS) float32, opaque everywhere.
    """
    rng = np.random.default_rng(person.texture_seed)
    points = position_map(surface, rows, columns).astype(np.float64)
    where = noise_places(points)
    # One after the other in memory, not side by side: a hundred fields are drawn over them.
    x, y, z = (np.ascontiguousarray(points[..., axis]) for axis in range(3))
    front = np.clip((z - 18) / 12, 0, 1)
    plan = plan_face(person)
    melanin, blood = _absorbers(x, y, front, person, plan, rng, where)
    texture = np.zeros((TEXTURE_PX, TEXTURE_PX, CHANNELS), np.float32)
    albedo = skin_albedo(melanin, blood)
    albedo = _lips(albedo, x, y, front, person, plan, rng, where)
    albedo *= (1 - front * _dark_pits(x, y, person, plan))[..., None]
    albedo = _body_hair(albedo, x, y, z, front, person, plan, rng, where)
    texture[..., :4] = np.clip(albedo, 0.004, 0.95)
    height = _fine_relief(x, y, front, person, plan, rng, where)
    texture[..., SLOPE_X], texture[..., SLOPE_Y] = _slopes(height, x, y, front)
    texture[..., SPECULAR] = _gloss(x, y, front, person, plan, rng, where)
    texture[..., PULSE] = (
        0.75 + 0.35 * pair(x, y, 42, -25, 20, 18) + 0.3 * bump(x, y, 0, 45, 40, 20)
    )
    texture[..., MOUTH] = _mouth_strip(x, y, front, person, plan)
    texture[..., OPACITY] = 1.0
    return texture


def _absorbers(x, y, front, person: Identity, plan: Plan, rng: np.random.Generator, where):
    """Melanin and blood over the head: flush, dark rings, mottle, freckles, moles."""
    ex = person.eye_distance_mm / 2
    tan = person.melanin
    blood = person.blood + front * (
        0.20 * pair(x, y, 40, -27, 17, 13)
        + 0.12 * bump(x, y, 0, plan.nose_tip_y, 9, 7)
        + 0.13 * pair(x, y, person.nose_breadth_mm / 2, plan.subnasale_y + 6, 6, 6)
        + 0.10 * bump(x, y, 0, plan.chin_y, 13, 9)
        + 0.14 * pair(x, y, ex - 3, -7.5, 10, 4)
        - 0.06 * bump(x, y, 0, 48, 40, 16)
    )
    blood += 0.055 * person.mottle * skin_noise(rng, where, 10.7) + 0.035 * skin_noise(
        rng, where, 36.6
    )
    fine = skin_noise(rng, where, 1.7, 2)
    blood += 0.03 * person.mottle * fine
    ring = 0.5 + 0.4 * min(person.wrinkles, 1.0)
    shade = front * (
        0.22 * ring * pair(x, y, ex - 4, -9, 10, 4.5)
        + 0.12 * pair(x, y, ex, 9.0, 13, 4.5)
        + 0.10 * pair(x, y, ex - 12, 1, 5, 6)
        + 0.10 * bump(x, y, 0, plan.lip_y + 14, 14, 6)
        + 0.06 * bump(x, y, 0, 48, 44, 20)
        + 0.08 * pair(x, y, plan.mouth_half + 2, plan.lip_y - 2, 5, 5)
    )
    melanin = tan * (1 + 0.055 * person.mottle * skin_noise(rng, where, 14.2) + 0.03 * fine)
    melanin = melanin + shade * (0.35 + 0.65 * tan) + 0.02
    if person.freckles > 0:
        spots = np.clip(skin_noise(rng, where, 2.3, 1) - 1.15, 0, 1.2) * np.clip(
            1.3 + skin_noise(rng, where, 21.3), 0, 2
        )
        zone = 0.25 + pair(x, y, 24, -24, 22, 14) + bump(x, y, 0, -20, 16, 16)
        melanin = melanin + 0.75 * person.freckles * spots * np.clip(zone, 0, 1.1)
    for _ in range(person.moles):
        mx, my = rng.uniform(-50, 50), rng.uniform(-95, 55)
        size = rng.uniform(0.7, 1.7)
        melanin = melanin + front * rng.uniform(0.5, 1.6) * bump(x, y, mx, my, size, size)
    if person.wrinkles > 0.75:
        patches = np.clip(skin_noise(rng, where, 6.4, 2) - 1.3, 0, 1.5)
        melanin = melanin + 0.35 * (person.wrinkles - 0.6) * patches
    return np.maximum(melanin, 0.02), np.maximum(blood, 0.08)


def _lips(albedo, x, y, front, person: Identity, plan: Plan, rng: np.random.Generator, where):
    upper, line, lower = lip_curves(x, person, plan)
    inside = np.clip((plan.mouth_half - np.abs(x)) / 2.5, 0, 1) * front
    edge = 1.0
    cover = (
        inside * np.clip((upper - y) / edge + 0.5, 0, 1) * np.clip((y - lower) / edge + 0.5, 0, 1)
    )
    cover *= np.clip((upper - lower) / 3.0, 0, 1)
    # Vertical folds of the vermilion, and the upper lip darker for facing down and for its blood.
    folds = (
        0.10
        * np.sin(x * 2.6 + 2 * skin_noise(rng, where, 12.8, 1))
        * np.exp(-(((y - line) / 6.0) ** 2))
    )
    redness = person.blood + person.lip_blood + 0.16 * (y > line) + folds
    tan = 0.95 * person.melanin + 0.16 + 0.10 * (person.melanin > 0.8) * (y > line)
    vermilion = skin_albedo(np.broadcast_to(tan, x.shape), redness)
    out = albedo * (1 - cover[..., None]) + vermilion * cover[..., None]
    reach = np.clip(1.08 - (np.abs(x) / (plan.mouth_half + 1.5)) ** 4, 0, 1) * front
    parting = 0.72 * np.exp(-(((y - line) / 0.62) ** 2)) * reach
    corner = 0.35 * pair(x, y, plan.mouth_half, plan.lip_y + person.mouth_corner_mm, 2.0, 1.2)
    return out * (1 - np.clip(parting + corner * front, 0, 0.85))[..., None]


def _dark_pits(x, y, person: Identity, plan: Plan):
    """Nostrils: light that enters hardly comes back."""
    at = person.nose_breadth_mm / 2 - 8.6
    slit = np.hypot((np.abs(x) - at) / 3.3, (y - plan.subnasale_y - 2.2 - 0.14 * (
        np.abs(x) - at)) / 1.5)  # fmt: skip
    groove = 0.18 * pair(x, y, person.nose_breadth_mm / 2 + 1.2, plan.subnasale_y + 7, 1.2, 4.0)
    return np.clip(0.88 * np.clip(1.6 - slit, 0, 1) + groove, 0, 0.92)


def brow_density(x, y, person: Identity, plan: Plan):
    """Share of skin that brow hair covers, 0..1: thick towards the nose, a thin tail outside."""
    out = np.zeros_like(x)
    for side, sign in ((0, -1.0), (1, 1.0)):
        inner, outer = 9.5, person.eye_distance_mm / 2 + 21
        t = np.clip((sign * x - inner) / (outer - inner), 0, 1)
        rise = person.brow_arch_mm * np.sin(np.pi * np.clip(t * 0.78, 0, 1)) ** 1.5
        fall = 4.5 * np.clip((t - 0.62) / 0.38, 0, 1) ** 1.5
        middle = plan.brow_y[side] - 1.5 + rise - fall
        half = person.brow_thickness_mm / 2 * np.clip(1.12 - 0.85 * t**1.6, 0.16, 1)
        ends = np.clip((sign * x - inner + 2.5) / 4, 0, 1) * np.clip(
            (outer + 1 - sign * x) / 4, 0, 1
        )
        out += np.clip(1.6 - 1.25 * np.abs(y - middle) / half, 0, 1) * ends
    return np.clip(out, 0, 1)


def _body_hair(
    albedo, x, y, z, front, person: Identity, plan: Plan, rng: np.random.Generator, where
):
    """Brows, stubble or the ground of a beard, and the scalp below the hair."""
    hair = hair_albedo(person)
    strokes = np.clip(0.9 + 0.35 * skin_noise(rng, where, 1.3, 1), 0.3, 1.3)
    brows = front * np.clip(brow_density(x, y, person, plan) * strokes, 0, 1)
    cover = np.clip(0.62 * person.brow_density * brows, 0, 0.9)[..., None]
    albedo = albedo * (1 - cover) + hair * cover
    depth = {BeardStyle.NONE: 0.10 if person.sex == "male" else 0.0, BeardStyle.STUBBLE: 0.5}
    strength = depth.get(person.beard, 0.75)
    if strength > 0:
        zone = beard_density(x, y, z, person, plan, whole=person.beard is BeardStyle.NONE)
        speckle = np.clip(1 + 0.5 * skin_noise(rng, where, 1.0, 1), 0.1, 2)
        cover = np.clip(strength * zone * speckle, 0, 0.92)[..., None]
        albedo = albedo * (1 - cover) + (0.6 * hair + 0.4 * albedo * 0.5) * cover
    margin = hairline_margin(x, y, z, person) + 2.5 * skin_noise(rng, where, 4.3, 2)
    full = {HairStyle.BALD: 0.16, HairStyle.BUZZ: 0.80, HairStyle.RECEDING: 0.75}
    ground = full.get(person.hair_style, 0.93) * np.clip(margin / 7 + 0.2, 0, 1)[..., None]
    return albedo * (1 - ground) + 0.75 * hair * ground


def _fine_relief(x, y, front, person: Identity, plan: Plan, rng: np.random.Generator, where):
    """Height in mm of what the mesh is too coarse for: pores, lines of age, lip folds."""
    old = person.wrinkles
    out = 0.030 * person.pores * skin_noise(rng, where, 1.0, 1) + 0.05 * skin_noise(
        rng, where, 2.8, 2
    )
    wave = 1.5 * skin_noise(rng, where, 51.2, 1)
    lines = np.zeros_like(x)
    for k in range(4):
        at = 32 + 9 * k + wave + 2.5 * np.cos(x / 18)
        lines -= np.exp(-(((y - at) / 1.0) ** 2)) * np.clip(1 - np.abs(x) / 52, 0, 1)
    ex = person.eye_distance_mm / 2
    outer = ex + person.eye_breadth_mm / 2 + 4
    fan = np.arctan2(y + 1, np.abs(x) - outer + 6)
    crow = -(np.abs(np.cos(fan * 7)) ** 8) * pair(x, y, outer + 6, -2, 6, 8)
    frown = -pair(x, y, 4.5, 15, 1.0, 7)
    out += old * (0.45 * lines * (y > 26) + 0.5 * crow + 0.5 * frown)
    bag_y = -10.5 - 2.5 * np.cos((np.abs(x) - ex) / 10)
    bag = np.exp(-(((y - bag_y) / 0.9) ** 2)) * np.exp(-(((np.abs(x) - ex + 3) / 11) ** 4))
    out -= (0.15 + 0.35 * old) * bag
    upper, _, lower = lip_curves(x, person, plan)
    on_lip = (y < upper) & (y > lower) & (np.abs(x) < plan.mouth_half)
    out += 0.10 * on_lip * np.sin(x * 2.9 + skin_noise(rng, where, 8.5, 1))
    return (out * front).astype(np.float32)


def _slopes(height, x, y, front):
    """dh/dx and dh/dy in the face plane, from differences along the texture's axes."""
    along = np.gradient(height, axis=1) / np.maximum(np.gradient(x, axis=1), 0.12)
    down = np.gradient(height, axis=0) / np.minimum(np.gradient(y, axis=0), -0.12)
    return np.clip(along, -0.6, 0.6) * front, np.clip(down, -0.6, 0.6) * front


def _gloss(x, y, front, person: Identity, plan: Plan, rng: np.random.Generator, where):
    """Strength of the specular lobe: oily on forehead and nose, wet on lips and lid rims."""
    zone = 0.5 + 0.5 * bump(x, y, 0, 42, 28, 20) + 0.9 * bump(x, y, 0, -20, 8, 24)
    zone += 0.3 * pair(x, y, 40, -18, 14, 9) + 0.25 * bump(x, y, 0, plan.chin_y, 10, 8)
    upper, _, lower = lip_curves(x, person, plan)
    lips = (y < upper) & (y > lower) & (np.abs(x) < plan.mouth_half) & (front > 0.5)
    out = (
        (0.35 + 0.65 * person.oiliness)
        * zone
        * (1 + 0.22 * person.pores * skin_noise(rng, where, 1.0, 1))
    )
    out = np.where(lips, 0.9 + 0.3 * skin_noise(rng, where, 2.6, 1), out)
    for side in (0, 1):
        along, up = eye_coordinates(x, y, person, plan, side)
        top, low = lid_curves(along, person)
        near = (np.abs(along) < person.eye_breadth_mm / 2) & (up < top + 3) & (up > low - 2)
        out = np.where(near & (front > 0.5), 0.4, out)
    return np.clip(0.5 * out, 0.05, 1.0)


def _mouth_strip(x, y, front, person: Identity, plan: Plan):
    """-1..1 across the strip that opens between the lips, `NO_MOUTH` elsewhere."""
    _, line, _ = lip_curves(x, person, plan)
    across = (y - line) / MOUTH_STRIP_MM
    inside = (np.abs(across) < 1) & (np.abs(x) < 0.94 * plan.mouth_half) & (front > 0.5)
    return np.where(inside, across, NO_MOUTH)
