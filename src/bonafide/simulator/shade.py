"""From a G-buffer to light in R, G, B and near infrared.

Surfaces: Lambert with a softened terminator (light that creeps through skin), a normalised
Blinn-Phong lobe with Schlick's Fresnel term, light of the surroundings from `lighting.bake`, and an
infrared illuminator at the camera whose irradiance falls with the distance squared. Hair: the
model of Kajiya and Kay 1989. Eyes and the inside of the mouth: see `eyes`.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from bonafide.simulator.eyes import HEAD_ROTATION, PULSE_LEVEL, draw_eye, draw_mouth
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


@numba.njit(cache=True, fastmath=True, nogil=True)
def fetch(pool, start, width, height, u, v, out):  # noqa: ANN001, ANN201
    """Bilinear sample of a texture into ``out`` (CHANNELS,); the mouth channel is not blended."""
    x = min(max(u * width - np.float32(0.5), np.float32(0.0)), np.float32(width - 1.001))
    y = min(max(v * height - np.float32(0.5), np.float32(0.0)), np.float32(height - 1.001))
    col, row = int(x), int(y)
    fx, fy = x - col, y - row
    a = start + row * width + col
    b = a + width
    w00, w10 = (1 - fx) * (1 - fy), fx * (1 - fy)
    w01, w11 = (1 - fx) * fy, fx * fy
    for c in range(PULSE):
        out[c] = w00 * pool[a, c] + w10 * pool[a + 1, c] + w01 * pool[b, c] + w11 * pool[b + 1, c]
    near = (b if fy > 0.5 else a) + (1 if fx > 0.5 else 0)
    out[PULSE] = pool[near, PULSE]
    out[MOUTH] = pool[near, MOUTH]


@numba.njit(cache=True, fastmath=True, nogil=True)
def add_lamp(n, to, lamp, power, seen, albedo, gloss, shine, wrap, out):  # noqa: ANN001, ANN201
    """Add one lamp's diffuse and specular light to ``out`` (4,).

    Args:
        n, to: (3,) unit normal and unit vector to the camera; lamp: (3,) unit vector to the lamp.
        power: (4,) irradiance; seen: its visible share; albedo: (4,); wrap: (4,).
        gloss: reflectance at normal incidence times the texture's factor; shine: exponent.
    """
    cos = n[0] * lamp[0] + n[1] * lamp[1] + n[2] * lamp[2]
    hx, hy, hz = lamp[0] + to[0], lamp[1] + to[1], lamp[2] + to[2]
    inv = np.float32(1.0) / math.sqrt(hx * hx + hy * hy + hz * hz + np.float32(1e-9))
    lobe = np.float32(0.0)
    if cos > 0 and gloss > 0:
        facing = max((n[0] * hx + n[1] * hy + n[2] * hz) * inv, np.float32(0.0))
        grazing = np.float32(1.0) - max((to[0] * hx + to[1] * hy + to[2] * hz) * inv, np.float32(0))
        square = grazing * grazing
        fresnel = gloss * (1 + 24 * square * square * grazing)
        lobe = fresnel * (shine + 8) * np.float32(0.125) * facing**shine * cos
    for c in range(4):
        soft = (cos + wrap[c]) / ((1 + wrap[c]) * (1 + wrap[c]))
        out[c] += power[c] * seen * (albedo[c] * max(soft, np.float32(0.0)) + lobe)


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade_surfaces(  # noqa: ANN201
    item, bary, zbuf, camera, triangles, points, normals, uv, face_xy, lit, sky,  # noqa: ANN001
    material, table, place, pool, lamps, powers, flash, face, out,  # noqa: ANN001
):  # fmt: skip
    """Shade every sample that a triangle covers.

    Args:
        item, bary, zbuf: a `raster.GBuffer`.
        camera: (6,) float32 focal px, centre x, centre y, and the camera's world position.
        points, normals: (n, 3) world; lit: (n, lamps); sky: (n, 4); the rest as in `mesh.Scene`.
        lamps: (k, 3) unit vectors; powers: (k, 4).
        flash: near-infrared irradiance of the illuminator at `FLASH_REFERENCE_MM`.
        face: parameters of the face, see `eyes`.
        out: (h, w, 4) float32, written where a triangle is seen.
    """
    t = np.empty(_CHANNELS, np.float32)
    n, to, light, albedo = (np.empty(3, np.float32), np.empty(3, np.float32),
                            np.empty(4, np.float32), np.empty(4, np.float32))  # fmt: skip
    flash_power = np.zeros(4, np.float32)
    for y in range(item.shape[0]):
        for x in range(item.shape[1]):
            tri = item[y, x]
            if tri < 0:
                continue
            b, c = bary[y, x, 0], bary[y, x, 1]
            a = 1 - b - c
            i, j, k = triangles[tri, 0], triangles[tri, 1], triangles[tri, 2]
            m = material[tri]
            fetch(pool, place[m, 0], place[m, 1], place[m, 2],
                  a * uv[i, 0] + b * uv[j, 0] + c * uv[k, 0],
                  a * uv[i, 1] + b * uv[j, 1] + c * uv[k, 1], t)  # fmt: skip
            for q in range(3):
                n[q] = a * normals[i, q] + b * normals[j, q] + c * normals[k, q]
                to[q] = camera[3 + q] - (a * points[i, q] + b * points[j, q] + c * points[k, q])
            far = _normalise(to)
            _perturb(n, t, face)
            if n[0] * to[0] + n[1] * to[1] + n[2] * to[2] < 0 and table[m, FACE] == 0:
                n[0], n[1], n[2] = -n[0], -n[1], -n[2]
            gloss, shine = table[m, GLOSS] * t[SPECULAR], table[m, SHININESS]
            for q in range(4):
                albedo[q] = t[q]
            dim = np.float32(1.0)
            if table[m, FACE] > 0:
                px = a * face_xy[i, 0] + b * face_xy[j, 0] + c * face_xy[k, 0]
                py = a * face_xy[i, 1] + b * face_xy[j, 1] + c * face_xy[k, 1]
                gloss, shine, dim = draw_eye(px, py, face, albedo, n, gloss, shine)
                if t[MOUTH] < 1.5:
                    dim *= draw_mouth(t[MOUTH], px, face, albedo)
            _flush(albedo, t[PULSE] * face[PULSE_LEVEL])
            emitted = table[m, EMISSION]
            for q in range(4):
                ambient = a * sky[i, q] + b * sky[j, q] + c * sky[k, q]
                light[q] = ambient * dim * albedo[q]
                if emitted > 0:
                    light[q] = emitted * albedo[q] if q < INFRARED else np.float32(0.0)
            if emitted > 0:
                for q in range(4):
                    albedo[q] = np.float32(0.008)
            rim = np.float32(1.0) - max(n[0] * to[0] + n[1] * to[1] + n[2] * to[2], np.float32(0.0))
            rim = gloss * (1 + 14 * rim * rim * rim * rim)
            for q in range(4):
                light[q] += rim * dim * (a * sky[i, q] + b * sky[j, q] + c * sky[k, q])
            for lamp in range(lamps.shape[0]):
                seen = a * lit[i, lamp] + b * lit[j, lamp] + c * lit[k, lamp]
                add_lamp(n, to, lamps[lamp], powers[lamp], seen * dim, albedo, gloss, shine,
                         table[m, WRAP : WRAP + 4], light)  # fmt: skip
            ratio = np.float32(FLASH_REFERENCE_MM) / far
            flash_power[INFRARED] = flash * ratio * ratio
            add_lamp(n, to, to, flash_power, np.float32(1.0), albedo, gloss, shine,
                     table[m, WRAP : WRAP + 4], light)  # fmt: skip
            for q in range(4):
                out[y, x, q] = light[q]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _normalise(v):  # noqa: ANN001, ANN202
    """Make a vector of unit length in place; returns its former length."""
    length = math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) + np.float32(1e-9)
    v[0] /= length
    v[1] /= length
    v[2] /= length
    return length


@numba.njit(cache=True, fastmath=True, nogil=True)
def _perturb(n, texel, face):  # noqa: ANN001, ANN202
    """Tilt the normal by the texture's slopes, which are given in the face plane at rest."""
    _normalise(n)
    sx, sy = texel[SLOPE_X], texel[SLOPE_Y]
    if sx != 0.0 or sy != 0.0:
        for q in range(3):
            r = HEAD_ROTATION + 3 * q
            n[q] -= face[r] * sx + face[r + 1] * sy
        _normalise(n)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _flush(albedo, level):  # noqa: ANN001, ANN202
    """The pulse: more blood takes away light, most in green (weights of `skin.BLOOD`)."""
    albedo[0] *= 1 - np.float32(0.09) * level
    albedo[1] *= 1 - level
    albedo[2] *= 1 - np.float32(0.72) * level
    albedo[3] *= 1 - np.float32(0.05) * level


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade_strands(  # noqa: ANN201
    item, bary, first, points, steps, albedo, lit, sky, camera, lamps, powers, flash, out,  # noqa: ANN001
):  # fmt: skip
    """Shade every sample that a strand covers: Kajiya-Kay diffuse and two highlights.

    Args:
        first: index of this batch's first point in the buffer's numbering.
        points: (strands * steps, 3) world; albedo: (strands, 4); lit, sky: per point.
    """
    count = points.shape[0]
    tangent, to = np.empty(3, np.float32), np.empty(3, np.float32)
    for y in range(item.shape[0]):
        for x in range(item.shape[1]):
            i = -2 - item[y, x] - first
            if item[y, x] >= -1 or i < 0 or i >= count:
                continue
            f, s = bary[y, x, 0], i // steps
            for q in range(3):
                tangent[q] = points[i + 1, q] - points[i, q]
                to[q] = camera[3 + q] - points[i, q]
            _normalise(tangent)
            far = _normalise(to)
            # Strands are round: their flanks are darker, and so are their roots.
            round_ = np.float32(1.0) - np.float32(0.35) * bary[y, x, 1] * bary[y, x, 1]
            for q in range(4):
                out[y, x, q] = albedo[s, q] * round_ * (sky[i, q] + f * (sky[i + 1, q] - sky[i, q]))
            for lamp in range(lamps.shape[0]):
                seen = (lit[i, lamp] + f * (lit[i + 1, lamp] - lit[i, lamp])) * round_
                diffuse, shine = _kajiya(tangent, to, lamps[lamp])
                for q in range(4):
                    out[y, x, q] += seen * powers[lamp, q] * (
                        albedo[s, q] * (diffuse + 0.9 * shine) + np.float32(0.014) * shine)  # fmt: skip
            diffuse, shine = _kajiya(tangent, to, to)
            ratio = np.float32(FLASH_REFERENCE_MM) / far
            out[y, x, 3] += round_ * flash * ratio * ratio * (
                albedo[s, 3] * diffuse + np.float32(0.012) * shine)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True)
def _kajiya(tangent, to, lamp):  # noqa: ANN001, ANN202
    """(diffuse, highlight) of a hair with this tangent."""
    along = tangent[0] * lamp[0] + tangent[1] * lamp[1] + tangent[2] * lamp[2]
    view = tangent[0] * to[0] + tangent[1] * to[1] + tangent[2] * to[2]
    sin_l = math.sqrt(max(1 - along * along, np.float32(0.0)))
    sin_v = math.sqrt(max(1 - view * view, np.float32(0.0)))
    cos = max(sin_l * sin_v - along * view, np.float32(0.0))
    cos2 = cos * cos
    cos8 = cos2 * cos2 * cos2 * cos2
    return np.float32(0.62) * sin_l, cos8 * cos8 * cos8
