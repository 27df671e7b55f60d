"""The twin of CASIA-SURF: one three-sensor device, six kinds of cut prints, faces on black.

Both layouts of `datasets.casia_surf` are written, with their opposite labels: the challenge's
(Training, Val, Testing with three lists) and the release's (Data with three lists); the files are
the same, linked. So the root holds lists of both families, and the loader asks for one:
`bonafide index casia-surf ROOT --protocol challenge` or `release`.

300, 100 and 600 people, one bona fide clip and three attacks each, of types that train does not
share with the others, by design. Colour faces are 280 px, depth and infrared 143 px, JPEG, cut out
by one oval around the landmarks and black around it. Depth is millimetres beyond a plane 30 mm
before the face's nearest points, 0 where nothing was measured. The small size has 40, 20 and 40
people and four photos a clip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bonafide.datasets.casia_surf import ATTACK_TYPES, FAMILIES, FOLDERS, PUBLISHED
from bonafide.simulator.carrier import Manner
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
from bonafide.types import BONA_FIDE_SPECIES, Label, Split

TWIN = "casia-surf"
REGIONS = {"e": "eyes", "en": "eyes_nose", "enm": "eyes_nose_mouth"}
FACE_SHARE = (0.46, 0.58)
FRAMING = Framing((264, 352), (0.42, 0.52))
PHOTO_SHARPENING = 0.0
"""Share of the device's own sharpening that its photos have when they are printed. What is printed
passes two cameras: sharpened by both, it takes more bytes than a face at the same JPEG quality, and
more still if the first was any camera. A knob of that cue."""
MODALITIES = ("color", "depth", "ir")
PER_FOLDER = 1000
"""Triplets in a numbered folder of the challenge's Val and Testing."""
CLIPS = {Split.TRAIN: 1200, Split.DEVELOPMENT: 400, Split.TEST: 2391}
"""Published numbers of clips; nine of test's attacks are missing."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a size holds: people of the three parts, photos a clip (0: the published totals), px."""

    people: tuple[int, int, int]
    photos: int
    render: int
    sides: tuple[int, int]


EXTENTS = {
    "tiny": Extent((1, 1, 1), 2, 112, (80, 56)),
    "small": Extent((40, 20, 40), 4, 232, (160, 112)),
    "medium": Extent((300, 100, 600), 4, 232, (160, 112)),
    "full": Extent((300, 100, 600), 0, 448, (280, 143)),
}


@dataclass(frozen=True, slots=True)
class _Devices:
    """The twin's own; rooms are by part."""

    device: Device
    printers: tuple[PrinterSettings, ...]
    rooms: dict[str, tuple[Room, ...]]


@dataclass(frozen=True, slots=True)
class _Video:
    """One clip of the release: where it lies and how many photos it has."""

    folder: str
    split: Split
    person: str
    kind: str
    photos: int

    @property
    def base(self) -> str:
        part = "real_part" if self.kind == "real" else "fake_part"
        return f"{self.folder}/{part}/{self.person}/{self.kind}.rssdk"


def plan_casia_surf(size: str, seed: int) -> TwinPlan:
    """Plan the twin; size is a key of `EXTENTS`."""
    extent = EXTENTS[size]
    videos = list(_videos(extent))
    devices = _Devices(
        draw_sensors(generator(seed, TWIN, "device"), "depth camera", HIGH, extent.render),
        tuple(
            draw_press(stream, ("photo lab", "inkjet glossy", "inkjet matte", "laser"))
            for stream in generator(seed, TWIN, "printers").spawn(4)
        ),
        {
            folder: (
                *draw_rooms(seed, TWIN, f"{folder} even light", 4, adverse=False),
                *draw_rooms(seed, TWIN, f"{folder} adverse light", 2, adverse=True),
            )
            for folder in FOLDERS
        },
    )
    people = draw_people(seed, TWIN, list(dict.fromkeys(video.person for video in videos)))
    numbers = _challenge_numbers(videos, seed)
    names = {video: _names(video, numbers) for video in videos}
    jobs = [_job(video, names[video], people, videos, devices, extent, seed) for video in videos]
    texts = {name: "".join(lines) for name, lines in _lists(names).items()}
    facts = {"people": people, "devices": devices, "extent": extent, "face_share": FACE_SHARE}
    return TwinPlan(TWIN, size, seed, tuple(jobs), texts, facts)


def _videos(extent: Extent) -> Iterator[_Video]:
    """Every clip; photos are shared out so that a full twin has the published totals."""
    number = 0
    for (folder, split), count in zip(FOLDERS.items(), extent.people, strict=True):
        kinds = sorted(ATTACK_TYPES[split])
        attacks = count * len(kinds)
        if not extent.photos:
            attacks = CLIPS[split] - count
        done = 0
        for place in range(count):
            number += 1
            person = f"CLKJ_{'ABC'[place % 3]}S{number:04d}"
            live = extent.photos or share_out(PUBLISHED[split][0], count, place)
            yield _Video(folder, split, person, "real", live)
            for kind in kinds:
                if done < attacks:
                    photos = extent.photos or share_out(PUBLISHED[split][1], attacks, done)
                    yield _Video(folder, split, person, kind, photos)
                    done += 1


def share_out(total: int, parts: int, place: int) -> int:
    """How many of ``total`` fall to one of ``parts``, as evenly as can be.

    >>> [share_out(10, 4, place) for place in range(4)]
    [2, 3, 2, 3]
    """
    return total * (place + 1) // parts - total * place // parts


def _challenge_numbers(videos: list[_Video], seed: int) -> dict[tuple[_Video, int], int]:
    """A number for each photo of Val and Testing, mixed so that it tells nothing."""
    out = {}
    for folder, split in FOLDERS.items():
        photos = [(v, n) for v in videos if v.split is split for n in range(v.photos)]
        order = generator(seed, TWIN, "numbers", folder).permutation(len(photos))
        out |= dict(zip(photos, (int(n) for n in order), strict=True))
    return out


def _names(
    video: _Video, numbers: dict[tuple[_Video, int], int]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """(release's color, depth, ir; challenge's color, depth, ir) of each photo of a clip."""
    names = []
    for photo in range(video.photos):
        file = f"{3 * photo + 1:04d}.jpg"
        release = tuple(f"Data/{video.base}/{word}/{file}" for word in MODALITIES)
        challenge = tuple(f"{video.base}/{word}/{file}" for word in MODALITIES)
        if video.folder != "Training":
            number = numbers[video, photo]
            stem = f"{video.folder}/{number // PER_FOLDER:04d}/{number:06d}"
            challenge = tuple(f"{stem}-{word}.jpg" for word in MODALITIES)
        names.append((release, challenge))
    return names


def _lists(
    names: dict[_Video, list[tuple[tuple[str, ...], tuple[str, ...]]]],
) -> dict[str, list[str]]:
    """The six lists of both families; the challenge's in the order of its numbers."""
    texts: dict[str, list[str]] = {}
    for family, form in FAMILIES.items():
        words = {label: word for word, label in form.labels.items()}
        for split, list_name in form.lists.items():
            lines = []
            for video, photos in names.items():
                label = words[Label.BONA_FIDE if video.kind == "real" else Label.ATTACK]
                for release, challenge in photos:
                    if video.split is split:
                        paths = challenge if family == "challenge" else release[:1]
                        lines.append(f"{' '.join(form.prefix + p for p in paths)} {label}\n")
            texts[list_name] = sorted(lines) if family == "challenge" else lines
    return texts


def _job(
    video: _Video,
    names: list[tuple[tuple[str, ...], tuple[str, ...]]],
    people: dict[str, Identity],
    videos: list[_Video],
    devices: _Devices,
    extent: Extent,
    seed: int,
) -> Job:
    base = f"Data/{video.base}"
    rng = generator(seed, TWIN, "scene", base)
    # Whoever stands beside a person in the list holds the print before the own face.
    fellows = sorted({v.person for v in videos if v.split is video.split})
    holder = fellows[(fellows.index(video.person) + 1) % len(fellows)]
    rooms = devices.rooms[video.folder]
    who = people[video.person]
    attack = video.kind != "real"
    camera = devices.device.camera
    camera = replace(camera, sharpen_amount=PHOTO_SHARPENING * camera.sharpen_amount)
    shown = show(who, rooms, seed, TWIN, FRAMING, video.person, "photo", video=False, camera=camera)
    scene = Scene(
        species="print_region_cut" if attack else BONA_FIDE_SPECIES,
        subject=video.person,
        who=dress(who, generator(seed, TWIN, "clothes", video.person)),
        holder=holder,
        attacker=people[holder],
        room=rooms[int(rng.integers(len(rooms)))],
        device=devices.device,
        width=extent.render,
        height=extent.render,
        face_share=FACE_SHARE,
        printer=devices.printers[int(rng.integers(len(devices.printers)))] if attack else None,
        shown=shown if attack else None,
        manner=_manner(video.kind) if attack else None,
    )
    own = tuple(name for release, _ in names for name in release)
    others = tuple(name for _, challenge in names for name in challenge)
    form = PhotoForm(0.3, (88, 96), False, extent.sides, tuple(zip(own, others, strict=True)))
    job_seed = seed_of(seed, TWIN, "job", base)
    return Job(base, own + others, video.person, job_seed, film_photos, scene, form)


def _manner(kind: str) -> Manner:
    """04_en_b: eyes and nose cut out, bent."""
    _, regions, bend = kind.split("_")
    return Manner(regions=REGIONS[regions], bent=bend == "b")
