"""`bonafide index`: a data set's folder becomes a checked sample table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonafide.types import BonafideError

if TYPE_CHECKING:
    from bonafide.datasets.loaders import Indexed
    from bonafide.types import Presentation


Name = Annotated[
    str,
    typer.Argument(
        help="replay-attack, casia-fasd, msu-mfsd, oulu-npu, siw, casia-surf, mipd, manifest or "
        "folder; also folder:ROOT."
    ),
]
Root = Annotated[
    Path | None, typer.Argument(help="The data set's folder; for a manifest its file.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The sample table to write.")]
Protocol = Annotated[
    str | None, typer.Option(help="Protocol, scenario or list family; see docs/datasets.md.")
]
Fold = Annotated[int | None, typer.Option(help="Fold of protocols that have folds.")]
Seed = Annotated[
    int | None, typer.Option(help="Draws people where the data state no split. Default 0.")
]
Light = Annotated[str | None, typer.Option(help="Replay-Attack: controlled or adverse alone.")]
Support = Annotated[
    str | None, typer.Option(help="Replay-Attack: attacks held fixed or by hand alone.")
]
Dataset = Annotated[str | None, typer.Option(help="Manifest, folder: what to call the data.")]
Column = Annotated[
    list[str] | None, typer.Option(help="Manifest: FIELD=THEIR_COLUMN; may be repeated.")
]
LabelWord = Annotated[
    list[str] | None,
    typer.Option("--label", help="Manifest: THEIR_WORD=bona_fide or =attack; may be repeated."),
]
Species = Annotated[
    list[str] | None, typer.Option(help="Manifest, folder: THEIR_NAME=SPECIES; may be repeated.")
]
SplitWord = Annotated[
    list[str] | None,
    typer.Option("--split", help="Manifest: THEIR_WORD=train, =development or =test."),
]
SubjectPattern = Annotated[
    str | None, typer.Option(help="Folder: a regular expression with the group (?P<subject>...).")
]
Partial = Annotated[
    bool,
    typer.Option(
        "--partial", help="Only a part of the files is there: published numbers are not asserted."
    ),
]
Digests = Annotated[bool, typer.Option(help="Read every file to write its SHA-256 into the table.")]


def index(
    name: Name,
    root: Root = None,
    output: Output = Path("samples.csv"),
    protocol: Protocol = None,
    fold: Fold = None,
    seed: Seed = None,
    light: Light = None,
    support: Support = None,
    dataset: Dataset = None,
    column: Column = None,
    label: LabelWord = None,
    species: Species = None,
    split: SplitWord = None,
    subject_pattern: SubjectPattern = None,
    partial: Partial = False,
    digests: Digests = True,
) -> None:
    """Index a data set: check names, labels, people and numbers, and write its sample table."""
    from bonafide.datasets.loaders import Asked, load, record_path, write_record
    from bonafide.datasets.sample_table import write_sample_table

    if root is None:
        name, _, rest = name.partition(":")
        if not rest:
            raise BonafideError(
                "has no root.", where=name, remedy="Name the data set and then its folder."
            )
        root = Path(rest)
    asked = Asked(
        protocol=protocol,
        fold=fold,
        seed=seed,
        light=light,
        support=support,
        dataset=dataset,
        columns=pairs(column, "--column"),
        labels=pairs(label, "--label"),
        species=pairs(species, "--species"),
        splits=pairs(split, "--split"),
        subject_pattern=subject_pattern,
        partial=partial,
    )
    indexed = load(name, root, asked)
    if digests:
        indexed = indexed._replace(rows=hashed(indexed.rows))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_sample_table(output, indexed.rows)
    write_record(output, name, indexed)
    _report(indexed, output, record_path(output))


def pairs(options: list[str] | None, name: str) -> dict[str, str]:
    """LEFT=RIGHT options as a mapping; ``name`` is the option's, for the message."""
    mapping = {}
    for option in options or []:
        left, equals, right = option.partition("=")
        if not (left and equals and right):
            raise BonafideError(
                f"{option!r} is no pair.", where=name, remedy="Write it as LEFT=RIGHT."
            )
        mapping[left] = right
    return mapping


def hashed(rows: list[Presentation], memory: Path | None = None) -> list[Presentation]:
    """`file_digests.with_digests` under a bar."""
    from rich.console import Console
    from rich.progress import Progress

    from bonafide.datasets.file_digests import with_digests

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("SHA-256", total=len(rows))
        return with_digests(rows, memory, lambda: bar.advance(task))


def _report(indexed: Indexed, output: Path, record: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from bonafide.datasets.protocol import count_rows

    table = Table("split", "people", "bona fide", "attacks", box=None, header_style="bold")
    for name, (bona_fide, attacks) in count_rows(indexed.rows).items():
        people = {row.capture_subject for row in indexed.rows if row.split is name}
        table.add_row(name.value, str(len(people)), str(bona_fide), str(attacks))
    console = Console(highlight=False)
    console.print(table)
    for remark in indexed.remarks:
        console.print(remark, style="dim", markup=False)
    console.print(f"{len(indexed.rows)} presentations -> {output}, {record}", markup=False)
