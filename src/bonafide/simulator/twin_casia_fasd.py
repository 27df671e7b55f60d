"""The twin of CASIA-FASD: three cameras, warped and cut photos, and a tablet (simulated).

Names, people and videos are those of `datasets.casia_fasd`: 20 + 30 people with 12 clips each,
MPEG-4 at 25 frames a second in .avi. *Low* is an old webcam (640 x 480), *normal* a better one
(480 x 640), *high* a system camera (720 x 1280). Prints come from a photo lab, a glossy and a matte
inkjet; videos run on two tablets of 132 pixels an inch. Both parts share cameras, attack devices
and places; people are disjoint.

The small size keeps all people and clips. Its clips have eight frames that lie 0.4 s apart on the
official grid of 25 Hz: sparse in time, so that the frames differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bonafide.datasets.casia_fasd import PEOPLE, VIDEOS, Video
from bonafide.datasets.species import PRINT_CUT, PRINT_WARPED, REPLAY
from bonafide.simulator.display import DisplaySettings
from bonafide.simulator.identity import Identity
from bonafide.simulator.printer import PrinterSettings
from bonafide.simulator.twin import Job, TwinPlan, generator, seed_of
from bonafide.simulator.twin_media import ClipForm, film_clip
from bonafide.simulator.twin_scene import (
    HIGH,
    LOW,
    NORMAL,
    Device,
    Framing,
    Room,
    Scene,
    draw_device,
    draw_people,
    draw_press,
    draw_rooms,
    draw_screen,
    dress,
    show,
)
from bonafide.types import BONA_FIDE_SPECIES

TWIN = "casia-fasd"
STAGED = {
    BONA_FIDE_SPECIES: BONA_FIDE_SPECIES,
    PRINT_WARPED: "print_warped",
    PRINT_CUT: "print_eye_cut",
    REPLAY: "replay_tablet",
}
"""Species of the data set -> of the rendered world."""
GRADES = {"low": LOW, "normal": NORMAL, "high": HIGH}
FACE_SHARES = {"low": (0.27, 0.38), "normal": (0.42, 0.58), "high": (0.44, 0.60)}
"""Quality -> breadth of the face over the picture's width."""
WIDE = Framing((340, 255), (0.17, 0.2), whole=True)
TALL = Framing((272, 384), (0.235, 0.26), whole=True)
"""What attackers show, as wide or as tall as the camera's own pictures."""


INK_SATURATION, INK_BLACK = 0.44, 0.13
SCREEN_SATURATION, SCREEN_GAMMA = 0.42, 0.12
CUT_INK_BLACK = 0.03
"""Knobs of difficulty, see `draw_press` and `draw_screen`. Levels take pale ink for haze and
make it black again, but not on cut prints, where live eyes are darker: these get blacker ink.
"""
DARK_PERCENT = 0.1
"""Of the picture that the cameras' levels make black. With more, pale ink passes for haze, and the
darker eyes of who wears a cut print sink into black.
"""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a size holds: people of train and test, px by quality, frames, ticks between them."""

    people: tuple[int, int]
    pixels: dict[str, tuple[int, int]]
    frames: tuple[int, int]
    stride: int


EXTENTS = {
    "tiny": Extent((2, 1), {"low": (128, 96), "normal": (96, 128), "high": (90, 160)}, (3, 3), 10),
    "small": Extent(
        (20, 30), {"low": (280, 210), "normal": (216, 288), "high": (234, 416)}, (8, 8), 10
    ),
    "full": Extent(
        (20, 30), {"low": (640, 480), "normal": (480, 640), "high": (720, 1280)}, (150, 280), 1
    ),
}


@dataclass(frozen=True, slots=True)
class _Devices:
    """The twin's own."""

    cameras: dict[str, Device]
    printers: tuple[PrinterSettings, ...]
    screens: tuple[DisplaySettings, ...]
    rooms: tuple[Room, ...]


def plan_casia_fasd(size: str, seed: int) -> TwinPlan:
    """Plan the twin; size is a key of `EXTENTS`."""
    extent = EXTENTS[size]
    devices = _draw_devices(seed)
    part_of = {
        f"{part}/{number}": part
        for part, count in zip(PEOPLE, extent.people, strict=True)
        for number in range(1, count + 1)
    }
    people = draw_people(seed, TWIN, list(part_of))
    jobs = [
        _job(folder, video, people, devices, extent, seed) for folder in part_of for video in VIDEOS
    ]
    facts = {"people": people, "devices": devices, "extent": extent, "face_share": FACE_SHARES}
    return TwinPlan(TWIN, size, seed, tuple(jobs), {}, facts)


def _draw_devices(seed: int) -> _Devices:
    rng = generator(seed, TWIN, "devices")
    cameras, presses, screens = rng.spawn(3)
    return _Devices(
        cameras={
            quality: _levelled(draw_device(stream, f"{quality} quality camera", GRADES[quality]))
            for quality, stream in zip(GRADES, cameras.spawn(3), strict=True)
        },
        printers=tuple(
            draw_press(stream, (process,), saturation=INK_SATURATION, black=INK_BLACK)
            for process, stream in zip(
                ("photo lab", "inkjet glossy", "inkjet matte"), presses.spawn(3), strict=True
            )
        ),
        screens=tuple(
            draw_screen(
                stream,
                "tablet",
                132.0,
                (52.0, 76.0),
                saturation=SCREEN_SATURATION,
                gamma=SCREEN_GAMMA,
            )
            for stream in screens.spawn(2)
        ),
        rooms=(
            *draw_rooms(seed, TWIN, "even light", 10, adverse=False),
            *draw_rooms(seed, TWIN, "adverse light", 2, adverse=True),
        ),
    )


def _levelled(device: Device) -> Device:
    return replace(device, camera=replace(device.camera, dark_percent=DARK_PERCENT))


def _inked(printer: PrinterSettings, meaning: Video) -> PrinterSettings:
    if meaning.species != PRINT_CUT:
        return printer
    return replace(printer, black=printer.black + CUT_INK_BLACK - INK_BLACK)


def _of_like_tone(subject: str, others: list[str], drawn: str, people: dict[str, Identity]) -> str:
    """One of the five whose skin is most like the subject's; ``drawn`` of all decides which.

    Who shows own eyes through somebody's photo fits its colour.
    """
    tone = people[subject].melanin
    near = sorted(others, key=lambda other: abs(people[other].melanin - tone))[:5]
    return near[others.index(drawn) % len(near)]


def _job(
    folder: str,
    video: str,
    people: dict[str, Identity],
    devices: _Devices,
    extent: Extent,
    seed: int,
) -> Job:
    meaning: Video = VIDEOS[video]
    part = folder.split("/")[0]
    name = f"{folder}/{video}"
    rng = generator(seed, TWIN, "scene", name)
    others = [other for other in people if other.startswith(part) and other != folder]
    holder = (others or [folder])[int(rng.integers(max(len(others), 1)))]
    if meaning.species == PRINT_CUT:
        holder = _of_like_tone(folder, others or [folder], holder, people)
    rooms = devices.rooms
    attack = meaning.species != BONA_FIDE_SPECIES
    moving = meaning.species == REPLAY
    width, height = extent.pixels[meaning.quality]
    words = (folder, "wide" if width > height else "tall", "video" if moving else "photo")
    framing = WIDE if width > height else TALL
    shown = show(people[folder], rooms, seed, TWIN, framing, *words, video=moving)
    outfit = int(rng.integers(2))
    scene = Scene(
        species=STAGED[meaning.species],
        subject=folder,
        who=dress(people[folder], generator(seed, TWIN, "outfit", folder, outfit)),
        holder=holder,
        attacker=people[holder],
        room=rooms[int(rng.integers(len(rooms)))],
        device=devices.cameras[meaning.quality],
        width=width,
        height=height,
        face_share=FACE_SHARES[meaning.quality],
        printer=_inked(devices.printers[int(rng.integers(len(devices.printers)))], meaning)
        if attack
        else None,
        display=devices.screens[int(rng.integers(len(devices.screens)))] if moving else None,
        shown=shown if attack else None,
    )
    form = ClipForm("mpeg4", "XVID", "yuv420p", 25, extent.frames, extent.stride, (2, 6))
    job_seed = seed_of(seed, TWIN, "job", name)
    return Job(name, (f"{name}.avi",), folder, job_seed, film_clip, scene, form)
