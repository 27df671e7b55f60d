"""Bootstrap by capture subject: errors cluster within people, so people are what is drawn.

For rates at a fixed threshold each round draws as many subjects as there are, with replacement,
and then, for each drawn subject, as many of its presentations as it has (of each species), with
replacement: the procedure of the FIDO biometric requirements. A subject drawn m times with e
errors in n presentations then has Binomial(m n, e / n) errors, which is drawn directly, so a round
costs one number a subject and species, however many presentations there are.

For figures of the whole curve (EER, AUC, ...) subjects are drawn and all their presentations come
along: weights on sorted scores, O(n) a round.

Without stated subjects every presentation counts as a person of its own, and intervals are too
narrow if it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonafide.decision.scores import Bools, Floats, Integers, TestScores
from bonafide.evaluation.intervals import CONFIDENCE, Interval, percentile_interval
from bonafide.evaluation.rates import BPCER_POINTS, FPR_POINTS
from bonafide.types import BONA_FIDE_SPECIES

ROUNDS = 1000
CHUNK_NUMBERS = 4_000_000
"""Random numbers held at a time; bounds memory for many subjects."""


@dataclass(frozen=True, eq=False)
class Stratum:
    """The presentations of one species, or the bona fide ones, by subject.

    Attributes:
        name: the species.
        trials: (subjects,) answered presentations.
        errors: (subjects,) wrongly decided ones.
    """

    name: str
    trials: Integers
    errors: Integers


def bootstrap_rates(
    test: TestScores,
    accepted: Bools,
    rng: np.random.Generator,
    rounds: int = ROUNDS,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval | None]:
    """Intervals of the rates at the operating point.

    Args:
        test: presentations.
        accepted: (rows,) as `rates.judge` returns it.
        rng: source of randomness.
        rounds: bootstrap rounds.
        confidence: two-sided.

    Returns:
        "apcer:SPECIES" for each, "apcer" (worst species of the round), "bpcer", "acer", "hter",
        "accuracy". None where the errors do not vary (none at all, say): quote the exact interval.
    """
    people, subjects = _people(test)
    strata = _strata(test, accepted, people, subjects)
    trials, errors = resample(strata, rng, rounds, subjects)
    method = f"bootstrap of {subjects} {'subjects' if test.has_subjects else 'presentations'}"
    return {
        name: percentile_interval(values, confidence, method)
        for name, values in _rates(strata, trials, errors).items()
    }


def _people(test: TestScores) -> tuple[Integers, int]:
    """(rows,) number of each row's subject, or its own number; and how many there are."""
    if not test.has_subjects:
        return np.arange(len(test)), len(test)
    codes, people = np.unique(test.subject.codes, return_inverse=True)
    return people.astype(np.int64), len(codes)


def _strata(test: TestScores, accepted: Bools, people: Integers, subjects: int) -> list[Stratum]:
    answered = test.answered
    strata = []
    for name in [BONA_FIDE_SPECIES, *test.attack_species()]:
        mask = answered & test.species.mask(name)
        wrong = mask & (accepted != (name == BONA_FIDE_SPECIES))
        if mask.any():
            trials = np.bincount(people[mask], minlength=subjects)
            errors = np.bincount(people[wrong], minlength=subjects)
            strata.append(Stratum(name, trials, errors))
    return strata


def resample(
    strata: list[Stratum], rng: np.random.Generator, rounds: int, subjects: int
) -> tuple[Integers, Integers]:
    """Draw subjects, then presentations.

    Returns:
        (rounds, strata) trials and (rounds, strata) errors.
    """
    trials = np.zeros((rounds, len(strata)), dtype=np.int64)
    errors = np.zeros((rounds, len(strata)), dtype=np.int64)
    step = max(1, CHUNK_NUMBERS // max(1, subjects))
    for start in range(0, rounds, step):
        part = slice(start, min(start + step, rounds))
        draws = draw_subjects(rng, part.stop - start, subjects)
        for column, stratum in enumerate(strata):
            trials[part, column] = draws @ stratum.trials
            errors[part, column] = _draw_errors(stratum, draws, rng)
    return trials, errors


def draw_subjects(rng: np.random.Generator, rounds: int, subjects: int) -> Integers:
    """(rounds, subjects) how often each subject is drawn; rows sum to ``subjects``."""
    drawn = rng.integers(0, subjects, size=(rounds, subjects))
    drawn += np.arange(rounds)[:, None] * subjects
    counts = np.bincount(drawn.ravel(), minlength=rounds * subjects)
    return counts.reshape(rounds, subjects).astype(np.int64)


def _draw_errors(stratum: Stratum, draws: Integers, rng: np.random.Generator) -> Integers:
    always = stratum.errors == stratum.trials
    total: Integers = draws[:, always] @ stratum.errors[always]
    varying = (stratum.errors > 0) & ~always
    if varying.any():
        n, e = stratum.trials[varying], stratum.errors[varying]
        total = total + rng.binomial(draws[:, varying] * n, e / n).sum(axis=1)
    return total


def _rates(strata: list[Stratum], trials: Integers, errors: Integers) -> dict[str, Floats]:
    """Name -> (rounds,) rate; NaN in rounds without a trial."""
    share = np.full(trials.shape, np.nan)
    np.divide(errors, trials, out=share, where=trials > 0)
    attack = [i for i, s in enumerate(strata) if s.name != BONA_FIDE_SPECIES]
    rates = {f"apcer:{strata[i].name}": share[:, i] for i in attack}
    live = [i for i, s in enumerate(strata) if s.name == BONA_FIDE_SPECIES]
    if attack:
        # fmax: a species that was not drawn does not hide the others
        rates["apcer"] = np.fmax.reduce(share[:, attack], axis=1)
    if live:
        rates["bpcer"] = share[:, live[0]]
    if attack and live:
        pooled = errors[:, attack].sum(axis=1) / np.maximum(trials[:, attack].sum(axis=1), 1)
        rates["acer"] = (rates["apcer"] + rates["bpcer"]) / 2
        rates["hter"] = (pooled + rates["bpcer"]) / 2
    rates["accuracy"] = 1 - errors.sum(axis=1) / np.maximum(trials.sum(axis=1), 1)
    return rates


def bootstrap_curve_figures(
    test: TestScores,
    rng: np.random.Generator,
    rounds: int = ROUNDS,
    confidence: float = CONFIDENCE,
) -> dict[str, Interval | None]:
    """Intervals for the names of `rates.curve_figures`; empty when a class is missing."""
    if not len(test.bona_fide_scores) or not len(test.attack_scores):
        return {}
    people, subjects = _people(test)
    curve = WeightedCurve(test, people)
    samples = np.full((rounds, len(curve.names)), np.nan)
    for i in range(rounds):
        samples[i] = curve.figures(draw_subjects(rng, 1, subjects)[0])
    method = f"bootstrap of {subjects} {'subjects' if test.has_subjects else 'presentations'}"
    return {
        name: percentile_interval(samples[:, column], confidence, method)
        for column, name in enumerate(curve.names)
    }


Rows = npt.NDArray[np.intp]


class WeightedCurve:
    """Scores sorted once; each round only adds up weights in that order."""

    def __init__(self, test: TestScores, people: Integers) -> None:
        self.live, self.live_people = _sorted(test, people, ~test.attack)
        self.attack, self.attack_people = _sorted(test, people, test.attack)
        species = [test.species.mask(name) for name in test.attack_species()]
        self.species = [
            _sorted(test, people, mask) for mask in species if (mask & test.answered).any()
        ]
        self.lower: Rows = np.searchsorted(self.attack, self.live, side="left")
        self.not_higher: Rows = np.searchsorted(self.attack, self.live, side="right")
        self.thresholds = np.append(np.unique(np.concatenate([self.live, self.attack])), np.inf)
        self.limits = [limit for limit in FPR_POINTS if len(self.attack) >= round(1 / limit)]
        self.names = ["eer", "auc", *BPCER_POINTS, *(f"tpr_at_fpr_{x:.0e}" for x in self.limits)]

    def figures(self, weights: Integers) -> list[float]:
        """The figures with each subject counted ``weights`` times; NaN if a class has none."""
        live_weights = weights[self.live_people]
        live, attack = _running(live_weights), _running(weights[self.attack_people])
        if live[-1] == 0 or attack[-1] == 0:
            return [np.nan] * len(self.names)
        below = attack[self.lower] + attack[self.not_higher]
        auc = float(live_weights @ below) / (2.0 * float(live[-1]) * float(attack[-1]))
        running = [(scores, _running(weights[who])) for scores, who in self.species]
        running = [(scores, total) for scores, total in running if total[-1] > 0]
        bpcer = []
        for limit in BPCER_POINTS.values():
            cut = max(_cut(scores, total, limit) for scores, total in running)
            bpcer.append(self._rejected(live, cut))
        tpr = [1 - self._rejected(live, _cut(self.attack, attack, x)) for x in self.limits]
        return [self._eer(live, attack), auc, *bpcer, *tpr]

    def eer(self, weights: Integers) -> float:
        """The EER alone, the attacks pooled; NaN if a class has no weight."""
        live, attack = _running(weights[self.live_people]), _running(weights[self.attack_people])
        return self._eer(live, attack) if live[-1] and attack[-1] else float("nan")

    def _rejected(self, live: Integers, cut: float) -> float:
        return float(live[np.searchsorted(self.live, cut, side="right")] / live[-1])

    def _eer(self, live: Integers, attack: Integers) -> float:
        """Bisection for where BPCER overtakes APCER; the better of the two sides counts."""

        def rates(index: int) -> tuple[float, float]:
            threshold = self.thresholds[index]
            accepted = 1 - attack[np.searchsorted(self.attack, threshold)] / attack[-1]
            return float(accepted), float(live[np.searchsorted(self.live, threshold)] / live[-1])

        low, high = 0, len(self.thresholds) - 1  # APCER > BPCER at low, <= at high
        while high - low > 1:
            middle = (low + high) // 2
            apcer, bpcer = rates(middle)
            low, high = (middle, high) if apcer > bpcer else (low, middle)
        sides = [rates(low), rates(high)]
        apcer, bpcer = min(sides, key=lambda pair: (round(abs(pair[0] - pair[1]), 14), sum(pair)))
        return (apcer + bpcer) / 2


def _sorted(test: TestScores, people: Integers, mask: Bools) -> tuple[Floats, Integers]:
    rows = np.flatnonzero(mask & test.answered)
    order = np.argsort(test.score[rows], kind="stable")
    return test.score[rows][order], people[rows][order]


def _running(weights: Integers) -> Integers:
    """(n + 1,) sum of the first 0, 1, ..., n weights."""
    total = np.zeros(len(weights) + 1, dtype=np.int64)
    np.cumsum(weights, out=total[1:])
    return total


def _cut(scores: Floats, running: Integers, limit: float) -> float:
    """As `rates.strictest_cut`, weighted: the highest score that must be rejected, or -inf."""
    must_reject = running[-1] - np.floor(limit * running[-1] + 1e-9)
    position = int(np.searchsorted(running, must_reject, side="left"))
    return float(scores[position - 1]) if position else -np.inf
