"""Score histograms by species, and whether a score can be read as a probability."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.decision.scores import Floats, Integers, TestScores
from bonafide.evaluation.intervals import CONFIDENCE, Rate, rate
from bonafide.types import BONA_FIDE_SPECIES

BINS = 40
CALIBRATION_BINS = 10


@dataclass(frozen=True, eq=False)
class Histograms:
    """Counts on common bins.

    Attributes:
        edges: (bins + 1,) ascending. Scores beyond the ends are counted in the end bins.
        counts: "bona_fide" and each species -> (bins,) counts.
        clipped: whether scores lie beyond the ends.
    """

    edges: Floats
    counts: dict[str, Integers]
    clipped: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """How often a score came true as the probability of bona fide.

    It holds for the share of attacks in this set; among users attacks are rarer, and a score that
    is calibrated here is not there.

    Attributes:
        mean_score: (filled bins,) mean score of each of ten equal bins over 0..1 that hold rows.
        bona_fide: share of bona fide in each.
        expected_error: mean over rows of abs(share - mean score) of their bin (ECE), 0..1.
        brier: mean squared difference of score and truth, 0..1.
    """

    mean_score: Floats
    bona_fide: tuple[Rate, ...]
    expected_error: float
    brier: float


def histograms(test: TestScores, threshold: float) -> Histograms | None:
    """Histograms of the answered rows; None without any.

    The range is 0..1 when all scores lie in it, else it holds the 0.5th to the 99.5th percentile
    of bona fide and of each species, and the threshold.
    """
    scores = test.score[test.answered]
    if not len(scores):
        return None
    groups = {BONA_FIDE_SPECIES: test.bona_fide_scores, **test.attack_scores_by_species()}
    if scores.min() >= 0 and scores.max() <= 1 and 0 <= threshold <= 1:
        low, high = 0.0, 1.0
    else:
        ends = [np.quantile(values, [0.005, 0.995]) for values in groups.values() if len(values)]
        low = float(min(threshold, *(pair[0] for pair in ends)))
        high = float(max(threshold, *(pair[1] for pair in ends)))
        margin = 0.02 * (high - low) or 0.5
        low, high = low - margin, high + margin
    edges = np.linspace(low, high, BINS + 1)
    counts = {
        name: np.histogram(np.clip(values, low, high), edges)[0].astype(np.int64)
        for name, values in groups.items()
    }
    clipped = bool(scores.min() < low or scores.max() > high)
    return Histograms(edges, counts, clipped)


def calibration(test: TestScores, confidence: float = CONFIDENCE) -> Calibration | None:
    """Reliability of scores as probabilities; None unless all lie in 0..1 and both classes do."""
    answered = test.answered
    scores, truth = test.score[answered], ~test.attack[answered]
    if not truth.any() or truth.all() or scores.min() < 0 or scores.max() > 1:
        return None
    bins = np.minimum((scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    n = np.bincount(bins, minlength=CALIBRATION_BINS)
    filled = n > 0
    mean = np.bincount(bins, weights=scores, minlength=CALIBRATION_BINS)[filled] / n[filled]
    hits = np.bincount(bins[truth], minlength=CALIBRATION_BINS)[filled]
    gaps = np.abs(hits / n[filled] - mean)
    return Calibration(
        mean,
        tuple(rate(int(k), int(m), confidence) for k, m in zip(hits, n[filled], strict=True)),
        float((gaps * n[filled]).sum() / len(scores)),
        float(np.mean((scores - truth) ** 2)),
    )
