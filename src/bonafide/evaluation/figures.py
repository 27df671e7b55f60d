"""The report's figures. They draw what `assessment` has computed and compute nothing."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bonafide.decision.scores import Floats
from bonafide.evaluation.assessment import Assessment
from bonafide.evaluation.breakdown import Group
from bonafide.evaluation.curves import POOLED, WORST, Curve
from bonafide.evaluation.distributions import Calibration, Histograms
from bonafide.evaluation.drawing import (
    ALARM,
    DASHES,
    FONT_PX,
    GRID,
    INK,
    LIVE,
    MUTED,
    VARIABLES,
    Drawing,
    Key,
    finish,
    label,
    new_axes,
    species_style,
)
from bonafide.evaluation.intervals import Rate
from bonafide.evaluation.words import percent
from bonafide.types import BONA_FIDE_SPECIES

TICKS = (0.0001, 0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
MOST_CONDITION_ROWS = 40
COLUMN_WORDS = {"pai_detail": "instrument", "dataset": "data set"}


def draw_all(assessment: Assessment) -> dict[str, Drawing]:
    """Every figure that the data allows, by name: det, roc, scores, conditions, calibration."""
    drawings = {}
    if assessment.curves:
        drawings["det"] = draw_det(assessment)
        drawings["roc"] = draw_roc(assessment)
    if assessment.histograms is not None:
        drawings["scores"] = draw_scores(assessment.histograms, assessment.point.threshold)
    if assessment.groups:
        drawings["conditions"] = draw_conditions(assessment.groups)
    if assessment.calibration is not None:
        drawings["calibration"] = draw_calibration(assessment.calibration)
    return drawings


def draw_det(assessment: Assessment) -> Drawing:
    """APCER against BPCER on probit axes, a curve for each species and for the worst."""
    rates = assessment.rates
    ends = [1 / (2 * rates.bpcer.trials)] + [
        1 / (2 * one.trials) for one in rates.apcer_by_species.values() if one.trials
    ]
    figure, axes = new_axes()
    names = [name for name in assessment.curves if name not in (WORST, POOLED)]
    shares = [one.value or 0 for one in rates.apcer_by_species.values()]
    shares += [rates.bpcer.value or 0, assessment.figures["eer"].value or 0]
    low = set_probit_axes(axes, min(ends), max(shares))
    keys = []
    for number, name in enumerate(names):
        colour, dash = species_style(number)
        one = rates.apcer_by_species[name]
        draw_curve(axes, assessment.curves[name], colour, dash, 1.2, low)
        mark_point(axes, one.value, rates.bpcer.value, colour, low)
        keys.append(Key(name, VARIABLES[colour], dash))
    if WORST in assessment.curves:
        draw_curve(axes, assessment.curves[WORST], INK, 0, 0.7, low)
        keys.append(Key(WORST, VARIABLES[INK]))
    return finish(
        figure,
        "det",
        tuple(keys),
        "DET curves: share of bona fide refused against share of attacks accepted at every "
        "threshold, for each species; circles mark the operating point.",
    )


def set_probit_axes(axes: Axes, end: float, highest: float) -> float:
    """Probit axes from a tick at or below ``end`` to one above ``highest``; returns the lower."""
    low = max([tick for tick in TICKS if tick <= end], default=TICKS[0])
    high = next(tick for tick in (0.6, 0.8, 0.95, 0.999) if highest < tick or tick == 0.999)
    ticks = [tick for tick in TICKS if low <= tick <= high]

    normal = NormalDist()

    def forward(share: Floats) -> Floats:
        inside = np.clip(share, 1e-6, 1 - 1e-6)
        return np.asarray(np.vectorize(normal.inv_cdf, otypes=[np.float64])(inside))

    def inverse(position: Floats) -> Floats:
        return np.asarray(np.vectorize(normal.cdf, otypes=[np.float64])(position))

    for set_scale, axis in ((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis)):
        set_scale("function", functions=(forward, inverse))
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set(xlabel="attacks accepted (APCER)", ylabel="bona fide refused (BPCER)")
    return low


def draw_curve(axes: Axes, curve: Curve, colour: str, dash: int, width: float, low: float) -> None:
    """A curve in a marker colour; rates below ``low`` are drawn on the border."""
    axes.plot(
        np.maximum(curve.apcer, low),
        np.maximum(curve.bpcer, low),
        color=colour,
        linewidth=width,
        linestyle=DASHES[dash],
        solid_joinstyle="miter",
    )


def mark_point(axes: Axes, x: float | None, y: float | None, colour: str, low: float) -> None:
    """A circle at an operating point; nothing when a rate is missing."""
    if x is not None and y is not None:
        axes.plot(
            max(x, low), max(y, low), "o", color=colour, markersize=6, clip_on=False, zorder=5
        )


def draw_roc(assessment: Assessment) -> Drawing:
    """Share of bona fide accepted against share of all attacks accepted, log scale."""
    curve, rates = assessment.curves[POOLED], assessment.rates
    figure, axes = new_axes()
    low = 10.0 ** np.floor(np.log10(1 / (2 * rates.attacks_accepted.trials)))
    axes.plot(np.maximum(curve.apcer, low), 1 - curve.bpcer, color=INK, linewidth=1.3)
    accepted, refused = rates.attacks_accepted.value, rates.bpcer.value
    if accepted is not None and refused is not None:
        axes.plot(max(accepted, low), 1 - refused, "o", color=ALARM, markersize=6, clip_on=False)
    axes.set_xscale("log")
    axes.set_xlim(low, 1)
    axes.set_ylim(0, 1.01)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
    axes.set_xlabel("attacks accepted, all species together")
    axes.set_ylabel("bona fide accepted")
    return finish(
        figure,
        "roc",
        (Key("all attacks", VARIABLES[INK]), Key("operating point", VARIABLES[ALARM])),
        "ROC curve: share of bona fide accepted against share of all attacks accepted at every "
        "threshold.",
    )


def draw_scores(histograms: Histograms, threshold: float) -> Drawing:
    """Score histograms one above the other, each scaled to its own highest bin."""
    counts = histograms.counts
    species = [name for name in counts if name != BONA_FIDE_SPECIES]
    figure, axes = new_axes(0.75 + 0.42 * len(counts))
    rows = [*reversed(species), BONA_FIDE_SPECIES]
    for level, name in enumerate(rows):
        bins = counts[name]
        colour = LIVE if name == BONA_FIDE_SPECIES else species_style(species.index(name))[0]
        height = bins / max(1, bins.max()) * 0.85
        axes.stairs(
            level + height, histograms.edges, baseline=level, fill=True, color=colour, alpha=0.45
        )
        axes.stairs(level + height, histograms.edges, baseline=level, color=colour, linewidth=0.9)
    axes.axvline(threshold, color=INK, linewidth=0.9, linestyle=DASHES[1])
    axes.annotate(
        "accepted →",
        (threshold, len(rows)),
        xytext=(3, 1),
        textcoords="offset points",
        fontsize=FONT_PX - 1,
        color=INK,
        annotation_clip=False,
    )
    axes.set_yticks([level + 0.3 for level in range(len(rows))])
    axes.set_yticklabels([f"{label(name)} ({int(counts[name].sum())})" for name in rows], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_xlim(histograms.edges[0], histograms.edges[-1])
    axes.set_ylim(0, len(rows))
    axes.set_xlabel("score (higher is more bona fide)")
    return finish(
        figure, "scores", (), "Histograms of scores for bona fide and each species of attack."
    )


def draw_conditions(groups: list[Group]) -> Drawing:
    """BPCER and worst APCER with exact intervals for each value of each condition."""
    shown = groups[:MOST_CONDITION_ROWS]
    columns = list(dict.fromkeys(group.column for group in shown))
    rows = len(shown) + len(columns)
    figure, axes = new_axes(0.7 + 0.2 * rows)
    position, ticks, labels = 0.0, [], []
    for column in columns:
        axes.axhline(position - 0.1, color=GRID, linewidth=0.8)
        ticks.append(position + 0.4)
        labels.append(f"{label(COLUMN_WORDS.get(column, column))}:")
        position += 1
        for group in (g for g in shown if g.column == column):
            _whisker(axes, group.rates.bpcer, position + 0.28, LIVE)
            if group.rates.apcer is not None:
                _whisker(axes, group.rates.apcer, position + 0.62, ALARM)
            ticks.append(position + 0.45)
            labels.append(label(group.value))
            position += 1
    axes.set_yticks(ticks)
    axes.set_yticklabels(labels, color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.set_ylim(position, -0.2)
    axes.set_xlim(0, _end(shown))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    return finish(
        figure,
        "conditions",
        (
            Key("bona fide refused (BPCER)", VARIABLES[LIVE]),
            Key("attacks accepted, worst species (APCER)", VARIABLES[ALARM]),
        ),
        "Error rates with exact intervals for each condition.",
    )


def _end(groups: Iterable[Group]) -> float:
    rates = [rate for g in groups for rate in (g.rates.bpcer, g.rates.apcer) if rate is not None]
    highs = [rate.interval.high for rate in rates if rate.interval is not None]
    return min(1.0, 1.05 * max(highs, default=1.0))


def _whisker(axes: Axes, rate: Rate, y: float, colour: str) -> None:
    if rate.value is None or rate.interval is None:
        return
    axes.plot([rate.interval.low, rate.interval.high], [y, y], color=colour, linewidth=1.4)
    axes.plot(rate.value, y, "o", color=colour, markersize=3.6, clip_on=False)


def draw_calibration(calibration: Calibration) -> Drawing:
    """Share of bona fide against mean score in ten bins, with exact intervals."""
    figure, axes = new_axes()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=DASHES[1])
    for score, rate in zip(calibration.mean_score, calibration.bona_fide, strict=True):
        if rate.interval is not None:
            ends = [rate.interval.low, rate.interval.high]
            axes.plot([score, score], ends, color=LIVE, linewidth=1.2)
    shares = [rate.events / rate.trials for rate in calibration.bona_fide]
    axes.plot(calibration.mean_score, shares, "o", color=LIVE, markersize=5, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="score", ylabel="share of bona fide")
    return finish(
        figure,
        "calibration",
        (Key("share of bona fide in a tenth of the scale", VARIABLES[LIVE]),),
        f"Reliability diagram; expected error {percent(calibration.expected_error)}.",
    )
