"""Texture and a support vector machine: the LBP and LBP-TOP rivals, with probabilities.

Tu et al., section 4.2: "the 59-dimensional holistic features" of every frame train an SVM, and a
clip's score is the mean of its frames' probabilities; LBP-TOP has one feature a clip. The multi-
scale and colour features are those of the related work (Maatta et al. 2011, Boulkenafet et al.
2015).

The paper gives neither kernel nor C. Here: radial basis functions, C = 1, gamma = 1 / number of
features, on features of zero mean and unit variance, classes weighed alike. Probabilities are
Platt's, fitted to decision values of frames whose clip was left out of training: a fit to the
training values themselves is far too sure.

Training needs scikit-learn; a stored machine is numbers in a safetensors file and runs on numpy.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import (
    colour_histogram,
    grey_of,
    lbp_histogram,
    multi_scale_histogram,
)
from bonafide.cues.lbp_top import lbp_top_histogram
from bonafide.models.support_machine import rising
from bonafide.types import BonafideError, Label, RgbImage

Features = npt.NDArray[np.float32]
Clip = npt.NDArray[np.uint8]

FORMAT = 1
FOLDS = 5
CHUNK = 1024  # rows of the kernel matrix held at once


class TextureSvmError(BonafideError):
    """A texture machine cannot be trained, read or applied."""


def _frames(feature: Callable[[RgbImage], Features]) -> Callable[[Clip], Features]:
    return lambda clip: np.stack([feature(frame) for frame in clip])


VARIANTS: dict[str, Callable[[Clip], Features]] = {
    "lbp": _frames(lambda frame: lbp_histogram(grey_of(frame))),
    "lbp_multi_scale": _frames(lambda frame: multi_scale_histogram(grey_of(frame))),
    "lbp_colour": _frames(colour_histogram),
    "lbp_top": lambda clip: lbp_top_histogram(np.stack([grey_of(frame) for frame in clip]))[None],
}
"""Feature by name: (T, H, W, 3) RGB uint8 face crops of one clip -> (T or 1, D) float32. D is 59,
361, 354 and 177. A photo is a clip of one frame, for all but the last."""


@dataclass(frozen=True)
class TextureSvm:
    """A trained machine. Decision values and probabilities are higher for bona fide.

    Attributes:
        variant: of `VARIANTS`; what ``features`` below must be.
        mean, scale: (D,), float64; features are (f - mean) / scale before the kernel.
        support: (S, D), float64, scaled support vectors.
        weight: (S,), float64, signed dual coefficients.
        intercept, gamma: of the decision value sum(weight exp(-gamma |support - f|^2)) + intercept.
        platt_a, platt_b: the probability is 1 / (1 + exp(platt_a value + platt_b)).
        record: what it was trained on, from `train`'s caller; goes into the file.
    """

    variant: str
    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    support: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    intercept: float
    gamma: float
    platt_a: float
    platt_b: float
    record: dict[str, Any] = field(default_factory=dict)

    def decision(self, features: Features) -> npt.NDArray[np.float64]:
        """Signed distance-like value of each row: (N, D) -> (N,), above 0 for bona fide."""
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise TextureSvmError(
                f"features of shape {features.shape} do not fit {len(self.mean)} bins.",
                where=self.variant,
                remedy=f"Make them with VARIANTS[{self.variant!r}].",
            )
        scaled = (features - self.mean) / self.scale
        return np.concatenate(
            [self._values(scaled[i : i + CHUNK]) for i in range(0, len(scaled), CHUNK)]
            or [np.zeros(0)]
        )

    def _values(self, scaled: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        squares = (scaled**2).sum(1)[:, None] + (self.support**2).sum(1)
        distance = np.maximum(squares - 2 * scaled @ self.support.T, 0)
        return np.asarray(np.exp(-self.gamma * distance) @ self.weight + self.intercept)

    def probability(self, features: Features) -> npt.NDArray[np.float64]:
        """Probability of bona fide of each row: (N, D) -> (N,), 0..1."""
        exponent = self.platt_a * self.decision(features) + self.platt_b
        return np.asarray(0.5 - 0.5 * np.tanh(0.5 * exponent))  # 1 / (1 + exp), without overflow

    def score(self, clip: Clip) -> float:
        """The clip's score: the mean of its frames' probabilities, 0..1, higher is bona fide.

        Args:
            clip: (T, H, W, 3), RGB uint8 face crops as in training; one frame for a photo.

        Raises:
            TextureError: too small, or for LBP-TOP too short.
        """
        return float(self.probability(VARIANTS[self.variant](clip)).mean())

    def save(self, path: Path) -> None:
        """Write it as safetensors, settings and record as JSON in the file's metadata."""
        from safetensors.numpy import save_file

        about = {
            "format": FORMAT,
            "variant": self.variant,
            "intercept": self.intercept,
            "gamma": self.gamma,
            "platt_a": self.platt_a,
            "platt_b": self.platt_b,
            "record": self.record,
        }
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        save_file(arrays, path, metadata={"texture_svm": json.dumps(about)})


_ARRAYS = ("mean", "scale", "support", "weight")


def load_texture_svm(path: Path) -> TextureSvm:
    """Read a machine that `TextureSvm.save` wrote. Nothing in the file is run.

    Raises:
        TextureSvmError: missing, no such file, or of another format or unknown variant.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["texture_svm"])
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
        if about.pop("format") != FORMAT or about["variant"] not in VARIANTS:
            raise KeyError("format or variant")
        if arrays["support"].shape != (len(arrays["weight"]), len(arrays["mean"])):
            raise KeyError("shapes")
        return TextureSvm(**arrays, **about)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise TextureSvmError(
            f"is no texture machine of this version ({error}).",
            where=str(path),
            remedy="Name a file that TextureSvm.save wrote, or train again.",
        ) from error


def train(
    variant: str,
    features: Features,
    labels: Sequence[Label],
    clips: Sequence[str],
    *,
    seed: int,
    penalty: float = 1.0,
    record: dict[str, Any] | None = None,
) -> TextureSvm:
    """Train on frames (or clips, for LBP-TOP). The same input and seed give the same machine.

    Args:
        variant: of `VARIANTS`.
        features: (N, D), float32, rows of all clips one after the other.
        labels: (N,).
        clips: (N,), which rows stay together when probabilities are fitted: the capture subject
            where there are enough of them, or else the clip.
        seed: draws the folds.
        penalty: C of the machine.
        record: what to write into the file about the data.

    Raises:
        TextureSvmError: scikit-learn is missing, the variant is unknown, a class is missing or has
            a single clip, a feature is not finite, or the lengths differ.
    """
    _check_training(variant, features, labels, clips)
    calibration, svm = _sklearn()
    bona_fide = np.array([label is Label.BONA_FIDE for label in labels])
    mean = features.mean(0, dtype=np.float64)
    spread = features.std(0, dtype=np.float64)
    scale = np.where(spread > 0, spread, 1.0)  # a bin that never changes says nothing
    scaled = (features - mean) / scale
    machine = svm.SVC(C=penalty, kernel="rbf", gamma=1 / features.shape[1], class_weight="balanced")
    calibrated = calibration.CalibratedClassifierCV(
        machine, method="sigmoid", ensemble=False, cv=_folds(bona_fide, clips, seed)
    ).fit(scaled, bona_fide)
    fitted = calibrated.calibrated_classifiers_[0]
    whole, platt = fitted.estimator, fitted.calibrators[0]
    platt_a, platt_b = rising(float(platt.a_), float(platt.b_))
    return TextureSvm(
        variant=variant,
        mean=mean,
        scale=scale,
        support=whole.support_vectors_.astype(np.float64),
        weight=whole.dual_coef_[0].astype(np.float64),
        intercept=float(whole.intercept_[0]),
        gamma=1 / features.shape[1],
        platt_a=platt_a,
        platt_b=platt_b,
        record={"seed": seed, "penalty": penalty, "rows": len(scaled), **(record or {})},
    )


def _folds(
    bona_fide: npt.NDArray[np.bool_], clips: Sequence[str], seed: int
) -> list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Train and held-out rows, clips kept whole, both classes in every fold."""
    groups = np.asarray(clips)
    rng = np.random.default_rng(seed)
    by_class = [np.unique(groups[bona_fide == label]) for label in (False, True)]
    count = min(FOLDS, *(len(names) for names in by_class))
    fold_of = {}
    for names in by_class:
        for place, name in enumerate(rng.permutation(names)):
            fold_of.setdefault(name, place % count)  # a subject may be in both classes
    folds = np.array([fold_of[name] for name in groups])
    rows = np.arange(len(groups))
    return [(rows[folds != fold], rows[folds == fold]) for fold in range(count)]


def _check_training(
    variant: str, features: Features, labels: Sequence[Label], clips: Sequence[str]
) -> None:
    if variant not in VARIANTS:
        raise TextureSvmError(
            f"{variant!r} is unknown.", where="variant", remedy=f"Choose of {', '.join(VARIANTS)}."
        )
    if features.ndim != 2 or not len(features) == len(labels) == len(clips):
        raise TextureSvmError(
            f"features {features.shape}, {len(labels)} labels and {len(clips)} clips do not match.",
            where="features",
            remedy="Pass one label and one clip name for each row.",
        )
    if not np.isfinite(features).all():
        raise TextureSvmError(
            "a feature is not finite.", where="features", remedy="Leave unreadable frames out."
        )
    for label in Label:
        of_class = {clip for clip, each in zip(clips, labels, strict=True) if each is label}
        if len(of_class) < 2:
            raise TextureSvmError(
                f"{len(of_class)} clips of {label.value}; probabilities need two to hold one out.",
                where="clips",
                remedy="Train on more clips, of both classes.",
            )


def _sklearn() -> tuple[Any, Any]:
    try:
        from sklearn import calibration, svm
    except ImportError as error:
        raise TextureSvmError(
            "training it needs scikit-learn, which is not installed.",
            where="texture_svm",
            remedy="Install it: pip install 'bonafide[train]'. A trained machine runs without.",
        ) from error
    return calibration, svm
