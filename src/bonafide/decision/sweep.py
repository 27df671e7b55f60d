"""Error counts at every threshold that matters, in O(n log n).

A threshold decides differently only when it passes a score, so the distinct scores and +inf are
all the thresholds there are. Counting follows `operating_point.is_accepted`: accepted if and only
if score >= threshold, so a score equal to the threshold is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.decision.scores import Floats, Integers

ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Sweep:
    """Counts at each threshold.

    Attributes:
        thresholds: (k + 1,) the k distinct scores ascending, then +inf (nobody is accepted).
        accepted_attacks: (k + 1,) attacks with score >= threshold, falling.
        rejected_bona_fide: (k + 1,) bona fide with score < threshold, rising.
        attacks: number of attack scores.
        bona_fide: number of bona fide scores.
    """

    thresholds: Floats
    accepted_attacks: Integers
    rejected_bona_fide: Integers
    attacks: int
    bona_fide: int

    @property
    def apcer(self) -> Floats:
        """(k + 1,) share of attacks accepted, 0..1; NaN without attacks."""
        return _share(self.accepted_attacks, self.attacks)

    @property
    def bpcer(self) -> Floats:
        """(k + 1,) share of bona fide rejected, 0..1; NaN without bona fide."""
        return _share(self.rejected_bona_fide, self.bona_fide)


def _share(events: Integers, trials: int) -> Floats:
    if trials == 0:
        return np.full(len(events), np.nan)
    return events / trials


def below(sorted_scores: Floats, thresholds: Floats) -> Integers:
    """How many of the ascending scores lie below each threshold (are rejected by it)."""
    return np.searchsorted(sorted_scores, thresholds, side="left").astype(np.int64)


def thresholds_of(scores: Floats) -> Floats:
    """The distinct scores ascending, then +inf."""
    return np.append(np.unique(scores), np.inf)


def sweep(bona_fide: Floats, attacks: Floats, thresholds: Floats | None = None) -> Sweep:
    """Count errors at every threshold.

    Args:
        bona_fide, attacks: finite scores in any order; one of them may be empty.
        thresholds: ascending; by default the distinct values of both and +inf. Give those of a
            larger set to get several species on common thresholds.

    >>> counts = sweep(np.array([0.5, 0.9]), np.array([0.1, 0.5]))
    >>> counts.thresholds.tolist(), counts.accepted_attacks.tolist()
    ([0.1, 0.5, 0.9, inf], [2, 1, 0, 0])
    >>> counts.rejected_bona_fide.tolist()
    [0, 0, 1, 2]
    """
    if thresholds is None:
        thresholds = thresholds_of(np.concatenate([bona_fide, attacks]))
    accepted = len(attacks) - below(np.sort(attacks), thresholds)
    rejected = below(np.sort(bona_fide), thresholds)
    return Sweep(thresholds, accepted, rejected, len(attacks), len(bona_fide))


def worst_apcer(attacks_by_species: dict[str, Floats], thresholds: Floats) -> Floats:
    """APCER at each threshold, the maximum over the species that have scores (ISO/IEC 30107-3)."""
    worst = np.zeros(len(thresholds))
    for scores in attacks_by_species.values():
        if len(scores):
            accepted = len(scores) - below(np.sort(scores), thresholds)
            np.maximum(worst, accepted / len(scores), out=worst)
    return worst


def eer_index(apcer: Floats, bpcer: Floats) -> int:
    """Where the two error rates are closest: the position of the EER threshold.

    ``apcer`` falls and ``bpcer`` rises, both in steps, so they need not be equal anywhere. The
    rule: the smallest abs(apcer - bpcer); of several, the smallest apcer + bpcer; of several, the
    highest threshold, which accepts the fewest attacks. The EER is the mean of the two there.
    Rates are shares of counts; differences below 1e-14 are rounding and count as equal.
    """
    gap = np.abs(apcer - bpcer)
    closest = np.flatnonzero(gap <= gap.min() + ROUNDING)
    total = (apcer + bpcer)[closest]
    return int(closest[np.flatnonzero(total <= total.min() + ROUNDING)[-1]])
