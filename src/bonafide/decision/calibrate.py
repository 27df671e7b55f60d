"""An operating point for one's own camera from bona fide presentations alone.

A claim "BPCER is at most X" is made from order statistics, without assuming how scores are
distributed: of n independent scores from one continuous distribution, the share below the r-th
smallest follows Beta(r, n - r + 1) (Wilks, Annals of Mathematical Statistics 12, 1941). The
threshold is the highest score for which that share is at most X with the stated confidence.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass

import numpy as np

from bonafide.decision.binomial import beta_quantile
from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint, is_accepted
from bonafide.decision.scores import Floats
from bonafide.types import BonafideError


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibrated operating point and what it rests on.

    Attributes:
        point: its threshold; its evidence holds no attack.
        scores: how many bona fide scores were used.
        rank: r, the threshold is the r-th smallest of them.
        bpcer_bound: the BPCER that the scores allow to claim at ``confidence``, 0..1.
        confidence: one-sided.
        called_attack_bound: the share of bona fide answered "attack" that the scores allow to
            claim, 0..1; that of BPCER where there is no band of uncertain scores.
    """

    point: OperatingPoint
    scores: int
    rank: int
    bpcer_bound: float
    confidence: float
    called_attack_bound: float


def scores_needed(bpcer: float, confidence: float = 0.95) -> int:
    """The fewest independent bona fide scores from which a BPCER can be claimed.

    >>> scores_needed(0.05), scores_needed(0.01)
    (59, 299)
    """
    _check_share("bpcer", bpcer)
    _check_share("confidence", confidence)
    needed = math.ceil(math.log1p(-confidence) / math.log1p(-bpcer))
    # Rounding of the quotient may be off by one either way.
    return next(
        n for n in range(max(needed - 1, 1), needed + 2) if _bound(1, n, confidence) <= bpcer
    )


def calibrate(
    scores: Floats,
    bpcer: float,
    confidence: float = 0.95,
    *,
    name: str,
    subjects: int = 0,
    called_attack: float | None = None,
) -> Calibration:
    """The highest threshold of which the scores allow to claim ``bpcer``.

    Args:
        scores: (n,) bona fide scores, higher is more bona fide; one a person, or as independent
            as can be had: several of one person tell less than their number.
        bpcer: share of bona fide presentations that may be rejected, 0..1.
        confidence: one-sided, that the true share is not higher.
        name: of the data, for the record.
        subjects: how many people, 0 if not known.
        called_attack: share of bona fide presentations, below ``bpcer``, that may be answered
            "attack"; sets `OperatingPoint.attack_below`, and what lies between is uncertain.
            None for no such band.

    Raises:
        BonafideError: a score is NaN, there are too few scores for a claim, or ``called_attack``
            is not below ``bpcer``.
    """
    _check_called_attack(called_attack, bpcer)
    values = np.sort(np.asarray(scores, np.float64))
    if np.isnan(values).any():
        raise BonafideError(
            "a score is NaN.", where=name, remedy="Leave out what could not be evaluated."
        )
    strictest = bpcer if called_attack is None else called_attack
    _check_enough(len(values), strictest, confidence, name)
    rank = _highest_rank(len(values), bpcer, confidence)
    threshold = float(values[rank - 1])
    lower_rank = _highest_rank(len(values), strictest, confidence)
    lower = float(values[lower_rank - 1])
    rejected = int(np.count_nonzero(~is_accepted(values, threshold)))
    evidence = DevelopmentEvidence(
        dataset=name,
        unit="presentation",
        bona_fide=len(values),
        attacks=0,
        subjects=subjects,
        bpcer=rejected / len(values),
    )
    rule = (
        f"the highest threshold with BPCER <= {bpcer:g} at {confidence:g} confidence, from bona "
        f"fide presentations alone; no attack was seen, so APCER is not known"
    )
    if called_attack is not None:
        rule += f"; attack_below likewise, for {called_attack:g} of bona fide answered attack"
    # Of equal scores there is nothing between the two thresholds.
    band = lower if lower < threshold else None
    point = OperatingPoint(f"calibrated bpcer={bpcer:g}", rule, threshold, evidence, band)
    return Calibration(
        point,
        len(values),
        rank,
        _bound(rank, len(values), confidence),
        confidence,
        _bound(lower_rank if band is not None else rank, len(values), confidence),
    )


def _check_called_attack(called_attack: float | None, bpcer: float) -> None:
    if called_attack is not None and not 0 < called_attack < bpcer:
        raise BonafideError(
            f"{called_attack:g} is not between 0 and the BPCER of {bpcer:g}.",
            where="called_attack",
            remedy="Fewer live people may be called attacks than may be refused; or leave it out.",
        )


def _check_enough(n: int, share: float, confidence: float, name: str) -> None:
    needed = scores_needed(share, confidence)
    if n < needed:
        raise BonafideError(
            f"{n} usable bona fide presentations are too few to claim a share of errors "
            f"<= {share:g} with {confidence:g} confidence.",
            where=name,
            remedy=f"Take at least {needed}, of different people if possible, or claim less.",
        )


def _bound(rank: int, n: int, confidence: float) -> float:
    """What the share below the rank-th smallest of n scores does not exceed, at a confidence."""
    return beta_quantile(confidence, rank, n - rank + 1)


def _highest_rank(n: int, bpcer: float, confidence: float) -> int:
    """The last rank whose bound is at most ``bpcer``; bounds rise with the rank."""
    return bisect.bisect_right(range(1, n + 1), bpcer, key=lambda r: _bound(r, n, confidence))


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise BonafideError(
            f"{value:g} is not between 0 and 1.", where=name, remedy="For five percent write 0.05."
        )
