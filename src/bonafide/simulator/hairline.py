"""Where hair and beard grow, and their colour; shared by paint (`skin`) and strands (`hair`)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from bonafide.simulator.features import Plan, bump, lip_curves, pair
from bonafide.simulator.identity import BeardStyle, HairStyle, Identity

Field = npt.NDArray[np.float64]

EUMELANIN = np.array([3.3, 4.1, 5.2, 1.6])
PHEOMELANIN = np.array([0.35, 1.5, 2.9, 0.15])


def hair_albedo(person: Identity) -> Field:
    """(4,) albedo of a hair in R, G, B, NIR; greying mixes in hairs without pigment."""
    pigment = 0.72 * np.exp(-person.hair_melanin * EUMELANIN - person.hair_red * PHEOMELANIN)
    grey = np.array([0.50, 0.49, 0.47, 0.55])
    return (1 - person.hair_grey) * (pigment + 0.004) + person.hair_grey * grey


def hairline_margin(x: Field, y: Field, z: Field, person: Identity) -> Field:
    """How far above the hairline a point of the head lies, mm; negative on bare skin.

    The hairline is a height over the azimuth: high in front, down the sideburns, round the ear
    and low on the nape.
    """
    front = person.hairline_mm
    azimuth = np.rad2deg(np.arctan2(np.abs(x), z))
    recess = {HairStyle.RECEDING: 22.0, HairStyle.BALD: 16.0}.get(person.hair_style, 0.0)
    recess += 5.0 if person.sex == "male" else 0.0
    crown = 16.0 if person.hair_style is HairStyle.RECEDING else 0.0
    sideburn = -14.0 if person.sex == "male" else 4.0
    knots = [0, 14, 28, 40, 52, 60, 67, 76, 88, 100, 122, 150, 181]
    heights = [front + crown, front + 1 + crown, front + 0.9 * recess, front - 9 + 0.5 * recess,
               38, 16, sideburn, sideburn, 12, 2, -42, -64, -70]  # fmt: skip
    if person.hair_style is HairStyle.BALD:
        heights = [140, 140, 140, 130, 110, 60, 20, 15, 16, 6, -42, -64, -70]
    line = PchipInterpolator(knots, heights)(azimuth)
    return y - line


def beard_density(
    x: Field, y: Field, z: Field, person: Identity, plan: Plan, *, whole: bool = False
) -> Field:
    """Share of full growth of facial hair at a point of the face, 0..1.

    Args:
        whole: where a beard could grow at all, whatever the person wears.
    """
    upper, _, lower = lip_curves(x, person, plan)
    near = np.abs(x) < plan.mouth_half + 1
    on_lips = near & (y < upper + 0.8) & (y > lower - 0.8)
    forward = np.clip((z - 8) / 12, 0, 1)
    half = person.face_breadth_mm / 2
    moustache = np.clip((plan.subnasale_y - 1.5 - y) / 3, 0, 1) * (y > plan.lip_y - 3) * np.clip(
        (plan.mouth_half + 5 - np.abs(x)) / 5, 0, 1)  # fmt: skip
    # The cheek's border falls from the sideburn to the mouth's corner.
    border = -26 - 34 * np.clip((half - np.abs(x)) / (half - plan.mouth_half), 0, 1) ** 0.75
    cheeks = np.clip((border - y) / 9, 0, 1) * (np.abs(x) > plan.mouth_half - 8)
    chin = np.clip((lower - 3.5 - y) / 4, 0, 1) * (np.abs(x) < plan.mouth_half + 4)
    soul = bump(x, y, 0, plan.lip_y - person.lower_lip_mm - 5, 4, 4)
    goatee = np.maximum(chin * np.clip((23 - np.abs(x)) / 5, 0, 1), soul)
    ring = pair(x, y, plan.mouth_half + 2, plan.lip_y - 9, 5, 11)
    full = np.maximum(np.maximum(moustache, cheeks), np.maximum(chin, soul))
    parts = {
        BeardStyle.NONE: full if whole else 0 * full,
        BeardStyle.STUBBLE: full,
        BeardStyle.MOUSTACHE: moustache,
        BeardStyle.GOATEE: np.clip(np.maximum(np.maximum(moustache, goatee), ring), 0, 1),
        BeardStyle.FULL: full,
    }
    return np.where(on_lips, 0.0, parts[person.beard]) * forward
