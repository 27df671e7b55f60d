"""The twin of MSU-MFSD: a phone's and a laptop's camera, a tablet, a phone and paper (simulated).

Names, people, `.face` files and subject lists are those of `datasets.msu_mfsd`: 8 clips of each
person, half from an android phone (720 x 480, .mp4), half from a laptop (640 x 480, .mov), H.264 at
30 frames a second. The six android clips that are upside down in the release are upside down
here, and their containers do not say so; `.face` files speak of the picture as it is stored. Videos
run on a tablet of 264 and a phone of 326 pixels an inch, prints come from a laser printer. All
people share devices and places, as in the real data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bonafide.datasets.msu_mfsd import (
    INSTRUMENTS,
    LISTS,
    SUFFIXES,
    TEST_IDS,
    TRAIN_IDS,
    UPSIDE_DOWN,
)
from bonafide.simulator.display import DisplaySettings
from bonafide.simulator.identity import Identity
from bonafide.simulator.printer import PrinterSettings
from bonafide.simulator.twin import Job, TwinPlan, generator, seed_of
from bonafide.simulator.twin_media import ClipForm, film_clip, msu_boxes
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

TWIN = "msu-mfsd"
STAGED = {
    "ipad_video": "replay_tablet",
    "iphone_video": "replay_phone",
    "printed_photo": "print_flat",
}
FACE_SHARE = (0.26, 0.36)
FRAMING = Framing((480, 360), (0.16, 0.19), whole=True)
FORM = ClipForm("libx264", "", "yuv420p", 30, (0, 0), 1, (17, 24), boxes=msu_boxes)


@dataclass(frozen=True, slots=True)
class Extent:
    """What a size holds: people of train and test, px by camera, frames of a clip."""

    people: tuple[int, int]
    pixels: dict[str, tuple[int, int]]
    frames: tuple[int, int]


EXTENTS = {
    "tiny": Extent((2, 2), {"android": (144, 96), "laptop": (128, 96)}, (3, 3)),
    "small": Extent((6, 12), {"android": (270, 180), "laptop": (240, 180)}, (68, 74)),
    "medium": Extent((15, 20), {"android": (270, 180), "laptop": (240, 180)}, (68, 74)),
    "full": Extent((15, 20), {"android": (720, 480), "laptop": (640, 480)}, (275, 360)),
}


@dataclass(frozen=True, slots=True)
class _Devices:
    """The twin's own; keys are the words in names."""

    cameras: dict[str, Device]
    printer: PrinterSettings
    screens: dict[str, DisplaySettings]
    rooms: tuple[Room, ...]


def plan_msu_mfsd(size: str, seed: int) -> TwinPlan:
    """Plan the twin; size is a key of `EXTENTS`."""
    extent = EXTENTS[size]
    devices = _draw_devices(seed)
    train, test = extent.people
    clients = dict.fromkeys(TRAIN_IDS[:train], TRAIN_IDS)
    clients |= dict.fromkeys(TEST_IDS[:test], TEST_IDS)
    people = draw_people(seed, TWIN, [f"client{number:03d}" for number in clients])
    jobs = [
        _job(client, camera, instrument, people, devices, extent, seed)
        for client in people
        for camera in SUFFIXES
        for instrument in ("", *INSTRUMENTS)
    ]
    texts = {
        name: "".join(f"{number:02d}\n" for number in sorted(ids)) for name, ids in LISTS.items()
    }
    facts = {"people": people, "devices": devices, "extent": extent, "face_share": FACE_SHARE}
    return TwinPlan(TWIN, size, seed, tuple(jobs), texts, facts)


def _draw_devices(seed: int) -> _Devices:
    phone, laptop, press, tablet, mobile = generator(seed, TWIN, "devices").spawn(5)
    return _Devices(
        cameras={
            "android": draw_device(phone, "android phone", HIGH),
            "laptop": draw_device(laptop, "laptop webcam", NORMAL),
        },
        printer=draw_press(press, ("laser",)),
        screens={
            "ipad_video": draw_screen(tablet, "tablet", 264.0, (38.0, 50.0)),
            "iphone_video": draw_screen(mobile, "phone", 326.0, (14.0, 20.0)),
        },
        rooms=(
            *draw_rooms(seed, TWIN, "even light", 4, adverse=False),
            *draw_rooms(seed, TWIN, "adverse light", 1, adverse=True),
        ),
    )


def _job(
    client: str,
    camera: str,
    instrument: str,
    people: dict[str, Identity],
    devices: _Devices,
    extent: Extent,
    seed: int,
) -> Job:
    word = f"_{instrument}" if instrument else ""
    kind = "attack" if instrument else "real"
    name = f"{kind}/{kind}_{client}_{camera}_SD{word}_scene01"
    file = f"{name}.{SUFFIXES[camera]}"
    rng = generator(seed, TWIN, "scene", name)
    others = [other for other in people if other != client]
    holder = others[int(rng.integers(len(others)))]
    moving = instrument.endswith("_video")
    kept = "video" if moving else "photo"
    shown = show(people[client], devices.rooms, seed, TWIN, FRAMING, client, kept, video=moving)
    width, height = extent.pixels[camera]
    scene = Scene(
        species=STAGED.get(instrument, BONA_FIDE_SPECIES),
        subject=client,
        who=dress(people[client], generator(seed, TWIN, "scene01", client)),
        holder=holder,
        attacker=people[holder],
        room=devices.rooms[int(rng.integers(len(devices.rooms)))],
        device=devices.cameras[camera],
        width=width,
        height=height,
        face_share=FACE_SHARE,
        printer=devices.printer if instrument == "printed_photo" else None,
        display=devices.screens.get(instrument),
        shown=shown if instrument else None,
    )
    form = replace(FORM, frames=extent.frames, upside_down=file in UPSIDE_DOWN)
    files = (file, f"{name}.face")
    return Job(name, files, client, seed_of(seed, TWIN, "job", name), film_clip, scene, form)
