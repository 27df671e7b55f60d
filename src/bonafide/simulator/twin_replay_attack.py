"""The twin of Replay-Attack: a laptop's webcam, two kinds of places, paper, phone and tablet.

Names, clients, splits, lists and `.face` files are those of `datasets.replay_attack`; clips are
320 x 240 Motion JPEG at 25 frames a second in .mov. *Controlled* places have an even wall and
good light, *adverse* ones are furnished and lit by daylight from one side. A mobile phone of 163
and a tablet of 132 pixels an inch (as the iPhone 3GS and the first iPad had) and one laser printer
show four earlier captures of each client. All splits share camera, devices and places, as in the
real data; people are disjoint.

One deliberate difference: the real bona fide clips are longer (15 s) than the attacks (9 s), which
tells the label without a look at a face. Here both are drawn from 9.2 to 15 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from bonafide.datasets.replay_attack import (
    CLIENTS,
    INSTRUMENTS,
    LIGHTS,
    PROTOCOLS,
    SPLITS,
    SUPPORTS,
    clip_name,
)
from bonafide.simulator.carrier import Manner
from bonafide.simulator.display import DisplaySettings
from bonafide.simulator.identity import Identity
from bonafide.simulator.printer import PrinterSettings
from bonafide.simulator.twin import Job, TwinPlan, generator, seed_of
from bonafide.simulator.twin_media import ClipForm, film_clip, replay_boxes
from bonafide.simulator.twin_scene import (
    NORMAL,
    Device,
    Framing,
    Room,
    Scene,
    Shown,
    draw_device,
    draw_people,
    draw_press,
    draw_rooms,
    draw_screen,
    dress,
    show,
)
from bonafide.types import BONA_FIDE_SPECIES

TWIN = "replay-attack"
FACE_SHARE = (0.27, 0.38)
FRAMING = Framing((480, 360), (0.16, 0.19), whole=True)
"""What is shown fills the webcam's view, as in the real data: edges are mostly out of it."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a size holds: clients of train, devel, test; px; frames of a clip; enrolment."""

    clients: tuple[int, int, int]
    width: int
    height: int
    frames: tuple[int, int]
    enrolment: bool


EXTENTS = {
    "tiny": Extent((1, 1, 1), 128, 96, (3, 3), False),
    "small": Extent((6, 4, 6), 240, 180, (58, 64), False),
    "medium": Extent((15, 15, 20), 240, 180, (58, 64), False),
    "full": Extent((15, 15, 20), 320, 240, (230, 375), True),
}


@dataclass(frozen=True, slots=True)
class _Devices:
    """The twin's own; the key of ``screens`` is the device's word in names."""

    webcam: Device
    printer: PrinterSettings
    screens: dict[str, DisplaySettings]
    rooms: dict[str, tuple[Room, ...]]


def plan_replay_attack(size: str, seed: int) -> TwinPlan:
    """Plan the twin; size is a key of `EXTENTS`."""
    extent = EXTENTS[size]
    devices = _draw_devices(seed)
    split_of = {
        f"client{client:03d}": folder
        for (folder, split), count in zip(SPLITS.items(), extent.clients, strict=True)
        for client in CLIENTS[split][:count]
    }
    people = draw_people(seed, TWIN, list(split_of))
    jobs: list[Job] = []
    for client, folder in split_of.items():
        others = [name for name in people if split_of[name] == folder and name != client]
        cast = _Cast(client, folder, people, others or [client], devices, extent, seed)
        jobs += cast.bona_fide() + cast.attacks()
    facts = {"people": people, "devices": devices, "extent": extent, "face_share": FACE_SHARE}
    return TwinPlan(TWIN, size, seed, tuple(jobs), _lists(jobs, split_of), facts)


def _draw_devices(seed: int) -> _Devices:
    rng = generator(seed, TWIN, "devices")
    camera, press, phone, tablet = rng.spawn(4)
    return _Devices(
        webcam=draw_device(camera, "laptop webcam", NORMAL),
        printer=draw_press(press, ("laser",)),
        screens={
            "mobile": draw_screen(phone, "phone", 163.0, (14.0, 20.0)),
            "highdef": draw_screen(tablet, "tablet", 132.0, (38.0, 50.0)),
        },
        rooms={
            "controlled": draw_rooms(seed, TWIN, "controlled", 3, adverse=False, plain=True),
            "adverse": draw_rooms(seed, TWIN, "adverse", 3, adverse=True),
        },
    )


@dataclass(frozen=True, slots=True)
class _Cast:
    """One client and everybody and everything around."""

    client: str
    folder: str
    people: dict[str, Identity]
    others: list[str]
    devices: _Devices
    extent: Extent
    seed: int

    def bona_fide(self) -> list[Job]:
        """Four clips, and two of enrolment where the size has them."""
        jobs = []
        for light in LIGHTS:
            for take in ("1", "2"):
                stem = f"{self.client}_session01_webcam_authenticate_{light}_{take}"
                jobs.append(self._job(f"{self.folder}/real/{stem}", light, BONA_FIDE_SPECIES))
            if self.extent.enrolment:
                stem = f"{self.client}_session01_webcam_enroll_{light}_1"
                jobs.append(self._job(f"enroll/{self.folder}/{stem}", light, BONA_FIDE_SPECIES))
        return jobs

    def attacks(self) -> list[Job]:
        """Twenty: five instruments, two supports, two lights."""
        jobs = []
        for support, (device, kind), light in product(SUPPORTS, INSTRUMENTS, LIGHTS):
            name = clip_name(self.folder, int(self.client[-3:]), support, device, kind, light)
            family = {"mobile": "phone", "highdef": "tablet"}.get(device, "")
            word = "replay" if kind == "video" else "photo"
            species = f"{word}_{family}" if family else "print_flat"
            jobs.append(self._job(name, light, species, device, kind, support))
        return jobs

    def _job(
        self, name: str, light: str, species: str, device: str = "", kind: str = "",
        support: str = "",
    ) -> Job:  # fmt: skip
        rng = generator(self.seed, TWIN, "scene", name)
        rooms = self.devices.rooms[light]
        holder = self.others[int(rng.integers(len(self.others)))]
        session = generator(self.seed, TWIN, "session01", self.client)
        scene = Scene(
            species=species,
            subject=self.client,
            who=dress(self.people[self.client], session),
            holder=holder,
            attacker=self.people[holder],
            room=rooms[int(rng.integers(len(rooms)))],
            device=self.devices.webcam,
            width=self.extent.width,
            height=self.extent.height,
            face_share=FACE_SHARE,
            printer=self.devices.printer if device == "print" else None,
            display=self.devices.screens.get(device),
            shown=self._shown(device, kind, light) if device else None,
            manner=Manner(held=support == "hand" if support else None),
        )
        form = ClipForm("mjpeg", "", "yuvj420p", 25, self.extent.frames, 1, (2, 5),
                        boxes=replay_boxes)  # fmt: skip
        files = (f"{name}.mov", f"face-locations/{name}.face")
        seed = seed_of(self.seed, TWIN, "job", name)
        return Job(name, files, self.client, seed, film_clip, scene, form)

    def _shown(self, device: str, kind: str, light: str) -> Shown:
        """Prints show the stills that the tablet shows, too; light is that of the attack."""
        words = (self.client, "mobile" if device == "mobile" else "highdef", kind, light)
        return show(self.people[self.client], self.devices.rooms[light], self.seed, TWIN, FRAMING,
                    *words, video=kind == "video")  # fmt: skip


def _lists(jobs: list[Job], split_of: dict[str, str]) -> dict[str, str]:
    """The release's protocol files, for the clips that are there."""
    texts = {"protocols/clients.txt": [f"{name[-3:]} {split_of[name]}" for name in split_of]}
    names = [job.name for job in jobs if not job.name.startswith("enroll/")]
    for folder in SPLITS:
        mine = [name for name in names if name.startswith(f"{folder}/")]
        texts[f"protocols/real-{folder}.txt"] = [n for n in mine if "/real/" in n]
        for protocol, pairs in PROTOCOLS.items():
            for word in ("allsupports", *SUPPORTS):
                texts[f"protocols/attack-{protocol}-{word}-{folder}.txt"] = [
                    clip_name(folder, int(name[-3:]), support, device, kind, light)
                    for name in split_of
                    if split_of[name] == folder
                    for support, (device, kind), light in product(SUPPORTS, INSTRUMENTS, LIGHTS)
                    if (device, kind) in pairs and word in ("allsupports", support)
                ]
    return {name: "\n".join(lines) + "\n" for name, lines in texts.items()}
