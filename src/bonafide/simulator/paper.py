"""What colour a print has: white points of papers under light with more or less ultraviolet.

Colour management hides what a printer does to mid tones, skin among them, but not its paper, which
is the white that everything on it is measured from. Office paper is brightened: it turns
ultraviolet into blue, so a print of skin on it is cooler and less red than the skin was. How
much depends on the light: daylight is full of ultraviolet, most LED lamps have nearly none.

CIELAB (D50) whites, with their sources:
- office paper, 93.5/2.5/-10: the paper of FOGRA52 (PSOuncoated_v3), brightened wood-free uncoated,
  as https://proofing.de/proofing-recycled-paper-is-that-possible/ states it, beside 95/0/-2 for the
  unbrightened one of FOGRA47;
- newsprint, 82/0/3: ISO 12647-3, black backing (GOST R ISO 12647-3-2014, table 2);
- offset, 95/1.5/-6: ASSUMED to be FOGRA51's, brightened coated. No public source was found; glossy
  coated paper of ISO 12647-2:2004, measured without a stated amount of ultraviolet, is 95/0/-2.
Photo and matte inkjet papers, what brighteners leave without ultraviolet, and the spread of chroma
that unmanaged home printers have are assumed, too, and wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.simulator.linear_light import Light
from bonafide.simulator.printer import PrinterSettings

_WHITE_D50 = np.array([0.9642, 1.0, 0.8249])
_D50_TO_D65 = np.array(
    [[0.9555766, -0.0230393, 0.0631636], [-0.0282895, 1.0099416, 0.0210077],
     [0.0122982, -0.0204830, 1.3299098]]
)  # fmt: skip
"""Bradford adaptation of XYZ."""
_XYZ_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560],
     [0.0556434, -0.2040259, 1.0572252]]
)  # fmt: skip
"""IEC 61966-2-1: XYZ (D65) to linear sRGB."""

UNMANAGED = 0.035
"""Deviation of the gains of the colours, in log, that a printer without a profile leaves."""


@dataclass(frozen=True, slots=True)
class Process:
    """A way of printing on its usual paper.

    Attributes:
        share: of all prints.
        density: of solid black, (lowest, highest).
        lines_per_inch: of a halftone, (lowest, highest); zeros for none.
        white: CIELAB (D50) of the paper with all ultraviolet.
        dark_b: b* of the paper without any.
        spread_b: deviation of b* between papers.
        chroma: what gamut and rendering leave of the distance from grey, (lowest, highest).
        glossy, dithered: surface; whether dots of an inkjet show.
    """

    share: float
    density: tuple[float, float]
    lines_per_inch: tuple[float, float]
    white: tuple[float, float, float]
    dark_b: float
    spread_b: float
    chroma: tuple[float, float]
    glossy: bool = False
    dithered: bool = False


_OFFICE = (93.5, 2.5, -10.0)
"""Published; see the head of this file for which whites are, and which are assumed."""

PROCESSES = {
    "office laser": Process(
        0.25, (1.3, 1.55), (106, 212), _OFFICE, 0.5, 2.0, (0.72, 1.0)
    ),
    "office inkjet": Process(
        0.2, (1.1, 1.4), (0, 0), _OFFICE, 0.5, 2.0, (0.65, 0.95), dithered=True
    ),
    "inkjet matte": Process(
        0.1, (1.4, 1.7), (0, 0), (96, 1, -4), 1.0, 2.0, (0.85, 1.05), dithered=True
    ),
    "inkjet glossy": Process(
        0.15, (1.7, 2.2), (0, 0), (95, 0, -4.5), 0.0, 2.0, (0.9, 1.12), glossy=True, dithered=True
    ),
    "photo lab": Process(
        0.2, (1.9, 2.3), (0, 0), (94, 0, -4), -1.0, 1.5, (0.9, 1.12), glossy=True
    ),
    "offset": Process(
        0.05, (1.4, 1.7), (120, 175), (95, 1.5, -6), 0.0, 1.5, (0.85, 1.05)
    ),
    "newspaper": Process(
        0.05, (0.9, 1.1), (85, 120), (82, 0, 3), 3.0, 1.0, (0.55, 0.8)
    ),
}  # fmt: skip


def lab_to_linear(lab: tuple[float, float, float]) -> Light:
    """CIELAB under D50 to linear sRGB, (3,) float32; (100, 0, 0) is (1, 1, 1)."""
    middle = (lab[0] + 16) / 116
    root = np.array([middle + lab[1] / 500, middle, middle - lab[2] / 200])
    ratio = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29))
    return (_XYZ_TO_RGB @ (_D50_TO_D65 @ (ratio * _WHITE_D50))).astype(np.float32)


def draw_paper_white(process: Process, rng: np.random.Generator) -> tuple[float, float, float]:
    """The colour of a paper in some room, green = 1."""
    ultraviolet = rng.uniform(0.15, 1.0)
    lightness, a, b = process.white
    white = lab_to_linear(
        (
            lightness,
            a * ultraviolet + rng.normal(0, 0.6),
            process.dark_b
            + ultraviolet * (b - process.dark_b)
            + rng.normal(0, process.spread_b),
        )
    )  # fmt: skip
    return float(white[0] / white[1]), 1.0, float(white[2] / white[1])


def draw_paper_printer(rng: np.random.Generator) -> PrinterSettings:
    """One printer with its paper, by the shares of `PROCESSES`."""
    shares = np.array([process.share for process in PROCESSES.values()])
    name = str(rng.choice(list(PROCESSES), p=shares / shares.sum()))
    process = PROCESSES[name]
    red, _, blue = draw_paper_white(process, rng)
    cast = np.exp(rng.normal(0, UNMANAGED, 3))
    fibre = (0.0, 0.004) if process.glossy else (0.003, 0.018)
    gloss = (0.05, 0.5) if process.glossy else (0.0, 0.06)
    return PrinterSettings(
        name=name,
        lines_per_inch=float(rng.uniform(*process.lines_per_inch)),
        dots_per_inch=float(rng.uniform(600, 1440)) if process.dithered else 0.0,
        black=float(10 ** -rng.uniform(*process.density)),
        paper=(red * float(cast[0] / cast[1]), 1.0, blue * float(cast[2] / cast[1])),
        saturation=float(rng.uniform(*process.chroma)),
        dot_gain=float(rng.normal(0.02, 0.035)),
        fibre=float(rng.uniform(*fibre)),
        gloss=float(rng.uniform(*gloss)),
        banding=float(max(0.0, rng.normal(0, 0.008))) if name != "photo lab" else 0.0,
    )
