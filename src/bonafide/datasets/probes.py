"""Shortcut probes: can a classifier tell live from attack without looking at the face?

Each probe fits a linear classifier on one kind of bare fact (file size, length, codec, border
pixels ...) and is tested on people that it has not seen. Where its AUC lies outside the band of
chance, a network can learn the same shortcut, and a good error rate on these data proves little.

The classifier is ridge regression on -1 (attack) and +1 (bona fide); numbers enter standardised
and as up to six quantile bins, so that any one-dimensional rule can be found. The band is measured:
labels are shuffled, within a person who has both classes, between people who have one, and the
same cross-validation is repeated. Being linear in the labels, all shuffles are solved at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonafide.datasets.media import MediaLook
from bonafide.datasets.protocol import rank_by_seed
from bonafide.datasets.ranks import column_ranks
from bonafide.types import Label, Presentation

FOLDS = 5
SHUFFLES = 999
BAND = 0.95
RIDGE = 0.01
QUANTILE_BINS = 6
BORDER_CELLS = 2
MAX_ROWS = 2000

Features = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Probe:
    """What one probe found.

    Attributes:
        name: the kind of fact.
        auc: area under the ROC curve on unseen people, bona fide above attack; None when all rows
            have the same value, so that there is nothing to learn.
        low, high: the band of chance that holds 95 % of the shuffled AUCs.
        p_value: share of shuffles at least as far from their middle, the true labels counted.
    """

    name: str
    auc: float | None
    low: float = 0.5
    high: float = 0.5
    p_value: float = 1.0

    @property
    def is_outside(self) -> bool:
        """Whether the AUC lies above the band: a shortcut that a network could learn."""
        return self.auc is not None and self.auc > self.high


def run_probes(
    rows: Sequence[Presentation], looks: Sequence[MediaLook], *, seed: int
) -> list[Probe]:
    """Every probe that the data allow, the strongest first.

    Args:
        rows: presentations; more than `MAX_ROWS` are thinned out by the seed.
        looks: of the same rows.
        seed: folds, thinning and shuffles.

    Returns:
        An empty list when there are fewer than two people or one class alone.
    """
    rng = np.random.default_rng(seed)
    if len(rows) > MAX_ROWS:
        kept = np.sort(rng.permutation(len(rows))[:MAX_ROWS])
        rows, looks = [rows[i] for i in kept], [looks[i] for i in kept]
    labels = np.array([1.0 if row.label is Label.BONA_FIDE else -1.0 for row in rows])
    people = [row.capture_subject for row in rows]
    if len(set(people)) < 2 or len(set(labels)) < 2:
        return []
    fold_of = assign_folds(people, seed)
    targets = np.column_stack([labels, shuffle_labels(labels, people, SHUFFLES, rng)])
    probes = [
        probe(name, features, targets, fold_of)
        for name, features in feature_groups(rows, looks).items()
    ]
    return sorted(probes, key=lambda found: -(found.auc or 0.0))


def probe(
    name: str, features: Features, targets: Features, fold_of: npt.NDArray[np.int64]
) -> Probe:
    """Fit and test one probe on the true labels and on all shuffles.

    Args:
        name: the kind of fact.
        features: (n, d).
        targets: (n, 1 + shuffles) of -1 and +1, the true labels first.
        fold_of: (n,) fold of each row.
    """
    if features.shape[1] == 0 or not np.any(np.ptp(features, axis=0) > 0):
        return Probe(name, None)
    scores = np.empty_like(targets)
    for fold in np.unique(fold_of):
        test = fold_of == fold
        scores[test] = ridge_scores(features[~test], targets[~test], features[test])
    areas = auc(scores, targets)
    low, high = np.quantile(areas[1:], [(1 - BAND) / 2, (1 + BAND) / 2])
    off = np.abs(areas - np.median(areas[1:]))
    return Probe(name, float(areas[0]), float(low), float(high), float(np.mean(off >= off[0])))


def auc(scores: Features, targets: Features) -> Features:
    """Area under the ROC curve of each column, ties counted half; 0.5 where one class is absent.

    Args:
        scores: (n, k), higher is more bona fide.
        targets: (n, k) of -1 and +1.
    """
    ranks = column_ranks(scores)
    bona_fide = targets > 0
    above = bona_fide.sum(axis=0)
    below = len(targets) - above
    wins = (ranks * bona_fide).sum(axis=0) - above * (above + 1) / 2
    areas: Features = np.where((above > 0) & (below > 0), wins / np.maximum(above * below, 1), 0.5)
    return areas


def assign_folds(people: Sequence[str], seed: int) -> npt.NDArray[np.int64]:
    """A fold for every row, whole people together."""
    ranked = rank_by_seed(people, seed)
    fold = {person: number % min(FOLDS, len(ranked)) for number, person in enumerate(ranked)}
    return np.array([fold[person] for person in people])


def shuffle_labels(
    labels: Features, people: Sequence[str], shuffles: int, rng: np.random.Generator
) -> Features:
    """(n, shuffles) labels as they might have been if they depended on nothing but the person.

    Within a person who has both classes the labels change places; people of one class change
    places with each other, all of a person's rows together.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, person in enumerate(people):
        members[person].append(index)
    mixed = [rows for rows in members.values() if len(set(labels[rows])) == 2]
    pure = [rows for rows in members.values() if len(set(labels[rows])) == 1]
    shuffled: Features = np.repeat(labels[:, None], shuffles, axis=1)
    for rows in mixed:
        shuffled[rows] = rng.permuted(shuffled[rows], axis=0)
    if pure:
        of_person = np.repeat(labels[[rows[0] for rows in pure]][:, None], shuffles, axis=1)
        of_person = rng.permuted(of_person, axis=0)
        for rows, value in zip(pure, of_person, strict=True):
            shuffled[rows] = value
    return shuffled


def feature_groups(
    rows: Sequence[Presentation], looks: Sequence[MediaLook]
) -> Mapping[str, Features]:
    """Kind of fact -> features; the faces themselves are in none of them."""
    facts = [look.facts for look in looks]
    groups = {
        "file size per frame": _numbers([[f.size_bytes / f.frames] for f in facts]),
        "picture size": _numbers([[f.width_px, f.height_px] for f in facts]),
        "length": _numbers([[f.duration_s, f.frames] for f in facts]),
        "frame rate": _numbers([[f.rate_hz] for f in facts]),
        "codec and container": _words([(f.codec, f.container) for f in facts]),
        "JPEG quality": _numbers([[f.jpeg_quality] for f in facts]),
    }
    groups["all of these"] = np.hstack(list(groups.values()))
    groups["stated conditions"] = _words(
        [(row.session, row.device, row.light, row.quality) for row in rows]
    )
    boxes = [row.box for row in rows]
    if all(box is not None for box in boxes):
        groups["face box"] = _numbers(
            [[*box.center, box.width, box.height] for box in boxes if box is not None]
        )
    groups["black pixels"] = _numbers([[look.black_share] for look in looks])
    groups["picture border"] = np.array([_border(look.colour) for look in looks])
    return groups


def ridge_scores(train: Features, targets: Features, test: Features) -> Features:
    """(m, k) scores of new rows by ridge regression on standardised features.

    Args:
        train: (n, d); targets: (n, k) of -1 and +1; test: (m, d).
    """
    middle, spread = train.mean(axis=0), train.std(axis=0)
    spread = np.where(spread > 1e-9 * (1 + np.abs(middle)), spread, np.inf)
    known, new = (train - middle) / spread, (test - middle) / spread
    inner = known.T @ known + RIDGE * len(known) * np.eye(known.shape[1])
    weights: Features = np.linalg.solve(inner, known.T @ (targets - targets.mean(axis=0)))
    return new @ weights


def _numbers(values: Sequence[Sequence[float]]) -> Features:
    """Each column as it is, and as membership in its quantile bins."""
    table = np.array(values, dtype=np.float64)
    columns = [table]
    for column in table.T:
        edges = np.unique(np.quantile(column, np.arange(1, QUANTILE_BINS) / QUANTILE_BINS))
        bins = np.searchsorted(edges, column, side="left")
        columns.append((bins[:, None] == np.arange(len(edges) + 1)[None, :]).astype(np.float64))
    return np.hstack(columns)


def _words(values: Sequence[tuple[str, ...]]) -> Features:
    """One column for each word at each place."""
    places = list(zip(*values, strict=True))
    columns = [
        [float(word == known) for word in place] for place in places for known in sorted(set(place))
    ]
    return np.array(columns).T


def _border(colour: npt.NDArray[np.float32]) -> Features:
    inside = np.zeros(colour.shape[:2], dtype=bool)
    inside[BORDER_CELLS:-BORDER_CELLS, BORDER_CELLS:-BORDER_CELLS] = True
    outside: Features = colour[~inside].astype(np.float64).ravel()
    return outside
