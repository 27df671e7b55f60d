"""Which samples a step sees: a function of (seed, step), balanced from class down to person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonafide.types import CLASSES, BonafideError, Label, Presentation


def class_index(label: Label) -> int:
    """The index into `CLASSES` of a label."""
    return CLASSES.index(label.value)


@dataclass(frozen=True)
class BalancedSampler:
    """Draws class, then PAI species, then capture subject, then one of its crops, evenly.

    Attributes:
        groups: class -> species -> subject -> row numbers of the crop cache.
    """

    groups: dict[str, dict[str, dict[str, npt.NDArray[np.int64]]]]

    def draw(self, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """Row numbers (count,), half of them bona fide (the odd one is an attack)."""
        rows = np.empty(count, np.int64)
        for position in range(count):
            species = self.groups[CLASSES[position % 2]]
            subjects = _pick(species, rng)
            rows[position] = rng.choice(_pick(subjects, rng))
        return rows


def _pick(choices: dict[str, object], rng: np.random.Generator) -> object:
    return choices[list(choices)[rng.integers(len(choices))]]


def balanced_sampler(rows: Sequence[Presentation]) -> BalancedSampler:
    """Group the rows of a crop cache.

    Raises:
        BonafideError: a class has no row.
    """
    lists: dict[str, dict[str, dict[str, list[int]]]] = {
        name: defaultdict(lambda: defaultdict(list)) for name in CLASSES
    }
    for number, row in enumerate(rows):
        lists[row.label.value][row.pai_species][row.capture_subject].append(number)
    for name in CLASSES:
        if not lists[name]:
            raise BonafideError(
                f"no {name} sample with a usable face in the training split.",
                where="training data",
                remedy="Add such samples, or look at the crop cache's list of those without face.",
            )
    return BalancedSampler(
        {
            name: {
                species: {subject: np.array(n) for subject, n in sorted(subjects.items())}
                for species, subjects in sorted(groups.items())
            }
            for name, groups in lists.items()
        }
    )


def step_rng(seed: int, step: int) -> np.random.Generator:
    """The generator of one step: the same whether or not the run was interrupted before it."""
    return np.random.default_rng([seed, step])


def targets_of(rows: Sequence[Presentation]) -> npt.NDArray[np.int64]:
    """(rows,) int64 indices into `CLASSES`."""
    return np.array([class_index(row.label) for row in rows], np.int64)
