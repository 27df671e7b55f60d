"""Write a comparison of two periods as a page for people and JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bonafide.evaluation.drawing import (
    ALARM,
    LIVE,
    MUTED,
    VARIABLES,
    Drawing,
    Key,
    finish,
    new_axes,
)
from bonafide.evaluation.drift import ACCEPTED, REASON, SCORE, SILENT, Drift, RateChange, Shift
from bonafide.evaluation.report import environment, make_folder
from bonafide.evaluation.words import percent, stated, thousands

SCHEMA = "bonafide-drift-1"
PAGE, RECORD = "drift.html", "drift.json"
BINS = 40
WORDS = {
    SCORE: "score",
    "size_px": "face size (px)",
    "sharpness": "sharpness",
    "brightness": "brightness (grey levels)",
    "dark_share": "share of dark pixels",
    "bright_share": "share of bright pixels",
    "inside_share": "share of the face inside the picture",
    "yaw_deg": "yaw (degrees)",
    "pitch_deg": "pitch (degrees)",
    "roll_deg": "roll (degrees)",
    ACCEPTED: "accepted (of those answered)",
    SILENT: "without an answer (of all)",
}


def word(name: str) -> str:
    """What a measure is called on the page.

    >>> word("reason:no_face")
    'no answer: no face'
    """
    code = name.removeprefix(REASON)
    return f"no answer: {code.replace('_', ' ')}" if code != name else WORDS[name]


def write_drift(folder: Path, drift: Drift, date: str) -> None:
    """Write drift.html and drift.json into a folder, which is made if need be."""
    make_folder(folder)
    page = (
        environment()
        .get_template("drift.html.j2")
        .render(
            drift=drift,
            date=date,
            headline=headline(drift),
            drawings=[(one, draw_shift(one)) for one in drift.shifts],
            word=word,
            reading=reading,
            p_value=p_value,
            number=number,
            tiles=[one for one in drift.changes if one.name in (ACCEPTED, SILENT)],
            score=next((one for one in drift.shifts if one.name == SCORE), None),
        )
    )
    (folder / PAGE).write_text(page, encoding="utf-8")
    text = json.dumps(to_json(drift, date), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def headline(drift: Drift) -> list[str]:
    """The result in sentences."""
    n, m = thousands(len(drift.baseline)), thousands(len(drift.current))
    asked = len(drift.shifts) + len(drift.changes)
    settings = drift.settings
    if drift.alarms:
        text = f"Drift in {len(drift.alarms)} of {asked} measures."
    elif asked:
        text = "No drift that is both significant and large enough to matter."
    else:
        text = "Nothing could be compared."
    return [
        text,
        f"{n} presentations of the baseline against {m} of now, {asked} questions asked. An alarm "
        f"needs p < {settings.alpha:g} adjusted for all of them, and a change of at least "
        f"{stated(settings.min_rate_change)} in a rate, or of "
        f"{settings.min_stability_index:g} in the stability index.",
    ]


def reading(one: Shift | RateChange, drift: Drift) -> str:
    """What p value and size together allow to say."""
    if one.alarm:
        return "drift"
    if one.adjusted < drift.settings.alpha:
        return "little"
    return "none shown"


def p_value(value: float) -> str:
    """Two digits, and no claim of an impossible event.

    >>> p_value(0.0123), p_value(0.0)
    ('0.012', '< 1e-99')
    """
    return f"{value:.2g}" if value >= 1e-99 else "< 1e-99"


def number(value: float) -> str:
    """Three digits that say something.

    >>> [number(value) for value in (0.12345, 1234.5, -3.14159, 0.0)]
    ['0.123', '1234', '-3.14', '0']
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def draw_shift(shift: Shift) -> Drawing:
    """Both periods' histograms, each of area one, over the middle 99 % of both together."""
    together = np.concatenate(shift.values)
    low, high = np.quantile(together, [0.005, 0.995])
    if not low < high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    figure, axes = new_axes(2.1)
    colours = (MUTED, ALARM if shift.alarm else LIVE)
    for values, colour, filled in zip(shift.values, colours, (True, False), strict=True):
        counts, _ = np.histogram(np.clip(values, low, high), edges)
        height = counts / len(values)
        if filled:
            axes.stairs(height, edges, fill=True, color=colour, alpha=0.3)
        axes.stairs(height, edges, color=colour, linewidth=1.3)
    axes.set_yticks([])
    axes.grid(axis="y", visible=False)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, None)
    axes.set_xlabel(WORDS[shift.name])
    keys = (Key("baseline", VARIABLES[colours[0]]), Key("now", VARIABLES[colours[1]]))
    medians = " and ".join(map(number, shift.medians))
    return finish(
        figure,
        f"shift-{shift.name.replace('_', '-')}",
        keys,
        f"Histograms of {WORDS[shift.name]} in the baseline and now; medians {medians}.",
    )


def to_json(drift: Drift, date: str) -> dict[str, object]:
    """All figures as plain values; shares are 0..1."""
    periods = {"baseline": drift.baseline, "current": drift.current}
    return {
        "schema": SCHEMA,
        "date": date,
        "alarm": bool(drift.alarms),
        "alarms": list(drift.alarms),
        "settings": asdict(drift.settings),
        "periods": {
            name: {
                "source": period.source,
                "presentations": len(period),
                "decisions": period.decision.counts(),
                "models": list(period.models),
                "thresholds": list(period.thresholds),
            }
            for name, period in periods.items()
        },
        "shifts": {one.name: _shift_json(one) for one in drift.shifts},
        "changes": {one.name: _change_json(one) for one in drift.changes},
        "cautions": list(drift.cautions),
    }


def _shift_json(one: Shift) -> dict[str, object]:
    return {
        "rows": [len(values) for values in one.values],
        "medians": list(one.medians),
        "ks_distance": one.distance,
        "p_value": one.p_value,
        "p_adjusted": one.adjusted,
        "stability_index": one.index,
        "stability_index_expected": one.expected_index,
        "alarm": one.alarm,
    }


def _change_json(one: RateChange) -> dict[str, object]:
    return {
        "baseline": {"events": one.baseline.events, "trials": one.baseline.trials},
        "current": {"events": one.current.events, "trials": one.current.trials},
        "difference": one.difference,
        "interval": asdict(one.interval),
        "p_value": one.p_value,
        "p_adjusted": one.adjusted,
        "alarm": one.alarm,
    }


def lines(drift: Drift) -> list[str]:
    """The result for a terminal: headline, then what raised the alarm with its size."""
    found = headline(drift)
    for shift in (one for one in drift.shifts if one.alarm):
        found.append(
            f"  {word(shift.name)}: median {number(shift.medians[0])} -> "
            f"{number(shift.medians[1])}, stability index {number(shift.index)}"
        )
    for change in (one for one in drift.changes if one.alarm):
        found.append(
            f"  {word(change.name)}: {percent(change.baseline.value)} -> "
            f"{percent(change.current.value)}"
        )
    return found
