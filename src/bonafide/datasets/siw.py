"""SiW, Spoof in the Wild (Michigan State University, 2018): clips of 165 people.

Source: the data set's page (naming, protocols) and Liu, Jourabloo, Liu, CVPR 2018. Layout:

    {Train,Test}/{live,spoof}/<Subject3>/<Subject>-<Sensor>-<Type>-<Medium>-<Session>.{mov,mp4}
    and .face beside the clips

Type 1 is live, 2 print, 3 replay. Trap: published lists of SiW say live = 1 where others of the
same authors say live = 0; no list is read here, and the label comes from the type number, which
must agree with the folder. There is no development part: one is made from train by whole people.
"""

from __future__ import annotations

import re
from pathlib import Path

from bonafide.datasets.errors import LayoutError, PolarityError, listing
from bonafide.datasets.protocol import DEFAULT_SEED, check_rows, with_development
from bonafide.datasets.species import PRINT, REPLAY
from bonafide.datasets.tree import dataset_name, media_below, refuse_unknown
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

NAME = "siw"
DEVELOPMENT_SHARE = 0.2
SPECIES_OF_TYPE = {1: BONA_FIDE_SPECIES, 2: PRINT, 3: REPLAY}
PEOPLE = {Split.TRAIN: 90, Split.TEST: 75}
CLIPS = 4478
FOLDS = {1: range(1), 2: range(1, 5), 3: range(1, 3)}
"""Protocol -> folds: 2 leaves replay medium k out, 3 trains on print (1) or on replay (2)."""

_CLIP = re.compile(
    r"(?P<split>Train|Test)/(?P<folder>live|spoof)/(?P<person>\d{3})/"
    r"(?P=person)-(?P<sensor>\d)-(?P<type>[123])-(?P<medium>\d)-(?P<session>\d)\.(?:mov|mp4)"
)
_FACE = re.compile(r"(Train|Test)/(live|spoof)/\d{3}/[\d-]+\.face")


def siw(
    root: Path,
    *,
    protocol: int = 1,
    fold: int = 0,
    seed: int = DEFAULT_SEED,
    partial: bool = False,
) -> list[Presentation]:
    """The clips of one protocol and fold, with a development part made from train.

    Args:
        root: the folder that holds Train and Test.
        protocol: 1 all clips; 2 replays alone, medium ``fold`` (1 to 4) held out for test; 3 train
            on prints and test on replays (fold 1), or the reverse (fold 2).
        fold: 0 in protocol 1.
        seed: draws the development people.
        partial: only a part of the files is there.

    Raises:
        LayoutError: there is no such protocol or fold, or the number of people or clips is not the
            published one.
        PolarityError: type and folder contradict each other; all are listed.
        UnknownNameError, LeakError, CountError: as they say, listing all.
    """
    if fold not in FOLDS.get(protocol, ()):
        raise LayoutError(
            f"SiW has no protocol {protocol} with fold {fold}.",
            where="protocol, fold",
            remedy="Protocol 1 has no fold (0), 2 has the folds 1 to 4, 3 has 1 and 2.",
        )
    root = root.resolve()
    found = media_below(root)
    matches = {name: _CLIP.fullmatch(name) for name in found}
    unknown = [name for name, match in matches.items() if not match and not _FACE.fullmatch(name)]
    refuse_unknown(unknown, root, "SiW")
    clips = {name: match for name, match in matches.items() if match}
    wrong = [name for name, match in clips.items() if (match["type"] == "1") != _is_live(match)]
    if wrong:
        raise PolarityError(
            f"{len(wrong)} clip(s) have a type that contradicts their folder:{listing(wrong)}\n",
            where=str(root),
            remedy="Type 1 belongs into live, 2 (print) and 3 (replay) into spoof.",
        )
    rows = [_row(name, match, root) for name, match in clips.items()]
    if not partial:
        _check_totals(rows, root)
    rows = with_development(rows, DEVELOPMENT_SHARE, seed, str(root))
    chosen = [row for row in rows if _is_chosen(row, protocol, fold)]
    check_rows(chosen, published=None, partial=partial, where=str(root))
    return chosen


def _is_live(match: re.Match[str]) -> bool:
    return match["folder"] == "live"


def _is_chosen(row: Presentation, protocol: int, fold: int) -> bool:
    if protocol == 1 or row.label is Label.BONA_FIDE:
        return True
    test = row.split is Split.TEST
    if protocol == 2:
        held_out = row.pai_detail == f"replay_medium{fold}"
        return row.pai_species == REPLAY and held_out == test
    trained_on = PRINT if fold == 1 else REPLAY
    return (row.pai_species == trained_on) != test


def _check_totals(rows: list[Presentation], root: Path) -> None:
    people = {
        split: len({row.capture_subject for row in rows if row.split is split}) for split in PEOPLE
    }
    if people != PEOPLE or len(rows) != CLIPS:
        raise LayoutError(
            f"{len(rows)} clips of {people[Split.TRAIN]} + {people[Split.TEST]} people found, "
            f"{CLIPS} of {PEOPLE[Split.TRAIN]} + {PEOPLE[Split.TEST]} published.",
            where=str(root),
            remedy="Complete the data, or say that only a part is there (partial).",
        )


def _row(name: str, match: re.Match[str], root: Path) -> Presentation:
    dataset, prefix = dataset_name(root, NAME)
    species = SPECIES_OF_TYPE[int(match["type"])]
    live = species == BONA_FIDE_SPECIES
    return Presentation(
        presentation=f"{prefix}/{name.rpartition('.')[0]}",
        path=str(root / name),
        label=Label.BONA_FIDE if live else Label.ATTACK,
        pai_species=species,
        capture_subject=f"{prefix}/{match['person']}",
        split=Split.TRAIN if match["split"] == "Train" else Split.TEST,
        dataset=dataset,
        pai_detail="" if live else f"{species}_medium{match['medium']}",
        session=match["session"],
        device=f"sensor{match['sensor']}",
    )
