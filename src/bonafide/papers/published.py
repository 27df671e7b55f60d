"""What a published table is: rows as printed, never corrected, with what is wrong about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bonafide.types import BonafideError


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of a paper's table.

    Attributes:
        group: what the row stands under, such as a data set or a scale group; "" without one.
        name: of the method, as printed.
        printed: column -> text as printed; "" where the table has a dash or nothing.
        section: where it stands, such as "Table II, section IV-B".
        flaw: why it cannot be right as printed; "" where nothing is known against it.
    """

    group: str
    name: str
    printed: Mapping[str, str]
    section: str
    flaw: str = ""

    def value(self, column: str) -> float | None:
        """The printed number in the column's unit (G for "30.919G"); None where there is none."""
        text = self.printed[column].rstrip("%G")
        return float(text) if text else None


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """A paper's table.

    Attributes:
        key: such as "ms-fans/3".
        title: what it compares, in our words.
        columns: headings of the numbers, with their units.
        rows: in the paper's order.
        note: what is wrong with, or to know about, the table as a whole.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    note: str = ""

    def row(self, name: str, group: str = "") -> PublishedRow:
        """The row of a method.

        Raises:
            BonafideError: there is none of that name in that group.
        """
        for row in self.rows:
            if (row.group, row.name) == (group, name):
                return row
        raise BonafideError(
            f"has no row {name!r} in group {group!r}.",
            where=self.key,
            remedy=f"Rows: {', '.join(f'{r.group} {r.name}'.strip() for r in self.rows)}.",
        )


Line = tuple[str, ...]
"""A name and the printed numbers, in the order of the columns."""


def rows_of(
    section: str,
    columns: Sequence[str],
    lines: Sequence[Line],
    *,
    group: str = "",
    flaws: Mapping[str, str] | None = None,
) -> tuple[PublishedRow, ...]:
    """Rows from lines of a name and its printed numbers.

    Args:
        section: of all these rows.
        columns: of the numbers.
        lines: see `Line`.
        group: of all these rows.
        flaws: name -> why its row cannot be right.

    >>> rows_of("Table I", ("EER %",), [("A", "5.20")])[0].value("EER %")
    5.2
    """
    flaws = flaws or {}
    strange = set(flaws) - {line[0] for line in lines}
    if strange:
        raise BonafideError(f"flaws of rows that do not exist: {sorted(strange)}.", where=section)
    return tuple(
        PublishedRow(
            group,
            name,
            dict(zip(columns, numbers, strict=True)),
            section,
            flaws.get(name, ""),
        )
        for name, *numbers in lines
    )


def transposed(
    section: str,
    columns: Sequence[str],
    names: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    group: str = "",
) -> tuple[PublishedRow, ...]:
    """Rows from a table printed with methods as columns: one line a measure, in their order."""
    by_name = zip(names, *lines, strict=True)
    return rows_of(section, columns, [tuple(line) for line in by_name], group=group)
