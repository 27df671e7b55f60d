"""OULU-NPU (University of Oulu, 2017): 4950 clips of 55 people by six phones.

Source: Boulkenafet et al., "OULU-NPU: A mobile face presentation attack database", FG 2017, and
the public loader bob.db.oulunpu. Layout below the root:

    {Train,Dev,Test}_files/<Phone>_<Session>_<User>_<File>.avi       (and .txt, eye positions)
    Protocols/Protocol_{1,2}/{Train,Dev,Test}.txt
    Protocols/Protocol_{3,4}/{Train,Dev,Test}_{1..6}.txt             lines "+1,1_1_01_1"

A list's label is +1 bona fide, -1 print, -2 replay; it must agree with the name's file number.
Traps: protocol 4 has 20 bona fide test clips a fold, so BPCER moves in steps of 5 %; early
releases hide the test names behind five hexadecimal digits, and with them phone, session and
person: those rows share the one subject "unstated_test", and no person is made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bonafide.datasets.errors import CountError, LayoutError, PolarityError, listing
from bonafide.datasets.protocol import Counts, check_rows
from bonafide.datasets.species import PRINT, REPLAY
from bonafide.datasets.tree import (
    dataset_name,
    media_below,
    read_list,
    refuse_missing,
    refuse_unknown,
)
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

NAME = "oulu_npu"
PARTS = {"Train": Split.TRAIN, "Dev": Split.DEVELOPMENT, "Test": Split.TEST}
USERS = {"Train": range(1, 21), "Dev": range(21, 36), "Test": range(36, 56)}
TOTALS = {"Train": 1800, "Dev": 1350, "Test": 1800}
PHONES, SESSIONS, FILES = range(1, 7), range(1, 4), range(1, 6)
FOLDS = range(1, 7)

LABELS = {"+1": BONA_FIDE_SPECIES, "-1": PRINT, "-2": REPLAY}
FILE_SPECIES = {1: BONA_FIDE_SPECIES, 2: PRINT, 3: PRINT, 4: REPLAY, 5: REPLAY}
FILE_DETAILS = {1: "", 2: "print1", 3: "print2", 4: "replay1", 5: "replay2"}


class Conditions(NamedTuple):
    """What one part of a protocol takes."""

    phones: frozenset[int]
    sessions: frozenset[int]
    files: frozenset[int]


PUBLISHED: dict[int, Counts] = {
    1: {Split.TRAIN: (240, 960), Split.DEVELOPMENT: (180, 720), Split.TEST: (120, 480)},
    2: {Split.TRAIN: (360, 720), Split.DEVELOPMENT: (270, 540), Split.TEST: (360, 720)},
    3: {Split.TRAIN: (300, 1200), Split.DEVELOPMENT: (225, 900), Split.TEST: (60, 240)},
    4: {Split.TRAIN: (200, 400), Split.DEVELOPMENT: (150, 300), Split.TEST: (20, 40)},
}
"""Protocol -> published numbers, those of each fold in protocols 3 and 4."""

_NAME = re.compile(r"([1-6])_([1-3])_(\d\d)_([1-5])")
_HIDDEN = re.compile(r"[0-9A-Fa-f]{5}")
_FILE = re.compile(r"(Train|Dev|Test)_files/([^/]+)\.avi")


def oulu_npu(
    root: Path, *, protocol: int = 1, fold: int = 0, partial: bool = False
) -> list[Presentation]:
    """The clips of one protocol and fold, as the release's lists name them.

    Args:
        root: the folder that holds Train_files, Dev_files, Test_files and Protocols.
        protocol: 1 to 4.
        fold: 1 to 6 in protocols 3 and 4, the phone that is held out; 0 in 1 and 2.
        partial: only a part of the files is there; list entries without a file are left out.

    Raises:
        LayoutError: protocol, fold or a list's line does not exist, or breaks the protocol's rule.
        PolarityError: a list's label contradicts a name; all are listed.
        UnknownNameError, MissingFilesError, CountError: as they say, listing all.
    """
    conditions = {part: part_conditions(protocol, fold, part) for part in PARTS}
    root = root.resolve()
    found = media_below(root)
    refuse_unknown([name for name in found if not _is_known(name)], root, "OULU-NPU")
    if not partial:
        _check_totals(found, root)
    rows: list[Presentation] = []
    expected: list[str] = []
    there = set(found)
    for part in PARTS:
        path = list_path(root, protocol, fold, part)
        entries = _read_entries(path, part, conditions[part])
        expected += [f"{part}_files/{name}.avi" for name in entries]
        rows += [
            _row(name, species, part, root)
            for name, species in entries.items()
            if f"{part}_files/{name}.avi" in there
        ]
    if not partial:
        refuse_missing(expected, found, root)
    check_rows(rows, published=PUBLISHED[protocol], partial=partial, where=str(root))
    return rows


def part_conditions(protocol: int, fold: int, part: str) -> Conditions:
    """The phones, sessions and files that "Train", "Dev" or "Test" of a protocol takes.

    >>> sorted(part_conditions(4, 2, "Test").phones)
    [2]

    Raises:
        LayoutError: there is no such protocol or fold.
    """
    if protocol not in PUBLISHED or (fold in FOLDS) != (protocol in (3, 4)) or fold < 0:
        raise LayoutError(
            f"OULU-NPU has no protocol {protocol} with fold {fold}.",
            where="protocol, fold",
            remedy="Protocols 1 and 2 have no fold (0); 3 and 4 have the folds 1 to 6.",
        )
    test = part == "Test"
    phones, sessions, files = set(PHONES), set(SESSIONS), set(FILES)
    if protocol in (1, 4):
        sessions = {3} if test else {1, 2}
    if protocol in (2, 4):
        files = {1, 3, 5} if test else {1, 2, 4}
    if protocol in (3, 4):
        phones = {fold} if test else phones - {fold}
    return Conditions(frozenset(phones), frozenset(sessions), frozenset(files))


def part_names(protocol: int, fold: int, part: str) -> list[str]:
    """The names that a protocol's rule gives "Train", "Dev" or "Test", sorted."""
    phones, sessions, files = part_conditions(protocol, fold, part)
    return sorted(
        f"{phone}_{session}_{user:02d}_{file}"
        for phone in phones
        for session in sessions
        for user in USERS[part]
        for file in files
    )


def list_path(root: Path, protocol: int, fold: int, part: str) -> Path:
    """Where the release has a part's list."""
    name = f"{part}_{fold}.txt" if fold else f"{part}.txt"
    return root / "Protocols" / f"Protocol_{protocol}" / name


def _is_known(name: str) -> bool:
    match = _FILE.fullmatch(name)
    if match is None:
        return False
    part, stem = match.groups()
    named = _NAME.fullmatch(stem)
    if named is None:
        return part == "Test" and _HIDDEN.fullmatch(stem) is not None
    return int(named[3]) in USERS[part]


def _check_totals(found: list[str], root: Path) -> None:
    wrong = []
    for part, total in TOTALS.items():
        number = sum(name.startswith(f"{part}_files/") for name in found)
        if number != total:
            wrong.append(f"{part}_files: {number} clips found, {total} published")
    if wrong:
        raise CountError(
            f"the data set is not complete:{listing(wrong)}\n",
            where=str(root),
            remedy="Complete the data, or say that only a part is there (partial).",
        )


def _read_entries(path: Path, part: str, conditions: Conditions) -> dict[str, str]:
    """Name -> species of one list; every bad line is reported, not only the first."""
    entries: dict[str, str] = {}
    bad, contradictions = [], []
    for line in read_list(path):
        label, _, name = line.partition(",")
        species = LABELS.get(label.strip())
        name = name.strip()
        if species is None or name in entries or not _obeys(name, part, conditions):
            bad.append(line)
            continue
        named = _NAME.fullmatch(name)
        if named and FILE_SPECIES[int(named[4])] != species:
            contradictions.append(line)
        entries[name] = species
    if bad:
        raise LayoutError(
            f"{len(bad)} line(s) are not of this protocol (an unknown label, a name that stands "
            f"twice, or one that the protocol's rule excludes):{listing(bad)}\n",
            where=str(path),
            remedy='Lines read like "+1,1_1_01_1", with +1 bona fide, -1 print, -2 replay.',
        )
    if contradictions:
        raise PolarityError(
            f"{len(contradictions)} label(s) contradict the file number in the name (1 bona "
            f"fide, 2 and 3 print, 4 and 5 replay):{listing(contradictions)}\n",
            where=str(path),
            remedy="Copy the list again; +1 is bona fide in OULU-NPU.",
        )
    return entries


def _obeys(name: str, part: str, conditions: Conditions) -> bool:
    named = _NAME.fullmatch(name)
    if named is None:
        return part == "Test" and _HIDDEN.fullmatch(name) is not None
    phone, session, user, file = (int(number) for number in named.groups())
    return (
        user in USERS[part]
        and phone in conditions.phones
        and session in conditions.sessions
        and file in conditions.files
    )


def _row(name: str, species: str, part: str, root: Path) -> Presentation:
    dataset, prefix = dataset_name(root, NAME)
    stated: Mapping[str, str] = {"subject": "unstated_test"}
    named = _NAME.fullmatch(name)
    if named:
        phone, session, user, file = named.groups()
        stated = {
            "subject": user,
            "device": f"phone{phone}",
            "session": f"session{session}",
            "detail": FILE_DETAILS[int(file)],
        }
    return Presentation(
        presentation=f"{prefix}/{part}_files/{name}",
        path=str(root / f"{part}_files" / f"{name}.avi"),
        label=Label.BONA_FIDE if species == BONA_FIDE_SPECIES else Label.ATTACK,
        pai_species=species,
        capture_subject=f"{prefix}/{stated['subject']}",
        split=PARTS[part],
        dataset=dataset,
        pai_detail=stated.get("detail", ""),
        session=stated.get("session", ""),
        device=stated.get("device", ""),
    )
