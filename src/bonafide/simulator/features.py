"""The features of a face as displacements of the bare head, and the curves that paint shares.

Every feature is placed on an anatomical landmark of the face plane (x, y in mm, see `head`) and
the SAME curves (lip line, lid lines, brows, nostrils) are used by the paint in `skin`, so colour
and relief cannot drift apart. Heights average about: nasion 3, subnasale -50, stomion -71, mental
fold -86, chin -103, in mm from eye height.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from bonafide.simulator.identity import Identity

Field = npt.NDArray[np.float64]
EYE_RADIUS_MM = 12.2
LID_MM = 1.1


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the features of one face lie in the face plane, mm.

    Attributes:
        eye_x, eye_y: centres of the two eyes, left in the picture first.
        nose_tip_y, subnasale_y: heights on the midline.
        lip_y: height of the closed mouth's line at the middle; mouth_half: half its breadth.
        chin_y: height of the chin's most forward point.
        brow_y: (2,) heights of the brows' middles.
    """

    eye_x: tuple[float, float]
    eye_y: tuple[float, float]
    nose_tip_y: float
    subnasale_y: float
    lip_y: float
    mouth_half: float
    chin_y: float
    brow_y: tuple[float, float]


def plan_face(person: Identity) -> Plan:
    """Lay out a face; the four asymmetries move eyes, brows and mouth by under 1.5 mm."""
    half = person.eye_distance_mm / 2
    skew = person.asymmetry
    subnasale = 3.0 - person.nose_length_mm - 4.0
    lip = subnasale - 20.5 + person.mouth_height_mm - 0.25 * person.lower_face_mm
    return Plan(
        eye_x=(-half, half),
        eye_y=(0.4 * skew[0], -0.4 * skew[0]),
        nose_tip_y=3.0 - person.nose_length_mm + 7.5 + person.nose_upturn_mm,
        subnasale_y=subnasale,
        lip_y=lip,
        mouth_half=person.mouth_breadth_mm / 2,
        chin_y=-103 - 0.85 * person.lower_face_mm,
        brow_y=(person.brow_height_mm + 0.7 * skew[1], person.brow_height_mm - 0.7 * skew[1]),
    )


def bump(x: Field, y: Field, x0: float, y0: float, sx: float, sy: float) -> Field:
    """A Gaussian of height 1."""
    return np.exp(-0.5 * (((x - x0) / sx) ** 2 + ((y - y0) / sy) ** 2))


def pair(x: Field, y: Field, x0: float, y0: float, sx: float, sy: float) -> Field:
    """Two mirrored Gaussians of height 1."""
    return bump(x, y, -x0, y0, sx, sy) + bump(x, y, x0, y0, sx, sy)


def lip_curves(x: Field, person: Identity, plan: Plan) -> tuple[Field, Field, Field]:
    """Heights of the upper lip's border, the mouth's line and the lower lip's border, mm at x."""
    q = np.clip(np.abs(x - 0.6 * person.asymmetry[2]) / plan.mouth_half, 0, 1)
    corner = person.mouth_corner_mm
    line = plan.lip_y + corner * q**2 - 0.9 * np.exp(-((q / 0.22) ** 2)) + 0.5 * q * (1 - q)
    # The bow: two peaks beside the philtrum, a dip between them.
    arch = (1 - q**1.5) * (0.80 + 0.20 * (1 - q))
    bow = person.cupid_bow_mm * (np.exp(-(((q - 0.19) / 0.16) ** 2)) - np.exp(-((q / 0.1) ** 2)))
    upper = line + np.maximum(person.upper_lip_mm * arch + bow * (1 - q), 0)
    lower = line - person.lower_lip_mm * np.maximum(1 - q**2.2, 0) ** 0.85
    return upper, line, lower


def eye_coordinates(
    x: Field, y: Field, person: Identity, plan: Plan, side: int
) -> tuple[Field, Field]:
    """(along, up) in mm in the frame of an eye: along runs from the nose outwards."""
    sign = -1.0 if side == 0 else 1.0
    angle = np.deg2rad(person.eye_slant_deg)
    dx, dy = sign * (x - plan.eye_x[side]), y - plan.eye_y[side]
    return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)


def lid_curves(along: Field, person: Identity) -> tuple[Field, Field]:
    """Heights of the open upper and lower lid margins in the eye's frame, mm; equal outside."""
    half = person.eye_breadth_mm / 2
    q = np.clip(along / half, -1, 1)
    opening = person.eye_opening_mm
    # The upper lid peaks a little towards the nose, the lower one a little away from it.
    upper = 0.45 * opening * np.maximum(1 - np.abs(q + 0.10 * (1 - q * q)) ** 2.3, 0) ** 0.85
    lower = -0.55 * opening * np.maximum(1 - np.abs(q - 0.12 * (1 - q * q)) ** 2.2, 0)
    return upper, lower


def nose_relief(x: Field, y: Field, person: Identity, plan: Plan) -> Field:
    """Height of the nose above the face, mm."""
    tip, base = plan.nose_tip_y, plan.subnasale_y
    length = 3.0 - tip
    bridge, height = person.nose_bridge_mm, person.nose_tip_mm
    knots_y = [base - 4, base, base + 3.2, tip - 1.5, tip + 3, 3 - 0.55 * length, 3 - 0.25 * length,
               3, 14, 26]  # fmt: skip
    knots_z = [0, 0.5, 0.52 * height, 0.95 * height, height - 0.6,
               0.60 * height + 0.5 * bridge + person.nose_hump_mm,
               0.36 * height + bridge + 0.6 * person.nose_hump_mm,
               0.18 * height + bridge, 1.2, 0]  # fmt: skip
    ridge = np.where((y > knots_y[0]) & (y < 26), PchipInterpolator(knots_y, knots_z)(
        np.clip(y, knots_y[0], 26)), 0)  # fmt: skip
    slim, tip_half = person.nose_bridge_breadth_mm, person.nose_tip_breadth_mm
    breadth_y = [base - 4, base, tip - 2, tip + 4, 3 - 0.5 * length, 3, 26]
    breadth = [
        tip_half * 0.8,
        tip_half,
        tip_half + 1.5,
        tip_half + 2.0,
        slim * 0.95,
        slim,
        slim + 5,
    ]
    half = np.interp(y, breadth_y, breadth)
    q = np.abs(x) / half
    body = ridge * np.exp(-((q / 1.05) ** 2.2))
    wing_x = person.nose_breadth_mm / 2 - 4.8
    wing = (
        0.50 * height * np.exp(-(np.hypot((np.abs(x) - wing_x) / 5.4, (y - base - 5.5) / 6.4) ** 3))
    )
    crease = -1.2 * pair(x, y, wing_x + 6.2, base + 7.5, 1.5, 4.5)
    ball = 1.3 * bump(x, y, 0, tip, tip_half * 0.75, 5.0)
    # The nostrils face downwards: pits on the underside, seen as dark slits from the front.
    pit = -4.0 * pair(x, y, wing_x - 3.6, base + 2.2, 2.8, 1.7)
    soft = 1.2
    whole = soft * np.logaddexp(np.maximum(body, 0) / soft, wing / soft) - soft * np.log(2)
    return np.maximum(whole, 0) + ball + crease + pit


def mouth_relief(x: Field, y: Field, person: Identity, plan: Plan) -> Field:
    """Lips, philtrum, the dental arch behind them and the fold above the chin, mm."""
    upper, line, lower = lip_curves(x, person, plan)
    inside = np.abs(x) < plan.mouth_half
    up = np.clip((y - line) / np.maximum(upper - line, 0.6), 0, 1.6)
    low = np.clip((line - y) / np.maximum(line - lower, 0.6), 0, 1.6)
    fade = np.sqrt(np.clip(1 - (np.abs(x) / plan.mouth_half) ** 2, 0, 1)) * inside
    thick_up, thick_low = 0.34 * person.upper_lip_mm + 0.6, 0.34 * person.lower_lip_mm + 0.9
    lips = np.where(y >= line, thick_up * np.exp(-(((up - 0.45) / 0.50) ** 2)),
                    thick_low * np.exp(-(((low - 0.50) / 0.46) ** 2))) * fade  # fmt: skip
    ridge = 0.5 * np.exp(-(((y - upper) / 0.9) ** 2)) * fade
    groove = -1.9 * np.exp(-(((y - line) / 0.85) ** 2)) * np.clip(1.15 - np.abs(x) / (
        plan.mouth_half + 3), 0, 1)  # fmt: skip
    corners = -2.0 * pair(
        x, y, plan.mouth_half + 0.5, plan.lip_y + person.mouth_corner_mm, 3.0, 2.6
    )
    philtrum_y = (plan.subnasale_y + plan.lip_y + person.upper_lip_mm) / 2
    philtrum = 0.4 * pair(x, y, 4.8, philtrum_y, 2.0, 4.5) - 0.5 * bump(
        x, y, 0, philtrum_y, 2.2, 5.0)  # fmt: skip
    arch = (6.0 + person.lip_projection_mm) * bump(x, y, 0, plan.lip_y + 2, 23, 15)
    fold = -2.6 * bump(x, y, 0, plan.lip_y - person.lower_lip_mm - 5.5, 15, 4.2)
    return lips + ridge + groove + corners + philtrum + arch + fold


def face_relief(x: Field, y: Field, person: Identity, plan: Plan) -> Field:
    """Brow ridge, eye sockets, chin and the folds of age, mm along z."""
    ex, old = person.eye_distance_mm / 2, person.wrinkles
    out = person.brow_ridge_mm * (pair(x, y, 24, 13, 15, 5.5) + 0.4 * bump(x, y, 0, 12, 11, 7))
    out += 1.6 * pair(x, y, ex + 2, person.brow_height_mm - 1, 15, 5)
    out -= (6.2 + person.eye_depth_mm) * pair(x, y, ex, 0.0, 15.0, 10.0)
    out -= 3.6 * pair(x, y, 14.0, 2.0, 5.5, 7.5)
    out += person.eye_bag_mm * (pair(x, y, ex - 1, -13, 10, 2.6) - pair(x, y, ex - 4, -17.5, 11, 2))
    out += (7.5 + person.chin_projection_mm) * bump(x, y, 0, plan.chin_y, 14 + 0.3 * (
        person.chin_breadth_mm - 17), 10)  # fmt: skip
    out -= person.chin_cleft_mm * bump(x, y, 0, plan.chin_y - 1, 1.8, 6)
    # Nasolabial fold: from the nose's wing to beside the mouth's corner.
    t = np.clip((plan.subnasale_y + 8 - y) / 32, 0, 1)
    fold_x = person.nose_breadth_mm / 2 + 3 + 13 * t**0.8
    gate = np.exp(-(((t - 0.5) / 0.42) ** 4))
    away = np.abs(x) - fold_x
    out -= (0.15 + 1.3 * old) * gate * np.exp(-((away / 1.9) ** 2))
    out += (0.5 + 1.4 * old) * gate * np.exp(-(((away - 6) / 6) ** 2))
    out -= 1.4 * old * pair(x, y, plan.mouth_half + 3, plan.lip_y - 11, 2.4, 7)
    forehead = np.clip((y - 25) / 60, 0, 1)
    out += -9 * person.forehead_slope * forehead**1.5 + 1.5 * pair(x, y, 26, 45, 18, 12)
    return out


def side_relief(x: Field, y: Field, person: Identity, plan: Plan) -> Field:
    """What stands out sideways: cheekbones, cheeks, jaw angles, hollow temples; along normals."""
    del plan
    out = person.cheekbone_mm * pair(x, y, 47, -19, 14, 9)
    out += person.cheek_fullness_mm * pair(x, y, 42, -54, 17, 17)
    out -= 1.8 * pair(x, y, 56, -45, 10, 16)
    out += (1.5 + 2.0 * person.jaw_breadth) * pair(x, y, 52, -76, 12, 15)
    return out - person.temple_hollow_mm * pair(x, y, 66, 24, 12, 16)


def displace(base: Field, person: Identity) -> tuple[Field, Field, Field]:
    """Give the bare head its features.

    Args:
        base: (rows, columns, 3) from `head.base_surface`, mm.

    Returns:
        (rows, columns, 3) surface; (2, 3) eyeball centres; (5, 3) landmarks of the surface.
    """
    plan = plan_face(person)
    surface = base.copy()
    x, y, z = base[..., 0], base[..., 1], base[..., 2]
    front = np.clip((z - 5) / 30, 0, 1)
    normal = base - np.array([0.0, -20.0, -10.0])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    surface += (front * side_relief(x, y, person, plan))[..., None] * normal
    surface[..., 2] += np.clip((z - 22) / 22, 0, 1) * (
        face_relief(x, y, person, plan)
        + nose_relief(x, y, person, plan)
        + mouth_relief(x, y, person, plan)
    )
    eyes = np.zeros((2, 3))
    for side in (0, 1):
        eyes[side] = _cover_with_lids(surface, person, plan, side)
    return surface, eyes, _landmarks(surface, eyes, person, plan)


def surface_depth(surface: Field, x0: float, y0: float) -> float:
    """z of the surface's front at (x0, y0), by inverse-distance weights of the nearest points."""
    away = np.hypot(surface[..., 0] - x0, surface[..., 1] - y0) + 1e3 * (surface[..., 2] < 0)
    near = np.argsort(away, axis=None)[:4]
    weight = 1 / (away.ravel()[near] + 1e-3)
    return float((surface[..., 2].ravel()[near] * weight).sum() / weight.sum())


def _cover_with_lids(surface: Field, person: Identity, plan: Plan, side: int) -> Field:
    """Lids bulge over the eyeball, a crease lies above the upper one; returns the eye's centre."""
    x, y = surface[..., 0], surface[..., 1]
    front = surface[..., 2] > 20
    along, up = eye_coordinates(x, y, person, plan, side)
    half = person.eye_breadth_mm / 2
    reach = (along / (half * 0.98)) ** 2 + ((up - 0.8) / 9.0) ** 2
    surface[..., 2] += front * 4.6 * np.exp(-(reach**1.4))
    depth = surface_depth(surface, plan.eye_x[side], plan.eye_y[side])
    center = np.array([plan.eye_x[side], plan.eye_y[side], depth - LID_MM - EYE_RADIUS_MM])
    upper, _ = lid_curves(along, person)
    gate = np.exp(-((along / (half * 0.95)) ** 4)) * front
    crease = upper + person.lid_crease_mm * (0.75 + 0.25 * np.cos(along / half))
    if person.lid_crease_mm > 0.5:
        surface[..., 2] -= 1.1 * gate * np.exp(-(((up - crease) / 1.0) ** 2))
        surface[..., 2] += 1.3 * gate * np.exp(-(((up - crease - 3.4) / 2.4) ** 2))
    return center


def _landmarks(surface: Field, eyes: Field, person: Identity, plan: Plan) -> Field:
    """(5, 3) eye centres on the lids' surface, nose tip, mouth corners."""
    corner_y = plan.lip_y + person.mouth_corner_mm
    spots = [(eyes[0][0], eyes[0][1]), (eyes[1][0], eyes[1][1]), (0.0, plan.nose_tip_y),
             (-plan.mouth_half, corner_y), (plan.mouth_half, corner_y)]  # fmt: skip
    return np.array([(x0, y0, surface_depth(surface, x0, y0)) for x0, y0 in spots])
