"""What live and attack share: devices, the stage drawn before the kind is known, the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.simulator.camera import CameraSettings, Shot, draw_camera, draw_shot
from bonafide.simulator.display import DisplaySettings, draw_display
from bonafide.simulator.illumination import Illumination, draw_illumination
from bonafide.simulator.linear_light import Light
from bonafide.simulator.paper import draw_paper_printer
from bonafide.simulator.printer import PrinterSettings
from bonafide.simulator.scene import Framing, draw_framing, plane_to_picture
from bonafide.simulator.structure import PlaneMap, SensorGrid
from bonafide.types import Box


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
        tuple(draw_paper_printer(rng) for _ in range(printers)),
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
    sampling = camera.sensor_oversampling
    blur_px = float(np.hypot(camera.lens_sigma_px, stage.shot.defocus_px * sampling))
    grid = SensorGrid(width, height, sampling, blur_px, camera.sensor_fill)
    return View(plane, x, y, framing.face_px / face.width * ratio, grid)


@dataclass(frozen=True, slots=True)
class Rendered:
    """Light that reaches the camera, before it.

    Attributes:
        radiance: (h, w, 3) linear light on the working grid.
        illuminant: (3,) the light that automatic white balance looks for.
        structure: (h, w, 3) gain of fine structure as sampled by the sensor, or None.
        detail: the carrier in words; parameters: what was drawn for it.
    """

    radiance: Light
    illuminant: Light
    structure: Light | None
    detail: str
    parameters: dict[str, object]
