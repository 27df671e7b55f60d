"""DET and ROC curves: exact points, and fewer of them for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from bonafide.decision.scores import Bools, Floats, Integers, TestScores
from bonafide.decision.sweep import sweep, thresholds_of, worst_apcer

WORST = "worst species"
POOLED = "all attacks"


@dataclass(frozen=True, eq=False)
class Curve:
    """Every pair of error rates that some threshold gives, from accepting all to rejecting all.

    Neighbouring points are joined by a straight line: along an axis where one class moves alone,
    slanted where a bona fide and an attack are tied. Thresholds are left out on purpose: a curve
    on test data is no place to pick one.

    Attributes:
        name: a PAI species, `WORST` or `POOLED`.
        apcer: (points,) share of attacks accepted, falling from 1 to 0.
        bpcer: (points,) share of bona fide rejected, rising from 0 to 1.
    """

    name: str
    apcer: Floats
    bpcer: Floats


def det_curves(test: TestScores) -> dict[str, Curve]:
    """Name -> curve: each PAI species, `WORST` when there are several, and `POOLED` last.

    Empty when a class has no answered row. Sorting dominates: O(n log n) time, O(n) memory.
    """
    bona_fide = test.bona_fide_scores
    by_species = {name: s for name, s in test.attack_scores_by_species().items() if len(s)}
    if not len(bona_fide) or not by_species:
        return {}
    curves = {}
    for name, attacks in by_species.items():
        counts = sweep(bona_fide, attacks)
        curves[name] = corners(Curve(name, counts.apcer, counts.bpcer))
    if len(by_species) > 1:
        thresholds = thresholds_of(np.concatenate([bona_fide, *by_species.values()]))
        bpcer = sweep(bona_fide, np.empty(0), thresholds).bpcer
        curves[WORST] = corners(Curve(WORST, worst_apcer(by_species, thresholds), bpcer))
    counts = sweep(bona_fide, test.attack_scores)
    curves[POOLED] = corners(Curve(POOLED, counts.apcer, counts.bpcer))
    return curves


def corners(curve: Curve) -> Curve:
    """The same line with fewer points: those inside a straight run along an axis go."""
    new = np.concatenate([[True], (np.diff(curve.apcer) != 0) | (np.diff(curve.bpcer) != 0)])
    x, y = curve.apcer[new], curve.bpcer[new]  # a repeated corner would hide itself below
    if len(x) < 3:
        return Curve(curve.name, x, y)
    same_x = (x[1:-1] == x[:-2]) & (x[1:-1] == x[2:])
    same_y = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:])
    keep = np.concatenate([[True], ~(same_x | same_y), [True]])
    return Curve(curve.name, x[keep], y[keep])


def for_drawing(curve: Curve, cells: int = 400) -> Curve:
    """At most about 2 * ``cells`` points, moved by no more than a cell on probit or log axes.

    A point is kept when it enters a new cell of a grid over probit(0.0001) .. probit(0.9999) in
    both rates; the ends are always kept.
    """
    x, y = _cell(curve.apcer, cells), _cell(curve.bpcer, cells)
    moved: Bools = (np.diff(x) != 0) | (np.diff(y) != 0)
    keep = np.concatenate([[True], moved])
    keep[:-1] |= moved  # the last point of a cell too, or a long straight run would slant
    keep[-1] = True
    return corners(Curve(curve.name, curve.apcer[keep], curve.bpcer[keep]))


def _cell(share: Floats, cells: int) -> Integers:
    return np.searchsorted(_borders(cells), share).astype(np.int64)


@cache
def _borders(cells: int) -> Floats:
    """(cells,) shares between neighbouring cells, evenly spaced on the probit axis."""
    normal = NormalDist()
    end = normal.inv_cdf(0.9999)
    return np.array([normal.cdf(x) for x in np.linspace(-end, end, cells)])
