"""Fisher vectors of dense local descriptors in colour, and a support vector machine.

Boulkenafet, Komulainen, Hadid: "Face Antispoofing Using Speeded-Up Robust Features and Fisher
Vector Encoding", IEEE Signal Processing Letters 24(2), 2017. Descriptors on a dense grid in every
channel of HSV and YCbCr, joined, decorrelated by PCA, described by how a Gaussian mixture has
to change to fit (Perronnin et al., ECCV 2010: power and length normalised).

Deviations: SURF is patented and not in OpenCV's main build; SIFT (128 values a channel) stands in
its place. The mixture has 16 components and PCA keeps 48 values (theirs 256 and 300), which is what
a few hundred faces can fill; the classifier is a linear machine (theirs softmax).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import COLOUR_SPACES

SIDE_PX = 64
STEP_PX = 6
SIZE_PX = 12.0
KEPT = 48
COMPONENTS = 16
MOST_DESCRIPTORS = 40_000
"""That the mixture is fitted to, drawn at random."""

Arrays = dict[str, npt.NDArray[Any]]


def describe(views: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(1, side, side, 3) uint8 RGB -> (places, 768) float32: SIFT of H, S, V, Y, Cb, Cr."""
    side = views.shape[1]
    places = np.arange(SIZE_PX / 2, side - SIZE_PX / 2 + 1, STEP_PX)
    points = [cv2.KeyPoint(float(x), float(y), SIZE_PX, 0.0) for y in places for x in places]
    sift = cv2.SIFT_create()  # type: ignore[attr-defined]
    channels = [c for space in COLOUR_SPACES.values() for c in np.moveaxis(space(views[0]), 2, 0)]
    each = [sift.compute(np.ascontiguousarray(channel), points)[1] for channel in channels]
    joined = np.concatenate(each, axis=1)
    return np.asarray(np.sqrt(joined / np.maximum(joined.sum(1, keepdims=True), 1e-6)), np.float32)


def learn(descriptors: Sequence[npt.NDArray[np.float32]], seed: int) -> Arrays:
    """Fit PCA and the mixture to the descriptors of the training faces."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    every = np.concatenate(list(descriptors))
    rng = np.random.default_rng(seed)
    if len(every) > MOST_DESCRIPTORS:
        every = every[rng.choice(len(every), MOST_DESCRIPTORS, replace=False)]
    mean = every.mean(0)
    _, values, axes = np.linalg.svd(every - mean, full_matrices=False)
    deviation = values[:KEPT] / np.sqrt(len(every))
    axes = axes[:KEPT] / np.maximum(deviation, 1e-6)[:, None]
    mixture = GaussianMixture(
        COMPONENTS, covariance_type="diag", random_state=seed, max_iter=30, reg_covar=1e-3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # thirty rounds are meant
        mixture.fit((every - mean) @ axes.T)
    return {
        "pca_mean": mean,
        "pca_axes": axes,
        "weights": mixture.weights_,
        "means": mixture.means_,
        "variances": mixture.covariances_,
    }


def encode(descriptors: npt.NDArray[np.float32], learned: Arrays) -> npt.NDArray[np.float32]:
    """(places, 768) -> (2 * 16 * 48,) float32, of length 1: gradients by the means and deviations.

    See Perronnin et al., Eqs. 3-5; each value's sign times the root of its size.
    """
    x = (descriptors - learned["pca_mean"]) @ learned["pca_axes"].T
    weights, variances = learned["weights"], learned["variances"]
    apart = (x[:, None] - learned["means"]) / np.sqrt(variances)  # places, components, values
    log_share = np.log(weights) - 0.5 * (apart**2 + np.log(variances)).sum(2)
    log_share -= log_share.max(1, keepdims=True)
    share = np.exp(log_share)
    share /= share.sum(1, keepdims=True)
    by_mean = np.einsum("pk,pkd->kd", share, apart) / np.sqrt(weights)[:, None]
    by_deviation = np.einsum("pk,pkd->kd", share, apart**2 - 1) / np.sqrt(2 * weights)[:, None]
    vector = np.concatenate([by_mean.ravel(), by_deviation.ravel()]) / len(x)
    vector = np.sign(vector) * np.sqrt(np.abs(vector))
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
