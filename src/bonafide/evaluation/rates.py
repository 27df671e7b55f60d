"""Error rates at an operating point (ISO/IEC 30107-3), and what the scores show without one.

Policies:

* **APCER** is counted for each PAI species; the figure to quote is the worst species', never the
  pool. **BPCER** is the share of answered bona fide presentations that are rejected. The third
  paper writes NPCER; it is the same (`OperatingRates.npcer`).
* **Non-responses** are in neither. APNRR (a species' attacks without an answer: blocked, but not
  by the decision) and BPNRR (bona fide without an answer: a person who was not served) stand
  beside, over all presentations.
* **ACER**, **HTER** and **accuracy** are for comparison with publications: ACER = (worst APCER +
  BPCER) / 2 is not a figure of the standard; HTER pools the attacks; accuracy depends on how many
  attacks the set happens to hold.
* A class or species without an answered row has no rate: None, not zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonafide.decision.operating_point import OperatingPoint, is_accepted
from bonafide.decision.scores import Bools, Floats, TestScores
from bonafide.decision.sweep import below, eer_index, sweep
from bonafide.evaluation.intervals import CONFIDENCE, Rate, rate

BPCER_POINTS = {"bpcer10": 0.1, "bpcer20": 0.05, "bpcer100": 0.01}
"""Name -> APCER at which BPCER is read off (1 / 10, 1 / 20, 1 / 100)."""

FPR_POINTS = (1e-2, 1e-3, 1e-4)


@dataclass(frozen=True, slots=True)
class OperatingRates:
    """What an operating point does on test data.

    Attributes:
        apcer_by_species: species -> accepted attacks among its answered ones; sorted by name.
        worst_species: the one with the highest APCER (of several, the one with the higher upper
            limit, then by name); None without answered attacks.
        attacks_accepted: accepted among all answered attacks, pooled; for HTER, not to quote.
        bpcer: rejected among answered bona fide.
        accuracy: right decisions among answered presentations.
        apnrr_by_species: species -> attacks without an answer among all of the species.
        bpnrr: bona fide without an answer among all bona fide.
    """

    apcer_by_species: dict[str, Rate]
    worst_species: str | None
    attacks_accepted: Rate
    bpcer: Rate
    accuracy: Rate
    apnrr_by_species: dict[str, Rate]
    bpnrr: Rate

    @property
    def apcer(self) -> Rate | None:
        """APCER of the worst species."""
        return None if self.worst_species is None else self.apcer_by_species[self.worst_species]

    @property
    def npcer(self) -> Rate:
        """BPCER under the third paper's name."""
        return self.bpcer

    @property
    def acer(self) -> float | None:
        """(worst APCER + BPCER) / 2; not a figure of ISO/IEC 30107-3. None if one is missing."""
        worst = self.apcer
        return None if worst is None else _mean(worst.value, self.bpcer.value)

    @property
    def hter(self) -> float | None:
        """(pooled share of accepted attacks + BPCER) / 2; None if one is missing."""
        return _mean(self.attacks_accepted.value, self.bpcer.value)


@dataclass(frozen=True, slots=True)
class CurveFigure:
    """A figure read off the test data's own curve: it describes, and sets no threshold.

    Attributes:
        value: 0..1; None when refused.
        note: why it is refused, or what to know about it; else empty.
    """

    value: float | None
    note: str = ""


def evaluate(
    test: TestScores, point: OperatingPoint, confidence: float = CONFIDENCE
) -> OperatingRates:
    """Count errors and non-responses at a threshold that was chosen elsewhere."""
    return rates_of(test, judge(test, point), confidence)


def judge(test: TestScores, point: OperatingPoint) -> Bools:
    """(rows,) whether the row is accepted as bona fide; a non-response never is."""
    answered = test.answered
    accepted = np.zeros(len(test), dtype=np.bool_)
    accepted[answered] = is_accepted(test.score[answered], point.threshold)
    return accepted


def rates_of(
    test: TestScores,
    accepted: Bools,
    confidence: float = CONFIDENCE,
    rows: Bools | None = None,
) -> OperatingRates:
    """Count, given the decisions.

    Args:
        test: the presentations.
        accepted: (rows,) as `judge` returns it.
        confidence: of the exact intervals.
        rows: (rows,) which to count; all by default. Species without any of them are left out.
    """
    chosen = np.ones(len(test), dtype=np.bool_) if rows is None else rows
    answered = test.answered & chosen
    size = len(test.species.names)

    def per_species(mask: Bools) -> dict[str, int]:
        counts = np.bincount(test.species.codes[mask], minlength=size)
        return dict(zip(test.species.names, counts.tolist(), strict=True))

    n_all, n_answered = per_species(chosen), per_species(answered)
    n_accepted = per_species(answered & accepted)
    species = [name for name in test.attack_species() if n_all[name]]
    apcer = {name: rate(n_accepted[name], n_answered[name], confidence) for name in species}
    bona_fide = answered & ~test.attack
    n_bona_fide = int(np.count_nonzero(bona_fide))
    rejected = n_bona_fide - int(np.count_nonzero(bona_fide & accepted))
    let_in = sum(n_accepted[name] for name in species)
    attacks = sum(n_answered[name] for name in species)
    all_bona_fide = int(np.count_nonzero(chosen & ~test.attack))
    return OperatingRates(
        apcer_by_species=apcer,
        worst_species=_worst(apcer),
        attacks_accepted=rate(let_in, attacks, confidence),
        bpcer=rate(rejected, n_bona_fide, confidence),
        accuracy=rate(attacks - let_in + n_bona_fide - rejected, attacks + n_bona_fide, confidence),
        apnrr_by_species={
            name: rate(n_all[name] - n_answered[name], n_all[name], confidence) for name in species
        },
        bpnrr=rate(all_bona_fide - n_bona_fide, all_bona_fide, confidence),
    )


def _worst(apcer: dict[str, Rate]) -> str | None:
    known = {name: r for name, r in apcer.items() if r.interval is not None}
    if not known:
        return None
    return max(sorted(known), key=lambda name: _severity(known[name]))


def _severity(one: Rate) -> tuple[float, float]:
    assert one.interval is not None  # `_worst` keeps rates with trials only
    return one.events / one.trials, one.interval.high


def _mean(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else (first + second) / 2


def curve_figures(test: TestScores) -> dict[str, CurveFigure]:
    """EER, AUC, BPCER at fixed APCER, TPR at fixed FPR, on this data.

    Each looks for its own threshold on the test data, so it describes how well the scores separate
    and promises nothing about a deployed threshold; none is returned. Names: "eer" (attacks
    pooled; see `sweep.eer_index` for curves that do not cross), "auc", "bpcer10", "bpcer20",
    "bpcer100" (lowest BPCER with APCER of every species at most 10, 5, 1 %), "tpr_at_fpr_1e-02",
    "..._1e-03", "..._1e-04" (share of bona fide accepted with at most that share of all attacks
    accepted; refused with fewer than 1 / FPR attacks, whose share cannot be told from zero).
    """
    bona_fide, attacks = np.sort(test.bona_fide_scores), np.sort(test.attack_scores)
    names = ["eer", "auc", *BPCER_POINTS, *map(_tpr_name, FPR_POINTS)]
    if not len(bona_fide) or not len(attacks):
        missing = "attack" if len(bona_fide) else "bona fide"
        return {name: CurveFigure(None, f"no {missing} presentation has a score") for name in names}
    counts = sweep(bona_fide, attacks)
    index = eer_index(counts.apcer, counts.bpcer)
    eer = float(counts.apcer[index] + counts.bpcer[index]) / 2
    figures = {"eer": CurveFigure(eer), "auc": CurveFigure(area_under_roc(bona_fide, attacks))}
    by_species = {k: np.sort(v) for k, v in test.attack_scores_by_species().items() if len(v)}
    for name, limit in BPCER_POINTS.items():
        figures[name] = _bpcer_at(bona_fide, by_species, limit)
    for limit in FPR_POINTS:
        figures[_tpr_name(limit)] = _tpr_at(bona_fide, attacks, limit)
    return figures


def _tpr_name(limit: float) -> str:
    return f"tpr_at_fpr_{limit:.0e}"


def area_under_roc(bona_fide: Floats, attacks: Floats) -> float:
    """Probability that a bona fide scores above an attack, ties counting half (Mann-Whitney).

    Args:
        bona_fide, attacks: ascending, neither empty.
    """
    lower = np.searchsorted(attacks, bona_fide, side="left")
    not_higher = np.searchsorted(attacks, bona_fide, side="right")
    pairs = int(lower.sum(dtype=np.int64)) + int(not_higher.sum(dtype=np.int64))
    return pairs / (2 * len(bona_fide) * len(attacks))


def strictest_cut(attacks: Floats, limit: float) -> float:
    """The score just above which thresholds begin that accept at most ``limit`` of the attacks.

    Args:
        attacks: ascending, not empty.
        limit: share, 0..1.

    Returns:
        A score that must be rejected (the threshold is anywhere above it), or -inf when even
        accepting all is within the limit.
    """
    allowed = np.flatnonzero(np.arange(len(attacks) + 1) / len(attacks) <= limit)[-1]
    if allowed == len(attacks):
        return -np.inf
    return float(attacks[len(attacks) - 1 - allowed])


def _rejected_with(bona_fide: Floats, cut: float) -> int:
    """Bona fide at or below a score that must be rejected."""
    return int(below(bona_fide, np.array([np.nextafter(cut, np.inf)]))[0])


def _bpcer_at(bona_fide: Floats, by_species: dict[str, Floats], limit: float) -> CurveFigure:
    cut = max(strictest_cut(attacks, limit) for attacks in by_species.values())
    small = [name for name, attacks in by_species.items() if len(attacks) * limit < 1]
    note = f"allows no accepted attack of {', '.join(small)}: too few to allow one" if small else ""
    return CurveFigure(_rejected_with(bona_fide, cut) / len(bona_fide), note)


def _tpr_at(bona_fide: Floats, attacks: Floats, limit: float) -> CurveFigure:
    needed = round(1 / limit)
    if len(attacks) < needed:
        return CurveFigure(
            None,
            f"{len(attacks)} attacks cannot show a rate of 1 in {needed}; "
            f"at least {needed} are needed",
        )
    rejected = _rejected_with(bona_fide, strictest_cut(attacks, limit))
    return CurveFigure((len(bona_fide) - rejected) / len(bona_fide))
