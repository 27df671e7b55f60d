"""A support vector machine with probabilities, as numbers: fitted by scikit-learn, run by numpy.

Features get zero mean and unit variance; classes weigh alike; probabilities are Platt's, fitted to
decision values of people (or clips) who were left out: a fit to the training values themselves is
far too sure. Nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError

FOLDS = 5
CHUNK = 1024
"""Rows of the kernel matrix held at once."""

KERNELS = ("linear", "rbf")

LEAST_SLOPE = 1e-3
"""Of Platt's sigmoid: a higher decision value is never less probably bona fide."""

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class MachineError(BonafideError):
    """A machine cannot be fitted, read or applied."""


@dataclass(frozen=True)
class SupportMachine:
    """A fitted machine. Decision values and probabilities are higher for bona fide.

    Attributes:
        mean, scale: (D,), float64; features are (f - mean) / scale before the kernel.
        support: (S, D), float64, scaled support vectors; of a linear machine their sum, S = 1.
        weight: (S,), float64, signed dual coefficients; 1 for a linear machine.
        intercept: of the decision value.
        gamma: of the kernel exp(-gamma |support - f|^2); 0 for a linear machine.
        platt_a, platt_b: the probability is 1 / (1 + exp(platt_a value + platt_b)).
    """

    mean: Floats
    scale: Floats
    support: Floats
    weight: Floats
    intercept: float
    gamma: float
    platt_a: float
    platt_b: float

    def decision(self, features: npt.NDArray[np.floating]) -> Floats:
        """Signed distance-like value of each row: (N, D) -> (N,), above 0 for bona fide."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise MachineError(
                f"features of shape {features.shape} do not fit {len(self.mean)} values.",
                where="features",
                remedy="Make them as those that the machine was fitted to.",
            )
        scaled = (features - self.mean) / self.scale
        parts = [self._values(scaled[i : i + CHUNK]) for i in range(0, len(scaled), CHUNK)]
        return np.concatenate(parts or [np.zeros(0)])

    def _values(self, scaled: Floats) -> Floats:
        inner = scaled @ self.support.T
        if self.gamma == 0:
            return np.asarray(inner @ self.weight + self.intercept)
        squares = (scaled**2).sum(1)[:, None] + (self.support**2).sum(1)
        distance = np.maximum(squares - 2 * inner, 0)
        return np.asarray(np.exp(-self.gamma * distance) @ self.weight + self.intercept)

    def probability(self, features: npt.NDArray[np.floating]) -> Floats:
        """Probability of bona fide of each row: (N, D) -> (N,), 0..1."""
        exponent = self.platt_a * self.decision(features) + self.platt_b
        return np.asarray(0.5 - 0.5 * np.tanh(0.5 * exponent))  # 1 / (1 + exp), without overflow

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of it as arrays, for a safetensors file; `machine_from` reads them back."""
        numbers = np.array(
            [self.intercept, self.gamma, self.platt_a, self.platt_b], dtype=np.float64
        )
        return {
            "mean": self.mean,
            "scale": self.scale,
            "support": self.support,
            "weight": self.weight,
            "numbers": numbers,
        }


def machine_from(arrays: dict[str, npt.NDArray[Any]], *, where: str) -> SupportMachine:
    """Read what `SupportMachine.arrays` gave.

    Raises:
        MachineError: an array is missing or of the wrong shape; ``where`` names the file.
    """
    try:
        mean, scale, support, weight = (
            arrays[name] for name in ("mean", "scale", "support", "weight")
        )
        intercept, gamma, platt_a, platt_b = arrays["numbers"].tolist()
        if support.shape != (len(weight), len(mean)) or scale.shape != mean.shape:
            raise ValueError("shapes")
    except (KeyError, ValueError, TypeError) as error:
        raise MachineError(
            f"holds no machine of this version ({error}).", where=where, remedy="Train again."
        ) from error
    return SupportMachine(mean, scale, support, weight, intercept, gamma, platt_a, platt_b)


def fit_machine(
    features: npt.NDArray[np.floating],
    bona_fide: Bools,
    groups: Sequence[str],
    *,
    seed: int,
    kernel: str = "rbf",
    penalty: float = 1.0,
) -> SupportMachine:
    """Fit a machine. The same input and seed give the same machine.

    Args:
        features: (N, D).
        bona_fide: (N,).
        groups: (N,), which rows stay together when probabilities are fitted: the capture subject
            where there are enough of them, or else the clip.
        seed: draws the folds.
        kernel: of `KERNELS`; rbf with gamma = 1 / D.
        penalty: C.

    Raises:
        MachineError: scikit-learn is missing, the kernel is unknown, a feature is not finite, the
            lengths differ, or a class has fewer than two groups.
    """
    _check(features, bona_fide, groups, kernel)
    calibration, svm = _sklearn()
    mean = features.mean(0, dtype=np.float64)
    spread = features.std(0, dtype=np.float64)
    scale = np.where(spread > 0, spread, 1.0)  # a value that never changes says nothing
    gamma = 1 / features.shape[1]
    machine = svm.SVC(C=penalty, kernel=kernel, gamma=gamma, class_weight="balanced")
    calibrated = calibration.CalibratedClassifierCV(
        machine, method="sigmoid", ensemble=False, cv=held_out(bona_fide, groups, seed)
    ).fit((features - mean) / scale, bona_fide)
    fitted = calibrated.calibrated_classifiers_[0]
    whole, platt = fitted.estimator, fitted.calibrators[0]
    support = whole.support_vectors_.astype(np.float64)
    weight = whole.dual_coef_[0].astype(np.float64)
    if kernel == "linear":
        support, weight, gamma = (weight @ support)[None], np.ones(1), 0.0
    platt_a, platt_b = rising(float(platt.a_), float(platt.b_))
    intercept = float(whole.intercept_[0])
    return SupportMachine(mean, scale, support, weight, intercept, gamma, platt_a, platt_b)


def rising(platt_a: float, platt_b: float) -> tuple[float, float]:
    """Platt's numbers so that the probability rises with the decision value.

    Where people who were left out scored no better than chance, the fitted slope may have the wrong
    sign, and would turn every answer round. Then the sigmoid is made nearly flat, about one half:
    the machine knows next to nothing, but it does not say the opposite of what it found.

    >>> rising(-2.0, 0.5), rising(0.7, 0.5)
    ((-2.0, 0.5), (-0.001, 0.0))
    """
    return (platt_a, platt_b) if platt_a <= -LEAST_SLOPE else (-LEAST_SLOPE, 0.0)


def held_out(
    bona_fide: Bools, groups: Sequence[str], seed: int
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Training and held-out rows of each fold: groups kept whole, both classes in every fold."""
    names = np.asarray(groups)
    rng = np.random.default_rng(seed)
    by_class = [np.unique(names[bona_fide == label]) for label in (False, True)]
    count = min(FOLDS, *(len(each) for each in by_class))
    fold_of: dict[str, int] = {}
    for each in by_class:
        for place, name in enumerate(rng.permutation(each)):
            fold_of.setdefault(name, place % count)  # a subject may be in both classes
    folds = np.array([fold_of[name] for name in names])
    rows = np.arange(len(names))
    pairs = [(rows[folds != fold], rows[folds == fold]) for fold in range(count)]
    # A subject of both classes may leave a fold without one of them.
    whole = [pair for pair in pairs if all(len(set(bona_fide[part])) == 2 for part in pair)]
    return whole or pairs


def _check(
    features: npt.NDArray[np.floating], bona_fide: Bools, groups: Sequence[str], kernel: str
) -> None:
    if kernel not in KERNELS:
        raise MachineError(f"{kernel!r} is unknown.", where="kernel", remedy=f"One of {KERNELS}.")
    if features.ndim != 2 or not len(features) == len(bona_fide) == len(groups):
        raise MachineError(
            f"features {features.shape}, {len(bona_fide)} labels and {len(groups)} groups do not "
            "match.",
            where="features",
            remedy="Pass one label and one group for each row.",
        )
    if not np.isfinite(features).all():
        raise MachineError(
            "a feature is not finite.", where="features", remedy="Leave unreadable rows out."
        )
    for label, name in ((True, "bona_fide"), (False, "attack")):
        count = len({g for g, live in zip(groups, bona_fide, strict=True) if live == label})
        if count < 2:
            raise MachineError(
                f"{count} groups of {name}; probabilities need two to hold one out.",
                where="groups",
                remedy="Train on more people or clips, of both classes.",
            )


def _sklearn() -> tuple[Any, Any]:
    try:
        from sklearn import calibration, svm
    except ImportError as error:
        raise MachineError(
            "fitting it needs scikit-learn, which is not installed.",
            where="support machine",
            remedy="Install it: pip install 'bonafide[train]'. A fitted machine runs without.",
        ) from error
    return calibration, svm
