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
DULL = 0.008
"""Albedo of what glows, for lamps alone."""
(
    _N,
    _TO,
    _TORCH,
    _XY,
    _TEXEL,
    _GLOW,
    _WRAP,
    _GLOSS,
    _SHINE,
    _MATT,
    _DIM,
    _FACE,
    _SKY,
    _LIGHT,
    _LIT,
) = (CHUNK * row for row in (0, 3, 6, 9, 11, 21, 25, 29, 30, 31, 32, 33, 34, 38, 42))
_ALBEDO = _TEXEL
"""Where the rows of a chunk start: one flat array, in which the compiler sees that rows do not
overlap. Rows of several values lie ``CHUNK`` apart; from ``_LIT`` on one a lamp."""
_ZERO, _ONE, _TINY = np.float32(0.0), np.float32(1.0), np.float32(1e-9)


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def move_points(points, normals, out):
    """Put what changes from picture to picture into ``out`` of `pack_points`."""
    for i in range(points.shape[0]):
        for q in range(3):
            out[i, POINT + q], out[i, NORMAL + q] = points[i, q], normals[i, q]


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def pack_points(points, normals, uv, face_xy, sky, lit, out):
    """Put all that a vertex knows side by side into ``out`` (n, LIT + lamps)."""
    move_points(points, normals, out)
    for i in range(points.shape[0]):
        for q in range(2):
            out[i, UV + q], out[i, FACE_XY + q] = uv[i, q], face_xy[i, q]
        for q in range(4):
            out[i, SKY + q] = sky[i, q]
        for q in range(lit.shape[1]):
            out[i, LIT + q] = lit[i, q]


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
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


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _near_eye(x, y, face):
    """Whether a place in the face plane lies on or beside an eye."""
    across, up = face[HALF] + np.float32(4.0), np.float32(10.0)
    return (abs(x - face[CENTERS]) < across and abs(y - face[CENTERS + 1]) < up) or (
        abs(x - face[CENTERS + 2]) < across and abs(y - face[CENTERS + 3]) < up)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
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
    flat = np.empty(_LIT + lamps.shape[0] * CHUNK, np.float32)
    found, weight = np.empty((CHUNK, 5), np.int64), np.empty((CHUNK, 4), np.float32)
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        flat[_LIGHT] = _find(where[start : start + size], item, bary, triangles, packed, material,
                             place, pool, found, weight)  # fmt: skip
        _gather(found[:size], weight, packed, table, place, pool, flat)
        _tilt(flat, size, eye, flash, face)
        _draw_features(flat, size, face)
        _settle(flat, size, face)
        _ambient(flat, size)
        for lamp in range(lamps.shape[0]):
            _add_lamp(flat, size, flat[_LIT + lamp * CHUNK :], lamps[lamp], powers[lamp])
        if infrared:
            _add_flash(flat, size, flash)
        for s in range(size):
            for q in range(4):
                out[where[start + s, 0], where[start + s, 1], q] = flat[_LIGHT + q * CHUNK + s]


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _find(where, item, bary, triangles, packed, material, place, pool, found, weight):
    """Which points and texels each listed sample lies between; returns a number without meaning.

    The texels are touched here, many samples' at once, as nothing waits for what they hold; by the
    time `_gather` works with them they are at hand. The number keeps the compiler from leaving
    that out.

    Args:
        found: (CHUNK, 5) three points, material, upper left texel; weight: (CHUNK, 4) of the second
            and third point, and of the texels to the right and below.
    """  # fmt: skip
    touched, last = _ZERO, pool.shape[1] - 1
    for s in range(where.shape[0]):
        tri = item[where[s, 0], where[s, 1]]
        b, c = bary[where[s, 0], where[s, 1], 0], bary[where[s, 0], where[s, 1], 1]
        a, m = _ONE - b - c, material[tri]
        i, j, k = triangles[tri, 0], triangles[tri, 1], triangles[tri, 2]
        u = a * packed[i, UV] + b * packed[j, UV] + c * packed[k, UV]
        v = a * packed[i, UV + 1] + b * packed[j, UV + 1] + c * packed[k, UV + 1]
        wide, tall = np.float32(place[m, 1]), np.float32(place[m, 2])
        x = min(max(u * wide - np.float32(0.5), _ZERO), wide - np.float32(1.001))
        y = min(max(v * tall - np.float32(0.5), _ZERO), tall - np.float32(1.001))
        col, row = int(x), int(y)
        texel = place[m, 0] + row * place[m, 1] + col
        below = texel + place[m, 1]
        touched += pool[texel, 0] + pool[texel + 1, last] + pool[below, 0] + pool[below + 1, last]
        found[s, 0], found[s, 1], found[s, 2], found[s, 3], found[s, 4] = i, j, k, m, texel
        weight[s, 0], weight[s, 1] = b, c
        weight[s, 2], weight[s, 3] = x - np.float32(col), y - np.float32(row)
    return touched


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _gather(found, weight, packed, table, place, pool, flat):
    """What each found sample sees, into ``flat``; its place goes to ``_TO``."""
    for s in range(found.shape[0]):
        i, j, k, m = found[s, 0], found[s, 1], found[s, 2], found[s, 3]
        b, c = weight[s, 0], weight[s, 1]
        a = _ONE - b - c
        for q in range(3):
            flat[_TO + q * CHUNK + s] = a * packed[i, q] + b * packed[j, q] + c * packed[k, q]
            r = NORMAL + q
            flat[_N + q * CHUNK + s] = a * packed[i, r] + b * packed[j, r] + c * packed[k, r]
        for q in range(2):
            r = FACE_XY + q
            flat[_XY + q * CHUNK + s] = a * packed[i, r] + b * packed[j, r] + c * packed[k, r]
        for q in range(packed.shape[1] - SKY):
            r = SKY + q
            row = _SKY + q * CHUNK if q < 4 else _LIT + (q - 4) * CHUNK
            flat[row + s] = (
                a * packed[i, r] + b * packed[j, r] + c * packed[k, r])  # fmt: skip
        _fetch(pool, found[s, 4], place[m, 1], weight[s, 2], weight[s, 3], flat, s)
        for q in range(4):
            flat[_WRAP + q * CHUNK + s] = table[m, WRAP + q]
        flat[_GLOSS + s] = table[m, GLOSS] * flat[_TEXEL + SPECULAR * CHUNK + s]
        flat[_SHINE + s], flat[_FACE + s] = table[m, SHININESS], table[m, FACE]
        flat[_MATT + s], flat[_DIM + s] = table[m, EMISSION], _ONE


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _fetch(pool, a, width, fx, fy, flat, s):
    """Bilinear sample of a texture from texel ``a`` on; pulse and mouth are not blended."""
    b = a + width
    w00, w10 = (_ONE - fx) * (_ONE - fy), fx * (_ONE - fy)
    w01, w11 = (_ONE - fx) * fy, fx * fy
    for c in range(PULSE):
        flat[_TEXEL + c * CHUNK + s] = (w00 * pool[a, c] + w10 * pool[a + 1, c] + w01 * pool[b, c]
                                + w11 * pool[b + 1, c])  # fmt: skip
    near = (b if fy > 0.5 else a) + (1 if fx > 0.5 else 0)
    flat[_TEXEL + PULSE * CHUNK + s] = pool[near, PULSE]
    flat[_TEXEL + MOUTH * CHUNK + s] = pool[near, MOUTH]


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _tilt(flat, size, eye, flash, face):
    """Unit normals, tilted by the texture's slopes, and towards the camera off the face.

    Slopes are given in the face plane at rest. ``_TO`` and ``_TORCH`` become vectors to the
    camera and to the illuminator.
    """
    r = HEAD_ROTATION
    ax, ay, az, bx, by, bz = (
        face[r],
        face[r + 3],
        face[r + 6],
        face[r + 1],
        face[r + 4],
        face[r + 7],
    )
    ex, ey, ez, lx, ly, lz = eye[0], eye[1], eye[2], flash[0], flash[1], flash[2]
    for s in range(size):
        x, y, z = flat[_N + s], flat[_N + CHUNK + s], flat[_N + 2 * CHUNK + s]
        inv = _ONE / (math.sqrt(x * x + y * y + z * z) + _TINY)
        sx, sy = flat[_TEXEL + SLOPE_X * CHUNK + s], flat[_TEXEL + SLOPE_Y * CHUNK + s]
        x, y, z = (x * inv - (ax * sx + bx * sy), y * inv - (ay * sx + by * sy),
                   z * inv - (az * sx + bz * sy))  # fmt: skip
        inv = _ONE / (math.sqrt(x * x + y * y + z * z) + _TINY)
        px, py, pz = flat[_TO + s], flat[_TO + CHUNK + s], flat[_TO + 2 * CHUNK + s]
        flat[_TORCH + s], flat[_TORCH + CHUNK + s] = lx - px, ly - py
        flat[_TORCH + 2 * CHUNK + s] = lz - pz
        px, py, pz = ex - px, ey - py, ez - pz
        flat[_TO + s], flat[_TO + CHUNK + s], flat[_TO + 2 * CHUNK + s] = px, py, pz
        away = x * px + y * py + z * pz < 0 and flat[_FACE + s] == 0
        inv = -inv if away else inv
        flat[_N + s], flat[_N + CHUNK + s] = x * inv, y * inv
        flat[_N + 2 * CHUNK + s] = z * inv


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _draw_features(flat, size, face):
    """Eyes and the inside of the mouth, where a sample lies on them."""
    n, albedo = np.empty(3, np.float32), np.empty(4, np.float32)
    for s in range(size):
        x, y, strip = flat[_XY + s], flat[_XY + CHUNK + s], flat[_TEXEL + MOUTH * CHUNK + s]
        up = min(abs(y - face[CENTERS + 1]), abs(y - face[CENTERS + 3]))
        if flat[_FACE + s] == 0 or (up > 14 and strip >= 1.5):
            continue
        for q in range(3):
            n[q] = flat[_N + q * CHUNK + s]
        for q in range(4):
            albedo[q] = flat[_ALBEDO + q * CHUNK + s]
        gloss, shine, dim = draw_eye(x, y, face, albedo, n, flat[_GLOSS + s], flat[_SHINE + s])
        if strip < 1.5:
            dim *= draw_mouth(strip, x, face, albedo)
        flat[_GLOSS + s], flat[_SHINE + s], flat[_DIM + s] = gloss, shine, dim
        for q in range(3):
            flat[_N + q * CHUNK + s] = n[q]
        for q in range(4):
            flat[_ALBEDO + q * CHUNK + s] = albedo[q]


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _settle(flat, size, face):
    """Pulse, dimmed light and glow; what glows reflects next to nothing diffusely.

    More blood takes away light, most in green (weights of `skin.BLOOD`).
    """
    pulse = face[PULSE_LEVEL]
    for s in range(size):
        level, emitted = flat[_TEXEL + PULSE * CHUNK + s] * pulse, flat[_MATT + s]
        for q in range(4):
            weight = (np.float32(0.09) if q == 0 else _ONE if q == 1 else np.float32(0.72)
                      if q == 2 else np.float32(0.05))  # fmt: skip
            own = flat[_ALBEDO + q * CHUNK + s] * (_ONE - weight * level)
            flat[_GLOW + q * CHUNK + s] = emitted * own if q < INFRARED else _ZERO
            flat[_ALBEDO + q * CHUNK + s] = np.float32(DULL) if emitted > 0 else own
            flat[_SKY + q * CHUNK + s] *= flat[_DIM + s]
        flat[_MATT + s] = _ZERO if emitted > 0 else _ONE


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _ambient(flat, size):
    """Glow and light of the surroundings, into ``_LIGHT``; makes ``_TO`` unit."""
    for s in range(size):
        x, y, z = flat[_TO + s], flat[_TO + CHUNK + s], flat[_TO + 2 * CHUNK + s]
        inv = _ONE / (math.sqrt(x * x + y * y + z * z) + _TINY)
        x, y, z = x * inv, y * inv, z * inv
        flat[_TO + s], flat[_TO + CHUNK + s], flat[_TO + 2 * CHUNK + s] = x, y, z
        facing = (flat[_N + s] * x + flat[_N + CHUNK + s] * y
                  + flat[_N + 2 * CHUNK + s] * z)  # fmt: skip
        away = _ONE - (facing if facing > 0 else _ZERO)
        gloss, matt = flat[_GLOSS + s], flat[_MATT + s]
        rim = gloss * (_ONE + np.float32(14.0) * away * away * away * away)
        for q in range(4):
            flat[_LIGHT + q * CHUNK + s] = flat[_GLOW + q * CHUNK + s] + flat[
                _SKY + q * CHUNK + s] * (matt * flat[_ALBEDO + q * CHUNK + s] + rim)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy", inline="always")
def _lobe(flat, s, x, y, z, share):
    """(cosine to a lamp in direction x, y, z, its highlight) of sample ``s``."""
    nx, ny, nz = flat[_N + s], flat[_N + CHUNK + s], flat[_N + 2 * CHUNK + s]
    tx, ty, tz = flat[_TO + s], flat[_TO + CHUNK + s], flat[_TO + 2 * CHUNK + s]
    gloss, shine = share * flat[_GLOSS + s], flat[_SHINE + s]
    cos = nx * x + ny * y + nz * z
    hx, hy, hz = x + tx, y + ty, z + tz
    inv = _ONE / math.sqrt(hx * hx + hy * hy + hz * hz + _TINY)
    facing = (nx * hx + ny * hy + nz * hz) * inv
    facing = facing if facing > 0 else _ZERO
    grazing = (tx * hx + ty * hy + tz * hz) * inv
    grazing = _ONE - (grazing if grazing > 0 else _ZERO)
    square = grazing * grazing
    fresnel = gloss * (_ONE + np.float32(24.0) * square * square * grazing)
    half = np.float32(0.5) * shine
    peak = facing / (half - half * facing + facing)
    size = fresnel * (shine + np.float32(8.0)) * np.float32(0.10)
    return cos, size * peak * peak * (cos if cos > 0 else _ZERO)


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _add_lamp(flat, size, lit, lamp, power):
    """Add a distant lamp (3,) of irradiance (4,), whose share ``lit`` each sample sees."""
    x, y, z = lamp[0], lamp[1], lamp[2]
    p0, p1, p2, p3 = power[0], power[1], power[2], power[3]
    for s in range(size):
        cos, lobe = _lobe(flat, s, x, y, z, _ONE)
        seen = lit[s] * flat[_DIM + s]
        _add_light(flat, s, 0, p0 * seen, cos, lobe)
        _add_light(flat, s, 1, p1 * seen, cos, lobe)
        _add_light(flat, s, 2, p2 * seen, cos, lobe)
        _add_light(flat, s, 3, p3 * seen, cos, lobe)


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy", inline="always")
def _add_light(flat, s, channel, power, cos, lobe):
    """Lambert's cosine with light that creeps beyond the terminator, and the highlight."""
    wrap = flat[_WRAP + channel * CHUNK + s]
    wide = _ONE + wrap
    soft = (cos + wrap) / (wide * wide)
    soft = soft if soft > 0 else _ZERO
    flat[_LIGHT + channel * CHUNK + s] += power * (
        flat[_ALBEDO + channel * CHUNK + s] * soft + lobe)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def _add_flash(flat, size, flash):
    """Add the infrared illuminator; see `shade_samples`."""
    power, mirrored = flash[3], flash[4]
    for s in range(size):
        x, y, z = (flat[_TORCH + s], flat[_TORCH + CHUNK + s],
                   flat[_TORCH + 2 * CHUNK + s])  # fmt: skip
        inv = _ONE / (math.sqrt(x * x + y * y + z * z) + _TINY)
        cos, lobe = _lobe(flat, s, x * inv, y * inv, z * inv, mirrored)
        ratio = np.float32(FLASH_REFERENCE_MM) * inv
        _add_light(flat, s, INFRARED, power * ratio * ratio, cos, lobe)


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def normalise(v):
    """Make a vector of unit length in place; returns 1 over its former length."""
    inv = _ONE / (math.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) + _TINY)
    v[0], v[1], v[2] = v[0] * inv, v[1] * inv, v[2] * inv
    return inv
