"""Replay-Attack (Idiap, 2012): 1200 clips of 50 people, and 100 more for enrolment.

Source of names, clients and numbers: the data set's documentation and Idiap's public loader
bob.db.replay. Layout below the root:

    {train,devel,test}/real/client<ID>_session01_webcam_authenticate_<light>_<take>.mov
    {train,devel,test}/attack/{fixed,hand}/attack_<device>_client<ID>_session01_<...>.mov
    enroll/{train,devel,test}/...  face-locations/...  protocols/...

Traps: `fixed/` and `hand/` hold the same base names, so ids carry the folder; a photo on a
screen is a display, not a print.
"""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path, PurePosixPath

from bonafide.datasets.errors import LayoutError, UnknownNameError, listing
from bonafide.datasets.protocol import Counts, check_rows
from bonafide.datasets.species import DISPLAY, PRINT, REPLAY
from bonafide.datasets.tree import (
    dataset_name,
    media_below,
    read_list,
    refuse_missing,
    refuse_unknown,
)
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

NAME = "replay_attack"
FRAME_RATE_HZ = 25.0
SPLITS = {"train": Split.TRAIN, "devel": Split.DEVELOPMENT, "test": Split.TEST}

CLIENTS: dict[Split, tuple[int, ...]] = {
    Split.TRAIN: (1, 2, 4, 6, 7, 8, 12, 16, 18, 25, 27, 103, 105, 108, 110),
    Split.DEVELOPMENT: (3, 5, 10, 15, 17, 22, 29, 30, 101, 111, 113, 114, 116, 118, 119),
    Split.TEST: (
        *(9, 11, 13, 14, 19, 20, 21, 23, 24, 26, 28, 31),
        *(102, 104, 106, 107, 109, 112, 115, 117),
    ),
}

# (device that shows, what it shows) -> species. No other pair was recorded.
INSTRUMENTS: dict[tuple[str, str], str] = {
    ("print", "photo"): PRINT,
    ("mobile", "photo"): DISPLAY,
    ("mobile", "video"): REPLAY,
    ("highdef", "photo"): DISPLAY,
    ("highdef", "video"): REPLAY,
}
# The camera that took what a device shows stands in the name, too; prints are of its stills.
_SOURCES = {"print": "highdef", "mobile": "mobile", "highdef": "highdef"}

PROTOCOLS: dict[str, frozenset[tuple[str, str]]] = {
    "grandtest": frozenset(INSTRUMENTS),
    "print": frozenset({("print", "photo")}),
    "mobile": frozenset({("mobile", "photo"), ("mobile", "video")}),
    "highdef": frozenset({("highdef", "photo"), ("highdef", "video")}),
    "photo": frozenset(pair for pair in INSTRUMENTS if pair[1] == "photo"),
    "video": frozenset(pair for pair in INSTRUMENTS if pair[1] == "video"),
    "digitalphoto": frozenset({("mobile", "photo"), ("highdef", "photo")}),
}
"""Protocol -> the attacks it takes; bona fide clips are the same in all. `smalltest` is left out:
its people are named by the release's own lists alone."""

ATTACK_TOTALS = {
    "grandtest": 1000,
    "print": 200,
    "mobile": 400,
    "highdef": 400,
    "photo": 600,
    "video": 400,
    "digitalphoto": 400,
}
"""Published numbers of attacks over all splits."""

LIGHTS = ("controlled", "adverse")
SUPPORTS = ("fixed", "hand")

_BONA_FIDE = re.compile(
    r"client(\d{3})_session01_webcam_authenticate_(controlled|adverse)_([12])\.mov"
)
_ATTACK = re.compile(
    r"attack_(print|mobile|highdef)_client(\d{3})_session01_(highdef|mobile)_(photo|video)_"
    r"(controlled|adverse)\.mov"
)
_COMPANION = re.compile(
    r"(enroll/(train|devel|test)/client\d{3}_session01_webcam_enroll_\w+\.mov"
    r"|face-locations/.+\.face)"
)


def replay_attack(
    root: Path,
    *,
    protocol: str = "grandtest",
    light: str = "",
    support: str = "",
    partial: bool = False,
) -> list[Presentation]:
    """The clips of one protocol.

    Args:
        root: the folder that holds train, devel and test.
        protocol: a key of `PROTOCOLS`.
        light: "controlled" or "adverse" takes these clips alone, bona fide ones too; "" takes both.
        support: "fixed" or "hand" takes attacks held so alone; "" takes both.
        partial: only a part of the files is there.

    Raises:
        LayoutError: an argument is not one of these words, or the release's own lists disagree.
        UnknownNameError, MissingFilesError, CountError, LeakError: as they say, listing all.
    """
    _check_words(protocol, light, support)
    root = root.resolve()
    found = media_below(root)
    rows, unknown, misplaced = [], [], []
    dataset, people = dataset_name(root, NAME)
    for name in found:
        row = _read_name(name, root, dataset, people)
        if row is not None:
            client = int(row.capture_subject[-3:])
            rows.append(row)
            if client not in CLIENTS[row.split]:
                misplaced.append(name)
        elif not _COMPANION.fullmatch(name):
            unknown.append(name)
    refuse_unknown(unknown, root, "Replay-Attack")
    _refuse_misplaced(misplaced, root)
    if not partial:
        refuse_missing(complete_names(), found, root)
        _compare_with_lists(rows, root)
    chosen = [row for row in rows if _is_chosen(row, protocol, light, support)]
    published = published_counts(protocol, light=light, support=support)
    check_rows(chosen, published=published, partial=partial, where=str(root))
    return chosen


def published_counts(protocol: str, *, light: str = "", support: str = "") -> Counts:
    """(bona fide, attacks) of each split. Half of the clips are of one light, half of the
    attacks on one support; totals are shared out 15 : 15 : 20, as the people are.

    >>> published_counts("grandtest")[Split.TEST]
    (80, 400)
    >>> published_counts("print", light="adverse", support="hand")[Split.TRAIN]
    (30, 15)
    """
    counts = {}
    for split, clients in CLIENTS.items():
        attacks = ATTACK_TOTALS[protocol] * len(clients) // 50
        bona_fide = 4 * len(clients) // (2 if light else 1)
        counts[split] = (bona_fide, attacks // (2 if light else 1) // (2 if support else 1))
    return counts


def complete_names() -> list[str]:
    """The 1200 names of the complete data set, without enrolment, relative to the root."""
    names = []
    for (folder, split), light in product(SPLITS.items(), LIGHTS):
        for client in CLIENTS[split]:
            who = f"client{client:03d}_session01"
            names += [f"{folder}/real/{who}_webcam_authenticate_{light}_{n}.mov" for n in (1, 2)]
            names += [
                f"{clip_name(folder, client, support, device, kind, light)}.mov"
                for support, (device, kind) in product(SUPPORTS, INSTRUMENTS)
            ]
    return sorted(names)


def clip_name(folder: str, client: int, support: str, device: str, kind: str, light: str) -> str:
    """An attack's name below the root, without its suffix.

    >>> clip_name("train", 7, "hand", "mobile", "video", "adverse")
    'train/attack/hand/attack_mobile_client007_session01_mobile_video_adverse'
    """
    source = _SOURCES[device]
    stem = f"attack_{device}_client{client:03d}_session01_{source}_{kind}_{light}"
    return f"{folder}/attack/{support}/{stem}"


def _check_words(protocol: str, light: str, support: str) -> None:
    for option, value, allowed in (
        ("protocol", protocol, tuple(PROTOCOLS)),
        ("light", light, ("", *LIGHTS)),
        ("support", support, ("", *SUPPORTS)),
    ):
        if value not in allowed:
            raise LayoutError(
                f"{value!r} is not defined for Replay-Attack.",
                where=option,
                remedy=f"Choose one of {', '.join(word for word in allowed if word)}.",
            )


def _read_name(name: str, root: Path, dataset: str, people: str) -> Presentation | None:
    path = PurePosixPath(name)
    folders = path.parts[:-1]
    if not folders or folders[0] not in SPLITS:
        return None
    live, attack = _BONA_FIDE.fullmatch(path.name), _ATTACK.fullmatch(path.name)
    if live and folders[1:] == ("real",):
        client, light, _ = live.groups()
        label, species, detail = Label.BONA_FIDE, BONA_FIDE_SPECIES, ""
    elif attack and folders[1:-1] == ("attack",) and folders[-1] in SUPPORTS:
        device, client, source, kind, light = attack.groups()
        if (device, kind) not in INSTRUMENTS or source != _SOURCES[device]:
            return None
        label, species = Label.ATTACK, INSTRUMENTS[device, kind]
        detail = f"{device}_{kind}_{folders[-1]}"
    else:
        return None
    return Presentation(
        presentation=f"{people}/{path.with_suffix('')}",
        path=str(root / name),
        label=label,
        pai_species=species,
        capture_subject=f"{people}/client{client}",
        split=SPLITS[folders[0]],
        dataset=dataset,
        pai_detail=detail,
        session="session01",
        device="webcam",
        light=light,
        frame_rate_hz=FRAME_RATE_HZ,
    )


def _is_chosen(row: Presentation, protocol: str, light: str, support: str) -> bool:
    if light and row.light != light:
        return False
    if row.label is Label.BONA_FIDE:
        return True
    device, kind, held = row.pai_detail.split("_")
    return (device, kind) in PROTOCOLS[protocol] and support in ("", held)


def _refuse_misplaced(names: list[str], root: Path) -> None:
    if names:
        raise LayoutError(
            f"{len(names)} file(s) lie in a split that is not their client's:{listing(names)}\n",
            where=str(root),
            remedy="Put them back; `CLIENTS` has the published list, and moved clips leak people.",
        )


def _compare_with_lists(rows: list[Presentation], root: Path) -> None:
    """Where the release's own lists are there, they must name the same clips as we do."""
    for protocol, (folder, split) in product(PROTOCOLS, SPLITS.items()):
        path = root / "protocols" / f"attack-{protocol}-allsupports-{folder}.txt"
        if not path.is_file():
            continue
        listed = {str(PurePosixPath(line).with_suffix("")) for line in read_list(path)}
        ours = {
            row.presentation.partition("/")[2]
            for row in rows
            if row.split is split
            and row.label is Label.ATTACK
            and _is_chosen(row, protocol, "", "")
        }
        if listed != ours:
            raise UnknownNameError(
                f"names other clips than the protocol has:{listing(sorted(listed ^ ours))}\n",
                where=str(path),
                remedy="Copy the list again from the release.",
            )
