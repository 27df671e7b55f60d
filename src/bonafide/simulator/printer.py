"""The printed photo: ink on paper, seen under the room's light (simulated).

Tone follows the Yule-Nielsen modified Murray-Davies equation, R^(1/n) = a Rs^(1/n) + (1 - a) Rp^
(1/n), with ink coverage a, solid ink Rs and paper Rp. Colour-managed printers choose a so that mid
tones come out right, so what remains is the black level, the paper's white, a mild loss of
saturation and a residual dot gain. Reflectances of solid black follow published maximum densities
(matte inkjet about 1.4 to 1.7, laser 1.4 to 1.6, photo paper 1.8 to 2.2; R = 10^-D).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from bonafide.simulator.linear_light import Light, color_matrix, gradient_field, smooth_field
from bonafide.simulator.structure import TILE, PlaneMap, SensorGrid, prefilter_tile

YULE_NIELSEN_N = 1.7
SCREEN_ANGLES_DEG = (15.0, 75.0, 0.0)
"""Usual halftone angles of cyan, magenta and yellow, which govern red, green and blue light."""
TONE_LEVELS = 16
MM_PER_INCH = 25.4


@dataclass(frozen=True, slots=True)
class PrinterSettings:
    """One printer with its paper.

    Attributes:
        name: how tables call it.
        lines_per_inch: of a clustered-dot halftone (laser, offset); 0 for none.
        dots_per_inch: of a stochastic inkjet dither; 0 for continuous tone (photo lab).
        black: reflectance of solid black relative to the paper.
        paper: (3,) colour of the unprinted paper, green about 1.
        saturation: what ink gamut and crosstalk leave of the distance from grey.
        dot_gain: residual tone value increase at half coverage, share of full coverage.
        fibre: relative unevenness of the paper.
        gloss: strength of the specular lobe, share of the paper's white.
        banding: relative amplitude of bands along the feed direction.
    """

    name: str
    lines_per_inch: float
    dots_per_inch: float
    black: float
    paper: tuple[float, float, float]
    saturation: float
    dot_gain: float
    fibre: float
    gloss: float
    banding: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """One print held in front of the camera.

    Attributes:
        face_mm: printed width of the face.
        bend: strength of the curl, see `PlaneMap`.
        waves: depth of shading by waves in the paper, relative.
        crease: depth of shading by a fold, relative; 0 for none.
        band_mm: period of the printer's bands.
    """

    face_mm: float
    bend: float
    waves: float
    crease: float
    band_mm: float


def draw_printer(rng: np.random.Generator) -> PrinterSettings:
    """One printer: inkjet on matte or glossy paper, laser, offset or photo lab."""
    process = str(
        rng.choice(["inkjet matte", "inkjet glossy", "laser", "offset", "photo lab"],
                   p=[0.3, 0.2, 0.25, 0.05, 0.2])
    )  # fmt: skip
    density = {
        "inkjet matte": (1.4, 1.7),
        "inkjet glossy": (1.7, 2.1),
        "laser": (1.4, 1.6),
        "offset": (1.3, 1.6),
        "photo lab": (1.8, 2.2),
    }[process]
    halftone = {"laser": (106.0, 212.0), "offset": (120.0, 175.0)}.get(process, (0.0, 0.0))
    glossy = process in ("inkjet glossy", "photo lab")
    warmth = float(rng.normal(0, 0.025))
    return PrinterSettings(
        name=process,
        lines_per_inch=float(rng.uniform(*halftone)),
        dots_per_inch=float(rng.uniform(600, 1440)) if "inkjet" in process else 0.0,
        black=float(10 ** -rng.uniform(*density)),
        paper=(1 + warmth, 1.0, 1 - 1.6 * warmth + float(rng.normal(0.01, 0.015))),
        saturation=float(rng.uniform(1.0, 1.3) if glossy else rng.uniform(0.95, 1.25)),
        dot_gain=float(rng.normal(0.02, 0.035)),
        fibre=float(rng.uniform(0.0, 0.004) if glossy else rng.uniform(0.003, 0.018)),
        gloss=float(rng.uniform(0.05, 0.5) if glossy else rng.uniform(0.0, 0.06)),
        banding=float(max(0.0, rng.normal(0, 0.008))) if process != "photo lab" else 0.0,
    )


def draw_sheet(rng: np.random.Generator) -> Sheet:
    """One print: from a small photo to a life-size one, flat or curled."""
    return Sheet(
        face_mm=float(np.exp(rng.uniform(np.log(35), np.log(190)))),
        bend=float(rng.normal(0, 0.05)) if rng.random() < 0.6 else 0.0,
        waves=float(abs(rng.normal(0, 0.05))),
        crease=float(rng.uniform(0.03, 0.14)) if rng.random() < 0.12 else 0.0,
        band_mm=float(rng.uniform(2, 12)),
    )


def ink_coverage(reflectance: Light, black: float) -> Light:
    """Coverage 0..1 that gives a reflectance (relative to paper) by Yule-Nielsen."""
    root = np.maximum(reflectance, black) ** (1 / YULE_NIELSEN_N)
    return (1 - root) / (1 - black ** (1 / YULE_NIELSEN_N))


def ink_reflectance(coverage: Light, black: float) -> Light:
    """Reflectance relative to paper of a coverage 0..1; the inverse of `ink_coverage`."""
    root = 1 - coverage * (1 - black ** (1 / YULE_NIELSEN_N))
    return root**YULE_NIELSEN_N


def tone_table(printer: PrinterSettings, steps: int = 1024) -> Light:
    """(steps,) reflectance relative to paper for inputs spaced evenly in the square root."""
    wanted = np.linspace(0, 1, steps) ** 2
    coverage = ink_coverage(printer.black + (1 - printer.black) * wanted, printer.black)
    coverage = np.clip(coverage + 4 * printer.dot_gain * coverage * (1 - coverage), 0, 1)
    return ink_reflectance(coverage, printer.black).astype(np.float32)


def print_photo(photo: Light, printer: PrinterSettings) -> Light:
    """Reflectance of the print, same shape as ``photo``; fine structure comes later."""
    managed = cv2.transform(photo, color_matrix(printer.saturation))
    table = tone_table(printer)
    index = cv2.sqrt(np.clip(managed, 0, 1)) * np.float32(len(table) - 1) + np.float32(0.5)
    return np.take(table, index.astype(np.int32)) * np.asarray(printer.paper, np.float32)


def halftone_tiles(black: float, lens_sigma: float, aperture: float) -> Light:
    """(TONE_LEVELS, TILE, TILE) gain of a clustered-dot screen for evenly spaced coverages.

    Every tile has mean 1: the dots never change the tone that `tone_table` set.

    Args:
        black: reflectance of the ink; lens_sigma, aperture: in periods, see `prefilter_tile`.
    """
    phase = 2 * np.pi * (np.arange(TILE) + 0.5) / TILE
    spot = np.cos(phase)[:, None] + np.cos(phase)[None, :]
    # Rank of each point: exactly a share `coverage` of the cell lies above the threshold.
    rank = spot.ravel().argsort(kind="stable").argsort(kind="stable").reshape(spot.shape)
    levels = np.linspace(0, 1, TONE_LEVELS)
    covered = rank[..., None] < np.rint(levels * TILE * TILE)[None, None, :]
    tiles = prefilter_tile(np.where(covered, black, 1.0).astype(np.float32), lens_sigma, aperture)
    return np.moveaxis(tiles / tiles.mean(axis=(0, 1)), 2, 0).astype(np.float32)


def halftone_gain(
    coverage: Light,
    printer: PrinterSettings,
    cells_per_unit: float,
    plane: PlaneMap,
    grid: SensorGrid,
    zoom: float,
) -> Light:
    """(height, width, 3) gain of the halftone as the sensor samples it.

    Args:
        coverage: (height, width, 3) ink coverage on the working grid, 0..1.
        cells_per_unit: halftone cells per plane unit.
        zoom: working px per plane unit.
    """  # fmt: skip
    cells_per_sensor_px = cells_per_unit / (zoom * grid.oversampling)
    tiles = halftone_tiles(
        printer.black,
        grid.lens_sigma_px * cells_per_sensor_px,
        grid.fill * cells_per_sensor_px,
    )
    gain = np.empty(coverage.shape, np.float32)
    for channel, angle_deg in enumerate(SCREEN_ANGLES_DEG):
        columns, rows, step, offset = grid.sites(channel)
        x, y = plane.coordinates(columns, rows, step=step, offset=offset)
        cos, sin = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
        turn = np.float32(TILE * cells_per_unit)
        u = (x * (turn * cos) - y * (turn * sin)).astype(np.int32) & (TILE - 1)
        v = (x * (turn * sin) + y * (turn * cos)).astype(np.int32) & (TILE - 1)
        tone = cv2.resize(coverage[..., channel], (columns, rows), interpolation=cv2.INTER_NEAREST)
        level = (tone * np.float32(TONE_LEVELS - 1) + np.float32(0.5)).astype(np.int32)
        gain[..., channel] = grid.to_working(tiles.ravel()[(level * TILE + v) * TILE + u])
    return gain


def dither_gain(
    coverage: Light, printer: PrinterSettings, dots_per_px: float, rng: np.random.Generator
) -> Light:
    """Grain of a stochastic inkjet dither, as gain of the coverage's shape.

    The mean of n independent dots of coverage a varies by a (1 - a) / n; error diffusion spaces the
    dots evenly, which leaves about a third of that deviation (an estimate, not a measurement).
    """
    deviation = np.sqrt(np.maximum(coverage * (1 - coverage), 0)) * np.float32(
        min(0.33 * (1 - printer.black) / max(dots_per_px, 1.0), 0.08)
    )
    return 1 + deviation * rng.standard_normal(coverage.shape, dtype=np.float32)


def paper_relief(
    sheet: Sheet,
    printer: PrinterSettings,
    x: Light,
    y: Light,
    unit_mm: float,
    rng: np.random.Generator,
) -> Light:
    """(height, width) shading by fibres, waves, a fold and the printer's bands; mean about 1.

    Args:
        x, y: plane coordinates of each px; unit_mm: mm per plane unit.
    """  # fmt: skip
    height, width = x.shape
    relief = np.ones((height, width), np.float32)
    if printer.fibre > 0:
        grain = rng.standard_normal((height, width), dtype=np.float32)
        relief += np.float32(printer.fibre) * (0.5 * grain + cv2.GaussianBlur(grain, (0, 0), 1.0))
    relief += np.float32(sheet.waves) * smooth_field(rng, height, width, int(rng.integers(2, 6)))
    if sheet.crease > 0:
        ridge = gradient_field(rng, height, width) - np.float32(rng.uniform(-0.5, 0.5))
        relief += np.float32(sheet.crease) * np.sign(ridge) * np.exp(-np.abs(ridge) * 6)
    if printer.banding > 0:
        along = y if rng.random() < 0.7 else x
        phase = along * np.float32(2 * np.pi * unit_mm / sheet.band_mm)
        relief += np.float32(printer.banding) * np.sin(phase)
    return relief


def gloss_lobe(
    printer: PrinterSettings, rng: np.random.Generator, height: int, width: int
) -> Light:
    """(height, width) additive reflection of a lamp, relative to the paper's white."""
    strength = printer.gloss * float(rng.beta(1, 3))
    if strength < 0.01:
        return np.zeros((height, width), np.float32)
    center = rng.uniform(-0.1, 1.1, 2) * (width, height)
    angle = rng.uniform(0, np.pi)
    sigma = np.exp(rng.uniform(np.log(0.08), np.log(0.4), 2)) * max(height, width)
    x = (np.arange(width, dtype=np.float32) - np.float32(center[0]))[None, :]
    y = (np.arange(height, dtype=np.float32) - np.float32(center[1]))[:, None]
    along = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    across = y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))
    lobe = cv2.exp(-0.5 * ((along / np.float32(sigma[0])) ** 2 + (across / sigma[1]) ** 2))
    return np.float32(strength) * lobe.astype(np.float32)
