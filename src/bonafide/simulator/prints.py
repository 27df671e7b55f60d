"""Attacks by prints: flat, warped, with eyes cut out, with regions cut out as in CASIA-SURF.

Ink is chosen for the eye, not for infrared: dye inks are transparent there, so an inkjet's or a
photo lab's picture nearly vanishes in NIR, while a laser's carbon black stays. ``ink_infrared`` is
that share of visible contrast. A cut print is worn before a live face, whose own eyes (and nose,
and mouth) show through the holes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.actor import Actor, build_actor
from bonafide.simulator.carrier import (
    SHEET_CELLS,
    Plane,
    Shape,
    Source,
    Staging,
    Warp,
    albedo_texture,
    hand,
    sheet,
)
from bonafide.simulator.drape import DRAPE_CELLS, SHEET_BOUNCE, draw_drape, press, touching_z
from bonafide.simulator.identity import Identity
from bonafide.simulator.lighting import SKIN_BOUNCE
from bonafide.simulator.linear_light import decode
from bonafide.simulator.mesh import Material, Surface
from bonafide.simulator.motion import draw_motion
from bonafide.simulator.printer import (
    MM_PER_INCH,
    SCREEN_ANGLES_DEG,
    TONE_LEVELS,
    PrinterSettings,
    halftone_tiles,
    ink_coverage,
    print_photo,
)
from bonafide.simulator.skin import OPACITY
from bonafide.simulator.structure import TILE

Float = npt.NDArray[np.float32]
EYE_HOLE, WIDE_EYE_HOLE = (0.30, 0.17), (0.37, 0.25)
"""Half axes of a hole over the distance of the eyes: along the lids, or around them as people cut
who have to see through.
"""
SIZES = {"flat": (0.35, 1.1), "warped": (0.6, 1.1), "cut": (0.95, 1.05)}


def ink_infrared(printer: PrinterSettings) -> float:
    """Share of the print's visible contrast that remains in near infrared, 0..1."""
    return {"laser": 0.55, "offset": 0.5, "inkjet matte": 0.22}.get(printer.name, 0.07)


def _printed(rgb: npt.NDArray[np.uint8], printer: PrinterSettings) -> Float:
    """(h, w, 4) albedo of a print of a picture: paper white is 0.86, in NIR 0.82."""
    color = print_photo(decode(rgb), printer)
    grey = color.mean(-1, keepdims=True)
    share = np.float32(ink_infrared(printer))
    infrared = 0.82 * (1 - share + share * np.clip(grey, 0, 1))
    return np.concatenate([0.86 * color, infrared], -1).astype(np.float32)


def _paper(
    source: Source, printer: PrinterSettings, life: float, margin: float, rng: np.random.Generator
) -> tuple[Float, tuple[float, float, float, float], npt.NDArray[np.float64]]:
    """Texture, (left, top, width, height) in mm with the face at the origin, and landmarks."""
    rows, columns = _crop(source, rng)
    albedo = _printed(source.frame(0.0)[rows, columns], printer)
    height, width = albedo.shape[:2]
    border = round(margin * width)
    white = np.array([*(0.86 * np.asarray(printer.paper)), 0.82], np.float32)
    framed = np.empty((height + 2 * border, width + 2 * border, 4), np.float32)
    framed[:] = white
    framed[border : border + height, border : border + width] = albedo
    grain = rng.standard_normal(framed.shape[:2]).astype(np.float32)
    framed *= (1 + printer.fibre * cv2.GaussianBlur(grain, (0, 0), 0.8) * 2)[..., None]
    scale = source.mm_per_px * life
    marks = source.landmarks - [columns.start, rows.start] + border
    center = marks.mean(0)
    # Pixel centres lie at whole numbers, so the sheet's edge is half a pixel further out.
    left, top = -(center[0] + 0.5) * scale, (center[1] + 0.5) * scale
    spots = np.stack([(marks[:, 0] - center[0]) * scale, -(marks[:, 1] - center[1]) * scale], 1)
    size = framed.shape[1] * scale, framed.shape[0] * scale
    texture = albedo_texture(framed, 1.0)
    return texture, (left, top, *size), spots


def _crop(source: Source, rng: np.random.Generator) -> tuple[slice, slice]:
    """Rows and columns that are printed: half of the prints are cut close to the head.

    A whole photo hides the room from the rig; cut prints let it show around them, as live heads do.
    """
    height, width = source.frame(0.0).shape[:2]
    reach = rng.uniform([1.25, 1.25, 1.9, 2.0], [2.2, 2.2, 3.0, 3.2])
    if rng.random() < 0.45 or source.whole:
        return slice(0, height), slice(0, width)
    center = source.landmarks.mean(0)
    eyes = float(np.linalg.norm(source.landmarks[1] - source.landmarks[0]))
    left, right, top, bottom = (float(r) * eyes for r in reach)
    return (
        slice(max(round(center[1] - top), 0), min(round(center[1] + bottom), height)),
        slice(max(round(center[0] - left), 0), min(round(center[0] + right), width)),
    )


def _material(texture: Float, printer: PrinterSettings, cut: bool) -> Material:
    """Glossy papers have a narrow, strong lobe; plain paper hardly any."""
    shiny = 30.0 + 500.0 * min(printer.gloss, 0.5)
    return Material(texture, shiny, 0.012 + 0.06 * min(printer.gloss, 0.5), cut=cut)


def halftone_structure(
    texture: Float, printer: PrinterSettings, size_mm: tuple[float, float], fill: float
) -> Plane | None:
    """The printer's dots as the sensor samples them; None for continuous tone and fine dithers."""
    if printer.lines_per_inch <= 0:
        return None
    cells = printer.lines_per_inch / MM_PER_INCH
    ink = ink_coverage(np.clip(texture[..., :3] / 0.86, printer.black, 1), printer.black)
    ink = np.ascontiguousarray(np.clip(ink, 0, 1).astype(np.float32))
    cache: dict[float, Float] = {}

    def gain(x: Float, y: Float, u: Float, v: Float, px_per_mm: float, time_s: float) -> Float:
        del time_s
        per_px = round(cells / px_per_mm, 3)
        if per_px not in cache:
            cache.clear()
            cache[per_px] = halftone_tiles(printer.black, 0.35 * per_px, fill * per_px)
        tiles = cache[per_px].ravel()
        height, width = ink.shape[:2]
        tone = cv2.remap(ink, u * width - 0.5, v * height - 0.5, cv2.INTER_NEAREST)
        level = (tone * np.float32(TONE_LEVELS - 1) + np.float32(0.5)).astype(np.int32)
        out = np.empty((*x.shape, 3), np.float32)
        for channel, angle_deg in enumerate(SCREEN_ANGLES_DEG):
            c, s = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
            turn = np.float32(TILE * cells)
            a = ((x * np.float32(c) - y * np.float32(s)) * turn).astype(np.int32) & (TILE - 1)
            b = ((x * np.float32(s) + y * np.float32(c)) * turn).astype(np.int32) & (TILE - 1)
            out[..., channel] = tiles[(level[..., channel] * TILE + b) * TILE + a]
        return out

    return Plane(0, size_mm, gain)


def draw_warp(rng: np.random.Generator, strong: bool) -> Warp:
    """A nearly flat or a clearly bent sheet."""
    if not strong:
        return Warp(float(rng.normal(0, 0.0004)), 90.0, float(abs(rng.normal(0, 0.4))),
                    float(rng.uniform(90, 220)), float(rng.uniform(0, 6.28)))  # fmt: skip
    radius = float(rng.uniform(110, 320)) * float(rng.choice([-1, 1], p=[0.3, 0.7]))
    axis = float(rng.choice([90.0, 0.0, rng.uniform(40, 140)], p=[0.6, 0.15, 0.25]))
    return Warp(1 / radius, axis, float(rng.uniform(0, 2.5)), float(rng.uniform(60, 180)),
                float(rng.uniform(0, 6.28)))  # fmt: skip


def stage_print(
    source: Source,
    printer: PrinterSettings,
    holder: Identity,
    rng: np.random.Generator,
    *,
    warped: bool,
    fill: float,
    held: bool | None = None,
) -> Staging:
    """A photo on a sheet, held by hands or on a stand; None draws which."""
    kind = "warped" if warped else "flat"
    life = float(np.exp(rng.uniform(*np.log(SIZES[kind]))))
    margin = float(rng.choice([0.0, rng.uniform(0.02, 0.15)]))
    texture, frame, spots = _paper(source, printer, life, margin, rng)
    warp = draw_warp(rng, warped)
    paper = sheet(*frame, _material(texture, printer, False), warp)
    in_hand = bool(rng.random() < 0.7) if held is None else held
    extras = [paper, *(_grips(rng, frame, warp, holder) if in_hand else [])]
    depth = warp.depth(spots[:, 0], spots[:, 1])
    return Staging(
        species=f"print_{kind}",
        detail=f"{printer.name}, {'hand' if in_hand else 'stand'}",
        actor=None,
        extras=tuple(extras),
        life=life,
        landmarks=np.column_stack([spots, depth]).astype(float),
        held=float(in_hand),
        plane=halftone_structure(texture, printer, frame[2:], fill),
        parameters={"printer": asdict(printer), "warp": asdict(warp), "life": life},
    )


def _grips(
    rng: np.random.Generator,
    frame: tuple[float, float, float, float],
    warp: Shape,
    holder: Identity,
) -> list[Surface]:
    """One or two hands at the lower corners or the sides."""
    left, top, width, height = frame
    low = top - height
    spots = [
        (left + rng.uniform(0.0, 0.3) * width, low, 90 + rng.uniform(-35, 10)),
        (left + width * rng.uniform(0.7, 1.0), low, 90 + rng.uniform(-10, 35)),
        (left, low + rng.uniform(0.1, 0.4) * height, rng.uniform(-10, 40)),
        (left + width, low + rng.uniform(0.1, 0.4) * height, 180 + rng.uniform(-40, 10)),
    ]
    first = int(rng.integers(4))
    chosen = [first] if rng.random() < 0.4 else [first, first ^ 1]
    out: list[Surface] = []
    for k in chosen:
        x, y, toward = spots[k]
        depth = float(warp.depth(np.array([x]), np.array([y]))[0])
        out += hand(rng, float(x), float(y), float(toward), holder.melanin, 1.0, depth)
    return out


REGIONS = {
    "eyes": ("left eye", "right eye"),
    "eyes_nose": ("left eye", "right eye", "nose"),
    "eyes_nose_mouth": ("left eye", "right eye", "nose", "mouth"),
}
"""CASIA-SURF's cuts: eyes; eyes and nose; eyes, nose and mouth (Zhang et al. 2019)."""


def _cut_holes(
    texture: Float,
    frame: tuple[float, float, float, float],
    spots: npt.NDArray[np.float64],
    regions: tuple[str, ...],
    rng: np.random.Generator,
    eye: tuple[float, float],
) -> None:
    """Cut ellipses into a texture's opacity, at the printed face's own landmarks.

    Args:
        eye: half axes of its holes over the distance of the eyes.
    """  # fmt: skip
    height, width = texture.shape[:2]
    left, top, wide, _ = frame
    per_mm = width / wide
    eyes = float(np.linalg.norm(spots[1] - spots[0]))
    mouth = (spots[3] + spots[4]) / 2
    holes = {
        "left eye": (spots[0], eye[0] * eyes, eye[1] * eyes),
        "right eye": (spots[1], eye[0] * eyes, eye[1] * eyes),
        "nose": (spots[2] + [0, 0.10 * eyes], 0.33 * eyes, 0.42 * eyes),
        "mouth": (mouth, 0.55 * eyes, 0.24 * eyes),
    }
    opacity = np.ones((height, width), np.float32)
    for name in regions:
        at, a, b = holes[name]
        center = (at[0] - left) * per_mm, (top - at[1]) * per_mm
        a, b = (float(v * rng.uniform(0.92, 1.12) * per_mm) for v in (a, b))
        tilt = float(rng.normal(0, 4))
        cv2.ellipse(opacity, (center, (2 * a, 2 * b), tilt), 0.0, -1)
    texture[..., OPACITY] = opacity


def stage_cut_print(
    source: Source,
    printer: PrinterSettings,
    holder: Identity,
    rng: np.random.Generator,
    *,
    regions: str,
    bent: bool,
    pressed: bool,
    fill: float,
    eyes_of: Callable[[Identity], Identity],
    distance_mm: float,
) -> Staging:
    """A life-size print with holes, held before a live face.

    Args:
        distance_mm: of a life-size live face.
        regions: a key of `REGIONS`; bent: around the face, or flat.
        pressed: onto nose and brow, see `drape`; else it rests on the nose, or on the brows where
            the nose's region is cut out.
        eyes_of: the holder with eyes where the print's holes are, as an attacker prints to size.
    """  # fmt: skip
    actor = build_actor(eyes_of(holder))
    life = _life_for(actor, source, rng) if pressed else float(rng.uniform(*SIZES["cut"]))
    texture, frame, spots = _paper(source, printer, life, 0.0, rng)
    _cut_holes(texture, frame, spots, REGIONS[regions], rng,
               WIDE_EYE_HOLE if pressed else EYE_HOLE)  # fmt: skip
    shape: Shape
    if pressed:
        shape = draw_drape(rng, bent=bent)
        gap = touching_z(actor, shape)
        actor = press(actor, shape, gap)
        frame, spots = _before_the_eyes(actor, frame, spots)
    else:
        shape, gap = _resting(actor, regions, bent, rng)
    paper = sheet(*frame, _material(texture, printer, True), shape, gap,
                  DRAPE_CELLS if pressed else SHEET_CELLS)  # fmt: skip
    depth = shape.depth(spots[:, 0], spots[:, 1]) + gap
    motion = draw_motion(rng, still=0.6)
    hands = _grips(rng, frame, shape, holder)
    return Staging(
        species="print_eye_cut" if regions == "eyes" else "print_region_cut",
        detail=f"{printer.name}, {regions} cut",
        actor=actor,
        extras=(paper, *hands),
        gesture=motion,
        # The paper lies before the face: who wears it stands back by as much, as a camera is framed
        # by what it sees, so the size of a face tells nothing.
        life=life + float(depth.mean()) / distance_mm,
        landmarks=np.column_stack([spots, depth]).astype(float),
        follows=True,
        plane=halftone_structure(texture, printer, frame[2:], fill),
        bounce=SHEET_BOUNCE if pressed else SKIN_BOUNCE,
        parameters={"printer": asdict(printer), "warp": asdict(shape), "regions": regions},
    )


def _resting(
    actor: Actor, regions: str, bent: bool, rng: np.random.Generator
) -> tuple[Warp, float]:
    """A cylinder or a nearly flat sheet, and how far before the face's middle it lies, mm."""
    radius = float(rng.uniform(95, 260))
    curve = 1 / radius if bent else 1 / (20 * radius)
    warp = Warp(curve, 90.0, float(rng.uniform(0, 1.0)), 150.0, float(rng.uniform(0, 6.28)))
    marks = actor.head.landmarks - actor.head.landmarks.mean(0)
    return warp, float(marks[2, 2]) + 3.0 if regions == "eyes" else float(marks[0, 2]) + 14.0


def _life_for(actor: Actor, source: Source, rng: np.random.Generator) -> float:
    """Size of a print whose holes are as far apart as the wearer's eyes, within 2 %."""
    worn = np.linalg.norm(actor.head.landmarks[1] - actor.head.landmarks[0])
    shown = np.linalg.norm(source.landmarks[1] - source.landmarks[0]) * source.mm_per_px
    return float(worn / shown * rng.uniform(0.98, 1.02))


def _before_the_eyes(
    actor: Actor,
    frame: tuple[float, float, float, float],
    spots: npt.NDArray[np.float64],
) -> tuple[tuple[float, float, float, float], npt.NDArray[np.float64]]:
    """A sheet and its landmarks moved so that the wearer looks through the holes."""
    marks = actor.head.landmarks - actor.head.landmarks.mean(0)
    move = marks[:2, :2].mean(0) - spots[:2].mean(0)
    return (frame[0] + float(move[0]), frame[1] + float(move[1]), *frame[2:]), spots + move
