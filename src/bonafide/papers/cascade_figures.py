"""ROC with its zoom, as the paper's Figs. 6 and 7."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonafide.evaluation.curves import POOLED, det_curves
from bonafide.evaluation.drawing import DASHES, VARIABLES, Drawing, Key, finish, new_axes
from bonafide.evaluation.drawing import species_style as style
from bonafide.evaluation.score_file import read_test
from bonafide.papers.measure import MeasuredRow, scores_path
from bonafide.papers.plan import Figure
from bonafide.types import Split

ZOOMS = (0.1, 0.2, 0.3, 0.5)
"""Shares of attacks accepted, and of bona fide rejected, that the zoom may show."""


def roc_figures(rows: Sequence[MeasuredRow]) -> list[Figure]:
    """The whole ROC and its corner; a line a row, of its first seed."""
    pairs = (("roc", 1.0, "ROC"), ("roc-zoom", zoom_of(rows), "ROC, zoomed into its corner"))
    words = ": share of bona fide accepted against share of attacks accepted, first seed of a row."
    return [Figure(_draw(rows, name, end, title + words), title + words)
            for name, end, title in pairs]  # fmt: skip


def zoom_of(rows: Sequence[MeasuredRow]) -> float:
    """The smallest corner that at least half of the rows pass through; the paper's where none do.

    A row passes through the corner of z where its equal error rate is z at most.
    """
    curves = [
        det_curves(read_test(scores_path(r.folders[0], Split.TEST))).get(POOLED) for r in rows
    ]
    rates = [np.maximum(c.apcer, c.bpcer).min() for c in curves if c is not None]
    fit = [zoom for zoom in ZOOMS if sum(rate <= zoom for rate in rates) * 2 >= len(rates) > 0]
    return fit[0] if fit else ZOOMS[0]


def _draw(rows: Sequence[MeasuredRow], name: str, end: float, words: str) -> Drawing:
    figure, axes = new_axes(3.0)
    keys = []
    for number, row in enumerate(rows):
        curve = det_curves(read_test(scores_path(row.folders[0], Split.TEST))).get(POOLED)
        if curve is None:
            continue
        colour, dash = style(number)
        axes.plot(curve.apcer, 1 - curve.bpcer, color=colour, linestyle=DASHES[dash], lw=1.2)
        keys.append(Key(f"{row.planned.group} {row.planned.name}".strip(), VARIABLES[colour], dash))
    edge = 0.02 * end  # a perfect row runs along the frame, and is to be seen
    axes.set(xlim=(-edge, end), ylim=(1 - end, 1 + edge), xlabel="FPR: attacks accepted")
    axes.set(ylabel="TPR: bona fide accepted")
    return finish(figure, name, tuple(keys), words)
