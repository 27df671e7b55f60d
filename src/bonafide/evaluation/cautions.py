"""What a reader of the figures must be told, or would take from them wrongly."""

from __future__ import annotations

from bonafide.decision.operating_point import OperatingPoint
from bonafide.decision.scores import DevelopmentScores, TestScores
from bonafide.evaluation.intervals import upper_bound
from bonafide.evaluation.rates import OperatingRates
from bonafide.evaluation.record import ModelRecord
from bonafide.evaluation.words import percent
from bonafide.types import BonafideError

FEW_PEOPLE = 50
FEW_ERRORS = 10
"""A threshold placed by fewer errors than this moves with any of them."""
FEW_ATTACKS = 150
"""Fewer presentations of a species than laboratories test: no error shows at best about 2 %."""
MANY_NON_ANSWERS = 0.05
HIDDEN_BY_ACCURACY = 0.1


def check_training(test: TestScores, record: ModelRecord) -> None:
    """Hold that nobody in the test was trained on.

    Raises:
        BonafideError: the record lists training subjects and some of them are in the test.
    """
    shared = sorted(test.subjects() & (record.training_subjects or frozenset()))
    if shared:
        raise BonafideError(
            f"{len(shared)} capture subjects were trained on: {', '.join(shared[:5])}.",
            where=test.source,
            remedy="Split by person; figures on people the model has seen are too good.",
        )


def cautions(
    test: TestScores,
    point: OperatingPoint,
    rates: OperatingRates,
    development: DevelopmentScores | None,
    record: ModelRecord | None,
) -> list[str]:
    """Sentences, the gravest first."""
    return [
        *_about_data(test, point, development),
        *_about_species(test, point, rates, record),
        *_about_threshold(point, rates, test.unit),
        *_about_answers(rates),
    ]


def _about_data(
    test: TestScores, point: OperatingPoint, development: DevelopmentScores | None
) -> list[str]:
    found = []
    if not test.attack.any():
        found.append("The test holds no attack: a system that accepts everybody would pass it.")
    if test.attack.all():
        found.append(
            "The test holds no bona fide presentation: a system that refuses everybody would pass "
            "it."
        )
    simulated = [name for name in test.datasets() if "simulated" in name.lower()]
    if simulated or "simulated" in test.source.lower():
        names = ", ".join(simulated) or test.source
        found.append(
            f"Simulated data ({names}): these figures say nothing about real attacks on real "
            "cameras."
        )
    elif "simulated" in point.development.dataset.lower():
        found.append("The threshold was chosen on simulated data.")
    if test.unit == "frame":
        found.append(
            "Single frames were judged. Frames of one clip are much alike, so exact intervals are "
            "too narrow; those by subject are not."
        )
    if not test.has_subjects:
        found.append(
            "The test data does not say who is in it. Intervals take every presentation for "
            "another person and are too narrow if that is not so, and people shared with the "
            "development data cannot be noticed."
        )
    if development is None:
        found.append(
            "The development scores were not given, so nobody has checked that the test holds "
            "other people."
        )
    here, there = ", ".join(test.datasets()), point.development.dataset
    if development is not None and here and development.datasets() and here != there:
        found.append(f"The threshold was chosen on {there}, the figures are for {here}.")
    return found


def _about_species(
    test: TestScores, point: OperatingPoint, rates: OperatingRates, record: ModelRecord | None
) -> list[str]:
    found = []
    species = set(test.attack_species())
    known = record.training_species if record is not None else None
    if known is not None and species - known:
        names = ", ".join(sorted(species - known))
        found.append(f"Test species unseen in training: {names}.")
    unseen = species - set(point.development.attacks_by_species)
    if point.development.attacks_by_species and unseen:
        names = ", ".join(sorted(unseen))
        found.append(f"Test species unseen when the threshold was chosen: {names}.")
    for name, one in rates.apcer_by_species.items():
        if not one.trials:
            found.append(f"No attack of species {name} got an answer; it has no APCER.")
        elif one.trials < FEW_ATTACKS:
            bound = upper_bound(one.events, one.trials)
            found.append(
                f"Only {one.trials} attacks of species {name}: with {one.events} accepted, a true "
                f"rate of {percent(bound)} cannot be ruled out (95\u00a0%, one-sided)."
            )
    return found


def _about_threshold(point: OperatingPoint, rates: OperatingRates, unit: str) -> list[str]:
    evidence = point.development
    found = []
    if 0 < evidence.subjects < FEW_PEOPLE:
        found.append(
            f"The threshold comes from {evidence.subjects} people. Other {evidence.subjects} "
            "people would have given another one."
        )
    elif evidence.subjects == 0:
        found.append("It is not known how many people the threshold comes from.")
    refused = round(evidence.bpcer * evidence.bona_fide)
    accepted = sum(
        round(share * evidence.attacks_by_species.get(name, 0))
        for name, share in evidence.apcer_by_species.items()
    )
    if point.name.startswith("eer") and min(refused, accepted) < FEW_ERRORS:
        found.append(
            f"The EER threshold rests on {refused} refused bona fide and {accepted} accepted "
            "attacks in development: few enough for chance to place it."
        )
    if (evidence.unit == "frame") != (unit == "frame"):
        found.append(f"The threshold was chosen on {evidence.unit}s and applied to {unit}s.")
    name, _, limit = point.name.partition("=")
    if name == "bpcer" and evidence.bona_fide * float(limit) < 1:
        found.append(
            f"The target {point.name} is finer than {evidence.bona_fide} development "
            "presentations can show; it amounts to refusing none of them."
        )
    if name == "apcer":
        small = [k for k, n in evidence.attacks_by_species.items() if n * float(limit) < 1]
        if small:
            found.append(
                f"The target {point.name} is finer than the development attacks of "
                f"{', '.join(small)} can show; it amounts to accepting none of them."
            )
    interval = rates.bpcer.interval
    if interval is not None and not interval.low <= evidence.bpcer <= interval.high:
        found.append(
            f"The threshold does not carry over: BPCER was {percent(evidence.bpcer)} in "
            f"development and is {percent(rates.bpcer.value)} in the test."
        )
    return found


def _about_answers(rates: OperatingRates) -> list[str]:
    found = []
    if (rates.bpnrr.value or 0) > MANY_NON_ANSWERS:
        found.append(
            f"{percent(rates.bpnrr.value)} of bona fide presentations got no answer; BPCER does "
            "not count them."
        )
    for name, one in rates.apnrr_by_species.items():
        if (one.value or 0) > MANY_NON_ANSWERS:
            found.append(f"{percent(one.value)} of {name} attacks got no answer.")
    worst = rates.apcer
    if worst is not None and worst.value is not None and rates.accuracy.value is not None:
        missed = 1 - rates.accuracy.value
        if worst.value - missed > HIDDEN_BY_ACCURACY:
            found.append(
                f"Accuracy hides it: {percent(rates.accuracy.value)} of decisions are right, and "
                f"still {percent(worst.value)} of {rates.worst_species} attacks are accepted."
            )
    return found
