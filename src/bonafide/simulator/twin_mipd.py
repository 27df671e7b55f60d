"""The twin of MIPD: colour, depth and infrared of flat attacks, masks and heads (simulated).

No public layout is known; the tree is that of `datasets.mipd`: MIP-2D/manifest.csv and
MIP-3D/manifest.csv with whole frames below: colour as JPEG, depth as 16-bit PNG in mm (0 where
nothing was measured), infrared as 8-bit PNG. ``pai_species`` holds the words of `datasets.species`,
``pai_detail`` the finer names of the rendered world. Two devices film everything.

MIP-2D has prints, flat and curved, and replays ("simulated" in the paper) on four kinds of screens;
MIP-3D masks of paper, resin, silicone and latex, and heads of wax. A person has bona fide clips in
both parts, two sessions each. The paper does not say how many people there are; both sizes have 80
for training and 40 for test, with 20 photos a clip in the full one and two in the small one: a
network learns from people and clips, hardly from photos of one clip. Nor does it say where they
were filmed: here all come to the same rooms.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace

import numpy as np

from bonafide.datasets.species import (
    HEAD,
    MASK_FLEXIBLE,
    MASK_PAPER,
    MASK_RIGID,
    PRINT,
    PRINT_WARPED,
    REPLAY,
)
from bonafide.simulator.identity import Identity
from bonafide.simulator.printer import PrinterSettings
from bonafide.simulator.twin import Job, TwinPlan, generator, seed_of
from bonafide.simulator.twin_photos import PhotoForm, film_photos
from bonafide.simulator.twin_scene import (
    HIGH,
    Device,
    Framing,
    Room,
    Scene,
    draw_people,
    draw_press,
    draw_rooms,
    draw_sensors,
    dress,
    show,
)
from bonafide.types import BONA_FIDE_SPECIES

TWIN = "mipd"
KINDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "MIP-2D": (
        (BONA_FIDE_SPECIES,),
        (BONA_FIDE_SPECIES,),
        ("print_flat",),
        ("print_warped",),
        ("replay_phone", "replay_tablet", "replay_laptop", "replay_monitor"),
    ),
    "MIP-3D": (
        (BONA_FIDE_SPECIES,),
        (BONA_FIDE_SPECIES,),
        ("mask_paper", "mask_resin"),
        ("mask_silicone", "mask_latex"),
        ("head_wax",),
    ),
}
"""Part -> the clips of each person; where a clip has several kinds, people take turns."""
SPECIES = {
    BONA_FIDE_SPECIES: "",
    "print_flat": PRINT,
    "print_warped": PRINT_WARPED,
    "mask_paper": MASK_PAPER,
    "mask_resin": MASK_RIGID,
    "mask_silicone": MASK_FLEXIBLE,
    "mask_latex": MASK_FLEXIBLE,
    "head_wax": HEAD,
    **dict.fromkeys(("replay_phone", "replay_tablet", "replay_laptop", "replay_monitor"), REPLAY),
}
"""Kind of the rendered world -> species of the manifest."""
INFRARED_FLASH, INFRARED_GAIN = 1.5, 0.8
"""Both infrared cameras have a fixed exposure and an illuminator that outshines the room, as active
depth rigs have: how bright a surface comes out tells its albedo, its tilt and its distance, by the
square law. White paper at 500 mm has 0.64 of full scale: with the nearest face at 430 mm no diffuse
material saturates, and skin at 800 mm still has a tenth, level 60 of 255. An automatic exposure
would take the distance away (`rig.InfraredSettings.adapt`).
"""
FACE_SHARE = (0.28, 0.40)
FRAMING = Framing((352, 264), (0.22, 0.30))
COLUMNS = (
    "path", "depth_path", "infrared_path", "label", "pai_species", "pai_detail", "capture_subject",
    "split", "device", "light",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Extent:
    """What a size holds: people of train and test, photos a clip, px."""

    people: tuple[int, int]
    photos: int
    width: int
    height: int


EXTENTS = {
    "tiny": Extent((2, 1), 1, 128, 96),
    "small": Extent((80, 40), 2, 288, 216),
    "full": Extent((80, 40), 20, 640, 480),
}


@dataclass(frozen=True, slots=True)
class _Devices:
    """The twin's own; people of both splits come to the same rooms."""

    devices: tuple[Device, ...]
    printers: tuple[PrinterSettings, ...]
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class _Clip:
    """One clip: its part, person, number within both, kind and split."""

    part: str
    person: str
    number: int
    kind: str
    split: str

    @property
    def stem(self) -> str:
        """Says nothing of the kind, as file names should not."""
        return f"{self.part}/{self.person}/{self.number}"


def plan_mipd(size: str, seed: int) -> TwinPlan:
    """Plan the twin; size is a key of `EXTENTS`."""
    extent = EXTENTS[size]
    train, test = extent.people
    split_of = {f"{n:03d}": "train" if n < train else "test" for n in range(train + test)}
    people = draw_people(seed, TWIN, list(split_of))
    devices = _Devices(
        tuple(
            _draw_device(stream, f"device {number}", extent.width)
            for number, stream in enumerate(generator(seed, TWIN, "devices").spawn(2), start=1)
        ),
        tuple(
            draw_press(stream, (process,))
            for process, stream in zip(
                ("laser", "inkjet matte", "photo lab"),
                generator(seed, TWIN, "printers").spawn(3),
                strict=True,
            )
        ),
        (
            *draw_rooms(seed, TWIN, "even light", 10, adverse=False),
            *draw_rooms(seed, TWIN, "adverse light", 4, adverse=True),
        ),
    )
    clips = [
        _Clip(part, person, number, kinds[place % len(kinds)], split_of[person])
        for place, person in enumerate(people)
        for part, all_kinds in KINDS.items()
        for number, kinds in enumerate(all_kinds)
    ]
    jobs = [_job(clip, people, split_of, devices, extent, seed) for clip in clips]
    texts = {f"{part}/manifest.csv": _manifest(part, clips, jobs) for part in KINDS}
    facts = {"people": people, "devices": devices, "extent": extent, "face_share": FACE_SHARE}
    return TwinPlan(TWIN, size, seed, tuple(jobs), texts, facts)


def _draw_device(rng: np.random.Generator, name: str, width: int) -> Device:
    """Colour, depth and infrared of a system camera's grade; infrared of fixed exposure."""
    device = draw_sensors(rng, name, HIGH, width)
    assert device.infrared is not None
    fixed = replace(device.infrared, flash=INFRARED_FLASH, gain=INFRARED_GAIN, adapt=0.0)
    return replace(device, infrared=fixed)


def _job(
    clip: _Clip,
    people: dict[str, Identity],
    split_of: dict[str, str],
    devices: _Devices,
    extent: Extent,
    seed: int,
) -> Job:
    rng = generator(seed, TWIN, "scene", clip.stem)
    others = [name for name in people if split_of[name] == clip.split and name != clip.person]
    holder = (others or [clip.person])[int(rng.integers(max(len(others), 1)))]
    rooms = devices.rooms
    who = people[clip.person]
    flat = clip.kind.startswith(("print_", "replay_"))
    moving = clip.kind.startswith("replay_")
    kept = "video" if moving else "photo"
    shown = show(who, rooms, seed, TWIN, FRAMING, clip.person, kept, video=moving)
    scene = Scene(
        species=clip.kind,
        subject=clip.person,
        who=dress(who, generator(seed, TWIN, "clothes", clip.person, clip.number)),
        holder=holder,
        attacker=people[holder],
        room=rooms[int(rng.integers(len(rooms)))],
        device=devices.devices[int(rng.integers(len(devices.devices)))],
        width=extent.width,
        height=extent.height,
        face_share=FACE_SHARE,
        printer=devices.printers[int(rng.integers(len(devices.printers)))] if flat else None,
        shown=shown if flat else None,
    )
    endings = ("color.jpg", "depth.png", "ir.png")
    files = tuple(f"{clip.stem}-{n:02d}-{end}" for n in range(extent.photos) for end in endings)
    job_seed = seed_of(seed, TWIN, "job", clip.stem)
    form = PhotoForm(0.3, (85, 96), True)
    return Job(clip.stem, files, clip.person, job_seed, film_photos, scene, form)


def _manifest(part: str, clips: list[_Clip], jobs: list[Job]) -> str:
    """One line a photo; paths are relative to the part's folder."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for clip, job in zip(clips, jobs, strict=True):
        scene = job.scene
        assert isinstance(scene, Scene)
        if clip.part != part:
            continue
        attack = clip.kind != BONA_FIDE_SPECIES
        light = "adverse" if scene.room.lighting.adverse else "controlled"
        local = [name.removeprefix(f"{part}/") for name in job.files]
        for k in range(0, len(local), 3):
            label = "attack" if attack else BONA_FIDE_SPECIES
            detail = clip.kind if attack else ""
            writer.writerow(
                (*local[k : k + 3], label, SPECIES[clip.kind], detail, clip.person, clip.split,
                 scene.device.camera.name, light)
            )  # fmt: skip
    return text.getvalue()


assert set(SPECIES) == {kind for kinds in KINDS.values() for group in kinds for kind in group}
