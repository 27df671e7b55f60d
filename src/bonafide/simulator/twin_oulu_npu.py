"""The twin of OULU-NPU: six phones, three sessions, two printers, two screens (simulated).

Names, users, eye positions and protocol lists are those of `datasets.oulu_npu`: MPEG-4 in .avi,
1080 x 1920 upright at 30 frames a second, 5 s. Every session has its own places and clothes;
printer 1 is a laser and printer 2 a glossy inkjet, screen 1 a monitor of 86 and screen 2 a laptop
of 227 pixels an inch. Phones alternate between two grades, so that the one that protocols 3 and 4
hold out has fellows of its grade among the others.

The small size has 6, 4 and 6 users; its clips have five frames, half a second apart on the grid of
30 Hz.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

from bonafide.datasets.oulu_npu import (
    FILE_SPECIES,
    FILES,
    FOLDS,
    LABELS,
    PARTS,
    PHONES,
    SESSIONS,
    USERS,
    list_path,
    part_conditions,
)
from bonafide.simulator.display import DisplaySettings
from bonafide.simulator.identity import Identity
from bonafide.simulator.printer import PrinterSettings
from bonafide.simulator.twin import Job, TwinPlan, generator, seed_of
from bonafide.simulator.twin_media import ClipForm, film_clip, oulu_eyes
from bonafide.simulator.twin_scene import (
    HIGH,
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

TWIN = "oulu-npu"
STAGED = {
    1: BONA_FIDE_SPECIES,
    2: "print_flat",
    3: "print_flat",
    4: "replay_monitor",
    5: "replay_laptop",
}
"""File number -> species of the rendered world."""
WORDS = {species: word for word, species in LABELS.items()}
FACE_SHARE = (0.42, 0.58)
FRAMING = Framing((384, 540), (0.225, 0.245), whole=True)
PROTOCOL_FOLDS = {1: (0,), 2: (0,), 3: tuple(FOLDS), 4: tuple(FOLDS)}


@dataclass(frozen=True, slots=True)
class Extent:
    """What a size holds: users of train, dev, test; px; frames; ticks between them."""

    users: tuple[int, int, int]
    width: int
    height: int
    frames: tuple[int, int]
    stride: int


EXTENTS = {
    "tiny": Extent((1, 1, 1), 72, 128, (2, 2), 15),
    "small": Extent((6, 4, 6), 180, 320, (5, 5), 15),
    "medium": Extent((20, 15, 20), 180, 320, (5, 5), 15),
    "full": Extent((20, 15, 20), 1080, 1920, (150, 150), 1),
}


@dataclass(frozen=True, slots=True)
class _Devices:
    """The twin's own, by phone, by file number, by session."""

    phones: dict[int, Device]
    printers: dict[int, PrinterSettings]
    screens: dict[int, DisplaySettings]
    rooms: dict[int, tuple[Room, ...]]


def plan_oulu_npu(size: str, seed: int) -> TwinPlan:
    """Plan the twin; size is a key of `EXTENTS`."""
    extent = EXTENTS[size]
    devices = _draw_devices(seed)
    part_of = {
        f"{user:02d}": part
        for part, count in zip(PARTS, extent.users, strict=True)
        for user in list(USERS[part])[:count]
    }
    people = draw_people(seed, TWIN, list(part_of))
    jobs = [
        _job(numbers, part_of, people, devices, extent, seed)
        for numbers in product(part_of, SESSIONS, PHONES, FILES)
    ]
    facts = {"people": people, "devices": devices, "extent": extent, "face_share": FACE_SHARE}
    return TwinPlan(TWIN, size, seed, tuple(jobs), _lists(list(part_of.items())), facts)


def _draw_devices(seed: int) -> _Devices:
    phones, press, screens = generator(seed, TWIN, "devices").spawn(3)
    laser, inkjet = press.spawn(2)
    monitor, laptop = screens.spawn(2)
    return _Devices(
        phones={
            number: draw_device(stream, f"phone {number}", NORMAL if number % 2 else HIGH)
            for number, stream in zip(PHONES, phones.spawn(6), strict=True)
        },
        printers={2: draw_press(laser, ("laser",)), 3: draw_press(inkjet, ("inkjet glossy",))},
        screens={
            4: draw_screen(monitor, "monitor", 86.0, (48.0, 60.0)),
            5: draw_screen(laptop, "laptop", 227.0, (30.0, 40.0)),
        },
        rooms={
            session: draw_rooms(seed, TWIN, f"session {session}", 2, adverse=False)
            for session in SESSIONS
        },
    )


def _job(
    numbers: tuple[str, int, int, int],
    part_of: dict[str, str],
    people: dict[str, Identity],
    devices: _Devices,
    extent: Extent,
    seed: int,
) -> Job:
    user, session, phone, file = numbers
    part = part_of[user]
    name = f"{part}_files/{phone}_{session}_{user}_{file}"
    rng = generator(seed, TWIN, "scene", name)
    others = [other for other in people if part_of[other] == part and other != user] or [user]
    holder = others[int(rng.integers(len(others)))]
    rooms = devices.rooms[session]
    moving = file in devices.screens
    words = (user, session, "video" if moving else "photo")
    shown = show(people[user], rooms, seed, TWIN, FRAMING, *words, video=moving)
    scene = Scene(
        species=STAGED[file],
        subject=user,
        who=dress(people[user], generator(seed, TWIN, "session", user, session)),
        holder=holder,
        attacker=people[holder],
        room=rooms[int(rng.integers(len(rooms)))],
        device=devices.phones[phone],
        width=extent.width,
        height=extent.height,
        face_share=FACE_SHARE,
        printer=devices.printers.get(file),
        display=devices.screens.get(file),
        shown=shown if file > 1 else None,
    )
    form = ClipForm("mpeg4", "XVID", "yuv420p", 30, extent.frames, extent.stride, (2, 5),
                    boxes=oulu_eyes)  # fmt: skip
    group = f"{user} session {session}"
    job_seed = seed_of(seed, TWIN, "job", name)
    return Job(name, (f"{name}.avi", f"{name}.txt"), group, job_seed, film_clip, scene, form)


def _lists(users: list[tuple[str, str]]) -> dict[str, str]:
    """Every list of the four protocols, for the users that are there."""
    texts = {}
    for protocol, folds in PROTOCOL_FOLDS.items():
        for fold, part in product(folds, PARTS):
            taken = part_conditions(protocol, fold, part)
            lines = [
                f"{WORDS[FILE_SPECIES[file]]},{phone}_{session}_{user}_{file}\n"
                for user, own in users
                for phone, session, file in product(
                    sorted(taken.phones), sorted(taken.sessions), sorted(taken.files)
                )
                if own == part
            ]
            texts[list_path(Path(), protocol, fold, part).as_posix()] = "".join(lines)
    return texts
