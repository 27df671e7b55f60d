"""MIPD, the multi-image-patterns data of the cascade paper: colour, depth and infrared.

No public layout of it is known, and the data are not public. So the layout here is this toolkit's
own; whoever holds the data writes two manifests, and the simulated twin writes the same:

    MIP-2D/manifest.csv     MIP-3D/manifest.csv      (media anywhere below)

with the columns path, depth_path, infrared_path, label (bona_fide or attack), pai_species,
capture_subject, split (train, test or also development), and any other of a sample table.
MIP-2D holds print ("flatted"), print_warped ("curved") and replay, MIP-3D masks and heads
(paper, section IV-A). The same person carries the same subject in both parts.

The paper has no development part. Where the manifests state none, one is made from train, a fifth
of the people, drawn by a seed. No published number is asserted: the totals of the paper's table II
are not the sums of its columns, and part of its numbers repeat table I.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bonafide.datasets.errors import LayoutError, UnknownNameError, listing
from bonafide.datasets.manifest import ManifestForm, rows_of_manifest
from bonafide.datasets.protocol import DEFAULT_SEED, check_rows, with_development
from bonafide.datasets.species import (
    DISPLAY,
    HEAD,
    MASK_FLEXIBLE,
    MASK_PAPER,
    MASK_RIGID,
    PRINT,
    PRINT_WARPED,
    REPLAY,
)
from bonafide.datasets.tree import dataset_name, refuse_missing
from bonafide.types import BONA_FIDE_SPECIES, Presentation

NAME = "mipd"
DEVELOPMENT_SHARE = 0.2

PARTS: dict[str, frozenset[str]] = {
    "MIP-2D": frozenset({PRINT, PRINT_WARPED, DISPLAY, REPLAY}),
    "MIP-3D": frozenset({MASK_PAPER, MASK_RIGID, MASK_FLEXIBLE, HEAD}),
}
"""Part -> the species that it may hold."""

PROTOCOLS = {"mip-2d": ("MIP-2D",), "mip-3d": ("MIP-3D",), "mipd": ("MIP-2D", "MIP-3D")}


def mipd(
    root: Path, *, protocol: str = "mipd", seed: int = DEFAULT_SEED, partial: bool = False
) -> list[Presentation]:
    """The rows of one part, or of both.

    Args:
        root: the folder that holds MIP-2D and MIP-3D.
        protocol: a key of `PROTOCOLS`.
        seed: draws the development people when the manifests state none.
        partial: rows whose files are not there are left out, and splits may be absent.

    Raises:
        LayoutError: the protocol does not exist, or a manifest cannot be read.
        UnknownNameError, MissingFilesError, LeakError: as they say, listing all.
    """
    if protocol not in PROTOCOLS:
        raise LayoutError(
            f"{protocol!r} is not defined for MIPD.",
            where="protocol",
            remedy=f"Choose one of {', '.join(PROTOCOLS)}.",
        )
    rows: list[Presentation] = []
    for part in PROTOCOLS[protocol]:
        rows += _read_part(root, part)
    absent = {
        media
        for row in rows
        for media in (row.path, row.depth_path, row.infrared_path)
        if not Path(media).is_file()
    }
    if not partial:
        refuse_missing(sorted(absent), (), root)
    rows = [row for row in rows if absent.isdisjoint((row.path, row.depth_path, row.infrared_path))]
    rows = with_development(rows, DEVELOPMENT_SHARE, seed, str(root))
    check_rows(rows, published=None, partial=partial, where=str(root))
    return rows


def _read_part(root: Path, part: str) -> list[Presentation]:
    path = root / part / "manifest.csv"
    dataset, prefix = dataset_name(root, NAME)
    rows = [
        replace(
            row,
            presentation=f"{prefix}/{part}/{row.presentation.removeprefix(f'{prefix}/')}",
            dataset=dataset,
        )
        for row in rows_of_manifest(path, ManifestForm(dataset=prefix))
    ]
    flat = [row.presentation for row in rows if not (row.depth_path and row.infrared_path)]
    strange = [
        f"{row.presentation}: {row.pai_species}"
        for row in rows
        if row.pai_species not in PARTS[part] | {BONA_FIDE_SPECIES}
    ]
    if flat:
        raise LayoutError(
            f"{len(flat)} row(s) lack a depth or an infrared file:{listing(flat)}\n",
            where=str(path),
            remedy="Every capture of MIPD has all three.",
        )
    if strange:
        raise UnknownNameError(
            f"{len(strange)} attack(s) are of no species of {part}:{listing(strange)}\n",
            where=str(path),
            remedy=f"{part} holds {', '.join(sorted(PARTS[part]))}.",
        )
    return rows
