"""Eyes and the inside of the mouth, drawn per sample into the face's surface.

A sample of the face between the lid margins shows the eyeball: its normal is that of a sphere (and
of the cornea over the iris), its colour that of sclera, iris and pupil for the current gaze. The
lid margins move with a blink, so the opening is exact at any resolution and any time. Everything
is a number in one vector, whose layout the constants below name.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt

from bonafide.simulator.features import EYE_RADIUS_MM, plan_face
from bonafide.simulator.identity import Identity

CENTERS, HALF, OPENING, SLANT, CLOSURE, GAZE = 0, 4, 5, 6, 8, 10
IRIS_RADIUS, PUPIL_RADIUS, IRIS, SCLERA, SEED = 12, 13, 14, 18, 22
MOUTH_OPEN, HEAD_ROTATION, LASHES, PULSE_LEVEL, MOUTH_HALF, EYE_LIGHT = 23, 24, 33, 34, 35, 36
LENGTH = 40


def face_vector(person: Identity) -> npt.NDArray[np.float32]:
    """(LENGTH,) the face at rest: eyes open and straight ahead, mouth closed, no rotation."""
    plan = plan_face(person)
    v = np.zeros(LENGTH, np.float32)
    v[CENTERS : CENTERS + 4] = plan.eye_x[0], plan.eye_y[0], plan.eye_x[1], plan.eye_y[1]
    v[HALF], v[OPENING] = person.eye_breadth_mm / 2, person.eye_opening_mm
    angle = np.deg2rad(person.eye_slant_deg)
    v[SLANT : SLANT + 2] = np.cos(angle), np.sin(angle)
    v[IRIS_RADIUS], v[PUPIL_RADIUS] = 5.9, 1.9
    dark = person.iris_melanin
    pale = np.array([0.16, 0.26, 0.36]) * (1 - person.iris_green) + np.array(
        [0.24, 0.25, 0.13]) * person.iris_green  # fmt: skip
    brown = np.array([0.085, 0.040, 0.018])
    mix = np.clip((dark - 0.1) / 0.55, 0, 1)
    v[IRIS : IRIS + 3] = (pale * (1 - mix) + brown * mix) * (1.25 - 0.65 * dark)
    v[IRIS + 3] = 0.30 - 0.10 * dark
    yellow = person.sclera_yellow
    v[SCLERA : SCLERA + 4] = 0.50, 0.44 - 0.03 * yellow, 0.40 - 0.10 * yellow, 0.42
    v[SEED] = person.texture_seed % 1000 / 100.0
    v[HEAD_ROTATION : HEAD_ROTATION + 9] = np.eye(3).ravel()
    v[LASHES] = 1.0 if person.sex == "female" else 0.7
    v[MOUTH_HALF] = person.mouth_breadth_mm / 2
    return v


@numba.njit(cache=True, fastmath=True, nogil=True)
def margins(along, face, closure):
    """(upper, lower) lid margins at a place along the eye, mm; a blink brings the upper down."""
    q = min(max(along / face[HALF], np.float32(-1.0)), np.float32(1.0))
    bow = 1 - q * q
    upper = (
        np.float32(0.45)
        * face[OPENING]
        * max(1 - abs(q + np.float32(0.10) * bow) ** np.float32(2.3), np.float32(0.0))
        ** np.float32(0.85)
    )
    lower = np.float32(-0.55) * face[OPENING] * max(
        1 - abs(q - np.float32(0.12) * bow) ** np.float32(2.2), np.float32(0.0))  # fmt: skip
    rise = lower * (1 - np.float32(0.22) * closure)
    return upper + closure * (rise - upper), rise


@numba.njit(cache=True, fastmath=True, nogil=True)
def draw_eye(x, y, face, albedo, n, gloss, shine):
    """Change albedo and normal where an eye, a lash or a lid's rim is seen.

    Args:
        x, y: face-plane position, mm; face: see the constants; albedo: (4,); n: (3,) world.

    Returns:
        (gloss, shine, dim): the specular lobe, and how much of the light gets between the lids.
    """
    for side in range(2):
        dx, dy = x - face[CENTERS + 2 * side], y - face[CENTERS + 2 * side + 1]
        if abs(dx) > 24 or abs(dy) > 14:
            continue
        sign = np.float32(-1.0) if side == 0 else np.float32(1.0)
        along = sign * dx * face[SLANT] + dy * face[SLANT + 1]
        up = dy * face[SLANT] - sign * dx * face[SLANT + 1]
        if abs(along) > face[HALF] * np.float32(1.12):
            continue
        closure = face[CLOSURE + side]
        top, low = margins(along, face, closure)
        if low < up < top:
            return _eyeball(dx, dy, along, top - up, up - low, face, albedo, n)
        # Upper lashes: a dark line that thickens outwards; it hangs over the margin when closed.
        thick = face[LASHES] * (np.float32(0.75) + np.float32(0.55) * along / face[HALF])
        edge = np.float32(1.0) - min(abs(along) / (face[HALF] * np.float32(1.12)), np.float32(1.0))
        above = up - top + np.float32(0.5) * closure
        if 0 <= above < 1.6:
            dark = max(1 - above / max(thick + np.float32(0.35), np.float32(0.3)), np.float32(0.0))
            for c in range(4):
                albedo[c] *= 1 - np.float32(0.86) * min(dark * 2, np.float32(1.0)) * min(
                    edge * 6, np.float32(1.0))  # fmt: skip
        below = low - up
        if 0 <= below < 1.3 and closure < 0.5:
            rim = np.float32(0.5) * (1 - below / np.float32(1.3)) * min(edge * 4, np.float32(1.0))
            albedo[0] *= 1 + np.float32(0.10) * rim
            albedo[1] *= 1 - np.float32(0.30) * rim
            albedo[2] *= 1 - np.float32(0.26) * rim
            return gloss * (1 + rim), shine, np.float32(1.0)
    return gloss, shine, np.float32(1.0)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _eyeball(dx, dy, along, from_top, from_low, face, albedo, n):
    """Sclera, iris and pupil; returns (gloss, shine, dim)."""
    radius = np.float32(EYE_RADIUS_MM)
    px, py = dx / radius, dy / radius
    pz = math.sqrt(max(1 - px * px - py * py, np.float32(0.04)))
    gx, gy = face[GAZE], face[GAZE + 1]
    gz = math.sqrt(max(1 - gx * gx - gy * gy, np.float32(0.04)))
    cos = min(px * gx + py * gy + pz * gz, np.float32(1.0))
    away = radius * math.acos(max(cos, np.float32(-1.0)))
    corner = min(abs(along) / face[HALF], np.float32(1.0))
    red = corner * corner * corner
    albedo[0] = face[SCLERA] * (1 - np.float32(0.10) * red)
    albedo[1] = face[SCLERA + 1] * (1 - np.float32(0.42) * red)
    albedo[2] = face[SCLERA + 2] * (1 - np.float32(0.42) * red)
    albedo[3] = face[SCLERA + 3]
    inside = min(max((face[IRIS_RADIUS] - away) * np.float32(1.6) + np.float32(0.5),
                     np.float32(0.0)), np.float32(1.0))  # fmt: skip
    nx, ny, nz = px, py, pz
    if inside > 0:
        _iris(px - gx, py - gy, away, inside, face, albedo)
        bulge = np.float32(0.42) * inside
        nx, ny, nz = px - bulge * gx, py - bulge * gy, pz - bulge * gz
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    for q in range(3):
        r = HEAD_ROTATION + 3 * q
        n[q] = (face[r] * nx + face[r + 1] * ny + face[r + 2] * nz) / length
    # The upper lid and its lashes shade the ball's upper part, the lower lid its rim.
    dim = np.float32(0.42) + np.float32(0.58) * min(from_top / np.float32(3.6), np.float32(1.0))
    dim *= np.float32(0.70) + np.float32(0.30) * min(from_low / np.float32(1.6), np.float32(1.0))
    dim *= 1 - np.float32(0.30) * red
    wet = np.float32(0.016) if inside < 0.5 else np.float32(0.022)
    return wet, np.float32(260.0) if inside > 0.5 else np.float32(70.0), dim


@numba.njit(cache=True, fastmath=True, nogil=True)
def _iris(dx, dy, away, inside, face, albedo):
    """Blend iris and pupil over the sclera."""
    angle, seed = math.atan2(dy, dx), face[SEED]
    fibre = math.sin(angle * 19 + seed) * math.sin(angle * 7 + 2 * seed + away * np.float32(0.8))
    ring = max((away - face[IRIS_RADIUS] + np.float32(1.5)) / np.float32(1.5), np.float32(0.0))
    shade = (1 + np.float32(0.28) * fibre) * (1 - np.float32(0.62) * ring * ring)
    shade *= 1 + np.float32(0.35) * max(1 - abs(away - 3) / np.float32(1.5), np.float32(0.0))
    pupil = min(max((face[PUPIL_RADIUS] - away) * 2 + np.float32(0.5), np.float32(0.0)),
                np.float32(1.0))  # fmt: skip
    for c in range(4):
        color = face[IRIS + c] * shade * (1 - pupil) + np.float32(0.006) * pupil
        albedo[c] += inside * (color - albedo[c])


@numba.njit(cache=True, fastmath=True, nogil=True)
def draw_mouth(strip, x, face, albedo):
    """The gap between the lips: teeth above, tongue below; returns how much light gets in.

    Args:
        strip: -1 at the lower lip to 1 at the upper lip; x: mm from the midline.
    """
    gap = face[MOUTH_OPEN]
    if gap < 0.6:
        return np.float32(1.0)
    grown = min((gap - np.float32(0.6)) / 2, np.float32(1.0))
    half = face[MOUTH_HALF] * np.float32(0.80)
    down = (1 - strip) * np.float32(0.5) * gap
    teeth = down < np.float32(1.5) + np.float32(0.28) * gap and abs(x) < half * np.float32(0.9)
    side = min(abs(x) / half, np.float32(1.0))
    if teeth:
        line = np.float32(0.85) if abs(math.sin(x * np.float32(0.385))) > 0.10 else np.float32(0.6)
        tone = np.float32(0.50) * line * (1 - np.float32(0.75) * side * side)
        r, g, b, i = tone, tone * np.float32(0.90), tone * np.float32(0.74), tone * np.float32(0.8)
    else:
        r, g, b, i = (np.float32(0.14), np.float32(0.035), np.float32(0.03), np.float32(0.16))
    albedo[0] += grown * (r - albedo[0])
    albedo[1] += grown * (g - albedo[1])
    albedo[2] += grown * (b - albedo[2])
    albedo[3] += grown * (i - albedo[3])
    return 1 - grown * (np.float32(0.35) if teeth else np.float32(0.65))
