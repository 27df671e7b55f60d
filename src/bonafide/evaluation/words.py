"""Numbers as a reader wants them."""

from __future__ import annotations

from bonafide.evaluation.intervals import Interval, Rate, rule_of_three

NOTHING = "–"


PERCENT = "\u00a0%"
"""With a space that does not break, so that no line begins with a percent sign."""


def percent(share: float | None, unit: str = PERCENT) -> str:
    """A share as a percentage with as many digits as help; a dash for None.

    >>> [percent(share, " %") for share in (0.02, 0.0012, 0, 1, None)]
    ['2.0 %', '0.12 %', '0 %', '100 %', '–']
    """
    if share is None:
        return NOTHING
    value = 100 * share
    if value in (0, 100):
        return f"{value:.0f}{unit}"
    if abs(value) < 0.995 or 99 < value < 100:
        return f"{value:.2f}{unit}"
    return f"{value:.1f}{unit}"


def stated(share: float) -> str:
    """A share somebody chose, as a percentage with the digits they gave it.

    >>> [stated(share).replace("\u00a0", " ") for share in (0.95, 0.05, 0.001)]
    ['95 %', '5 %', '0.1 %']
    """
    return f"{100 * share:.6g}{PERCENT}"


def bracket(interval: Interval | None) -> str:
    """An interval of shares in percent, such as "[0.4, 5.7]"; empty for None."""
    if interval is None:
        return ""
    return f"[{percent(interval.low, '')}, {percent(interval.high, '')}]"


def counted(one: Rate) -> str:
    """A rate with its counts and exact interval; the rule of three where nothing was seen.

    >>> from bonafide.evaluation.intervals import rate
    >>> print(counted(rate(3, 150)).replace("\u00a0", " "))
    3 / 150 = 2.0 % [0.41, 5.7]
    >>> print(counted(rate(0, 150)).replace("\u00a0", " "))
    0 / 150 = 0 % [0, 2.4], rule of three: below 2.0 %
    """
    if one.value is None:
        return f"{one.events} / {one.trials}: no data"
    text = f"{one.events} / {one.trials} = {percent(one.value)} {bracket(one.interval)}"
    if one.events == 0:
        text += f", rule of three: below {percent(rule_of_three(one.trials))}"
    return text


def thousands(count: int) -> str:
    """A count with thin spaces, such as 12 345."""
    return f"{count:,}".replace(",", "\u202f")
