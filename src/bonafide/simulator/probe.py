"""Does anything trivial tell live from attack? A probe that has to stay at chance.

If the size of a picture, its brightness or its JPEG level tell the label, a network will learn
that instead of prints and screens. The probe sees only such features; its area under the curve on
people it was not fitted on must be what chance gives.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from bonafide.types import BonafideError, Box, RgbImage

Features = npt.NDArray[np.float64]
"""(samples, len(TRIVIAL_FEATURES)) float64."""

TRIVIAL_FEATURES = (
    "width_px",
    "height_px",
    "aspect",
    "brightness",
    "contrast",
    "saturation",
    "log_sharpness",
    "log_bytes_per_px",
    "jpeg_quality",
    "face_x_share",
    "face_y_share",
    "face_width_share",
)
"""Columns of `trivial_features`: px; ratio; mean and standard deviation of grey, 0..255; mean HSV
saturation, 0..255; natural log of the variance of the Laplacian; natural log of JPEG bytes per px;
estimated IJG quality, 1..100; face centre and width as shares of the picture (0 without a box)."""

# Sum of the luminance table that ITU-T T.81 Annex K.1 gives as an example; IJG quality scales it.
_ANNEX_K_SUM = 3688


class ProbeError(BonafideError):
    """The probe cannot be run or has nothing to judge."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the probe found.

    Attributes:
        auc: the larger distance from 0.5 of two classifiers, as an area under the ROC curve.
        low, high: 95 % band of chance for these numbers of samples; a sample set is balanced when
            low <= auc <= high.
        n: samples judged.
        by_classifier: classifier -> its area under the curve.
    """

    auc: float
    low: float
    high: float
    n: int
    by_classifier: dict[str, float]

    @property
    def at_chance(self) -> bool:
        """Whether trivial features tell nothing that these samples could show."""
        return self.low <= self.auc <= self.high


def trivial_features(rgb: RgbImage, jpeg: bytes, face: Box | None = None) -> npt.NDArray:
    """(len(TRIVIAL_FEATURES),) float64 features that no detector should need.

    Args:
        rgb: (height, width, 3) uint8 R, G, B.
        jpeg: the file's bytes.
        face: the face in px of ``rgb``, or None.
    """
    height, width = rgb.shape[:2]
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    saturation = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., 1]
    laplacian = cv2.Laplacian(grey, cv2.CV_32F)
    place = (0.0, 0.0, 0.0)
    if face is not None:
        place = (face.center[0] / width, face.center[1] / height, face.width / width)
    return np.array(
        [
            width,
            height,
            width / height,
            grey.mean(),
            grey.std(),
            saturation.mean(),
            np.log(float(laplacian.var()) + 1),
            np.log(len(jpeg) / (width * height)),
            jpeg_quality(jpeg),
            *place,
        ],
        np.float64,
    )


def jpeg_quality(jpeg: bytes) -> float:
    """IJG quality 1..100 estimated from the luminance quantisation table; 0 if it is no JPEG."""
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            tables = getattr(picture, "quantization", None)
    except OSError:
        return 0.0
    if not tables:
        return 0.0
    percent = 100 * sum(tables[0]) / _ANNEX_K_SUM
    quality = (200 - percent) / 2 if percent <= 100 else 5000 / percent
    return float(np.clip(quality, 1, 100))


def area_under_curve(scores: npt.ArrayLike, positive: npt.ArrayLike) -> float:
    """Share of (positive, negative) pairs in the right order, ties counting half.

    >>> area_under_curve([0.1, 0.4, 0.4, 0.9], [False, False, True, True])
    0.875
    """
    values, truth = np.asarray(scores, np.float64), np.asarray(positive, bool)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    ones, zeros = int(truth.sum()), int((~truth).sum())
    return float((rank[truth].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def chance_band(positives: int, negatives: int) -> tuple[float, float]:
    """95 % band of the larger of two areas under the curve when scores tell nothing.

    The null variance of the Mann-Whitney statistic is (m + n + 1) / (12 m n). Two classifiers are
    tried, so each gets half of the 5 % (Bonferroni: 2.24 standard deviations). Cross-validation
    adds variance of its own, because folds are scored by different models: 15 % are allowed.
    """
    deviation = np.sqrt((positives + negatives + 1) / (12 * positives * negatives))
    half = 2.24 * 1.15 * deviation
    return float(0.5 - half), float(0.5 + half)


def probe_accuracy(
    features: Features, labels: npt.ArrayLike, groups: npt.ArrayLike, rng: np.random.Generator
) -> ProbeResult:
    """Cross-validated probe: logistic regression and boosted trees, people never in both parts.

    Args:
        features: (n, f), such as rows of `trivial_features`.
        labels: (n,) True for bona fide.
        groups: (n,) subject of each sample.
        rng: decides the folds and the trees.

    Raises:
        ProbeError: scikit-learn is not installed, lengths differ, a value is not finite, or a class
            or the people (5 at least) are missing.
    """
    truth, people = np.asarray(labels, bool), np.asarray(groups)
    _check(np.asarray(features, np.float64), truth, people)
    try:
        from sklearn.ensemble import GradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError as error:
        raise ProbeError(
            "the probe needs scikit-learn.",
            where="probe",
            remedy="Install the extra: pip install 'bonafide[dev]'.",
        ) from error
    seed = int(rng.integers(2**31))
    classifiers = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        "boosted trees": GradientBoostingClassifier(
            n_estimators=60, max_depth=2, learning_rate=0.1, subsample=0.7, random_state=seed
        ),
    }
    names = np.unique(people)
    fold_of = dict(zip(names, rng.permutation(len(names)) % 5, strict=True))
    folds = np.array([fold_of[name] for name in people])
    areas = {}
    for name, classifier in classifiers.items():
        scores = np.empty(len(truth))
        for fold in range(5):
            held_out = folds == fold
            classifier.fit(features[~held_out], truth[~held_out])
            scores[held_out] = classifier.decision_function(features[held_out])
        areas[name] = area_under_curve(scores, truth)
    low, high = chance_band(int(truth.sum()), int((~truth).sum()))
    worst = max(areas.values(), key=lambda area: abs(area - 0.5))
    return ProbeResult(worst, low, high, len(truth), areas)


def _check(features: Features, truth: npt.NDArray, people: npt.NDArray) -> None:
    if features.ndim != 2 or not len(features) == len(truth) == len(people):
        raise ProbeError(
            f"{features.shape} features, {len(truth)} labels and {len(people)} groups disagree.",
            where="probe",
            remedy="Give one row of features, one label and one subject per sample.",
        )
    if not np.isfinite(features).all():
        raise ProbeError(
            "a feature is not finite.", where="probe", remedy="Remove the damaged sample."
        )
    if truth.all() or not truth.any() or len(np.unique(people)) < 5:
        raise ProbeError(
            "both labels and at least 5 people are needed.",
            where="probe",
            remedy="Give a larger sample.",
        )
