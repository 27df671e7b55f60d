"""Choose a subset of simulated samples in which trivial features tell nothing.

Printing and re-photographing costs some sharpness and contrast whatever the camera does. Instead
of disguising that, samples are paired: each bona fide one with a print and with a replay that
look alike in every trivial feature, through the propensity score (Rosenbaum and Rubin 1983) with a
caliper of a fifth of its standard deviation (Austin 2011). What finds no partner is left out.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import numpy.typing as npt

from bonafide.datasets.ranks import column_ranks
from bonafide.simulator.probe import Features, area_under_curve
from bonafide.types import BONA_FIDE_SPECIES, BonafideError

CALIPER = 0.2
FOLDS = 5
RIDGE = 1.0
RIDGE_PRODUCTS = 30.0
LEAST_KEPT = 0.7


def match_trivial(
    features: Features, species: list[str], subjects: list[str], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Indices, ascending, of a subset in which every species looks alike in trivial features.

    Each kept bona fide sample brings one partner of every attack species, so species stay equal in
    number. Propensities are fitted on other people than they are applied to: fitted on themselves
    they would explain chance differences away, and pairs matched on that tell the label backwards.
    Where a propensity fitted anew still tells, what was kept is matched once more.

    Args:
        features: (n, f), rows of `probe.trivial_features`.
        species: (n,) "bona_fide" or an attack species.
        subjects: (n,) the person of each sample.

    Raises:
        BonafideError: lengths differ, or bona fide or attack samples are missing.
    """
    kinds = np.asarray(species)
    attacks = sorted(set(species) - {BONA_FIDE_SPECIES})
    if len(features) != len(kinds) or not attacks or BONA_FIDE_SPECIES not in species:
        raise BonafideError(
            f"{len(features)} rows of features, species {sorted(set(species))}: no match possible.",
            where="match_trivial",
            remedy="Give one row per sample, with bona fide and attack samples.",
        )
    names = np.unique(subjects)
    fold_of = dict(zip(names, rng.permutation(len(names)) % FOLDS, strict=True))
    folds = np.array([fold_of[subject] for subject in subjects])
    kept = _match_once(features, kinds, attacks, folds, rng)
    if not _balanced(features[kept], kinds[kept], attacks, folds[kept]):
        again = kept[_match_once(features[kept], kinds[kept], attacks, folds[kept], rng)]
        # Few samples make poor propensities, and matching on those only throws samples away.
        kept = again if len(again) >= LEAST_KEPT * len(kept) else kept
    return kept


def _balanced(
    features: Features, kinds: npt.NDArray, attacks: list[str], folds: npt.NDArray
) -> bool:
    """Whether a propensity fitted anew on the kept samples tells no species apart any more."""
    for attack in attacks:
        both = np.flatnonzero((kinds == BONA_FIDE_SPECIES) | (kinds == attack))
        live = kinds[both] == BONA_FIDE_SPECIES
        if live.all() or not live.any():
            return True
        area = area_under_curve(propensity(features[both], live, folds[both]), live)
        # One-sided 10 % of chance: stricter than the probe's own band.
        if area - 0.5 > 1.28 * np.sqrt((len(live) + 1) / (12 * live.sum() * (~live).sum())):
            return False
    return True


def _match_once(
    features: Features,
    kinds: npt.NDArray,
    attacks: list[str],
    folds: npt.NDArray,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Indices, ascending, of the samples that found partners."""
    live = np.flatnonzero(kinds == BONA_FIDE_SPECIES)
    partners: dict[str, dict[int, int]] = {}
    # What one species leaves of the live samples is what the next is matched to, twice around:
    # pairing each on its own and intersecting would shift the live samples away from both.
    for _ in range(2):
        for attack in attacks:
            shown = np.flatnonzero(kinds == attack)
            partners[attack] = _pair(features, live, shown, folds, rng)
            live = np.array(sorted(partners[attack]), np.int64)
    chosen = live.tolist() + [partners[attack][i] for attack in attacks for i in live.tolist()]
    return np.sort(np.array(chosen, np.int64))


def _pair(
    features: Features,
    live: npt.NDArray,
    shown: npt.NDArray,
    folds: npt.NDArray,
    rng: np.random.Generator,
) -> dict[int, int]:
    """Bona fide index -> attack index, greedily, in random order, within the caliper."""
    if not len(live) or not len(shown):
        return {}
    both = np.concatenate([live, shown])
    logit = propensity(features[both], np.arange(len(both)) < len(live), folds[both])
    reach = CALIPER * max(float(logit.std()), 1e-6)
    free = sorted(zip(logit[len(live) :].tolist(), shown.tolist(), strict=True))
    pairs = {}
    for place in rng.permutation(len(live)):
        value = float(logit[place])
        right = bisect_left(free, (value, -1))
        near = [k for k in (right - 1, right) if 0 <= k < len(free)]
        best = min(near, key=lambda k: abs(free[k][0] - value), default=None)
        if best is not None and abs(free[best][0] - value) <= reach:
            pairs[int(live[place])] = free.pop(best)[1]
    return pairs


def propensity(
    features: Features, live: npt.NDArray[np.bool_], folds: npt.NDArray
) -> npt.NDArray[np.float64]:
    """(n,) log odds of being bona fide, each fold scored by a model fitted on the others.

    Ridge logistic regression on ranks, squares and products: ranks make it blind to each feature's
    scale; squares and products let it see what trees see.
    """
    # Ties share a rank: were they ordered by position, the label would leak into the features.
    unit = 2 * (column_ranks(features) - 0.5) / len(features) - 1
    # A feature that is the same for all has no order.
    unit = unit[:, np.ptp(features, axis=0) > 0]
    rows, columns = np.triu_indices(unit.shape[1])
    products = unit[:, rows] * unit[:, columns]
    design = np.column_stack([np.ones(len(unit)), unit, products - products.mean(axis=0)])
    logit = np.zeros(len(unit))
    for fold in np.unique(folds):
        held_out = folds == fold
        if 0 < live[~held_out].sum() < (~held_out).sum():
            weights = _fit_logistic(design[~held_out], live[~held_out], unit.shape[1])
            logit[held_out] = design[held_out] @ weights
    return np.clip(logit, -15, 15)


def _fit_logistic(design: npt.NDArray, live: npt.NDArray, features: int) -> npt.NDArray[np.float64]:
    """Ridge logistic regression by Newton's method; the intercept is free, and the
    ``features`` columns after it are shrunk less than the products that follow.
    """
    penalty = np.full(design.shape[1], RIDGE_PRODUCTS)
    penalty[: 1 + features] = RIDGE
    penalty[0] = 1e-6
    weights = np.zeros(design.shape[1])
    for _ in range(12):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -15, 15)))
        curvature = design.T @ (design * (chance * (1 - chance))[:, None]) + np.diag(penalty)
        step = np.linalg.solve(curvature, design.T @ (live - chance) - penalty * weights)
        weights = weights + step
        if np.abs(step).max() < 1e-6:
            break
    return weights
