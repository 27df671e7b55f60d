"""The three kinds of presentation: a live person, a sheet of paper, a screen (simulated).

Each renders the light that reaches the camera. They share framing, tilt and light (`stage`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import cv2
import numpy as np

from bonafide.simulator.camera import decode_jpeg, encode_jpeg
from bonafide.simulator.display import (
    DisplaySettings,
    Showing,
    angle_falloff,
    draw_showing,
    pixel_gain,
    reflections,
    rolling_bands,
    show_photo,
)
from bonafide.simulator.illumination import shade
from bonafide.simulator.linear_light import Light, decode
from bonafide.simulator.printer import (
    MM_PER_INCH,
    PrinterSettings,
    Sheet,
    dither_gain,
    draw_sheet,
    gloss_lobe,
    halftone_gain,
    ink_coverage,
    paper_relief,
    print_photo,
)
from bonafide.simulator.scene import Carrier, coverage, draw_background, warp_to_picture
from bonafide.simulator.stage import Devices, Rendered, Stage, View, make_view
from bonafide.types import Box, RgbImage


def render_live(
    photo: RgbImage, face: Box, stage: Stage, devices: Devices, rng: np.random.Generator
) -> Rendered:
    """The photo as the scene; where the frame reaches beyond it, its blurred continuation."""
    del devices
    view = make_view(stage, face)
    light = warp_to_picture(decode(photo), view.x, view.y, view.zoom)
    height, width = photo.shape[:2]
    # The blur grows over a tenth of the photo's width, so that no frame shows.
    whole = Box(-0.5, -0.5, width, height)
    inner = coverage(whole, view.x, view.y, 1 / (0.1 * width))
    if float(inner.min()) < 1:
        light = inner[..., None] * light + (1 - inner[..., None]) * _beyond(light, rng)
    color = np.asarray(stage.light.color, np.float32)
    light = light * (shade(stage.light, rng, *light.shape[:2])[..., None] * color)
    return Rendered(light, color, None, "live", {})


def _beyond(light: Light, rng: np.random.Generator) -> Light:
    """What may lie beyond a photo: its mirrored continuation, far out of focus, and a wall."""
    far = cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.02, 0.07)) * max(light.shape))
    if rng.random() < 0.5:
        room = draw_background(rng, light.shape[1], light.shape[0])
        far = 0.5 * far + 0.5 * room
    return far


def earlier_capture(
    photo: RgbImage, rng: np.random.Generator
) -> tuple[RgbImage, dict[str, object]]:
    """The picture as the attacker has it: often the very photo, sometimes a resent one."""
    parameters: dict[str, object] = {"source_quality": 0, "source_scale": 1.0}
    if rng.random() < 0.5:
        return photo, parameters
    quality, scale = int(rng.integers(70, 96)), float(rng.uniform(0.75, 1.0))
    if scale < 1 and min(photo.shape[:2]) > 300:
        size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
        smaller = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        back = decode_jpeg(encode_jpeg(smaller, quality, "4:2:0"))
        source = cv2.resize(back, photo.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    else:
        scale = 1.0
        source = decode_jpeg(encode_jpeg(photo, quality, "4:2:0"))
    return source, {"source_quality": quality, "source_scale": scale}


def draw_content(rng: np.random.Generator, photo_size: tuple[int, int], face: Box) -> Box:
    """Which part of the photo the carrier shows: mostly all of it, else a tighter crop."""
    width, height = photo_size
    whole = Box(-0.5, -0.5, width, height)
    if rng.random() < 0.65:
        return whole
    left, top, right, bottom = rng.uniform(0.2, 1.0, 4) * face.width
    x0, y0 = max(face.left - left, -0.5), max(face.top - 0.3 * face.height - top, -0.5)
    x1, y1 = min(face.right + right, width - 0.5), min(face.bottom + bottom, height - 0.5)
    return Box(x0, y0, x1 - x0, y1 - y0)


def render_print(
    photo: RgbImage, face: Box, stage: Stage, devices: Devices, rng: np.random.Generator
) -> Rendered:
    """A sheet of paper before the camera."""
    printer = devices.printers[int(rng.integers(len(devices.printers)))]
    return print_and_hold(photo, face, stage, printer, draw_sheet(rng), rng)


def print_and_hold(
    photo: RgbImage,
    face: Box,
    stage: Stage,
    printer: PrinterSettings,
    sheet: Sheet,
    rng: np.random.Generator,
) -> Rendered:
    """A given printer's given sheet; ``rng`` draws crop, margin, relief and background."""
    source, parameters = earlier_capture(photo, rng)
    view = make_view(stage, face, sheet.bend)
    light = warp_to_picture(print_photo(decode(source), printer), view.x, view.y, view.zoom)
    carrier = draw_margin(rng, draw_content(rng, photo.shape[1::-1], face), face)
    structure = _ink_structure(light, printer, sheet.face_mm / face.width, view, rng)
    structure = 1 + inside(carrier.content, view) * (structure - 1)
    if carrier.margin[0] > 0:
        light = blend(light, carrier.content, view, np.asarray(printer.paper, np.float32))
    unit_mm = sheet.face_mm / face.width
    light *= paper_relief(sheet, printer, view.x, view.y, unit_mm, rng)[..., None]
    light += gloss_lobe(printer, rng, *light.shape[:2])[..., None]
    room = draw_background(rng, light.shape[1], light.shape[0], light)
    light = blend(light, carrier.outer, view, room * _edge_shadow(carrier, view, rng))
    color = np.asarray(stage.light.color, np.float32)
    light *= shade(stage.light, rng, *light.shape[:2])[..., None] * color
    parameters |= {"printer": asdict(printer), "sheet": asdict(sheet), "carrier": asdict(carrier)}
    detail = _print_words(printer, sheet, carrier, view)
    return Rendered(light, color, structure, detail, parameters)


def draw_margin(rng: np.random.Generator, content: Box, face: Box) -> Carrier:
    """A sheet with a white border, or cut or printed to the edge."""
    margin = float(rng.uniform(0.03, 0.4)) * face.width if rng.random() < 0.55 else 0.0
    return Carrier(content, (margin,) * 4)


def _ink_structure(
    light: Light, printer: PrinterSettings, unit_mm: float, view: View, rng: np.random.Generator
) -> Light:
    """Gain of halftone or dither; a single 1 for continuous tone."""
    paper = np.asarray(printer.paper, np.float32)
    inked = ink_coverage(np.clip(light / paper, 0, 1), printer.black)
    if printer.lines_per_inch > 0:
        cells = printer.lines_per_inch / MM_PER_INCH * unit_mm
        return halftone_gain(inked, printer, cells, view.plane, view.grid, view.zoom)
    if printer.dots_per_inch > 0:
        dots = printer.dots_per_inch / MM_PER_INCH * unit_mm / view.zoom
        return dither_gain(inked, printer, dots, rng)
    return np.ones((1, 1, 1), np.float32)


def _print_words(printer: PrinterSettings, sheet: Sheet, carrier: Carrier, view: View) -> str:
    words = [printer.name]
    if abs(sheet.bend) > 0.03:
        words.append("curled")
    if sheet.crease > 0:
        words.append("folded")
    if float(coverage(carrier.outer, view.x, view.y, view.zoom).min()) < 0.5:
        words.append("edges in view")
    return ", ".join(words)


def render_replay(
    photo: RgbImage, face: Box, stage: Stage, devices: Devices, rng: np.random.Generator
) -> Rendered:
    """A screen before the camera."""
    display = devices.displays[int(rng.integers(len(devices.displays)))]
    return show_and_hold(photo, face, stage, display, draw_showing(rng, display), rng)


def show_and_hold(
    photo: RgbImage,
    face: Box,
    stage: Stage,
    display: DisplaySettings,
    showing: Showing,
    rng: np.random.Generator,
) -> Rendered:
    """A given screen, showing the photo in a given way; ``rng`` draws crop, bezel, background."""
    source, parameters = earlier_capture(photo, rng)
    view = make_view(stage, face)
    light = warp_to_picture(show_photo(decode(source), display), view.x, view.y, view.zoom)
    pixels = display.pixels_per_inch / MM_PER_INCH * showing.face_mm / face.width
    light *= rolling_bands(display, showing, light.shape[0])
    light *= angle_falloff(display, rng, *light.shape[:2])
    carrier = draw_bezel(rng, draw_content(rng, photo.shape[1::-1], face), face)
    height, width = light.shape[:2]
    rim = inside(carrier.content, view)
    structure = pixel_gain(display, pixels, view.plane, view.grid, view.zoom)
    structure = 1 + rim * (structure - 1)
    light *= rim
    ambient = np.asarray(stage.light.color, np.float32)
    # The glass mirrors what stands behind the camera, as bright as the room is.
    light += reflections(display, showing, draw_background(rng, width, height), rng) * ambient
    frame = np.asarray(display.bezel, np.float32) * ambient / np.float32(showing.brightness)
    light = rim * light + (1 - rim) * (frame + 0.3 * light)
    room = draw_background(rng, width, height, light) * ambient / np.float32(showing.brightness)
    light = blend(light, carrier.outer, view, room, carrier.corner)
    white = np.asarray(display.white, np.float32) ** 0.8 * ambient**0.2
    parameters |= {"display": asdict(display), "showing": asdict(showing)}
    parameters |= {"carrier": asdict(carrier)}
    detail = display.name if float(rim.min()) >= 0.5 else f"{display.name}, bezel in view"
    return Rendered(light, white, structure, detail, parameters)


def draw_bezel(rng: np.random.Generator, content: Box, face: Box) -> Carrier:
    """Frame of a device: thin at the sides, often with black bars above and below the picture."""
    side, end = rng.uniform(0.04, 0.2) * face.width, rng.uniform(0.05, 0.7) * face.width
    margin = (side, end, side, end) if rng.random() < 0.6 else (end, side, end, side)
    return Carrier(content, margin, float(rng.uniform(0, 0.16) * face.width))


def _edge_shadow(carrier: Carrier, view: View, rng: np.random.Generator) -> Light:
    """(height, width, 1) soft shadow of a sheet on what lies right behind it."""
    depth = float(rng.uniform(0, 0.5))
    outer = carrier.outer
    reach = 0.08 * outer.width
    shifted = Box(
        outer.left + rng.uniform(-1, 1) * reach,
        outer.top + rng.uniform(-0.5, 1) * reach,
        outer.width,
        outer.height,
    )
    return (1 - depth * coverage(shifted, view.x, view.y, 1 / reach))[..., None]


def inside(box: Box, view: View, corner: float = 0.0) -> Light:
    """(height, width, 1) share 0..1 of each px that lies in a box of the plane."""
    return coverage(box, view.x, view.y, view.zoom, corner)[..., None]


def blend(light: Light, box: Box, view: View, outside: Light, corner: float = 0.0) -> Light:
    """``light`` inside the box, ``outside`` around it."""
    share = inside(box, view, corner)
    if float(share.min()) >= 1:
        return light
    return share * light + (1 - share) * outside


Renderer = Callable[[RgbImage, Box, Stage, Devices, np.random.Generator], Rendered]

KINDS: dict[str, Renderer] = {
    "bona_fide": render_live,
    "print": render_print,
    "replay": render_replay,
}
"""Kind -> function that renders what the camera sees."""
