"""Choosing an operating point, on development scores only.

Every rule here first decides between which two neighbouring development scores the threshold lies;
the decisions on the development data are the same for the whole gap, so the threshold is put in
its middle, as far as possible from both scores. When the rule accepts every development score the
threshold is the lowest of them; when it accepts none, the next number above the highest.

=================  ==============================================================================
target             rule
=================  ==============================================================================
eer                APCER over all attacks together and BPCER closest (`sweep.eer_index`)
eer-worst-species  the same with APCER the maximum over PAI species
bpcer=X            the highest threshold with BPCER <= X
apcer=X            the lowest threshold with APCER <= X for every PAI species
threshold=T        T as published or agreed; nothing is searched
=================  ==============================================================================

"eer" pools the attacks because published HTER figures do; ISO/IEC 30107-3 figures take the worst
species.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint, is_accepted
from bonafide.decision.scores import DevelopmentScores, Floats
from bonafide.decision.sweep import eer_index, sweep, thresholds_of, worst_apcer
from bonafide.types import BonafideError


def choose(target: str, development: DevelopmentScores) -> OperatingPoint:
    """Choose a threshold for a target such as "eer", "bpcer=0.01" or "apcer=0.05".

    Args:
        target: a name of `RULES`, or a name of `LIMITED_RULES`, "=", and a number.
        development: scores of both classes. Non-responses are left out of the choice.

    Raises:
        BonafideError: the target is unknown; a class is missing; a species has no score at all;
            all scores are equal; or no threshold meets the target without refusing everybody.
    """
    if not isinstance(development, DevelopmentScores):
        raise BonafideError(
            f"a threshold can be chosen on development scores only, not on "
            f"{type(development).__name__}.",
            remedy="Give other people's scores than those the figures are for.",
        )
    _check(development)
    name, _, text = target.partition("=")
    if text == "" and name in RULES:
        threshold, rule = RULES[name](development)
    elif text and name in LIMITED_RULES:
        threshold, rule = LIMITED_RULES[name](development, _number(target, text))
    else:
        raise BonafideError(
            f"unknown target {target!r}.",
            where="target",
            remedy=f"Use {', '.join(RULES)}, or one of "
            f"{', '.join(f'{name}=NUMBER' for name in LIMITED_RULES)}.",
        )
    return OperatingPoint(target, rule, threshold, measure(development, threshold))


def measure(development: DevelopmentScores, threshold: float) -> DevelopmentEvidence:
    """What a threshold does on the development scores, as the operating point's evidence."""
    by_species = development.attack_scores_by_species()
    bona_fide = development.bona_fide_scores
    answered = development.answered
    rejected = int(np.count_nonzero(~is_accepted(bona_fide, threshold)))
    return DevelopmentEvidence(
        dataset=", ".join(development.datasets()) or Path(development.source).name,
        unit=development.unit,
        bona_fide=len(bona_fide),
        attacks=len(development.attack_scores),
        subjects=len(development.subject.take(answered).names) if development.has_subjects else 0,
        attacks_by_species={name: len(scores) for name, scores in by_species.items()},
        apcer_by_species={
            name: float(np.count_nonzero(is_accepted(scores, threshold)) / len(scores))
            for name, scores in by_species.items()
            if len(scores)
        },
        bpcer=rejected / len(bona_fide) if len(bona_fide) else 0.0,
    )


def _check(development: DevelopmentScores) -> None:
    where = development.source
    counts = {"bona_fide": len(development.bona_fide_scores)}
    counts |= {k: len(v) for k, v in development.attack_scores_by_species().items()}
    if len(counts) == 1 or counts["bona_fide"] == 0:
        raise BonafideError(
            f"a threshold needs scores of bona fide and of attacks; found {counts}.",
            where=where,
            remedy="Add development presentations of the missing class.",
        )
    empty = [name for name, n in counts.items() if n == 0]
    if empty:
        raise BonafideError(
            f"no presentation of species {', '.join(map(repr, empty))} has a score.",
            where=where,
            remedy="Add presentations that could be evaluated, or leave the species out.",
        )
    scores = development.score[development.answered]
    if scores.min() == scores.max():
        raise BonafideError(
            f"all {len(scores)} scores equal {scores[0]}; no threshold separates anything.",
            where=where,
            remedy="Look at the model that wrote them.",
        )


def _number(target: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BonafideError(
            f"{text!r} is not a number.", where=f"target {target!r}", remedy="Write bpcer=0.01."
        )
    return value


def _in_gap(thresholds: Floats, index: int) -> float:
    """The middle between score ``index - 1`` and score ``index``; above the former always."""
    if index == 0:
        return float(thresholds[0])
    lower = float(thresholds[index - 1])
    upper = float(thresholds[index])
    if math.isinf(upper):
        return math.nextafter(lower, math.inf)
    middle = lower / 2 + upper / 2  # halves first: the sum of two huge scores would overflow
    return middle if lower < middle < upper else upper


def _eer(development: DevelopmentScores) -> tuple[float, str]:
    counts = sweep(development.bona_fide_scores, development.attack_scores)
    index = eer_index(counts.apcer, counts.bpcer)
    return _in_gap(counts.thresholds, index), "APCER over all attacks closest to BPCER"


def _eer_worst_species(development: DevelopmentScores) -> tuple[float, str]:
    thresholds, apcer, bpcer = _worst_curve(development)
    index = eer_index(apcer, bpcer)
    return _in_gap(thresholds, index), "APCER of the worst species closest to BPCER"


def _bpcer(development: DevelopmentScores, limit: float) -> tuple[float, str]:
    _check_share("bpcer", limit)
    thresholds, _, bpcer = _worst_curve(development)
    index = int(np.flatnonzero(bpcer <= limit)[-1])
    return _in_gap(thresholds, index), f"the highest threshold with BPCER <= {limit:g}"


def _apcer(development: DevelopmentScores, limit: float) -> tuple[float, str]:
    _check_share("apcer", limit)
    thresholds, apcer, bpcer = _worst_curve(development)
    index = int(np.flatnonzero(apcer <= limit)[0])
    if bpcer[index] == 1.0:
        raise BonafideError(
            f"APCER <= {limit:g} for every species would refuse every bona fide presentation.",
            where=development.source,
            remedy="Allow a higher APCER, or improve the model.",
        )
    rule = f"the lowest threshold with APCER <= {limit:g} for every species"
    return _in_gap(thresholds, index), rule


def _fixed(development: DevelopmentScores, threshold: float) -> tuple[float, str]:
    del development  # nothing is fitted; `choose` measures it there
    return threshold, "fixed beforehand; not fitted to data"


def _worst_curve(development: DevelopmentScores) -> tuple[Floats, Floats, Floats]:
    thresholds = thresholds_of(development.score[development.answered])
    apcer = worst_apcer(development.attack_scores_by_species(), thresholds)
    nobody = np.empty(0)
    return thresholds, apcer, sweep(development.bona_fide_scores, nobody, thresholds).bpcer


def _check_share(name: str, limit: float) -> None:
    if not 0 <= limit < 1:
        raise BonafideError(
            f"{limit:g} is not a share from 0 to below 1.",
            where=f"target {name}",
            remedy=f"For five percent write {name}=0.05.",
        )


RULES: dict[str, Callable[[DevelopmentScores], tuple[float, str]]] = {
    "eer": _eer,
    "eer-worst-species": _eer_worst_species,
}
LIMITED_RULES: dict[str, Callable[[DevelopmentScores, float], tuple[float, str]]] = {
    "bpcer": _bpcer,
    "apcer": _apcer,
    "threshold": _fixed,
}
