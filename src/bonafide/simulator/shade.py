"""From a G-buffer to light in R, G, B and near infrared.

Surfaces: Lambert with a softened terminator (light that creeps through skin), a lobe around the
half vector in Schlick's rational form (1994, which needs no power) with his Fresnel term, light of
the surroundings from `lighting.bake`, and an infrared illuminator at the camera whose irradiance
falls with the distance squared. Hair: see `shade_hair`. Eyes and the inside of the mouth: see
`eyes`.

A px whose four samples see one material is shaded once. The samples to shade are listed first, then
worked on in chunks: what they see is gathered one after the other, and lit side by side, in loops
that the compiler turns into vector instructions.
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
    CHANNELS,
    INFRARED,
    MOUTH,
    PULSE,
    SLOPE_X,
    SLOPE_Y,
    SPECULAR,
)

FLASH_REFERENCE_MM = 500.0
SHININESS, GLOSS, WRAP, EMISSION, FACE = 0, 1, 2, 6, 7
POINT, NORMAL, UV, FACE_XY, SKY, LIT = 0, 3, 6, 8, 10, 14
"""Columns of `pack_points`; from ``LIT`` on the visible share of each lamp."""
CHUNK = 64
_N, _TO, _TORCH, _ALBEDO, _GLOW, _WRAP, _SKY, _GLOSS, _SHINE, _MATT, _LIT = (
    0, 3, 6, 9, 13, 17, 21, 25, 26, 27, 28)  # fmt: skip
"""Rows of the table that a chunk is gathered into; from ``_LIT`` on one a lamp."""
_ZERO, _ONE, _TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-9)


@numba.njit(cache=True, fastmath=True, nogil=True)
def pack_points(points, normals, uv, face_xy, sky, lit, out):
    """Put all that a vertex knows side by side into ``out`` (n, LIT + lamps)."""
    for i in range(points.shape[0]):
        for q in range(3):
            out[i, POINT + q], out[i, NORMAL + q] = points[i, q], normals[i, q]
        for q in range(2):
            out[i, UV + q], out[i, FACE_XY + q] = uv[i, q], face_xy[i, q]
        for q in range(4):
            out[i, SKY + q] = sky[i, q]
        for q in range(lit.shape[1]):
            out[i, LIT + q] = lit[i, q]


@numba.njit(cache=True, fastmath=True, nogil=True)
def list_samples(item, triangles, material, table, packed, face, shared, where):
    """List the samples of surfaces to shade; returns how many.

    Args:
        item: of a `raster.GBuffer`, 2x2 samples a px; packed: see `pack_points`.
        shared: (h, w) uint8, set to 1 where the first sample of a px speaks for all four.
        where: (4 h w, 2) int32, filled with rows and columns of samples.
    """
    count = 0
    for y in range(shared.shape[0]):
        for x in range(shared.shape[1]):
            row, col = 2 * y, 2 * x
            t0, t1, t2, t3 = (item[row, col], item[row, col + 1], item[row + 1, col],
                              item[row + 1, col + 1])  # fmt: skip
            alike = t0 >= 0 and t1 >= 0 and t2 >= 0 and t3 >= 0
            if alike and not (t0 == t1 and t0 == t2 and t0 == t3):
                m = material[t0]
                alike = material[t1] == m and material[t2] == m and material[t3] == m
            if alike and table[material[t0], FACE] > 0:
                # Eyes are finer than a px.
                i = triangles[t0, 0]
                alike = not _near_eye(packed[i, FACE_XY], packed[i, FACE_XY + 1], face)
            shared[y, x] = alike
            for k in range(1 if alike else 4):
                t = t0 if k == 0 else t1 if k == 1 else t2 if k == 2 else t3
                if t >= 0:
                    where[count, 0], where[count, 1] = row + (k >> 1), col + (k & 1)
                    count += 1
    return count


@numba.njit(cache=True, fastmath=True, nogil=True)
def _near_eye(x, y, face):
    """Whether a place in the face plane lies on or beside an eye."""
    across, up = face[HALF] + np.float32(4.0), np.float32(10.0)
    return (abs(x - face[CENTERS]) < across and abs(y - face[CENTERS + 1]) < up) or (
        abs(x - face[CENTERS + 2]) < across and abs(y - face[CENTERS + 3]) < up)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade_samples(
    where, count, item, bary, eye, triangles, packed, material, table, place, pool, lamps, powers,
    flash, face, infrared, out,
):  # fmt: skip
    """Shade listed samples of surfaces.

    Args:
        where, count: see `list_samples`; eye: (3,) the camera in the world.
        lamps: (k, 3) unit vectors; powers: (k, 4).
        flash: (5,) the infrared illuminator: world x, y, z, irradiance at `FLASH_REFERENCE_MM`,
            and the share of its mirrored light that reaches the camera (polarisers stop it).
        face: parameters of the face, see `eyes`; infrared: whether the illuminator is computed.
        out: (h, w, 4) float32, written at the listed samples.
    """
    chunk = np.empty((_LIT + lamps.shape[0], CHUNK), np.float32)
    light = np.empty((4, CHUNK), np.float32)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        _gather(where[start : start + size], item, bary, eye, flash, triangles, packed, material,
                table, place, pool, face, chunk)  # fmt: skip
        _ambient(chunk, size, light)
        for lamp in range(lamps.shape[0]):
            _add_lamp(chunk, size, lamps[lamp], powers[lamp], chunk[_LIT + lamp], light)
        if infrared:
            _add_flash(chunk, size, flash, light)
        for s in range(size):
            for q in range(4):
                out[where[start + s, 0], where[start + s, 1], q] = light[q, s]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _gather(
    where, item, bary, eye, flash, triangles, packed, material, table, place, pool, face, chunk
):
    """What each listed sample sees, into columns of ``chunk``."""
    texel, n, albedo = (np.empty(CHANNELS, np.float32), np.empty(3, np.float32),
                        np.empty(4, np.float32))  # fmt: skip
    for s in range(where.shape[0]):
        tri = item[where[s, 0], where[s, 1]]
        b, c = bary[where[s, 0], where[s, 1], 0], bary[where[s, 0], where[s, 1], 1]
        a, m = _ONE - b - c, material[tri]
        i, j, k = triangles[tri, 0], triangles[tri, 1], triangles[tri, 2]
        fetch(pool, place[m, 0], place[m, 1], place[m, 2],
              a * packed[i, UV] + b * packed[j, UV] + c * packed[k, UV],
              a * packed[i, UV + 1] + b * packed[j, UV + 1] + c * packed[k, UV + 1],
              texel)  # fmt: skip
        for q in range(3):
            at = a * packed[i, q] + b * packed[j, q] + c * packed[k, q]
            chunk[_TO + q, s], chunk[_TORCH + q, s] = eye[q] - at, flash[q] - at
            r = NORMAL + q
            n[q] = a * packed[i, r] + b * packed[j, r] + c * packed[k, r]
        _perturb(n, texel, face)
        gloss, shine, dim = table[m, GLOSS] * texel[SPECULAR], table[m, SHININESS], _ONE
        for q in range(4):
            albedo[q] = texel[q]
        if table[m, FACE] > 0:
            px = a * packed[i, FACE_XY] + b * packed[j, FACE_XY] + c * packed[k, FACE_XY]
            r = FACE_XY + 1
            py = a * packed[i, r] + b * packed[j, r] + c * packed[k, r]
            gloss, shine, dim = draw_eye(px, py, face, albedo, n, gloss, shine)
            if texel[MOUTH] < 1.5:
                dim *= draw_mouth(texel[MOUTH], px, face, albedo)
        elif n[0] * chunk[_TO, s] + n[1] * chunk[_TO + 1, s] + n[2] * chunk[_TO + 2, s] < 0:
            n[0], n[1], n[2] = -n[0], -n[1], -n[2]
        _flush(albedo, texel[PULSE] * face[PULSE_LEVEL])
        for q in range(3):
            chunk[_N + q, s] = n[q]
        for q in range(packed.shape[1] - SKY):
            r = SKY + q
            chunk[(_SKY + q) if q < 4 else (_LIT + q - 4), s] = dim * (
                a * packed[i, r] + b * packed[j, r] + c * packed[k, r])  # fmt: skip
        _put_material(table, m, albedo, gloss, shine, chunk, s)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _put_material(table, m, albedo, gloss, shine, chunk, s):
    """Albedo, glow, wrap and gloss of a sample; what glows reflects next to nothing diffusely."""
    emitted = table[m, EMISSION]
    for q in range(4):
        chunk[_WRAP + q, s] = table[m, WRAP + q]
        chunk[_GLOW + q, s] = emitted * albedo[q] if q < INFRARED else _ZERO
        chunk[_ALBEDO + q, s] = np.float32(0.008) if emitted > 0 else albedo[q]
    chunk[_GLOSS, s], chunk[_SHINE, s] = gloss, shine
    chunk[_MATT, s] = _ZERO if emitted > 0 else _ONE


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
def _ambient(chunk, size, light):
    """Glow and light of the surroundings, into ``light`` (4, CHUNK); makes ``_TO`` unit."""
    for s in range(size):
        x, y, z = chunk[_TO, s], chunk[_TO + 1, s], chunk[_TO + 2, s]
        inv = _ONE / (math.sqrt(x * x + y * y + z * z) + _TINY)
        x, y, z = x * inv, y * inv, z * inv
        chunk[_TO, s], chunk[_TO + 1, s], chunk[_TO + 2, s] = x, y, z
        away = _ONE - max(chunk[_N, s] * x + chunk[_N + 1, s] * y + chunk[_N + 2, s] * z, _ZERO)
        rim = chunk[_GLOSS, s] * (_ONE + np.float32(14.0) * away * away * away * away)
        for q in range(4):
            light[q, s] = chunk[_GLOW + q, s] + chunk[_SKY + q, s] * (
                chunk[_MATT, s] * chunk[_ALBEDO + q, s] + rim)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True)
def _lobe(chunk, s, x, y, z, gloss):
    """(cosine to a lamp in direction x, y, z, its highlight) of sample ``s``."""
    nx, ny, nz = chunk[_N, s], chunk[_N + 1, s], chunk[_N + 2, s]
    tx, ty, tz = chunk[_TO, s], chunk[_TO + 1, s], chunk[_TO + 2, s]
    cos, shine = nx * x + ny * y + nz * z, chunk[_SHINE, s]
    hx, hy, hz = x + tx, y + ty, z + tz
    inv = _ONE / math.sqrt(hx * hx + hy * hy + hz * hz + _TINY)
    facing = max((nx * hx + ny * hy + nz * hz) * inv, _ZERO)
    grazing = _ONE - max((tx * hx + ty * hy + tz * hz) * inv, _ZERO)
    square = grazing * grazing
    fresnel = gloss * (_ONE + np.float32(24.0) * square * square * grazing)
    half = np.float32(0.5) * shine
    peak = facing / (half - half * facing + facing)
    size = fresnel * (shine + np.float32(8.0)) * np.float32(0.10)
    return cos, size * peak * peak * max(cos, _ZERO)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _softened(cos, wrap):
    """Lambert's cosine with light that creeps ``wrap`` beyond the terminator."""
    wide = _ONE + wrap
    return max((cos + wrap) / (wide * wide), _ZERO)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _add_lamp(chunk, size, lamp, power, seen, light):
    """Add a distant lamp (3,) of irradiance (4,), of which ``seen`` (CHUNK,) is visible."""
    for s in range(size):
        cos, lobe = _lobe(chunk, s, lamp[0], lamp[1], lamp[2], chunk[_GLOSS, s])
        for q in range(4):
            soft = _softened(cos, chunk[_WRAP + q, s])
            light[q, s] += power[q] * seen[s] * (chunk[_ALBEDO + q, s] * soft + lobe)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _add_flash(chunk, size, flash, light):
    """Add the infrared illuminator; see `shade_samples`."""
    q = INFRARED
    for s in range(size):
        x, y, z = chunk[_TORCH, s], chunk[_TORCH + 1, s], chunk[_TORCH + 2, s]
        inv = _ONE / (math.sqrt(x * x + y * y + z * z) + _TINY)
        cos, lobe = _lobe(chunk, s, x * inv, y * inv, z * inv, chunk[_GLOSS, s] * flash[4])
        ratio = np.float32(FLASH_REFERENCE_MM) * inv
        soft = _softened(cos, chunk[_WRAP + q, s])
        light[q, s] += flash[3] * ratio * ratio * (chunk[_ALBEDO + q, s] * soft + lobe)


@numba.njit(cache=True, fastmath=True, nogil=True)
def normalise(v):
    """Make a vector of unit length in place; returns 1 over its former length."""
    inv = _ONE / (math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) + _TINY)
    v[0], v[1], v[2] = v[0] * inv, v[1] * inv, v[2] * inv
    return inv


@numba.njit(cache=True, fastmath=True, nogil=True)
def _perturb(n, texel, face):
    """Tilt the normal by the texture's slopes, which are given in the face plane at rest."""
    normalise(n)
    sx, sy = texel[SLOPE_X], texel[SLOPE_Y]
    if sx != 0.0 or sy != 0.0:
        for q in range(3):
            r = HEAD_ROTATION + 3 * q
            n[q] -= face[r] * sx + face[r + 1] * sy
        normalise(n)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _flush(albedo, level):
    """The pulse: more blood takes away light, most in green (weights of `skin.BLOOD`)."""
    albedo[0] *= _ONE - np.float32(0.09) * level
    albedo[1] *= _ONE - level
    albedo[2] *= _ONE - np.float32(0.72) * level
    albedo[3] *= _ONE - np.float32(0.05) * level
