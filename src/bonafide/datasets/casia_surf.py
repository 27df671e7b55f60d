"""CASIA-SURF (2019): colour, depth and infrared photos of 1000 people; attacks are cut prints.

Source: Zhang et al., CVPR 2019 and T-BIOM 2020, and the lists of the CVPR 2019 challenge and of
the full release. Two layouts, told apart by their lists, which lie in the root:

    challenge  train_list.txt, val_private_list.txt, test_private_list.txt
               lines "color depth ir label", label 1 = BONA FIDE
               Training/{real_part,fake_part}/CLKJ_xxNNNN/<type>.rssdk/{color,depth,ir}/<n>.jpg
               Val/NNNN/NNNNNN-{color,depth,ir}.jpg, Testing/ likewise
    release    CASIA_SURF@p1_image_{train,dev,test}.txt
               lines "CASIA_SURF/Data/Training/.../color/0017.jpg label", label 0 = BONA FIDE
               Data/{Training,Val,Testing}/... as Training above

Traps: the two families have opposite labels, and each label is held against the folder
(real_part, fake_part) where there is one; the challenge's columns are colour, depth, infrared, and
a public loader reads them as colour, infrared, depth: every path is held against its modality.
Val and Testing of the challenge state no person: their rows share one subject a split,
"unstated_val" and "unstated_testing", and no person is made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bonafide.datasets.errors import (
    LayoutError,
    MissingFilesError,
    PolarityError,
    UnknownNameError,
    listing,
)
from bonafide.datasets.protocol import Counts, check_rows
from bonafide.datasets.species import PRINT_CUT
from bonafide.datasets.tree import (
    dataset_name,
    media_below,
    read_list,
    refuse_missing,
    refuse_unknown,
)
from bonafide.types import BONA_FIDE_SPECIES, Label, Presentation, Split

NAME = "casia_surf"
PUBLISHED: Counts = {
    Split.TRAIN: (8942, 29266 - 8942),
    Split.DEVELOPMENT: (2994, 9608 - 2994),
    Split.TEST: (17458, 57710 - 17458),
}
FOLDERS = {"Training": Split.TRAIN, "Val": Split.DEVELOPMENT, "Testing": Split.TEST}

# e, n, m: the region of the eyes, nose, mouth is cut out; s, b: flat, bent. Training attacks
# differ from the others by design.
ATTACK_TYPES = {
    Split.TRAIN: frozenset({"04_en_b", "05_enm_s", "06_enm_b"}),
    Split.DEVELOPMENT: frozenset({"01_e_s", "02_e_b", "03_en_s"}),
    Split.TEST: frozenset({"01_e_s", "02_e_b", "03_en_s"}),
}


@dataclass(frozen=True, slots=True)
class Family:
    """One family of lists.

    Attributes:
        lists: split -> file name in the root.
        labels: the lists' label words. The families have opposite ones.
        prefix: what paths start with in the lists, and not on disk below the root.
    """

    lists: Mapping[Split, str]
    labels: Mapping[str, Label]
    prefix: str


FAMILIES: dict[str, Family] = {
    "challenge": Family(
        lists={
            Split.TRAIN: "train_list.txt",
            Split.DEVELOPMENT: "val_private_list.txt",
            Split.TEST: "test_private_list.txt",
        },
        labels={"1": Label.BONA_FIDE, "0": Label.ATTACK},
        prefix="",
    ),
    "release": Family(
        lists={
            Split.TRAIN: "CASIA_SURF@p1_image_train.txt",
            Split.DEVELOPMENT: "CASIA_SURF@p1_image_dev.txt",
            Split.TEST: "CASIA_SURF@p1_image_test.txt",
        },
        labels={"0": Label.BONA_FIDE, "1": Label.ATTACK},
        prefix="CASIA_SURF/",
    ),
}

_PART = re.compile(
    r"(?P<data>Data/)?(?P<folder>Training|Val|Testing)/(?P<part>real_part|fake_part)/"
    r"(?P<person>CLKJ_[ABC]S\d{4})/(?P<type>\w+)\.rssdk/(?P<modality>color|depth|ir)/\d+\.jpg"
)
_TRIPLET = re.compile(r"(?P<folder>Val|Testing)/\d{4}/\d{6}-(?P<modality>color|depth|ir)\.jpg")


def casia_surf(root: Path, *, family: str = "", partial: bool = False) -> list[Presentation]:
    """The photos that one family of lists names.

    Args:
        root: the folder with the lists.
        family: a key of `FAMILIES`; "" takes the one of which there are lists.
        partial: only a part of the files is there; list entries without their files are left out.

    Raises:
        LayoutError: no list, or both families, or a line that is not understood.
        PolarityError: a label contradicts the folder; all are listed.
        UnknownNameError, MissingFilesError, CountError, LeakError: as they say, listing all.
    """
    chosen = FAMILIES[_choose_family(root, family)]
    lists = {}
    for split, name in chosen.lists.items():
        if (root / name).is_file():
            lists[split] = read_list(root / name)
        elif not partial:
            raise MissingFilesError(
                "is not there; without it the photos of its split have no labels.",
                where=str(root / name),
                remedy="The lists named 'public' have none. Or say that only a part is there.",
            )
    root = root.resolve()
    found = media_below(root)
    refuse_unknown([name for name in found if _match(name) is None], root, "CASIA-SURF")
    rows = rows_of_lists(lists, chosen, root)
    there = set(found)
    if not partial:
        refuse_missing([path for row in rows for path in _paths(row)], there, root)
    rows = [row for row in rows if there.issuperset(_paths(row))]
    check_rows(rows, published=PUBLISHED, partial=partial, where=str(root))
    return [_absolute(row, root) for row in rows]


def rows_of_lists(
    lists: Mapping[Split, Sequence[str]], family: Family, root: Path
) -> list[Presentation]:
    """Rows with paths relative to the root, from the lines of the lists; no file is looked for.

    Raises:
        LayoutError, PolarityError, UnknownNameError: as in `casia_surf`.
    """
    dataset, people = dataset_name(root, NAME)
    rows: list[Presentation] = []
    for split, lines in lists.items():
        bad, contradictions, strange = [], [], []
        for line in lines:
            parsed = _parse_line(line, split, family)
            if parsed is None:
                bad.append(line)
                continue
            match, paths, label = parsed
            if not _agrees(match, label):
                contradictions.append(line)
            elif not _has_known_type(match, split):
                strange.append(line)
            else:
                rows.append(_row(match, paths, label, split, dataset, people))
        _refuse_lines(bad, contradictions, strange, root / family.lists[split])
    return rows


def _choose_family(root: Path, family: str) -> str:
    present = [
        name
        for name, lists in FAMILIES.items()
        if any((root / file).is_file() for file in lists.lists.values())
    ]
    if family and family not in FAMILIES:
        problem = f"{family!r} is no family of lists."
    elif not present:
        problem = "holds no labelled list of CASIA-SURF."
    elif not family and len(present) > 1:
        problem = "holds lists of both families, whose labels are opposite."
    elif family and family not in present:
        problem = f"holds no list of the family {family!r}."
    else:
        return family or present[0]
    names = "; ".join(f"{key}: {', '.join(one.lists.values())}" for key, one in FAMILIES.items())
    raise LayoutError(
        problem,
        where=str(root),
        remedy=f"Put the lists into the root or name one family ({names}).",
    )


def _match(path: str) -> re.Match[str] | None:
    return _PART.fullmatch(path) or _TRIPLET.fullmatch(path)


def _parse_line(
    line: str, split: Split, family: Family
) -> tuple[re.Match[str], tuple[str, str, str], Label] | None:
    """(match of the colour path, colour, depth and infrared paths, label), or None."""
    *paths, word = line.split()
    paths = [path.removeprefix(family.prefix) for path in paths]
    match = _match(paths[0]) if paths else None
    if match is None or word not in family.labels or match["modality"] != "color":
        return None
    if FOLDERS[match["folder"]] is not split or bool(family.prefix) != paths[0].startswith("Data/"):
        return None
    depth, infrared = _other(paths[0], match, "depth"), _other(paths[0], match, "ir")
    if not family.prefix and paths[1:] != [depth, infrared]:
        return None
    if family.prefix and len(paths) != 1:
        return None
    return match, (paths[0], depth, infrared), family.labels[word]


def _other(path: str, match: re.Match[str], modality: str) -> str:
    start, end = match.span("modality")
    return path[:start] + modality + path[end:]


def _agrees(match: re.Match[str], label: Label) -> bool:
    part = match.groupdict().get("part")
    return part is None or (part == "real_part") == (label is Label.BONA_FIDE)


def _has_known_type(match: re.Match[str], split: Split) -> bool:
    part, kind = match.groupdict().get("part"), match.groupdict().get("type")
    if part is None:
        return True
    return kind == "real" if part == "real_part" else kind in ATTACK_TYPES[split]


def _row(
    match: re.Match[str],
    paths: tuple[str, str, str],
    label: Label,
    split: Split,
    dataset: str,
    people: str,
) -> Presentation:
    stated = match.groupdict()
    attack = label is Label.ATTACK
    person = stated.get("person") or f"unstated_{stated['folder'].lower()}"
    return Presentation(
        presentation=f"{people}/{paths[0].removesuffix('.jpg')}",
        path=paths[0],
        label=label,
        pai_species=PRINT_CUT if attack else BONA_FIDE_SPECIES,
        capture_subject=f"{people}/{person}",
        split=split,
        dataset=dataset,
        pai_detail=(stated.get("type") or "") if attack else "",
        depth_path=paths[1],
        infrared_path=paths[2],
    )


def _refuse_lines(
    bad: list[str], contradictions: list[str], strange: list[str], path: Path
) -> None:
    where = str(path)
    if bad:
        raise LayoutError(
            f"{len(bad)} line(s) are not of this list:{listing(bad)}\n",
            where=where,
            remedy="The challenge has 'color depth ir label' in this order; the release has "
            "'CASIA_SURF/Data/.../color/<n>.jpg label'.",
        )
    if contradictions:
        raise PolarityError(
            f"{len(contradictions)} label(s) contradict their folder:{listing(contradictions)}\n",
            where=where,
            remedy="In the challenge's lists 1 is bona fide, in the release's lists 0 is.",
        )
    if strange:
        raise UnknownNameError(
            f"{len(strange)} attack(s) are not of a type of this split:{listing(strange)}\n",
            where=where,
            remedy="Training has 04_en_b, 05_enm_s and 06_enm_b; Val and Testing 01 to 03.",
        )


def _paths(row: Presentation) -> tuple[str, str, str]:
    return row.path, row.depth_path, row.infrared_path


def _absolute(row: Presentation, root: Path) -> Presentation:
    path, depth, infrared = (str(root / name) for name in _paths(row))
    return replace(row, path=path, depth_path=depth, infrared_path=infrared)
