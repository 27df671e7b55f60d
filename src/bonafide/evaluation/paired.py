"""Is A better than B? Paired tests on the presentations both have judged.

The two share people, pictures and luck, so their separate intervals say little about their
difference; the paired bootstrap draws the same subjects and presentations for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonafide.decision.binomial import binomial_cdf
from bonafide.decision.scores import Floats, Integers
from bonafide.evaluation.bootstrap import CHUNK_NUMBERS, ROUNDS, draw_subjects
from bonafide.evaluation.intervals import CONFIDENCE, Interval, percentile_interval
from bonafide.types import BONA_FIDE_SPECIES, BonafideError


@dataclass(frozen=True, slots=True)
class Difference:
    """First minus second, for one rate; below zero the first errs less.

    Attributes:
        first, second: the two rates, 0..1.
        interval: of the difference, paired bootstrap by subject; None when nothing varies.
        p_value: two-sided, from the share of rounds in which the difference has not its sign;
            1 when the two never differ. Never below 2 / (rounds + 1).
    """

    first: float
    second: float
    interval: Interval | None
    p_value: float

    @property
    def value(self) -> float:
        """first - second."""
        return self.first - self.second


@dataclass(frozen=True, eq=False)
class PairedErrors:
    """What two models did with the same presentations.

    Attributes:
        species: (rows,) PAI species, "bona_fide" for bona fide.
        subject: (rows,) number of the capture subject.
        first, second: (rows,) error of each model, 0 or 1, or the mean over its seeds.
    """

    species: Sequence[str]
    subject: Integers
    first: Floats
    second: Floats

    def __post_init__(self) -> None:
        if len({len(self.species), len(self.subject), len(self.first), len(self.second)}) != 1:
            raise BonafideError("columns differ in length.", where="paired errors")
        if not len(self.subject):
            raise BonafideError("no presentation was judged by both.", where="paired errors")


def compare_errors(
    errors: PairedErrors,
    rng: np.random.Generator,
    rounds: int = ROUNDS,
    confidence: float = CONFIDENCE,
) -> dict[str, Difference]:
    """Difference of each rate with a paired bootstrap.

    Subjects are drawn with replacement, then presentations within each drawn subject and species;
    the errors of both models on a presentation stay together.

    Returns:
        "apcer:SPECIES" for each, "apcer" (each model's own worst species), "bpcer", "acer"; those
        that the data has classes for.
    """
    _, subject = np.unique(errors.subject, return_inverse=True)
    subjects = int(subject.max()) + 1
    species = np.asarray(errors.species)
    names = sorted(set(errors.species))
    observed = np.zeros((1, len(names), 2))
    sampled = np.full((rounds, len(names), 2), np.nan)
    draws_at_once = max(1, CHUNK_NUMBERS // subjects)
    masks = [species == name for name in names]
    for column, mask in enumerate(masks):
        observed[0, column] = errors.first[mask].mean(), errors.second[mask].mean()
    for start in range(0, rounds, draws_at_once):
        draws = draw_subjects(rng, min(draws_at_once, rounds - start), subjects)
        for column, mask in enumerate(masks):
            part = sampled[start : start + len(draws), column]
            part[:] = _resample(
                subject[mask].astype(np.int64), errors.first[mask], errors.second[mask], draws, rng
            )
    method = f"paired bootstrap of {subjects} subjects"
    seen, drawn = _rates(names, observed), _rates(names, sampled)
    return {name: difference_of(seen[name][0], drawn[name], confidence, method) for name in seen}


def _resample(
    subject: Integers, first: Floats, second: Floats, draws: Integers, rng: np.random.Generator
) -> Floats:
    """(rounds, 2) mean errors of one species after drawing subjects, then presentations."""
    outcomes, cell = np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)
    subjects = draws.shape[1]
    table = np.bincount(subject * len(outcomes) + cell.ravel(), minlength=subjects * len(outcomes))
    table = table.reshape(subjects, len(outcomes))
    size = table.sum(axis=1)
    single = table.max(axis=1) == size  # all of a subject's presentations ended alike
    counts = draws[:, single] @ table[single]
    rest = np.flatnonzero(~single)
    if len(rest):
        shares = table[rest] / size[rest, None]
        for number, row in enumerate(rest.tolist()):
            counts = counts + rng.multinomial(draws[:, row] * size[row], shares[number])
    total = counts.sum(axis=1)
    mean = np.full((len(draws), 2), np.nan)
    np.divide(counts @ outcomes, total[:, None], out=mean, where=total[:, None] > 0)
    return mean


def _rates(names: Sequence[str], means: Floats) -> dict[str, Floats]:
    """(rounds, species, 2) -> rate name -> (rounds, 2)."""
    attack = [i for i, name in enumerate(names) if name != BONA_FIDE_SPECIES]
    rates = {f"apcer:{names[i]}": means[:, i] for i in attack}
    if attack:
        rates["apcer"] = np.fmax.reduce(means[:, attack], axis=1)
    if BONA_FIDE_SPECIES in names:
        rates["bpcer"] = means[:, list(names).index(BONA_FIDE_SPECIES)]
    if attack and BONA_FIDE_SPECIES in names:
        rates["acer"] = (rates["apcer"] + rates["bpcer"]) / 2
    return rates


def difference_of(observed: Floats, sampled: Floats, confidence: float, method: str) -> Difference:
    """A difference with interval and p value from bootstrap samples.

    Args:
        observed: (2,) the rates of the first and the second.
        sampled: (rounds, 2) the same in each round; NaN rounds are left out.
        confidence: of the interval.
        method: how the interval calls itself.
    """
    differences = sampled[:, 0] - sampled[:, 1]
    differences = differences[~np.isnan(differences)]
    not_below = int(np.count_nonzero(differences >= 0)) + 1
    not_above = int(np.count_nonzero(differences <= 0)) + 1
    p_value = min(1.0, 2 * min(not_below, not_above) / (len(differences) + 1))
    return Difference(
        float(observed[0]),
        float(observed[1]),
        percentile_interval(differences, confidence, method) if len(differences) else None,
        p_value,
    )


def mcnemar(only_first_wrong: int, only_second_wrong: int) -> float:
    """Exact two-sided McNemar test: p of so uneven a split of the discordant presentations.

    It takes presentations for independent; with several of each person use `compare_errors`.

    >>> round(mcnemar(1, 9), 4)
    0.0215
    """
    discordant = only_first_wrong + only_second_wrong
    if discordant == 0:
        return 1.0
    fewer = min(only_first_wrong, only_second_wrong)
    return min(1.0, 2 * binomial_cdf(fewer, discordant, 0.5))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for having asked several questions (Holm 1979), in the given order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    reached = 0.0
    for rank, i in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = reached
    return adjusted
