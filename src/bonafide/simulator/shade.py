"""From a G-buffer to light in R, G, B and near infrared.

Surfaces: Lambert with a softened terminator (light that creeps through skin), a lobe around the
half vector in Schlick's rational form (1994, which needs no power) with his Fresnel term, light of
the surroundings from `lighting.bake`, and an infrared illuminator at the camera whose irradiance
falls with the distance squared. Hair: the model of Kajiya and Kay 1989. Eyes and the inside of the
mouth: see `eyes`.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from bonafide.simulator.eyes import (
    CENTERS,
    HALF,
    HEAD_ROTATION,
    PULSE_LEVEL,
    draw_eye,
    draw_mouth,
)
from bonafide.simulator.skin import (
    INFRARED,
    MOUTH,
    OPACITY,
    PULSE,
    SLOPE_X,
    SLOPE_Y,
    SPECULAR,
)

FLASH_REFERENCE_MM = 500.0
SHININESS, GLOSS, WRAP, EMISSION, FACE = 0, 1, 2, 6, 7
_CHANNELS = OPACITY + 1
_ZERO, _ONE, _TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-9)


@numba.njit(cache=True, fastmath=True, nogil=True)
def fetch(pool, start, width, height, u, v, out):
    """Bilinear sample of a texture into ``out`` (CHANNELS,); the mouth channel is not blended."""
    wide, tall = np.float32(width), np.float32(height)
    x = min(max(u * wide - np.float32(0.5), _ZERO), wide - np.float32(1.001))
    y = min(max(v * tall - np.float32(0.5), _ZERO), tall - np.float32(1.001))
    col, row = int(x), int(y)
    fx, fy = x - np.float32(col), y - np.float32(row)
    a = start + row * width + col
    b = a + width
    w00, w10 = (_ONE - fx) * (_ONE - fy), fx * (_ONE - fy)
    w01, w11 = (_ONE - fx) * fy, fx * fy
    for c in range(PULSE):
        out[c] = w00 * pool[a, c] + w10 * pool[a + 1, c] + w01 * pool[b, c] + w11 * pool[b + 1, c]
    near = (b if fy > 0.5 else a) + (1 if fx > 0.5 else 0)
    out[PULSE] = pool[near, PULSE]
    out[MOUTH] = pool[near, MOUTH]


@numba.njit(cache=True, fastmath=True, nogil=True)
def add_lamp(n, to, lamp, power, seen, albedo, gloss, shine, table, m, first, last, out):
    """Add one lamp's diffuse and specular light to ``out`` (4,).

    Args:
        n, to: (3,) unit normal and unit vector to the camera; lamp: (3,) unit vector to the lamp.
        power: (4,) irradiance; seen: its visible share; albedo: (4,).
        gloss: reflectance at normal incidence times the texture's factor; shine: exponent.
        table, m: materials and which, for its wrap; first, last: range of channels.
    """
    cos = n[0] * lamp[0] + n[1] * lamp[1] + n[2] * lamp[2]
    lobe = np.float32(0.0)
    if cos > 0 and gloss > 0:
        hx, hy, hz = lamp[0] + to[0], lamp[1] + to[1], lamp[2] + to[2]
        inv = _ONE / math.sqrt(hx * hx + hy * hy + hz * hz + _TINY)
        facing = max((n[0] * hx + n[1] * hy + n[2] * hz) * inv, _ZERO)
        grazing = _ONE - max((to[0] * hx + to[1] * hy + to[2] * hz) * inv, _ZERO)
        square = grazing * grazing
        fresnel = gloss * (_ONE + np.float32(24.0) * square * square * grazing)
        half = np.float32(0.5) * shine
        peak = facing / (half - half * facing + facing)
        lobe = fresnel * (shine + np.float32(8.0)) * np.float32(0.10) * peak * peak * cos
    for c in range(first, last):
        wrap = table[m, WRAP + c]
        soft = (cos + wrap) / ((_ONE + wrap) * (_ONE + wrap))
        out[c] += power[c] * seen * (albedo[c] * max(soft, _ZERO) + lobe)


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade_surfaces(
    item, bary, eye, triangles, points, normals, uv, face_xy, lit, sky,
    material, table, place, pool, lamps, powers, flash, face, infrared, out,
):  # fmt: skip
    """Shade what triangles cover, once a px where its samples agree and per sample elsewhere.

    Args:
        item, bary: of a `raster.GBuffer`, 2x2 samples a px; eye: (3,) the camera in the world.
        points, normals: (n, 3) world; lit: (n, lamps); sky: (n, 4); the rest as in `mesh.Scene`.
        lamps: (k, 3) unit vectors; powers: (k, 4).
        flash: (5,) the infrared illuminator: world x, y, z, irradiance at `FLASH_REFERENCE_MM`,
            and the share of its mirrored light that reaches the camera (polarisers stop it).
        face: parameters of the face, see `eyes`; infrared: whether the illuminator is computed.
        out: (h, w, 4) float32, written where a triangle is seen.
    """
    texel, n = np.empty(_CHANNELS, np.float32), np.empty(3, np.float32)
    to, torch = np.empty(3, np.float32), np.empty(3, np.float32)
    light, albedo, power = (np.empty(4, np.float32), np.empty(4, np.float32),
                            np.zeros(4, np.float32))  # fmt: skip
    for y in range(0, item.shape[0], 2):
        for x in range(0, item.shape[1], 2):
            shared = _same_surface(item, y, x, triangles, material, table, face_xy, face)
            for k in range(4):
                row, col = y + (k >> 1), x + (k & 1)
                if item[row, col] < 0:
                    continue
                if k == 0 or not shared:
                    _shade_sample(
                        item[row, col], bary[row, col, 0], bary[row, col, 1], eye, triangles,
                        points, normals, uv, face_xy, lit, sky, material, table, place, pool,
                        lamps, powers, flash, face, infrared, texel, n, to, torch, light, albedo,
                        power,
                    )  # fmt: skip
                for q in range(4):
                    out[row, col, q] = light[q]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _same_surface(item, y, x, triangles, material, table, face_xy, face):
    """Whether one sample can speak for the four of a px: one material, and no eye near."""
    t = item[y, x]
    if t < 0 or item[y, x + 1] < 0 or item[y + 1, x] < 0 or item[y + 1, x + 1] < 0:
        return False
    m = material[t]
    if (material[item[y, x + 1]] != m or material[item[y + 1, x]] != m
            or material[item[y + 1, x + 1]] != m):  # fmt: skip
        return False
    if table[m, FACE] == 0:
        return True
    i = triangles[t, 0]
    for side in range(2):
        dx = abs(face_xy[i, 0] - face[CENTERS + 2 * side])
        dy = abs(face_xy[i, 1] - face[CENTERS + 2 * side + 1])
        if dx < face[HALF] + np.float32(4.0) and dy < np.float32(10.0):
            return False
    return True


@numba.njit(cache=True, fastmath=True, nogil=True)
def _shade_sample(
    tri, b, c, eye, triangles, points, normals, uv, face_xy, lit, sky, material, table, place,
    pool, lamps, powers, flash, face, infrared, texel, n, to, torch, light, albedo, power,
):  # fmt: skip
    """Light of one sample, into ``light``; see `shade_surfaces`."""
    a = _ONE - b - c
    i, j, k = triangles[tri, 0], triangles[tri, 1], triangles[tri, 2]
    m = material[tri]
    fetch(pool, place[m, 0], place[m, 1], place[m, 2],
          a * uv[i, 0] + b * uv[j, 0] + c * uv[k, 0],
          a * uv[i, 1] + b * uv[j, 1] + c * uv[k, 1], texel)  # fmt: skip
    for q in range(3):
        n[q] = a * normals[i, q] + b * normals[j, q] + c * normals[k, q]
        at = a * points[i, q] + b * points[j, q] + c * points[k, q]
        to[q], torch[q] = eye[q] - at, flash[q] - at
    _normalise(to)
    _perturb(n, texel, face)
    if n[0] * to[0] + n[1] * to[1] + n[2] * to[2] < 0 and table[m, FACE] == 0:
        n[0], n[1], n[2] = -n[0], -n[1], -n[2]
    gloss, shine, dim = table[m, GLOSS] * texel[SPECULAR], table[m, SHININESS], _ONE
    for q in range(4):
        albedo[q] = texel[q]
    if table[m, FACE] > 0:
        px = a * face_xy[i, 0] + b * face_xy[j, 0] + c * face_xy[k, 0]
        py = a * face_xy[i, 1] + b * face_xy[j, 1] + c * face_xy[k, 1]
        gloss, shine, dim = draw_eye(px, py, face, albedo, n, gloss, shine)
        if texel[MOUTH] < 1.5:
            dim *= draw_mouth(texel[MOUTH], px, face, albedo)
    _flush(albedo, texel[PULSE] * face[PULSE_LEVEL])
    emitted = table[m, EMISSION]
    rim = _ONE - max(n[0] * to[0] + n[1] * to[1] + n[2] * to[2], _ZERO)
    rim = gloss * (_ONE + np.float32(14.0) * rim * rim * rim * rim)
    for q in range(4):
        ambient = (a * sky[i, q] + b * sky[j, q] + c * sky[k, q]) * dim
        if emitted > 0:
            light[q] = ambient * rim + (emitted * albedo[q] if q < INFRARED else _ZERO)
            albedo[q] = np.float32(0.008)
        else:
            light[q] = ambient * (albedo[q] + rim)
    for lamp in range(lamps.shape[0]):
        seen = (a * lit[i, lamp] + b * lit[j, lamp] + c * lit[k, lamp]) * dim
        add_lamp(
            n, to, lamps[lamp], powers[lamp], seen, albedo, gloss, shine, table, m, 0, 4, light
        )
    if infrared:
        ratio = np.float32(FLASH_REFERENCE_MM) / _normalise(torch)
        power[INFRARED] = flash[3] * ratio * ratio
        add_lamp(n, to, torch, power, _ONE, albedo, gloss * flash[4], shine, table, m, 3, 4, light)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _normalise(v):
    """Make a vector of unit length in place; returns its former length."""
    length = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) + np.float32(1e-9)
    v[0] /= length
    v[1] /= length
    v[2] /= length
    return length


@numba.njit(cache=True, fastmath=True, nogil=True)
def _perturb(n, texel, face):
    """Tilt the normal by the texture's slopes, which are given in the face plane at rest."""
    _normalise(n)
    sx, sy = texel[SLOPE_X], texel[SLOPE_Y]
    if sx != 0.0 or sy != 0.0:
        for q in range(3):
            r = HEAD_ROTATION + 3 * q
            n[q] -= face[r] * sx + face[r + 1] * sy
        _normalise(n)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _flush(albedo, level):
    """The pulse: more blood takes away light, most in green (weights of `skin.BLOOD`)."""
    albedo[0] *= _ONE - np.float32(0.09) * level
    albedo[1] *= _ONE - level
    albedo[2] *= _ONE - np.float32(0.72) * level
    albedo[3] *= _ONE - np.float32(0.05) * level


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade_strands(
    item, bary, first, points, steps, albedo, lit, sky, eye, lamps, powers, flash, out,
):  # fmt: skip
    """Shade every sample that a strand covers: Kajiya-Kay diffuse and two highlights.

    Args:
        first: index of this batch's first point in the buffer's numbering.
        points: (strands * steps, 3) world; albedo: (strands, 4); lit, sky: per point.
    """
    count = points.shape[0]
    tangent, to, torch = np.empty((3, 3), np.float32)
    for y in range(item.shape[0]):
        for x in range(item.shape[1]):
            i = -2 - item[y, x] - first
            if item[y, x] >= -1 or i < 0 or i >= count:
                continue
            f, s = bary[y, x, 0], i // steps
            for q in range(3):
                tangent[q] = points[i + 1, q] - points[i, q]
                to[q], torch[q] = eye[q] - points[i, q], flash[q] - points[i, q]
            _normalise(tangent)
            _normalise(to)
            # Strands are round: their flanks are darker, and so are their roots.
            round_ = np.float32(1.0) - np.float32(0.35) * bary[y, x, 1] * bary[y, x, 1]
            for q in range(4):
                out[y, x, q] = albedo[s, q] * round_ * (sky[i, q] + f * (sky[i + 1, q] - sky[i, q]))
            for lamp in range(lamps.shape[0]):
                seen = (lit[i, lamp] + f * (lit[i + 1, lamp] - lit[i, lamp])) * round_
                diffuse, shine = _kajiya(tangent, to, lamps[lamp])
                for q in range(4):
                    own = albedo[s, q] * (diffuse + np.float32(0.9) * shine)
                    out[y, x, q] += seen * powers[lamp, q] * (own + np.float32(0.014) * shine)
            ratio = np.float32(FLASH_REFERENCE_MM) / _normalise(torch)
            diffuse, shine = _kajiya(tangent, to, torch)
            out[y, x, 3] += round_ * flash[3] * ratio * ratio * (
                albedo[s, 3] * diffuse + np.float32(0.012) * shine)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True)
def _kajiya(tangent, to, lamp):
    """(diffuse, highlight) of a hair with this tangent."""
    along = tangent[0] * lamp[0] + tangent[1] * lamp[1] + tangent[2] * lamp[2]
    view = tangent[0] * to[0] + tangent[1] * to[1] + tangent[2] * to[2]
    sin_l = math.sqrt(max(1 - along * along, np.float32(0.0)))
    sin_v = math.sqrt(max(1 - view * view, np.float32(0.0)))
    cos = max(sin_l * sin_v - along * view, np.float32(0.0))
    cos2 = cos * cos
    cos8 = cos2 * cos2 * cos2 * cos2
    return np.float32(0.62) * sin_l, cos8 * cos8 * cos8
