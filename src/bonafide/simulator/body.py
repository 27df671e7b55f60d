"""Neck, shoulders and clothes, ears, glasses: what a head needs to be a person."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.features import plan_face, surface_depth
from bonafide.simulator.hair import HeadRadius
from bonafide.simulator.head import COLUMNS, ROWS, HeadMesh, grid_triangles
from bonafide.simulator.identity import Garment, Glasses, Identity, Sex
from bonafide.simulator.mesh import Material, Surface, plain_texture, surface
from bonafide.simulator.skin import (
    CHANNELS,
    MOUTH,
    NO_MOUTH,
    OPACITY,
    PULSE,
    SLOPE_X,
    SLOPE_Y,
    SPECULAR,
    noise,
    skin_albedo,
)

Field = npt.NDArray[np.float64]
SKIN_WRAP = (0.34, 0.17, 0.10, 0.40)
TORSO_ROWS, TORSO_COLUMNS, TORSO_PX = 60, 97, 320
_LEVELS = np.array([-50, -82, -108, -127, -141, -154, -170, -190, -218, -285, -370, -460.0])


def _ring(person: Identity) -> tuple[Field, Field, Field]:
    """Half breadth, half depth and centre z of the torso at `_LEVELS`, mm."""
    n = person.neck_breadth_mm / 2
    s = 1.0 if person.sex is Sex.MALE else 0.88
    half = np.array([0.98 * n, n, 1.03 * n, 1.12 * n, 1.36 * n, 98 * s, 138 * s, 172 * s, 192 * s,
                     206 * s, 200 * s, 190 * s])  # fmt: skip
    deep = np.array([0.92 * n, 0.95 * n, n, 1.04 * n, 1.12 * n, 66 * s, 76 * s, 88 * s, 98 * s,
                     108 * s, 112 * s, 108 * s])  # fmt: skip
    middle = np.array([-18, -18, -22, -26, -29, -31, -32, -31, -28, -24, -22, -22.0])
    return half, deep, middle


def collar_height(azimuth: Field, garment: Garment) -> Field:
    """Height of the clothes' border over the azimuth (radians, 0 in front), mm."""
    front = np.cos(azimuth)
    near = np.exp(-((azimuth / 0.55) ** 2))
    return {
        Garment.CREW: -139 - 12 * front - 8 * near,
        Garment.SCOOP: -150 - 20 * front - 22 * near,
        Garment.SHIRT: -124 - 8 * front - 62 * np.exp(-((azimuth / 0.34) ** 2)),
        Garment.HOODIE: -130 - 15 * front - 26 * near,
    }[garment]


def build_torso(person: Identity) -> Surface:
    """Neck, shoulders and clothes as one surface around the vertical axis."""
    t = np.linspace(0, 1, TORSO_ROWS)
    y = -55 - 405 * (0.45 * t + 0.55 * t**2)
    half, deep, middle = (np.interp(-y, -_LEVELS, v) for v in _ring(person))
    azimuth = np.linspace(-np.pi, np.pi, TORSO_COLUMNS)
    a, yy = np.meshgrid(azimuth, y)
    sin, cos = np.sin(a), np.cos(a)
    flat = 1 + 0.10 * np.clip((-yy - 190) / 60, 0, 1) * (np.abs(np.sin(2 * a)))
    x = half[:, None] * sin * flat
    z = middle[:, None] + deep[:, None] * cos * flat
    # Trapezius: the slope from neck to shoulder lies behind the neck's front.
    out = _neck_relief(a, yy, person)
    cloth = np.clip((collar_height(a, person.garment) - yy) / 4, 0, 1)
    thick = {Garment.HOODIE: 9.0, Garment.SHIRT: 4.5}.get(person.garment, 3.2)
    roll = {Garment.HOODIE: 15.0, Garment.SHIRT: 5.0}.get(person.garment, 0.8)
    below = collar_height(a, person.garment) - yy
    out = out * (1 - cloth) + cloth * (thick + roll * np.exp(-(((below - 12) / 13) ** 2)))
    folds = np.sin(a * 9 + 0.03 * yy) * np.sin(0.045 * yy + 2 * a)
    out += cloth * 1.6 * folds * np.clip(below / 50, 0, 1)
    x, z = x + out * sin, z + out * cos
    points = np.stack([x, yy, z], -1).reshape(-1, 3)
    u, v = np.meshgrid(np.linspace(0, 1, TORSO_COLUMNS), np.linspace(0, 1, TORSO_ROWS))
    follow = np.clip((yy + 150) / 75, 0, 1).reshape(-1)
    material = Material(_paint_torso(person), 12.0, 0.028, SKIN_WRAP)
    triangles = grid_triangles(TORSO_ROWS, TORSO_COLUMNS)
    uv = np.stack([u, v], -1).reshape(-1, 2)
    return surface(points, triangles, uv, material, follow=follow.astype(np.float32))


def _neck_relief(a: Field, y: Field, person: Identity) -> Field:
    """Neck muscles, larynx and collar bones, mm outwards."""
    down = np.clip((-y - 60) / 110, 0, 1)
    muscle = 0.95 - 0.72 * down
    out = (
        2.6
        * np.exp(-(((np.abs(a) - muscle) / 0.16) ** 2))
        * np.clip(1.2 - np.abs(2 * down - 1), 0, 1)
    )
    if person.sex is Sex.MALE:
        out += 3.2 * np.exp(-((a / 0.22) ** 2) - ((y + 112) / 10) ** 2)
    notch = -3.5 * np.exp(-((a / 0.16) ** 2) - ((y + 156) / 8) ** 2)
    bone_y = -160 - 8 * np.exp(-((np.abs(a) / 0.5) ** 2)) + 3 * np.abs(a)
    reach = np.clip((np.abs(a) - 0.12) / 0.2, 0, 1) * np.clip(1.5 - np.abs(a), 0, 1)
    bone = 3.0 * np.exp(-(((y - bone_y) / 5) ** 2)) * reach
    return out + notch + bone


def _paint_torso(person: Identity) -> npt.NDArray[np.float32]:
    """Skin above the collar, cloth below; patterns: plain, stripes, checks, print."""
    rng = np.random.default_rng((person.texture_seed, 3))
    at = (np.arange(TORSO_PX) + 0.5) / TORSO_PX
    a, t = np.meshgrid(2 * np.pi * (at - 0.5), at)
    y = -55 - 405 * (0.45 * t + 0.55 * t**2)
    below = collar_height(a, person.garment) - y
    blood = person.blood + 0.05 * noise(rng, 20, 3, TORSO_PX)
    skin = skin_albedo(person.melanin * (1.08 + 0.04 * noise(rng, 18, 3, TORSO_PX)), blood)
    color = np.array([*person.garment_rgb, person.garment_infrared])
    accent = np.array([*person.garment_accent_rgb, min(person.garment_infrared * 1.15, 0.9)])
    mix = _pattern(person.garment_pattern, a, y, rng)
    cloth = color + (accent - color) * mix[..., None]
    weave = 1 + 0.05 * noise(rng, 200, 1, TORSO_PX) + 0.06 * noise(rng, 12, 2, TORSO_PX)
    rib = {Garment.CREW: 17, Garment.SHIRT: 34, Garment.HOODIE: 30}.get(person.garment, 9)
    band = np.clip((rib - below) / 3, 0, 1)
    cloth = cloth * weave[..., None] * (1 - 0.14 * band + 0.10 * band * np.sin(a * 130))[..., None]
    seam = 0.35 * np.exp(-(((below - rib) / 1.6) ** 2))
    if person.garment is Garment.SHIRT:
        seam = seam + 0.3 * np.exp(-(((a * 150) / 1.4) ** 2))
    cloth = cloth * (1 - seam)[..., None]
    cover = np.clip(below / 2 + 0.5, 0, 1)
    # Contact shadow that the collar casts on the skin just above it.
    skin = skin * (1 - 0.35 * np.exp(-np.maximum(-below, 0) / 4))[..., None]
    out = np.zeros((TORSO_PX, TORSO_PX, CHANNELS), np.float32)
    out[..., :4] = skin * (1 - cover[..., None]) + np.clip(cloth, 0.01, 0.9) * cover[..., None]
    wrinkle = cv2.GaussianBlur(noise(rng, 14, 3, TORSO_PX), (0, 0), 1.5)
    out[..., SLOPE_X] = np.gradient(wrinkle, axis=1) * 1.2 * cover
    out[..., SLOPE_Y] = np.gradient(wrinkle, axis=0) * 1.2 * cover
    out[..., SPECULAR] = 0.3 * (1 - cover) + 0.06 * cover
    out[..., PULSE] = 0.5 * (1 - cover)
    out[..., MOUTH], out[..., OPACITY] = NO_MOUTH, 1.0
    return out


def _pattern(kind: int, a: Field, y: Field, rng: np.random.Generator) -> Field:
    if kind == 1:
        return (np.sin(y * 2 * np.pi / rng.uniform(14, 40)) > rng.uniform(0, 0.6)).astype(float)
    if kind == 2:
        period = rng.uniform(12, 30)
        return 0.5 * (np.sin(y * 2 * np.pi / period) > 0) + 0.5 * (np.sin(a * 1200 / period) > 0)
    if kind == 3:
        blob = noise(rng, 9, 3, TORSO_PX) > 0.8
        return blob * np.clip((-y - 210) / 4, 0, 1) * (np.abs(a) < 0.8)
    return np.zeros_like(a)


def build_ear(person: Identity, head: HeadMesh, side: float) -> Surface:
    """An ear as a relief over an oval; ``side`` -1 is the picture's left."""
    rho, phi = np.meshgrid(np.linspace(0, 1, 15), np.linspace(0, 2 * np.pi, 41), indexing="ij")
    length, lobe = person.ear_length_mm / 2 * 0.88, person.ear_lobe
    low = np.clip(-np.sin(phi), 0, 1)
    # phi 0 points backwards, pi to the face, pi/2 up.
    radius = length * (1 - 0.05 * low) * (1 + 0.04 * lobe * low**6)
    breadth = 0.58 * length * (1 - 0.38 * low**1.4 + 0.08 * np.clip(np.sin(phi), 0, 1))
    back, up = rho * breadth * np.cos(phi), rho * radius * np.sin(phi)
    rim = np.clip((np.cos(phi - 0.55) + 0.75) / 0.5, 0, 1)
    relief = 3.6 * np.exp(-(((rho - 0.90) / 0.11) ** 2)) * rim
    relief += 3.0 * np.exp(-(((rho - 0.60) / 0.13) ** 2)) * np.clip(np.cos(phi - 0.1) + 0.35, 0, 1)
    relief -= 6.0 * np.exp(-((np.hypot(back + 2.5, up + 3) / 7.5) ** 2))
    relief -= 2.0 * np.exp(-(((rho - 0.76) / 0.08) ** 2)) * rim
    relief += 4.0 * np.exp(-((np.hypot(back + 9.5, up + 5) / 3.2) ** 2))
    relief *= np.clip((1 - rho) / 0.04, 0, 1) * 0.5 + 0.5
    spread = np.deg2rad(np.clip(person.ear_angle_deg, 10, 40))
    reach = back + 0.50 * length
    tilt = np.deg2rad(10)
    y = up * np.cos(tilt) + back * np.sin(tilt) - 15.0
    z = -4.0 - (back * np.cos(tilt) - up * np.sin(tilt)) * np.cos(spread)
    grow = np.maximum(reach, 0) * np.sin(spread) + relief * np.cos(spread)
    wall = HeadRadius(head)(np.array([[side * 60.0, -16.0, -6.0]]))[0]
    x = side * (wall - 4.5 + 0.85 * grow)
    skirt = rho >= 0.999
    x = np.where(skirt, x - side * 2.5, x)
    points = np.stack([x, y, z + 0.25 * relief * np.sin(spread)], -1).reshape(-1, 3)
    triangles = grid_triangles(15, 41)
    if side > 0:
        triangles = triangles[:, [0, 2, 1]]
    tone = np.array([0.45 + 0.5 * back / length, 0.5 + 0.45 * up / length]).reshape(2, -1).T
    return surface(points, triangles, tone, Material(_paint_ear(person), 18.0, 0.028,
                   (0.45, 0.2, 0.12, 0.45)), two_sided=True)  # fmt: skip


def _paint_ear(person: Identity) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng((person.texture_seed, 4))
    out = plain_texture(np.zeros(4), 0.35, 64)
    blood = person.blood + 0.20 + 0.08 * noise(rng, 8, 2, 64)
    albedo = skin_albedo(person.melanin * (1.02 + 0.05 * noise(rng, 8, 2, 64)), blood)
    v, u = np.mgrid[0:64, 0:64] / 63.0
    hollow = 0.55 * np.exp(-(((u - 0.40) / 0.11) ** 2) - ((v - 0.45) / 0.13) ** 2)
    out[..., :4] = albedo * (1 - hollow)[..., None]
    out[..., PULSE] = 0.8
    return out


def _tube(path: Field, radius: float, closed: bool) -> tuple[Field, npt.NDArray[np.int32]]:
    """A tube of six sides along a path."""
    nxt = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    if not closed:
        nxt[0], nxt[-1] = path[1] - path[0], path[-1] - path[-2]
    nxt /= np.linalg.norm(nxt, axis=1, keepdims=True) + 1e-9
    helper = np.where(np.abs(nxt[:, 2:]) < 0.8, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(nxt, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(nxt, first)
    angle = np.linspace(0, 2 * np.pi, 7)
    ring = first[:, None] * np.cos(angle)[:, None] + second[:, None] * np.sin(angle)[:, None]
    points = path[:, None] + radius * ring
    if closed:
        points = np.concatenate([points, points[:1]])
    return points.reshape(-1, 3), grid_triangles(points.shape[0], 7)


def build_glasses(person: Identity, head: HeadMesh) -> list[Surface]:
    """Rims, bridge and temples; the lenses themselves are not drawn. Empty without glasses."""
    if person.glasses is Glasses.NONE:
        return []
    plan = plan_face(person)
    z0 = float(head.eyes[:, 2].mean()) + 24.0
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = {Glasses.ROUND: 2.0, Glasses.RECTANGLE: 5.0}.get(person.glasses, 3.0)
    wide = min(person.eye_distance_mm / 2 - 8.0, 25.0)
    tall = {Glasses.ROUND: 21.0, Glasses.RECTANGLE: 16.0}.get(person.glasses, 17.0)
    thin = {Glasses.RIMLESS: 0.45}.get(person.glasses, 1.25)
    cos, sin = np.cos(angle), np.sin(angle)
    rim_x = wide * np.sign(cos) * np.abs(cos) ** (2 / power)
    rim_y = tall * np.sign(sin) * np.abs(sin) ** (2 / power)
    center_y = float(np.mean(plan.eye_y)) - 2.0
    pieces = []
    grid = head.rest.reshape(ROWS, COLUMNS, 3).astype(np.float64)
    for x0 in plan.eye_x:
        x = x0 + rim_x
        # The frame stands off the brows and cheeks that lie behind it.
        front = [
            surface_depth(grid, float(a), float(b)) + 1.5
            for a, b in zip(x, center_y + rim_y, strict=True)
        ]
        push = max(
            0.0, max(f - z0 + 0.0035 * a * a for f, a in zip(front, x, strict=True) if abs(a) > 16)
        )
        path = np.stack([x, center_y + rim_y, z0 + min(push, 9.0) - 0.0035 * x**2], 1)
        pieces.append(_tube(path, thin, True))
        outer = np.sign(x0) * (abs(x0) + wide)
        t = np.linspace(0, 1, 8)
        hinge = z0 - 0.0035 * outer**2
        temple_x = outer + np.sign(x0) * (person.head_breadth_mm / 2 + 1.5 - abs(outer)) * t**0.5
        arm = np.stack([temple_x, center_y + 7 - 2 * t, hinge + (-22 - hinge) * t], 1)
        pieces.append(_tube(arm, max(thin, 0.9), False))
    t = np.linspace(-1, 1, 7)
    gap = person.eye_distance_mm / 2 - wide
    bridge = np.stack([gap * t, center_y + 4 + 2.5 * (1 - t * t), z0 + 1.5 * (1 - t * t)], 1)
    pieces.append(_tube(bridge, max(thin, 0.8), False))
    shade = person.glasses_tint
    texture = plain_texture([shade, shade * 0.8, shade * 0.7, max(shade, 0.25)], 1.0)
    material = Material(texture, 60.0, 0.05)
    return [surface(p, tri, np.zeros((len(p), 2)), material, two_sided=True) for p, tri in pieces]
