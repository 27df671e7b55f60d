"""The --data option of verbs that train: a sample table, or a data set to index first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.datasets.loaders import Asked
    from bonafide.types import Presentation

Data = Annotated[
    str, typer.Option(help="A samples.csv, or NAME:ROOT as in `index`, such as folder:PHOTOS.")
]
Protocol = Annotated[
    str | None, typer.Option(help="NAME:ROOT: the data set's protocol; see docs/datasets.md.")
]
Species = Annotated[
    list[str] | None,
    typer.Option(help="folder:ROOT: THEIR_NAME=SPECIES or =bona_fide; may be repeated."),
]
SplitSeed = Annotated[
    int | None, typer.Option(help="NAME:ROOT: draws people where the data state no split.")
]
Partial = Annotated[
    bool, typer.Option("--partial", help="NAME:ROOT: only a part of the files is there.")
]


@dataclass(frozen=True)
class Wanted:
    """How to index a data set; see `datasets.loaders.Asked`.

    Attributes:
        protocol: of the data set.
        species: THEIR_NAME=SPECIES, for a folder of folders.
        split_seed: draws people where the data state no split.
        partial: only a part of the files is there.
    """

    protocol: str | None
    species: list[str]
    split_seed: int | None
    partial: bool

    def is_given(self) -> bool:
        """Whether any of it was asked for."""
        return self != Wanted(None, [], None, False)


def table_of(data: str, wanted: Wanted, run: Path) -> Path:
    """The sample table that --data names.

    NAME:ROOT is indexed into RUN/samples.csv, with every file's SHA-256 and the record, which holds
    the seed and every split's people, beside it. A table that is there already is kept if it says
    the same of the same files; RUN/files.csv saves reading them all again for that.

    Raises:
        BonafideError: what the loader finds; options for a table that is indexed already; or the
            run was begun on other data.
    """
    from bonafide.cli.index import hashed
    from bonafide.datasets.loaders import LOADERS, load, write_record
    from bonafide.datasets.sample_table import digest_of, read_sample_table, write_sample_table

    name, colon, root = data.partition(":")
    if name not in LOADERS or not colon:
        if wanted.is_given():
            raise BonafideError(
                "--protocol, --species, --split-seed and --partial say how to index NAME:ROOT.",
                where=f"--data {data}",
                remedy=f"Leave them out with a table. Names are {', '.join(LOADERS)}.",
            )
        return Path(data)
    indexed = load(name, Path(root), _asked(wanted))
    table = run / "samples.csv"
    run.mkdir(parents=True, exist_ok=True)
    indexed = indexed._replace(rows=hashed(indexed.rows, run / "files.csv"))
    if table.exists():
        begun = read_sample_table(table)
        if digest_of(begun) != digest_of(indexed.rows):
            raise BonafideError(
                f"was begun on other data: {_difference(begun, indexed.rows)}.",
                where=str(run),
                remedy="Resume with the same data, or name another folder with -o.",
            )
        return table
    write_sample_table(table, indexed.rows)
    write_record(table, name, indexed)
    return table


def _difference(begun: list[Presentation], now: list[Presentation]) -> str:
    """How many rows came, went or changed, and one of them by name."""
    from bonafide.datasets.sample_table import digest_of

    before = {row.presentation: digest_of([row]) for row in begun}
    after = {row.presentation: digest_of([row]) for row in now}
    names = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
    told = [
        f"{sum(n not in before for n in names)} new",
        f"{sum(n not in after for n in names)} gone",
        f"{sum(n in before and n in after for n in names)} changed",
    ]
    return f"presentations {', '.join(told)}, such as {names[0]}" if names else "another order"


def _asked(wanted: Wanted) -> Asked:
    from bonafide.cli.index import pairs
    from bonafide.datasets.loaders import Asked

    return Asked(
        protocol=wanted.protocol,
        seed=wanted.split_seed,
        species=pairs(wanted.species, "--species"),
        partial=wanted.partial,
    )
