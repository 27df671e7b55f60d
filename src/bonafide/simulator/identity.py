"""Who a simulated person is: named numbers, and populations balanced over tone, age and sex.

Lengths are mm, about the medians and spreads of adult anthropometry (Farkas 1994 gives face
breadth near 137 mm for men and 130 mm for women, mouth breadth near 53 and 50 mm, nose breadth
31 to 44 mm between populations). The numbers describe no real person, and tone says nothing about
shape here: shape is drawn independently of tone on purpose, so that no shortcut ties them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

import numpy as np

from bonafide.types import BonafideError


class Sex(StrEnum):
    """Which of two overlapping shape distributions a head is drawn from."""

    FEMALE = "female"
    MALE = "male"


class HairStyle(StrEnum):
    """Kinds of hair; each is a recipe of strands in `hair`."""

    BALD = "bald"
    BUZZ = "buzz"
    SHORT = "short"
    SIDE_PART = "side_part"
    RECEDING = "receding"
    CURLY = "curly"
    AFRO = "afro"
    BOB = "bob"
    LONG = "long"
    TIED = "tied"


class BeardStyle(StrEnum):
    """Kinds of facial hair."""

    NONE = "none"
    STUBBLE = "stubble"
    MOUSTACHE = "moustache"
    GOATEE = "goatee"
    FULL = "full"


class Glasses(StrEnum):
    """Kinds of spectacles."""

    NONE = "none"
    ROUND = "round"
    RECTANGLE = "rectangle"
    RIMLESS = "rimless"


class Garment(StrEnum):
    """Kinds of clothes at the neck."""

    CREW = "crew"
    SCOOP = "scoop"
    SHIRT = "shirt"
    HOODIE = "hoodie"


TONES = ("very light", "light", "intermediate", "tan", "brown", "dark")
"""Six groups of equal weight; `_MELANIN` gives each its band."""
_MELANIN = ((0.05, 0.14), (0.14, 0.30), (0.30, 0.55), (0.55, 0.90), (0.90, 1.40), (1.40, 2.05))
AGES = ((19, 30), (30, 45), (45, 60), (60, 78))
"""Four age groups in years, of equal weight."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One simulated person. Lengths in mm, angles in degrees; "0..1" are shares or strengths.

    Shape offsets (``*_mm`` of a feature) are relative to the average head of `head`.
    """

    sex: Sex
    age_years: float
    tone: str
    # skull and face
    head_breadth_mm: float
    head_length_mm: float
    head_height_mm: float
    forehead_slope: float
    hairline_mm: float
    temple_hollow_mm: float
    face_breadth_mm: float
    jaw_breadth: float
    lower_face_mm: float
    chin_breadth_mm: float
    chin_projection_mm: float
    chin_cleft_mm: float
    cheekbone_mm: float
    cheek_fullness_mm: float
    neck_breadth_mm: float
    # brows and eyes
    brow_ridge_mm: float
    brow_height_mm: float
    brow_thickness_mm: float
    brow_arch_mm: float
    brow_density: float
    eye_distance_mm: float
    eye_breadth_mm: float
    eye_opening_mm: float
    eye_slant_deg: float
    eye_depth_mm: float
    lid_crease_mm: float
    eye_bag_mm: float
    iris_melanin: float
    iris_green: float
    sclera_yellow: float
    # nose
    nose_length_mm: float
    nose_bridge_mm: float
    nose_bridge_breadth_mm: float
    nose_hump_mm: float
    nose_tip_mm: float
    nose_tip_breadth_mm: float
    nose_upturn_mm: float
    nose_breadth_mm: float
    # mouth
    mouth_breadth_mm: float
    upper_lip_mm: float
    lower_lip_mm: float
    lip_projection_mm: float
    cupid_bow_mm: float
    mouth_corner_mm: float
    mouth_height_mm: float
    # ears, and what is not symmetric
    ear_length_mm: float
    ear_angle_deg: float
    ear_lobe: float
    asymmetry: tuple[float, float, float, float]
    # skin
    melanin: float
    blood: float
    mottle: float
    oiliness: float
    freckles: float
    moles: int
    pores: float
    wrinkles: float
    lip_blood: float
    # hair, beard, glasses, clothes
    hair_style: HairStyle
    hair_melanin: float
    hair_red: float
    hair_grey: float
    hair_curl: float
    hair_length_mm: float
    beard: BeardStyle
    beard_length_mm: float
    glasses: Glasses
    glasses_tint: float
    garment: Garment
    garment_rgb: tuple[float, float, float]
    garment_accent_rgb: tuple[float, float, float]
    garment_pattern: int
    garment_infrared: float
    texture_seed: int


SHAPE_FIELDS = tuple(
    f.name for f in fields(Identity) if f.type == "float" and f.name.endswith(("_mm", "_deg"))
)
"""The numeric shape parameters, for comparing two people."""


def draw_identity(
    rng: np.random.Generator,
    *,
    tone: str | None = None,
    ages: tuple[int, int] | None = None,
    sex: Sex | None = None,
) -> Identity:
    """Draw one person.

    Args:
        rng: decides everything.
        tone: one of `TONES`, or None to draw it; ages: (from, to) years; sex: or None.

    Raises:
        BonafideError: an unknown tone.
    """
    tone = str(rng.choice(TONES)) if tone is None else tone
    if tone not in TONES:
        raise BonafideError(
            f"unknown tone {tone!r}.", where="draw_identity", remedy=f"Choose one of {TONES}."
        )
    ages = AGES[int(rng.integers(len(AGES)))] if ages is None else ages
    sex = (Sex.FEMALE, Sex.MALE)[int(rng.integers(2))] if sex is None else sex
    age = float(rng.uniform(*ages))
    male = 1.0 if sex is Sex.MALE else 0.0
    values: dict[str, object] = {"sex": sex, "age_years": age, "tone": tone}
    for part in (_draw_skull, _draw_eyes, _draw_nose_and_mouth, _draw_skin, _draw_style):
        values |= part(rng, male, age, tone)
    return Identity(**values)  # type: ignore[arg-type]


def balanced_population(rng: np.random.Generator, count: int) -> tuple[Identity, ...]:
    """People whose tones, ages and sexes are each as equally frequent as ``count`` allows.

    Every full round of 48 holds each of the 6 x 4 x 2 combinations once, in random order; a
    shorter rest is cut so that each factor stays balanced to within one.
    """
    cells: list[tuple[str, tuple[int, int], Sex]] = []
    for number in range(count):
        # 6, 4 and 2 share factors: the shifts make a round of 48 visit every cell once.
        tone = TONES[number % 6]
        age = AGES[(number + number // 12) % 4]
        sex = (Sex.FEMALE, Sex.MALE)[(number + number // 6) % 2]
        cells.append((tone, age, sex))
    order = rng.permutation(count)
    streams = rng.spawn(count)
    return tuple(
        draw_identity(stream, tone=cells[i][0], ages=cells[i][1], sex=cells[i][2])
        for stream, i in zip(streams, order, strict=True)
    )


def _normal(rng: np.random.Generator, mean: float, sd: float) -> float:
    """A normal draw cut at 2.2 standard deviations, so that no monster appears."""
    return float(mean + sd * np.clip(rng.standard_normal(), -2.2, 2.2))


def _draw_skull(rng: np.random.Generator, male: float, age: float, tone: str) -> dict[str, object]:
    del tone
    old = max(0.0, (age - 40) / 40)
    heavy = _normal(rng, 0, 1)
    return {
        "head_breadth_mm": _normal(rng, 148 + 5 * male, 5),
        "head_length_mm": _normal(rng, 185 + 9 * male, 6),
        "head_height_mm": _normal(rng, 0 + 2 * male, 5),
        "forehead_slope": _normal(rng, 0.12 * male, 0.22),
        "hairline_mm": _normal(rng, 62 + 3 * male + 3 * old * male, 5),
        "temple_hollow_mm": _normal(rng, 1.6 + 1.5 * old - 0.4 * heavy, 0.8),
        "face_breadth_mm": _normal(rng, 131 + 6 * male + 3 * heavy, 4.5),
        "jaw_breadth": _normal(rng, 0.0 + 0.55 * male + 0.3 * heavy, 0.65),
        "lower_face_mm": _normal(rng, 0 + 3.5 * male, 4.5),
        "chin_breadth_mm": _normal(rng, 17 + 4 * male, 3.5),
        "chin_projection_mm": _normal(rng, 0 + 1.2 * male, 2.5),
        "chin_cleft_mm": float(rng.uniform(0.6, 1.8)) if rng.random() < 0.15 + 0.1 * male else 0.0,
        "cheekbone_mm": _normal(rng, 2.4, 1.6),
        "cheek_fullness_mm": _normal(rng, 0.6 + 2.2 * heavy - 0.8 * old, 1.5),
        "neck_breadth_mm": _normal(rng, 103 + 16 * male + 5 * heavy, 5),
    }


def _draw_eyes(rng: np.random.Generator, male: float, age: float, tone: str) -> dict[str, object]:
    old = max(0.0, (age - 40) / 40)
    dark = TONES.index(tone) / 5
    light_iris = rng.random() < (0.62 if dark < 0.3 else 0.12 if dark < 0.5 else 0.02)
    return {
        "brow_ridge_mm": _normal(rng, 0.8 + 2.0 * male, 0.8),
        "brow_height_mm": _normal(rng, 20.5 - 2.0 * male - 1.0 * old, 2.0),
        "brow_thickness_mm": _normal(rng, 4.6 + 2.2 * male, 1.1),
        "brow_arch_mm": _normal(rng, 3.0 - 1.3 * male, 1.3),
        "brow_density": float(np.clip(_normal(rng, 0.75 + 0.2 * male - 0.2 * old, 0.2), 0.25, 1.2)),
        "eye_distance_mm": _normal(rng, 62 + 1.5 * male, 3.0),
        "eye_breadth_mm": _normal(rng, 30.0 + 0.5 * male, 1.6),
        "eye_opening_mm": _normal(rng, 10.2 - 0.6 * male - 0.9 * old, 0.9),
        "eye_slant_deg": _normal(rng, 2.5, 3.0),
        "eye_depth_mm": _normal(rng, 0.5 + 1.0 * male + 1.0 * old, 1.7),
        "lid_crease_mm": float(rng.choice([0.0, 1.0], p=[0.22, 0.78])) * _normal(rng, 4.6, 1.0),
        "eye_bag_mm": max(0.0, _normal(rng, 0.35 + 1.1 * old, 0.45)),
        "iris_melanin": float(rng.uniform(0.05, 0.35) if light_iris else rng.uniform(0.55, 1.0)),
        "iris_green": float(rng.uniform(0, 1)),
        "sclera_yellow": float(np.clip(_normal(rng, 0.15 + 0.25 * old, 0.12), 0, 1)),
    }


def _draw_nose_and_mouth(
    rng: np.random.Generator, male: float, age: float, tone: str
) -> dict[str, object]:
    del tone
    old = max(0.0, (age - 40) / 40)
    full = _normal(rng, 0, 1)
    return {
        "nose_length_mm": _normal(rng, 46 + 3 * male + 2 * old, 2.8),
        "nose_bridge_mm": _normal(rng, 0.0 + 1.3 * male, 2.0),
        "nose_bridge_breadth_mm": _normal(rng, 10.5 + 1.0 * male, 1.4),
        "nose_hump_mm": _normal(rng, 0.2 + 0.6 * male, 1.2),
        "nose_tip_mm": _normal(rng, 19.5 + 1.5 * male, 2.2),
        "nose_tip_breadth_mm": _normal(rng, 8.6 + 0.9 * male, 1.2),
        "nose_upturn_mm": _normal(rng, 1.0 - 1.0 * male - 1.0 * old, 1.5),
        "nose_breadth_mm": _normal(rng, 34.5 + 3.0 * male, 3.4),
        "mouth_breadth_mm": _normal(rng, 50 + 3.0 * male, 3.6),
        "upper_lip_mm": max(3.0, _normal(rng, 7.4 - 0.6 * male - 1.7 * old + 1.5 * full, 1.0)),
        "lower_lip_mm": max(4.5, _normal(rng, 9.6 - 0.5 * male - 1.6 * old + 1.5 * full, 1.1)),
        "lip_projection_mm": _normal(rng, 0.7 * full, 0.9),
        "cupid_bow_mm": max(0.1, _normal(rng, 1.3, 0.6)),
        "mouth_corner_mm": _normal(rng, 0.2 - 1.1 * old, 1.2),
        "mouth_height_mm": _normal(rng, 0.0, 1.6),
        "ear_length_mm": _normal(rng, 59 + 4 * male + 4 * old, 3.5),
        "ear_angle_deg": _normal(rng, 27, 8),
        "ear_lobe": float(rng.uniform(0, 1)),
        "asymmetry": tuple(float(v) for v in np.clip(rng.standard_normal(4), -2, 2) * 0.7),
    }


def _draw_skin(rng: np.random.Generator, male: float, age: float, tone: str) -> dict[str, object]:
    low, high = _MELANIN[TONES.index(tone)]
    old = max(0.0, (age - 40) / 40)
    fair = tone in TONES[:2]
    return {
        "melanin": float(rng.uniform(low, high)),
        "blood": _normal(rng, 0.27, 0.05),
        "mottle": float(rng.uniform(0.4, 1.2)),
        "oiliness": float(np.clip(_normal(rng, 0.5, 0.2), 0.05, 1.0)),
        "freckles": float(rng.uniform(0.3, 1.0)) if fair and rng.random() < 0.3 else 0.0,
        "moles": int(rng.poisson(2.2)),
        "pores": float(np.clip(_normal(rng, 0.5 + 0.15 * male, 0.2), 0.1, 1.0)),
        "wrinkles": float(np.clip((age - 26) / 46 + 0.15 * rng.standard_normal(), 0.0, 1.15)),
        "lip_blood": _normal(rng, 0.42 - 0.12 * male - 0.12 * old, 0.13),
    }


def _draw_style(rng: np.random.Generator, male: float, age: float, tone: str) -> dict[str, object]:
    dark = TONES.index(tone) / 5
    old = max(0.0, (age - 38) / 40)
    if male > 0:
        odds = {
            "bald": 0.05 + 0.2 * old,
            "buzz": 0.17,
            "short": 0.3,
            "side_part": 0.16,
            "receding": 0.04 + 0.3 * old,
            "curly": 0.1,
            "afro": 0.08 * dark,
            "long": 0.05,
        }
    else:
        odds = {"buzz": 0.03, "short": 0.12, "curly": 0.14, "afro": 0.14 * dark, "bob": 0.24,
                "long": 0.3, "tied": 0.2}  # fmt: skip
    chances = np.array(list(odds.values()))
    style = HairStyle(str(rng.choice(list(odds), p=chances / chances.sum())))
    fair_hair = rng.random() < (0.55 if dark < 0.3 else 0.08 if dark < 0.5 else 0.0)
    beard_odds = [0.42, 0.22, 0.08, 0.1, 0.18] if male > 0 else [1.0, 0, 0, 0, 0]
    color = rng.beta(0.9, 1.2, 3) * 0.75 + 0.02
    return {
        "hair_style": style,
        "hair_melanin": float(rng.uniform(0.12, 0.5) if fair_hair else rng.uniform(0.6, 1.0)),
        "hair_red": float(rng.uniform(0.4, 1.0)) if fair_hair and rng.random() < 0.2 else 0.15,
        "hair_grey": float(np.clip(rng.normal(1.5 * old - 0.25, 0.25), 0, 1)),
        "hair_curl": float({"curly": 0.75, "afro": 1.0}.get(style.value, rng.beta(1.2, 3) * 0.6)),
        "hair_length_mm": float(rng.uniform(0.75, 1.25)),
        "beard": BeardStyle(str(rng.choice([b.value for b in BeardStyle], p=beard_odds))),
        "beard_length_mm": float(rng.uniform(5, 16)),
        "glasses": Glasses(str(rng.choice([g.value for g in Glasses],
                                          p=[0.72, 0.09, 0.13, 0.06]))),
        "glasses_tint": float(rng.uniform(0.02, 0.35)),
        "garment": Garment(str(rng.choice([g.value for g in Garment]))),
        "garment_rgb": tuple(float(c) for c in color),
        "garment_accent_rgb": tuple(float(c) for c in rng.uniform(0.03, 0.8, 3)),
        "garment_pattern": int(rng.integers(0, 4)),
        "garment_infrared": float(rng.uniform(0.25, 0.8)),
        "texture_seed": int(rng.integers(2**31)),
    }  # fmt: skip
