"""`bonafide audit`: what is wrong with a sample table, as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bonafide.datasets.audit import Audit

LEAKS_FOUND = 1


def audit(
    table: Annotated[Path, typer.Argument(help="A sample table, such as samples.csv.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML page to write.")] = Path(
        "audit.html"
    ),
    seed: Annotated[int, typer.Option(help="Folds and shuffles of the shortcut probes.")] = 0,
    thumbnails: Annotated[
        bool, typer.Option(help="Put pictures of look-alikes on the page; they show people.")
    ] = False,
) -> None:
    """Audit a sample table: leaks, look-alikes across splits, shortcuts, balance.

    The exit code is 1 when people or files stand in more than one split or a file has both labels.
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from bonafide.datasets.audit import audit as run_audit
    from bonafide.datasets.audit_page import write_audit_page
    from bonafide.datasets.loaders import record_path
    from bonafide.datasets.sample_table import read_sample_table

    rows = read_sample_table(table)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("reading media", total=len(rows))
        found = run_audit(rows, seed=seed, on_row=lambda: progress.advance(task))
    record = record_path(table)
    remarks = json.loads(record.read_text())["remarks"] if record.is_file() else []
    output.parent.mkdir(parents=True, exist_ok=True)
    write_audit_page(output, found, title=table.name, remarks=remarks, thumbnails=thumbnails)
    _report(found, output)
    if found.leaks:
        raise typer.Exit(LEAKS_FOUND)


def _report(found: Audit, output: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    tested = sum(probe.auc is not None for probe in found.probes)
    outside = [probe for probe in found.probes if probe.is_outside]
    for number, what in (
        (len(found.shared_subjects), "people in more than one split"),
        (sum(same.across_splits for same in found.same_files), "same files across splits"),
        (sum(same.across_labels for same in found.same_files), "same files under both labels"),
        (len(found.look_alikes), "look-alike pairs across splits"),
        (len(found.unreadable), "files that cannot be read"),
        (len(outside), f"of {tested} shortcut probes above chance"),
    ):
        console.print(f"{number:6d}  {what}", markup=False)
    for probe in outside:
        console.print(
            f"        {probe.name}: AUC {probe.auc:.3f}, chance {probe.low:.3f} to "
            f"{probe.high:.3f}",
            markup=False,
        )
    console.print(f"-> {output}", markup=False)
