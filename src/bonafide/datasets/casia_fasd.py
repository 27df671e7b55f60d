"""CASIA-FASD (also MFSD; CBSR, 2012): 600 clips of 50 people, 12 each.

Source: the data set's description and Idiap's public loader bob.db.casia_fasd. Layout:

    train_release/<1..20>/<video>.avi        test_release/<1..30>/<video>.avi

The VIDEO number alone says what a clip shows (`VIDEOS`); a folder never does. A widespread frame
dump (`s<subject>v<video>f<frame>.png`) files every HR_* frame under spoof, so that 10 359 genuine
HR_1 frames are mislabelled: `mislabelled_dump_frames` finds these in any folder or manifest.

The release has no development part. One is made from train, by whole people (a quarter: 5 of 20,
as in Idiap's 180/60/360), drawn by a seed; its list stands in the table and its record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bonafide.datasets.errors import LayoutError, PolarityError, listing
from bonafide.datasets.protocol import DEFAULT_SEED, Counts, check_rows, draw_subjects
from bonafide.datasets.species import PRINT_CUT, PRINT_WARPED, REPLAY
from bonafide.datasets.tree import dataset_name, media_below, refuse_missing, refuse_unknown
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

NAME = "casia_fasd"
PEOPLE = {"train_release": 20, "test_release": 30}
DEVELOPMENT_SHARE = 0.25


class Video(NamedTuple):
    """What a video number stands for."""

    label: Label
    species: str
    quality: str
    detail: str


def _bona_fide(quality: str) -> Video:
    return Video(Label.BONA_FIDE, BONA_FIDE_SPECIES, quality, "")


VIDEOS: dict[str, Video] = {
    "1": _bona_fide("normal"),
    "2": _bona_fide("low"),
    "HR_1": _bona_fide("high"),
    "3": Video(Label.ATTACK, PRINT_WARPED, "normal", "warped_photo"),
    "4": Video(Label.ATTACK, PRINT_WARPED, "low", "warped_photo"),
    "HR_2": Video(Label.ATTACK, PRINT_WARPED, "high", "warped_photo"),
    "5": Video(Label.ATTACK, PRINT_CUT, "normal", "cut_photo"),
    "6": Video(Label.ATTACK, PRINT_CUT, "low", "cut_photo"),
    "HR_3": Video(Label.ATTACK, PRINT_CUT, "high", "cut_photo"),
    "7": Video(Label.ATTACK, REPLAY, "normal", "video_replay"),
    "8": Video(Label.ATTACK, REPLAY, "low", "video_replay"),
    "HR_4": Video(Label.ATTACK, REPLAY, "high", "video_replay"),
}

SCENARIOS: dict[str, frozenset[str]] = {
    **{
        quality: frozenset(n for n, video in VIDEOS.items() if video.quality == quality)
        for quality in ("low", "normal", "high")
    },
    **{
        word: frozenset(n for n, video in VIDEOS.items() if video.species in (kind, "bona_fide"))
        for word, kind in (("warped", PRINT_WARPED), ("cut", PRINT_CUT), ("video", REPLAY))
    },
    "overall": frozenset(VIDEOS),
}
"""The seven official scenarios -> their video numbers."""

_CLIP = re.compile(r"(train_release|test_release)/([1-9]\d?)/(HR_[1-4]|[1-8])\.avi")
_DUMP = re.compile(r"s(\d+)v(HR_[1-4]|[1-8])f(\d+)\.(?:png|jpg|jpeg)", re.IGNORECASE)


def casia_fasd(
    root: Path, *, scenario: str = "overall", seed: int = DEFAULT_SEED, partial: bool = False
) -> list[Presentation]:
    """The clips of one scenario, with a development part made from train.

    Args:
        root: the folder that holds train_release and test_release.
        scenario: a key of `SCENARIOS`.
        seed: draws the people of the development part; the same people in every scenario.
        partial: only a part of the files is there.

    Raises:
        LayoutError: the scenario does not exist, or there are too few people.
        UnknownNameError, MissingFilesError, CountError: as they say, listing all.
    """
    if scenario not in SCENARIOS:
        raise LayoutError(
            f"{scenario!r} is no scenario of CASIA-FASD.",
            where="protocol",
            remedy=f"Choose one of {', '.join(SCENARIOS)}.",
        )
    root = root.resolve()
    found = media_below(root)
    matches = {name: _CLIP.fullmatch(name) for name in found}
    clips = {
        name: (match[1], int(match[2]), match[3])
        for name, match in matches.items()
        if match and int(match[2]) <= PEOPLE[match[1]]
    }
    refuse_unknown([name for name in found if name not in clips], root, "CASIA-FASD")
    if not partial:
        refuse_missing(complete_names(), found, root)
    people = {f"{person:02d}" for part, person, _ in clips.values() if part == "train_release"}
    held_out = draw_subjects(people, DEVELOPMENT_SHARE, seed, where=str(root))
    rows = [
        _row(name, part, person, video, held_out, root)
        for name, (part, person, video) in clips.items()
        if video in SCENARIOS[scenario]
    ]
    check_rows(rows, published=published_counts(scenario), partial=partial, where=str(root))
    return rows


def published_counts(scenario: str) -> Counts:
    """(bona fide, attacks) of each split: 15, 5 and 30 people with the scenario's videos each.

    >>> published_counts("overall")[Split.TEST]
    (90, 270)
    """
    labels = [VIDEOS[number].label for number in SCENARIOS[scenario]]
    bona_fide, attacks = labels.count(Label.BONA_FIDE), labels.count(Label.ATTACK)
    people = {Split.TRAIN: 15, Split.DEVELOPMENT: 5, Split.TEST: 30}
    return {split: (bona_fide * number, attacks * number) for split, number in people.items()}


def complete_names() -> list[str]:
    """The 600 names of the complete data set, relative to the root."""
    return sorted(
        f"{part}/{person}/{video}.avi"
        for part, people in PEOPLE.items()
        for person in range(1, people + 1)
        for video in VIDEOS
    )


def mislabelled_dump_frames(labelled: Iterable[tuple[str, Label]]) -> list[str]:
    """Of (path, label), the frames of the known dump whose video number says otherwise.

    >>> mislabelled_dump_frames([("spoof/s1vHR_1f9.png", Label.ATTACK)])
    ['spoof/s1vHR_1f9.png']
    >>> mislabelled_dump_frames([("live/s1v1f9.png", Label.BONA_FIDE)])
    []
    """
    wrong = []
    for path, label in labelled:
        match = _DUMP.fullmatch(PurePosixPath(path).name)
        if match and VIDEOS[match[2].upper()].label is not label:
            wrong.append(path)
    return wrong


def refuse_mislabelled_dump(labelled: Iterable[tuple[str, Label]], where: str) -> None:
    """Raise an error that lists the frames of `mislabelled_dump_frames`, unless there are none.

    Raises:
        PolarityError: as said.
    """
    wrong = mislabelled_dump_frames(labelled)
    if wrong:
        raise PolarityError(
            f"{len(wrong)} frame(s) of CASIA-FASD carry a label that their video number "
            f"contradicts (1, 2 and HR_1 are bona fide):{listing(wrong)}\n",
            where=where,
            remedy="Index the released clips (casia-fasd), or label by the video number.",
        )


def _row(
    name: str, part: str, person: int, video: str, held_out: set[str], root: Path
) -> Presentation:
    meaning = VIDEOS[video]
    dataset, prefix = dataset_name(root, NAME)
    if part == "test_release":
        # Folders count from 1 again in test: person 21 of the data set is its folder 1.
        subject, split = 20 + person, Split.TEST
    else:
        subject = person
        split = Split.DEVELOPMENT if f"{person:02d}" in held_out else Split.TRAIN
    return Presentation(
        presentation=f"{prefix}/{name.removesuffix('.avi')}",
        path=str(root / name),
        label=meaning.label,
        pai_species=meaning.species,
        capture_subject=f"{prefix}/{subject:02d}",
        split=split,
        dataset=dataset,
        pai_detail=meaning.detail,
        quality=meaning.quality,
    )
