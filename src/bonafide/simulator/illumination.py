"""Ambient light, drawn alike for live people and for attacks: its colour and its slope.

Colours come from colour temperatures through the Planckian locus in CIE 1931 x, y (the cubic fit
of Kim et al., US patent 7,024,034), from 2900 K lamps to 7800 K shade.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.simulator.linear_light import Light, gradient_field, smooth_field

_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
"""IEC 61966-2-1: CIE XYZ (D65) to linear sRGB."""


def planckian_rgb(kelvin: float) -> Light:
    """(3,) linear R, G, B of a black body, green = 1; about (1, 1, 1) near 6500 K.

    Args:
        kelvin: colour temperature, 1667..25000.
    """
    t = 1e3 / kelvin
    if kelvin < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin < 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    rgb = _XYZ_TO_RGB @ np.array([x / y, 1.0, (1 - x - y) / y])
    return (np.maximum(rgb, 0.02) / rgb[1]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Illumination:
    """The light of the room.

    Attributes:
        color: (3,) linear R, G, B, green = 1.
        slope: relative change from the middle to the brightest corner, 0..1.
        mottle: strength of soft patches (shadows of people, lamps), 0..1.
    """

    color: tuple[float, float, float]
    slope: float
    mottle: float


def draw_illumination(rng: np.random.Generator) -> Illumination:
    """One room's light."""
    kelvin = float(np.exp(rng.uniform(np.log(2900), np.log(7800))))
    red, green, blue = planckian_rgb(kelvin)
    return Illumination(
        color=(float(red), float(green), float(blue)),
        slope=float(abs(rng.normal(0, 0.22))),
        mottle=float(rng.uniform(0, 0.12)),
    )


def shade(light: Illumination, rng: np.random.Generator, height: int, width: int) -> Light:
    """(height, width) brightness of the ambient light over the picture, mean about 1."""
    field = 1 + min(light.slope, 0.7) * gradient_field(rng, height, width)
    return (field * (1 + light.mottle * smooth_field(rng, height, width, 3))).astype(np.float32)
