"""MSU-MFSD (Michigan State University, 2015): 280 clips of 35 people.

Source: the data set's readme and the public loader bob.db.msu_mfsd_mod. Layout below the root
(in the release, the folder `scene01`):

    real/real_client<ID3>_{android|laptop}_SD_scene01.{mp4|mov}           .mp4 is android,
    attack/attack_client<ID3>_<device>_SD_<instrument>_scene01.{mp4|mov}  .mov is laptop
    *.face beside the clips;  train_sub_list.txt, test_sub_list.txt

Traps: the lists have ids of two digits ("01"), the files of three ("client001"); six android
clips are upside down; there is no development part. As in the motion paper (section 4.1), the
test people are halved, BY PERSON, into development and test.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

from bonafide.datasets.errors import LayoutError, listing
from bonafide.datasets.protocol import DEFAULT_SEED, Counts, check_rows, rank_by_seed
from bonafide.datasets.species import PRINT, REPLAY
from bonafide.datasets.tree import (
    dataset_name,
    media_below,
    read_list,
    refuse_missing,
    refuse_unknown,
)
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

NAME = "msu_mfsd"
TRAIN_IDS = (2, 3, 5, 6, 7, 8, 9, 11, 12, 21, 22, 34, 53, 54, 55)
TEST_IDS = (1, 13, 14, 23, 24, 26, 28, 29, 30, 32, 33, 35, 36, 37, 39, 42, 48, 49, 50, 51)
LISTS = {"train_sub_list.txt": TRAIN_IDS, "test_sub_list.txt": TEST_IDS}

INSTRUMENTS = {"ipad_video": REPLAY, "iphone_video": REPLAY, "printed_photo": PRINT}
SUFFIXES = {"android": "mp4", "laptop": "mov"}

UPSIDE_DOWN = frozenset(
    f"real/real_client{client:03d}_android_SD_scene01.mp4" for client in (3, 5, 6, 7, 8, 9)
)
"""Recorded upside down (bob.db.msu_mfsd_mod, rotated_videos.txt); turned by 180 degrees."""

PUBLISHED: Counts = {
    Split.TRAIN: (30, 90),
    Split.DEVELOPMENT: (20, 60),
    Split.TEST: (20, 60),
}
"""Published are 30/90 and 40/120; the second pair halves with the test people."""

_CLIP = re.compile(
    r"(?:real/real_client(?P<live>\d{3})_(?P<live_device>android|laptop)_SD_scene01"
    r"|attack/attack_client(?P<attack>\d{3})_(?P<attack_device>android|laptop)_SD_"
    r"(?P<instrument>ipad_video|iphone_video|printed_photo)_scene01)"
    r"\.(?P<suffix>mp4|mov)"
)


def msu_mfsd(root: Path, *, seed: int = DEFAULT_SEED, partial: bool = False) -> list[Presentation]:
    """All clips: train as published, the test people halved into development and test.

    Args:
        root: the folder that holds real and attack.
        seed: draws the halves.
        partial: only a part of the files is there.

    Raises:
        LayoutError: the release's subject lists are not the published ones, or people are unknown.
        UnknownNameError, MissingFilesError, CountError: as they say, listing all.
    """
    _check_lists(root)
    root = root.resolve()
    found = media_below(root)
    matches = {name: _match(name) for name in found}
    unknown = [name for name, match in matches.items() if not match and not _is_companion(name)]
    refuse_unknown(unknown, root, "MSU-MFSD")
    if not partial:
        refuse_missing(complete_names(), found, root)
    clips = {name: match for name, match in matches.items() if match}
    test_people = {_client(match) for match in clips.values()} & set(TEST_IDS)
    ranked = rank_by_seed((f"{client:03d}" for client in test_people), seed)
    development = {int(name) for name in ranked[: len(ranked) // 2]}
    rows = [_row(name, match, development, root) for name, match in clips.items()]
    check_rows(rows, published=PUBLISHED, partial=partial, where=str(root))
    return rows


def complete_names() -> list[str]:
    """The 280 names of the complete data set, relative to the root."""
    names = []
    for client, (device, suffix) in product(TRAIN_IDS + TEST_IDS, SUFFIXES.items()):
        who = f"client{client:03d}_{device}_SD"
        names.append(f"real/real_{who}_scene01.{suffix}")
        names += [f"attack/attack_{who}_{kind}_scene01.{suffix}" for kind in INSTRUMENTS]
    return sorted(names)


def _match(name: str) -> re.Match[str] | None:
    match = _CLIP.fullmatch(name)
    if match is None or match["suffix"] != SUFFIXES[_device(match)]:
        return None
    return match if _client(match) in TRAIN_IDS + TEST_IDS else None


def _client(match: re.Match[str]) -> int:
    return int(match["live"] or match["attack"])


def _device(match: re.Match[str]) -> str:
    return match["live_device"] or match["attack_device"]


def _is_companion(name: str) -> bool:
    return name.endswith(".face") and name.split("/")[0] in ("real", "attack")


def _check_lists(root: Path) -> None:
    """Where the release's lists lie in the root or above it, they must be the published ones."""
    for (name, ids), folder in product(LISTS.items(), (root, root.parent)):
        path = folder / name
        if not path.is_file():
            continue
        lines = read_list(path)
        wrong = {line for line in lines if not line.isdigit() or int(line) not in ids}
        absent = {f"{client:02d}" for client in ids} - {line.zfill(2) for line in lines}
        if wrong or absent:
            raise LayoutError(
                f"is not the published list; it differs in:{listing(sorted(wrong | absent))}\n",
                where=str(path),
                remedy="Copy it again from the release; ids there have two digits.",
            )


def _row(name: str, match: re.Match[str], development: set[int], root: Path) -> Presentation:
    client, instrument = _client(match), match["instrument"] or ""
    dataset, prefix = dataset_name(root, NAME)
    if client in TRAIN_IDS:
        split = Split.TRAIN
    else:
        split = Split.DEVELOPMENT if client in development else Split.TEST
    return Presentation(
        presentation=f"{prefix}/{name.rpartition('.')[0]}",
        path=str(root / name),
        label=Label.ATTACK if instrument else Label.BONA_FIDE,
        pai_species=INSTRUMENTS[instrument] if instrument else BONA_FIDE_SPECIES,
        capture_subject=f"{prefix}/client{client:03d}",
        split=split,
        dataset=dataset,
        pai_detail=instrument,
        session="scene01",
        device=_device(match),
        rotation_deg=180 if name in UPSIDE_DOWN else 0,
    )
