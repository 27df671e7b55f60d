"""What a twin films: people with their clothes, rooms, devices, and one presentation (simulated).

A data set has a few devices and places and many people; the rendered world draws new ones for
every clip. A twin draws its devices and rooms once, and every clip then takes the place and pose
of the face, the tremor of the hand and the camera's circumstances from its own job, before anyone
looks at what is presented.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bonafide.simulator.actor import build_actor
from bonafide.simulator.camera import CameraSettings, draw_camera
from bonafide.simulator.capture_clip import film_source, stage_clip
from bonafide.simulator.carrier import Manner, Source
from bonafide.simulator.display import DisplaySettings, draw_display
from bonafide.simulator.identity import Identity, balanced_population, draw_identity
from bonafide.simulator.lighting import Lighting, draw_lighting
from bonafide.simulator.printer import PrinterSettings, draw_printer
from bonafide.simulator.rig import DepthSettings, InfraredSettings, Rig, draw_rig
from bonafide.simulator.screens import family_of
from bonafide.simulator.session import CapturePlan, Clip, plan_capture
from bonafide.simulator.twin import generator, seed_of
from bonafide.types import BONA_FIDE_SPECIES

WHITE_ADAPTATION = 0.97
"""Share of the light's colour that a twin's cameras remove. What is shown passed two cameras and
keeps the cast of both: the lower, the more colour alone tells what is shown. A knob of difficulty.
"""


@dataclass(frozen=True, slots=True)
class Room:
    """A place with its light.

    Attributes:
        name: in the provenance; seed: of what stands there; lighting: of it.
        plain: an even wall instead of furniture.
    """

    name: str
    seed: int
    lighting: Lighting
    plain: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A camera; with its infrared and depth sensors where the twin has them."""

    camera: CameraSettings
    infrared: InfraredSettings | None = None
    depth: DepthSettings | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The earlier photo or video of the subject that prints and screens show.

    Attributes:
        who: the subject as dressed then; seed: of that capture; video: it moves.
        size: (width, height) px; face_share: breadth of the face over the width. Where it is
            smaller than in the attack's own picture, the carrier's edges lie out of view.
        whole: prints show all of it, see `carrier.Source`.
        room: where: one of the twin's own, or its look would tell live from attack.
        camera: that took it, and nobody resent it; None: any from `camera.draw_camera`. How much
            it sharpens and how noisy it is adds to what the twin's own camera does.
    """

    who: Identity
    room: Room
    seed: int
    video: bool
    size: tuple[int, int]
    face_share: tuple[float, float]
    whole: bool
    camera: CameraSettings | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One presentation before one device.

    Attributes:
        species: a key of `capture_clip.SPECIES`.
        subject, holder: names in the provenance; who, attacker: these people as dressed.
        room, device: where and by what; face_share: of the picture's width, see `plan_capture`.
        width, height: px.
        printer, display, shown: of an attack that has them.
        manner: how an attack is presented.
    """

    species: str
    subject: str
    who: Identity
    holder: str
    attacker: Identity
    room: Room
    device: Device
    width: int
    height: int
    face_share: tuple[float, float]
    printer: PrinterSettings | None = None
    display: DisplaySettings | None = None
    shown: Shown | None = None
    manner: Manner | None = None


def draw_session(scene: Scene, rng: np.random.Generator) -> CapturePlan:
    """Place and pose of the face, room, light and device; whatever is presented."""
    plan = plan_capture(rng, scene.width, scene.height, face_share=scene.face_share)
    rig = _rig(plan, scene.device.camera)
    if scene.device.infrared is not None and scene.device.depth is not None:
        rig = replace(rig, infrared=scene.device.infrared, depth=scene.device.depth)
    return replace(_placed(plan, scene.room), rig=rig)


def _rig(plan: CapturePlan, camera: CameraSettings) -> Rig:
    """The plan's rig with a twin's camera."""
    # A clip is not resent by an app as a photo is; its codec comes later.
    shot = replace(plan.rig.shot, resend_quality=0, motion_px=0.25 * plan.rig.shot.motion_px)
    return replace(plan.rig, camera=camera, shot=shot)


def stage_scene(scene: Scene, rng: np.random.Generator) -> Clip:
    """Draw the session, then stage the presentation; ready to be filmed."""
    session_rng, staging_rng = rng.spawn(2)
    plan = draw_session(scene, session_rng)
    return stage_clip(
        scene.who, scene.species, staging_rng, plan, holder=scene.attacker, printer=scene.printer,
        display=scene.display, source=_source(scene.shown) if scene.shown else None,
        manner=scene.manner,
    )  # fmt: skip


@functools.lru_cache(maxsize=3)
def _source(shown: Shown) -> Source:
    """An earlier capture; several attacks show the same one, as in the real data sets."""
    rng = np.random.default_rng(shown.seed)
    plan = _placed(plan_capture(rng, *shown.size, face_share=shown.face_share), shown.room)
    if shown.camera is None:
        camera = replace(plan.rig.camera, white_adaptation=WHITE_ADAPTATION)
        plan = replace(plan, rig=replace(plan.rig, camera=camera))
    else:
        plan = replace(plan, rig=_rig(plan, shown.camera))
    actor = build_actor(shown.who)
    return film_source(actor, rng, video=shown.video, plan=plan, whole=shown.whole)


def _placed(plan: CapturePlan, room: Room) -> CapturePlan:
    return replace(plan, lighting=room.lighting, room_seed=room.seed, plain_room=room.plain)


def drawn_of(scene: Scene, clip: Clip) -> dict[str, object]:
    """What a record says of a staged scene; devices, rooms and people by name."""
    staging, session = clip.staging, clip.plan
    return {
        "species": scene.species,
        "subject": scene.subject,
        "holder": scene.holder if scene.species != BONA_FIDE_SPECIES else "",
        "room": scene.room.name,
        "camera": scene.device.camera.name,
        "detail": staging.detail,
        "shown_room": scene.shown.room.name if scene.shown else "",
        "shown_seed": str(scene.shown.seed) if scene.shown else "",
        "carrier": staging.parameters,
        "face_share": session.face_share,
        "room_at": session.room_at,
        "at": session.at,
        "distance_mm": session.distance_mm,
        "pose_deg": [session.yaw_deg, session.pitch_deg, session.roll_deg],
        "shot": session.rig.shot,
        "infrared": session.rig.infrared,
        "depth": session.rig.depth,
        "tremor": session.tremor,
        "noise_seed": session.noise_seed,
    }


# ------------------------------------------------------------------ people and what they wear


def draw_people(seed: int, twin: str, names: list[str]) -> dict[str, Identity]:
    """People balanced over tone, age and sex, by their names in the data set.

    Names in the order given: every run of them, such as a split's, is nearly balanced too.
    """
    people = balanced_population(generator(seed, twin, "people"), len(names))
    return dict(zip(names, people, strict=True))


def dress(person: Identity, rng: np.random.Generator) -> Identity:
    """The same person in other clothes, as in another session."""
    other = draw_identity(rng)
    return replace(
        person,
        garment=other.garment,
        garment_rgb=other.garment_rgb,
        garment_accent_rgb=other.garment_accent_rgb,
        garment_pattern=other.garment_pattern,
        garment_infrared=other.garment_infrared,
    )


@dataclass(frozen=True, slots=True)
class Framing:
    """How attackers framed the photos and videos that they show; see `Shown`."""

    size: tuple[int, int]
    face_share: tuple[float, float]
    whole: bool = False


def show(
    person: Identity,
    rooms: Sequence[Room],
    seed: int,
    twin: str,
    framing: Framing,
    *words: object,
    video: bool,
    camera: CameraSettings | None = None,
) -> Shown:
    """An earlier capture of a person, in clothes of that day; ``words`` name it.

    Args:
        camera: see `Shown`.
    """  # fmt: skip
    rng = generator(seed, twin, "earlier capture", *words)
    room = rooms[int(rng.integers(len(rooms)))]
    shown_seed = seed_of(seed, twin, "shown", *words)
    return Shown(dress(person, rng), room, shown_seed, video, framing.size, framing.face_share,
                 framing.whole, camera)  # fmt: skip


# ------------------------------------------------------------------ rooms and devices


def draw_rooms(
    seed: int, twin: str, kind: str, count: int, *, adverse: bool, plain: bool = False
) -> tuple[Room, ...]:
    """Places of one kind of light; ``plain`` ones have an even wall."""
    rooms = []
    for number in range(count):
        rng = generator(seed, twin, "room", kind, number)
        lighting = draw_lighting(rng, adverse=adverse)
        rooms.append(Room(f"{kind} {number + 1}", int(rng.integers(2**31)), lighting, plain))
    return tuple(rooms)


@dataclass(frozen=True, slots=True)
class Grade:
    """How good a camera is: bands that replace those of `camera.draw_camera`.

    Attributes:
        photon_noise, read_noise, lens_sigma_px, chroma_blur_px, sharpen_amount: see
            `CameraSettings`; (smallest, largest).
        working_ratio: (smallest, largest); below 1 the camera resolves less than its pixels say.
        jpeg_quality: of the compression within the camera.
    """

    photon_noise: tuple[float, float]
    read_noise: tuple[float, float]
    lens_sigma_px: tuple[float, float]
    chroma_blur_px: tuple[float, float]
    sharpen_amount: tuple[float, float]
    working_ratio: tuple[float, float]
    jpeg_quality: tuple[int, int]


LOW = Grade((2e-4, 5e-4), (2e-3, 4e-3), (0.5, 0.7), (0.6, 1.4), (0.5, 1.1), (0.9, 1.0), (82, 90))
NORMAL = Grade((8e-5, 3e-4), (1e-3, 3e-3), (0.4, 0.6), (0.4, 1.2), (0.6, 1.4), (0.95, 1.1),
               (85, 94))  # fmt: skip
HIGH = Grade((1e-5, 5e-5), (3e-4, 1e-3), (0.25, 0.4), (0.0, 0.5), (0.5, 1.2), (1.0, 1.2), (93, 98))
"""An old webcam, a good webcam or phone preview, a system camera."""


def draw_device(rng: np.random.Generator, name: str, grade: Grade) -> Device:
    """A colour camera of a grade; what the grade does not set is drawn as everywhere."""
    camera = draw_camera(rng, name)
    return Device(
        replace(
            camera,
            name=name,
            photon_noise=float(np.exp(rng.uniform(*np.log(grade.photon_noise)))),
            read_noise=float(np.exp(rng.uniform(*np.log(grade.read_noise)))),
            lens_sigma_px=float(rng.uniform(*grade.lens_sigma_px)),
            chroma_blur_px=float(rng.uniform(*grade.chroma_blur_px)),
            sharpen_amount=float(rng.uniform(*grade.sharpen_amount)),
            working_ratio=float(rng.uniform(*grade.working_ratio)),
            jpeg_quality=int(rng.integers(*grade.jpeg_quality)),
            jpeg_subsampling="4:2:0",
            white_adaptation=WHITE_ADAPTATION,
        )
    )


def draw_sensors(rng: np.random.Generator, name: str, grade: Grade, width: int) -> Device:
    """A device with infrared and depth sensors, whose pictures are ``width`` px wide."""
    color, rest = rng.spawn(2)
    rig = draw_rig(rest, width)
    return replace(draw_device(color, name, grade), infrared=rig.infrared, depth=rig.depth)


def draw_screen(
    rng: np.random.Generator,
    family: str,
    pixels_per_inch: float,
    face_mm: tuple[float, float],
    *,
    saturation: float = 1.0,
    gamma: float = 0.0,
) -> DisplaySettings:
    """A screen of a family, of a stated density.

    Args:
        family: "phone", "tablet", "laptop" or "monitor"; face_mm: breadths of shown faces.
        saturation: factor on the primaries' saturation, below 1 a small gamut; gamma: added to the
            panel's exponent. Both are knobs of difficulty.
    """  # fmt: skip
    display = draw_display(rng)
    while family_of(display) != family:
        display = draw_display(rng)
    return replace(
        display,
        pixels_per_inch=pixels_per_inch,
        face_mm=face_mm,
        saturation=saturation * display.saturation,
        gamma=display.gamma + gamma,
    )


def draw_press(
    rng: np.random.Generator,
    processes: tuple[str, ...],
    *,
    saturation: float = 1.0,
    black: float = 0.0,
) -> PrinterSettings:
    """A printer of one of the processes of `printer.draw_printer`, such as "laser".

    Args:
        saturation: factor on what ink leaves of colours; black: added to solid ink's reflectance.
            Both are knobs of difficulty.
    """  # fmt: skip
    printer = draw_printer(rng)
    while printer.name not in processes:
        printer = draw_printer(rng)
    return replace(printer, saturation=saturation * printer.saturation, black=black + printer.black)
