"""The figures of paper 1's pages: error by scale, and alpha by scale and species."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from bonafide.evaluation.drawing import (
    INK,
    LIVE,
    MUTED,
    VARIABLES,
    Drawing,
    Key,
    finish,
    new_axes,
    species_style,
)
from bonafide.papers.measure import MeasuredRow
from bonafide.papers.ms_fans_tables import EER, TABLE_II
from bonafide.papers.ms_fans_trial import ALPHA
from bonafide.papers.plan import Figure
from bonafide.types import BONA_FIDE_SPECIES

Record = dict[str, Any]
"""Of one run, see `ms_fans_trial.alpha_by_species`."""


def scales_figure(rows: Sequence[MeasuredRow]) -> list[Figure]:
    """EER of each single scale; ours with interval, and the published curve in a figure apart."""
    scales = [float(row.planned.name) for row in rows]
    figure, axes = new_axes(2.6)
    for scale, row in zip(scales, rows, strict=True):
        interval = row.intervals["eer"]
        if interval is not None:
            axes.plot([scale] * 2, [100 * interval.low, 100 * interval.high], color=MUTED, lw=1)
        for one in row.by_seed.values():
            if one["eer"] is not None:
                axes.plot(scale, 100 * one["eer"], "o", color=LIVE, markersize=2.5, alpha=0.6)
    axes.plot(scales, [100 * row.rates["eer"].mean for row in rows], color=LIVE, lw=1.3)
    axes.set(xlabel="scale of the crop", ylabel="EER %, measured", ylim=(0, None))
    words = "EER of each single scale, measured: line the mean of the seeds, dots the seeds."
    keys = (Key("measured, mean", VARIABLES[LIVE]), Key("interval, 95 %", VARIABLES[MUTED]))
    ours = Figure(finish(figure, "scales", keys, words), f"{words} {rows[0].planned.dataset}.")
    figure, axes = new_axes(2.6)
    published = [TABLE_II.row(str(scale)).value(EER) or 0.0 for scale in scales]
    axes.plot(scales, published, "o-", color=INK, lw=1.3, markersize=3)
    axes.set(xlabel="scale of the crop", ylabel="EER %, published", ylim=(0, None))
    words = "EER of each single scale as the paper prints it (its Table II, real CASIA-FASD)."
    return [ours, Figure(finish(figure, "published", (), words), words)]


def alpha_figures(rows: Sequence[MeasuredRow]) -> list[Figure]:
    """Alpha against scale for bona fide and each species, one figure for each LSTM row.

    All have one range of alpha, so that a difference looks the same in each.
    """
    records: dict[str, tuple[MeasuredRow, list[Record]]] = {}
    for row in rows:
        paths = [folder / ALPHA for folder in row.folders]
        if row.model not in records and all(path.exists() for path in paths):
            records[row.model] = row, [json.loads(path.read_text()) for path in paths]
    means = [
        mean
        for _, runs in records.values()
        for run in runs
        for one in run["species"].values()
        for mean in one["mean"]
    ]
    reach = min([0.0, *means]) - 0.02, max([0.0, *means]) + 0.02
    figures: list[Figure] = []
    for row, runs in records.values():
        name = ", ".join(word for word in (row.planned.name, row.planned.group) if word)
        words = f"{name}: weight of each scale, mean over the test crops; thin lines are the seeds."
        figures.append(Figure(_draw_alpha(runs, f"alpha-{len(figures)}", words, reach), words))
    return figures


def _draw_alpha(
    records: Sequence[Record], name: str, words: str, reach: tuple[float, float]
) -> Drawing:
    scales = records[0]["scales"]
    found = sorted(records[0]["species"], key=lambda kind: (kind == BONA_FIDE_SPECIES, kind))
    figure, axes = new_axes(2.4)
    keys = []
    for number, species in enumerate(found):
        live = species == BONA_FIDE_SPECIES
        colour, dash = (LIVE, 0) if live else species_style(number)
        lines = np.array([record["species"][species]["mean"] for record in records])
        for line in lines:
            axes.plot(scales, line, color=colour, lw=0.6, alpha=0.5)
        axes.plot(scales, lines.mean(0), "o-", color=colour, lw=1.6, markersize=3)
        keys.append(Key(species, VARIABLES[colour], dash))
    axes.axhline(0, color=MUTED, lw=0.6)
    axes.set(xlabel="scale of the crop", ylabel="alpha", xticks=scales, ylim=reach)
    return finish(figure, name, tuple(reversed(keys)), words)
