"""Simulated recaptures of real photos: prints, screen replays, and the live captures beside them.

A bona fide photo stands for the scene itself. A live capture is scene -> camera; an attack is
scene -> earlier capture -> print or screen -> the SAME camera. Framing, tilt, light, camera and
JPEG are drawn before the kind is looked at, so the same generator gives a live capture and attacks
that differ by the carrier alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import cv2
import numpy as np

from bonafide.simulator.camera import (
    CameraSettings,
    Capture,
    Shot,
    capture,
    decode_jpeg,
    draw_camera,
    draw_shot,
    encode_jpeg,
)
from bonafide.simulator.display import (
    DisplaySettings,
    angle_falloff,
    draw_display,
    draw_showing,
    pixel_gain,
    reflections,
    rolling_bands,
    show_photo,
)
from bonafide.simulator.illumination import Illumination, draw_illumination, shade
from bonafide.simulator.linear_light import Light, decode
from bonafide.simulator.portraits import rough_face
from bonafide.simulator.printer import (
    MM_PER_INCH,
    PrinterSettings,
    dither_gain,
    draw_printer,
    draw_sheet,
    gloss_lobe,
    halftone_gain,
    ink_coverage,
    paper_relief,
    print_photo,
)
from bonafide.simulator.scene import (
    Carrier,
    Framing,
    coverage,
    draw_background,
    draw_framing,
    plane_to_picture,
    warp_to_picture,
)
from bonafide.simulator.structure import PlaneMap, SensorGrid
from bonafide.types import BonafideError, Box, RgbImage

FACE_WIDTH_MM = 150.0
"""Breadth of a real head with its ears, for sizes in words; nothing depends on it closely."""


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices that samples draw from; a split has its own."""

    cameras: tuple[CameraSettings, ...]
    printers: tuple[PrinterSettings, ...]
    displays: tuple[DisplaySettings, ...]


def draw_devices(
    rng: np.random.Generator, cameras: int = 64, printers: int = 48, displays: int = 48
) -> Devices:
    """Device instances from the room's distributions."""
    return Devices(
        tuple(draw_camera(rng, f"camera {i:02d}") for i in range(cameras)),
        tuple(draw_printer(rng) for _ in range(printers)),
        tuple(draw_display(rng) for _ in range(displays)),
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything about a capture that is drawn before it is live or attack."""

    framing: Framing
    camera: CameraSettings
    shot: Shot
    light: Illumination


@dataclass(frozen=True, slots=True)
class Recapture:
    """One simulated presentation.

    Attributes:
        rgb: (height, width, 3) uint8 R, G, B, exactly what ``jpeg`` decodes to.
        jpeg: the file as the simulated camera wrote it.
        kind: a key of KINDS.
        detail: the carrier in words; "live" for bona fide.
        face: where the face was aimed, px of ``rgb``; as rough as the source's face box.
        parameters: every drawn number, JSON-ready.
    """

    rgb: RgbImage
    jpeg: bytes
    kind: str
    detail: str
    face: Box
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class View:
    """The working grid of one capture: plane coordinates of each of its px.

    Attributes:
        plane: homography and bend; x, y: (height, width) plane coordinates.
        zoom: working px per plane unit at the face.
        grid: the sensor's sampling of it.
    """

    plane: PlaneMap
    x: Light
    y: Light
    zoom: float
    grid: SensorGrid


def draw_stage(
    rng: np.random.Generator, photo_size: tuple[int, int], face: Box, devices: Devices
) -> Stage:
    """Draw what live and attack share."""
    return Stage(
        framing=draw_framing(rng, photo_size, face),
        camera=devices.cameras[int(rng.integers(len(devices.cameras)))],
        shot=draw_shot(rng),
        light=draw_illumination(rng),
    )


def make_view(stage: Stage, face: Box, bend: float = 0.0) -> View:
    """The working grid for a stage."""
    camera, framing = stage.camera, stage.framing
    ratio = camera.working_ratio
    width, height = round(framing.width * ratio), round(framing.height * ratio)
    to_plane = np.linalg.inv(plane_to_picture(framing, face, ratio))
    plane = PlaneMap(to_plane, bend, face.center[0], 2 * face.width)
    x, y = plane.coordinates(width, height)
    grid = SensorGrid(
        width, height, max(camera.sensor_oversampling / ratio, 1.0), camera.lens_sigma_px
    )
    return View(plane, x, y, framing.face_px / face.width * ratio, grid)


def recapture(
    photo_rgb: RgbImage,
    kind: str,
    rng: np.random.Generator,
    *,
    devices: Devices | None = None,
    face: Box | None = None,
) -> Recapture:
    """Simulate one presentation of a real photo.

    Args:
        photo_rgb: (height, width, 3) uint8 R, G, B, a bona fide photo with one face.
        kind: a key of KINDS: "bona_fide", "print" or "replay".
        rng: decides everything; equal generators give equal framing, camera and light whatever
            the kind.
        devices: to draw from; None draws fresh devices.
        face: the face in the photo, px; None looks for it with `rough_face`.

    Raises:
        BonafideError: unknown kind, or a picture that is not RGB uint8 of 64 px and more.
    """
    if kind not in KINDS:
        raise BonafideError(
            f"unknown kind {kind!r}.", where="recapture", remedy=f"Choose one of {sorted(KINDS)}."
        )
    if photo_rgb.ndim != 3 or photo_rgb.shape[2] != 3 or photo_rgb.dtype != np.uint8:
        raise BonafideError(
            f"the photo has shape {photo_rgb.shape} and type {photo_rgb.dtype}.",
            where="recapture",
            remedy="Give (height, width, 3) uint8 in R, G, B order.",
        )
    if min(photo_rgb.shape[:2]) < 64:
        raise BonafideError(
            f"the photo is only {photo_rgb.shape[1]}x{photo_rgb.shape[0]} px.",
            where="recapture",
            remedy="Give a portrait of at least 64 px a side.",
        )
    stage_rng, carrier_rng, noise_rng = rng.spawn(3)
    if devices is None:
        devices = draw_devices(stage_rng, 1, 1, 1)
    face = rough_face(photo_rgb) if face is None else face
    stage = draw_stage(stage_rng, (photo_rgb.shape[1], photo_rgb.shape[0]), face, devices)
    rendered = KINDS[kind](photo_rgb, face, stage, devices, carrier_rng)
    size = (stage.framing.width, stage.framing.height)
    taken = capture(
        rendered.radiance, rendered.illuminant, stage.camera, stage.shot, size, noise_rng
    )
    return _finish(taken, kind, stage, rendered)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Light that reaches the camera, before it.

    Attributes:
        radiance: (h, w, 3) linear light on the working grid.
        illuminant: (3,) the light that automatic white balance looks for.
        detail: the carrier in words; parameters: what was drawn for it.
    """

    radiance: Light
    illuminant: Light
    detail: str
    parameters: dict[str, object]


def _finish(taken: Capture, kind: str, stage: Stage, rendered: Rendered) -> Recapture:
    scale = taken.rgb.shape[1] / stage.framing.width
    side = stage.framing.face_px * scale
    at_x, at_y = stage.framing.face_at[0] * scale, stage.framing.face_at[1] * scale
    parameters = {"simulated": True, "kind": kind, **asdict(stage), **rendered.parameters}
    return Recapture(
        rgb=taken.rgb,
        jpeg=taken.jpeg,
        kind=kind,
        detail=rendered.detail,
        face=Box(at_x - side / 2, at_y - side / 2, side, side),
        parameters=parameters,
    )


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
    return Rendered(light, color, "live", {})


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
    sheet = draw_sheet(rng)
    source, parameters = earlier_capture(photo, rng)
    view = make_view(stage, face, sheet.bend)
    light = warp_to_picture(print_photo(decode(source), printer), view.x, view.y, view.zoom)
    light *= _ink_structure(light, printer, face.width / sheet.face_mm, view, rng)
    content = draw_content(rng, photo.shape[1::-1], face)
    margin = float(rng.choice([0.0, rng.uniform(0.03, 0.4)], p=[0.4, 0.6])) * face.width
    carrier = Carrier(content, (margin,) * 4)
    light = _blend(light, carrier.content, view, np.asarray(printer.paper, np.float32))
    unit_mm = sheet.face_mm / face.width
    light *= paper_relief(sheet, printer, view.x, view.y, unit_mm, rng)[..., None]
    light += gloss_lobe(printer, rng, *light.shape[:2])[..., None]
    room = draw_background(rng, light.shape[1], light.shape[0], light)
    light = _blend(light, carrier.outer, view, room * _edge_shadow(carrier, view, rng))
    color = np.asarray(stage.light.color, np.float32)
    light *= shade(stage.light, rng, *light.shape[:2])[..., None] * color
    parameters |= {"printer": asdict(printer), "sheet": asdict(sheet), "carrier": asdict(carrier)}
    return Rendered(light, color, _print_words(printer, sheet, carrier, view), parameters)


def _ink_structure(
    light: Light,
    printer: PrinterSettings,
    units_per_mm: float,
    view: View,
    rng: np.random.Generator,
) -> Light:
    inked = ink_coverage(
        np.clip(light / np.asarray(printer.paper, np.float32), 0, 1), printer.black
    )
    if printer.lines_per_inch > 0:
        cells = printer.lines_per_inch / MM_PER_INCH / units_per_mm
        return halftone_gain(inked, printer, cells, view.plane, view.grid, view.zoom)
    if printer.dots_per_inch > 0:
        dots = printer.dots_per_inch / MM_PER_INCH / units_per_mm / view.zoom
        return dither_gain(inked, printer, dots, rng)
    return np.ones((1, 1, 1), np.float32)  # fmt: skip


def _print_words(printer: PrinterSettings, sheet: object, carrier: Carrier, view: View) -> str:
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
    showing = draw_showing(rng, display)
    source, parameters = earlier_capture(photo, rng)
    view = make_view(stage, face)
    light = warp_to_picture(show_photo(decode(source), display), view.x, view.y, view.zoom)
    pixels = display.pixels_per_inch / MM_PER_INCH * showing.face_mm / face.width
    light *= pixel_gain(display, pixels, view.plane, view.grid, view.zoom)
    light *= rolling_bands(display, showing, light.shape[0])
    light *= angle_falloff(display, rng, *light.shape[:2])
    carrier = draw_bezel(rng, draw_content(rng, photo.shape[1::-1], face), face)
    height, width = light.shape[:2]
    light = _blend(light, carrier.content, view, np.zeros(3, np.float32))
    ambient = np.asarray(stage.light.color, np.float32)
    # The glass mirrors what stands behind the camera, as bright as the room is.
    light += reflections(display, showing, draw_background(rng, width, height), rng) * ambient
    rim = coverage(carrier.content, view.x, view.y, view.zoom)[..., None]
    frame = np.asarray(display.bezel, np.float32) * ambient / np.float32(showing.brightness)
    light = rim * light + (1 - rim) * (frame + 0.3 * light)
    room = draw_background(rng, width, height, light) * ambient / np.float32(showing.brightness)
    light = _blend(light, carrier.outer, view, room, carrier.corner)
    white = np.asarray(display.white, np.float32) ** 0.8 * ambient**0.2
    parameters |= {"display": asdict(display), "showing": asdict(showing)}
    parameters |= {"carrier": asdict(carrier)}
    hidden = float(coverage(carrier.content, view.x, view.y, view.zoom).min()) >= 0.5
    detail = display.name if hidden else f"{display.name}, bezel in view"
    return Rendered(light, white, detail, parameters)


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


def _blend(light: Light, box: Box, view: View, outside: Light, corner: float = 0.0) -> Light:
    """``light`` inside the box, ``outside`` around it."""
    inside = coverage(box, view.x, view.y, view.zoom, corner)
    if float(inside.min()) >= 1:
        return light
    return inside[..., None] * light + (1 - inside[..., None]) * outside


Renderer = Callable[[RgbImage, Box, Stage, Devices, np.random.Generator], Rendered]

KINDS: dict[str, Renderer] = {
    "bona_fide": render_live,
    "print": render_print,
    "replay": render_replay,
}
"""Kind -> function that renders what the camera sees."""
