"""The data of a reproduction: the user's where a root was given, else the simulated twin."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bonafide.datasets.casia_surf import FAMILIES
from bonafide.datasets.file_digests import with_digests
from bonafide.datasets.loaders import LOADERS, Asked, load, write_record
from bonafide.datasets.protocol import count_rows
from bonafide.datasets.sample_table import digest_of, write_sample_table
from bonafide.datasets.tree import PROVENANCE
from bonafide.papers.twins import write_twin
from bonafide.types import BonafideError, Presentation, Split

TABLE, FILES = "samples.csv", "files.csv"

PARTS: dict[str, tuple[str, Asked]] = {
    "replay-attack-controlled": ("replay-attack", Asked(light="controlled")),
    "replay-attack-adverse": ("replay-attack", Asked(light="adverse")),
    "mip-2d": ("mipd", Asked(protocol="mip-2d")),
    "mip-3d": ("mipd", Asked(protocol="mip-3d")),
}
"""Parts of data sets that a table takes for data sets: (loader, what is asked of it)."""


@dataclass(frozen=True)
class PreparedData:
    """A data set, indexed and checked.

    Attributes:
        name: the loader's, such as "casia-fasd", or one of `PARTS`.
        folder: of the reproduction's files about it; its caches go there too.
        simulated: whether it is a twin and not the data set.
        digest: of the sample table, which holds the digests of its files.
        rows: the sample table.
        remarks: of the loader.
    """

    name: str
    folder: Path
    simulated: bool
    digest: str
    rows: tuple[Presentation, ...]
    remarks: tuple[str, ...]

    @property
    def table(self) -> Path:
        """The sample table's file."""
        return self.folder / TABLE

    @property
    def title(self) -> str:
        """As tables call it; a twin says that it is simulated."""
        part = self.name.removeprefix(f"{PARTS[self.name][0]}-") if self.name in PARTS else ""
        return ", ".join(word for word in (self.rows[0].dataset, part) if word)

    def subjects(self, split: Split) -> list[str]:
        """The people of a split, sorted."""
        return sorted({row.capture_subject for row in self.rows if row.split is split})

    def counts(self) -> dict[Split, tuple[int, int]]:
        """Split -> (bona fide, attacks)."""
        return count_rows(self.rows)


def parse_roots(options: list[str]) -> dict[str, Path]:
    """NAME=ROOT options as a mapping.

    Raises:
        BonafideError: an option is no pair, or names no known data set.
    """
    roots = {}
    for option in options:
        name, equals, root = option.partition("=")
        if not (equals and root) or name not in LOADERS:
            raise BonafideError(
                f"{option!r} is not NAME=ROOT.",
                where="--data",
                remedy=f"Such as casia-fasd=FOLDER; known names are {', '.join(LOADERS)}.",
            )
        roots[name] = Path(root)
    return roots


def prepare_data(
    name: str,
    roots: Mapping[str, Path],
    folder: Path,
    size: str,
    workers: int,
    on_clip: Callable[[int, int], None],
    *,
    stills: bool,
    on_file: Callable[[int, int], None] | None = None,
) -> PreparedData:
    """Index a data set, writing its twin first where the user has no copy.

    Args:
        name: the loader's, or one of `PARTS`.
        roots: what the user has, by loader.
        folder: for the sample table, caches and the twin; the parts of a data set share the twin,
            which lies beside this folder.
        size: of the twin, see `twins`.
        workers: processes that render the twin.
        on_clip: called with clips done and clips in all while it is rendered.
        stills: whether a few frames of each clip are enough.
        on_file: called with presentations done and in all while their files' digests are taken.

    Raises:
        BonafideError: what the loader finds; a file that cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    loader, asked = PARTS.get(name, (name, Asked()))
    root = roots.get(loader)
    if root is None:
        shared = folder.with_name(loader)
        root = write_twin(loader, shared, size, workers, on_clip, stills=stills)
    simulated = (root / PROVENANCE).is_file()
    if loader == "casia-surf":
        asked = replace(asked, protocol=_stated_people(root))
    indexed = load(loader, root, replace(asked, partial=simulated))
    done = itertools.count(1)
    told = on_file or (lambda _done, _total: None)
    rows = with_digests(indexed.rows, folder / FILES, lambda: told(next(done), len(indexed.rows)))
    indexed = indexed._replace(rows=rows)
    write_sample_table(folder / TABLE, indexed.rows)
    write_record(folder / TABLE, loader, indexed)
    return PreparedData(
        name,
        folder,
        simulated,
        digest_of(indexed.rows),
        tuple(indexed.rows),
        (*indexed.remarks, *([_provenance(root)] if simulated else [])),
    )


def _stated_people(root: Path) -> str | None:
    """CASIA-SURF's lists that state who is seen, where both families lie in the root."""
    release = FAMILIES["release"].lists.values()
    return "release" if any((root / name).is_file() for name in release) else None


def _provenance(root: Path) -> str:
    """What simulator, at which size and seed, drew a twin."""
    told = json.loads((root / PROVENANCE).read_text())
    words = [f"{key} {told[key]}" for key in ("size", "seed", "simulator_sha256") if key in told]
    return f"Simulated: {', '.join(words)}."
