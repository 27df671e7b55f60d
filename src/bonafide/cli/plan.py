"""`bonafide plan`: how many presentations a claim needs."""

from __future__ import annotations

from typing import Annotated

import typer

from bonafide.types import BonafideError


def plan(
    apcer: Annotated[float | None, typer.Option(help="Claim: APCER below this share.")] = None,
    bpcer: Annotated[float | None, typer.Option(help="Claim: BPCER below this share.")] = None,
    confidence: Annotated[float, typer.Option(help="One-sided confidence.")] = 0.95,
    errors: Annotated[int, typer.Option(min=0, help="Plan for up to this many errors.")] = 3,
    per_subject: Annotated[
        int, typer.Option(min=1, help="Presentations of each person (per species).")
    ] = 1,
    correlation: Annotated[
        float, typer.Option(help="How alike errors of one person are, 0 to 1.")
    ] = 0.1,
    true_rate: Annotated[
        float | None, typer.Option(help="Hoped for true rate; default a fifth of the claim.")
    ] = None,
) -> None:
    """Say how many presentations, of how many people, a claim about APCER or BPCER needs."""
    from rich.console import Console
    from rich.table import Table

    from bonafide.evaluation.plan import plan as make_plan
    from bonafide.evaluation.words import percent, stated

    claims = [(n, rate) for n, rate in (("APCER", apcer), ("BPCER", bpcer)) if rate is not None]
    if not claims:
        raise BonafideError("no claim to plan for.", where="plan", remedy="Give --apcer 0.05.")
    console = Console()
    for name, rate in claims:
        rows = make_plan(
            rate,
            confidence,
            most_errors=errors,
            per_subject=per_subject,
            correlation=correlation,
            true_rate=true_rate,
        )
        each = ", for EACH species" if name == "APCER" else ""
        console.print(
            f"To show {name} below {stated(rate)} with {stated(confidence)} confidence{each}:",
            highlight=False,
        )
        table = Table()
        for heading in ("errors allowed", "presentations", "people", "if independent"):
            table.add_column(heading, justify="right")
        table.add_column(f"chance to pass at a true {stated(rows[0].true_rate)}", justify="right")
        for row in rows:
            numbers = (row.allowed_errors, row.presentations, row.subjects, row.independent)
            table.add_row(*map(str, numbers), percent(row.chance))
        console.print(table)
    if per_subject > 1:
        console.print(
            f"{per_subject} presentations a person with correlation {correlation:g} weigh as much "
            f"as {per_subject / (1 + (per_subject - 1) * correlation):.1f} of different people.",
            highlight=False,
        )
