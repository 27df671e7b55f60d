"""The canonical face, and the similarity transform that takes five landmarks to it.

MS-FANS, section IV-A: five landmarks, each face aligned to a canonical one. The paper does not
give its canonical face, so this one is measured (docs/face.md, "The canonical face"): the mean of
the proportions found on smiling portraits and on neutral faces, rounded to a hundredth. The square
of scale 1.0 holds the face from the brow's top to the chin.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bonafide.types import BonafideError, Landmarks

Matrix = npt.NDArray[np.float64]
"""(2, 3) float64, an affine map of column points (x, y, 1)."""

CANONICAL_FACE = np.array(
    [[0.33, 0.40], [0.67, 0.40], [0.50, 0.59], [0.34, 0.73], [0.66, 0.73]], dtype=np.float64
)
"""(5, 2): the landmarks' (x, y) in the square of scale 1.0, in units of its side; (0, 0) is the
square's top left corner (its edge, not a pixel centre), (1, 1) its bottom right corner. Symmetric
about x = 0.5. Read-only."""
CANONICAL_FACE.setflags(write=False)


class AlignmentError(BonafideError):
    """Five landmarks that determine no similarity."""


def similarity(source: npt.ArrayLike, target: npt.ArrayLike) -> Matrix:
    """The similarity (turn, uniform scale, shift; no mirroring) with the least squared error.

    Closed form in two dimensions of S. Umeyama, "Least-squares estimation of transformation
    parameters between two point patterns" (IEEE TPAMI 13(4), 1991): for centred points a turn and
    scale is a multiplication by a complex number, found by linear regression.

    Args:
        source: (n, 2) points, n >= 2.
        target: (n, 2) points where they should go.

    Returns:
        (2, 3) such that matrix @ (x, y, 1) lies near the target point.

    Raises:
        AlignmentError: the shapes differ, a value is not finite, or all source points coincide.

    Example:
        >>> similarity([[0, 0], [2, 0]], [[1, 1], [1, 2]]).round(6) + 0.0
        array([[ 0. , -0.5,  1. ],
               [ 0.5,  0. ,  1. ]])
    """
    start = np.asarray(source, dtype=np.float64)
    end = np.asarray(target, dtype=np.float64)
    if start.shape != end.shape or start.ndim != 2 or start.shape[1] != 2 or len(start) < 2:
        raise AlignmentError(
            f"points of shape {start.shape} and {end.shape} cannot be aligned.",
            remedy="Give two arrays of the same shape (n, 2) with n >= 2.",
        )
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise _no_face("the points are not finite.")
    start_mean, end_mean = start.mean(axis=0), end.mean(axis=0)
    from_center, to_center = start - start_mean, end - end_mean
    spread = float((from_center**2).sum())
    if spread == 0.0:
        raise _no_face("the points all coincide.")
    along = float((from_center * to_center).sum()) / spread
    across = float(
        (from_center[:, 0] * to_center[:, 1] - from_center[:, 1] * to_center[:, 0]).sum() / spread
    )
    linear = np.array([[along, -across], [across, along]])
    return np.concatenate([linear, (end_mean - linear @ start_mean)[:, None]], axis=1)


def similarity_to_canonical(landmarks: Landmarks) -> Matrix:
    """The map from px of the picture to the canonical face.

    Args:
        landmarks: (5, 2), see `types.Landmarks`.

    Returns:
        (2, 3): px of the picture (pixel centres at whole numbers) -> units of the side of the
        scale-1.0 crop, (0, 0) its top left corner.

    Raises:
        AlignmentError: the landmarks are not five, not finite or all coincide.
    """
    matrix = similarity(landmarks, CANONICAL_FACE)
    if not MIN_SIDE_PX <= face_side_px(matrix) <= MAX_SIDE_PX:
        raise _no_face("the five points fit no face of a sensible size.")
    return matrix


MIN_SIDE_PX, MAX_SIDE_PX = 1.0, 1e5
"""Sides of the scale-1.0 crop that a face in a picture can have."""


def _no_face(problem: str) -> AlignmentError:
    return AlignmentError(
        problem,
        where="landmarks",
        remedy="Discard this detection: these are not the five landmarks of a face.",
    )


def face_side_px(to_canonical: Matrix) -> float:
    """The side of the scale-1.0 crop in px of the picture; infinite for a degenerate map."""
    scale = float(np.hypot(to_canonical[0, 0], to_canonical[1, 0]))
    return 1.0 / scale if scale > 0 else float("inf")


def apply(matrix: Matrix, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Map (n, 2) points through a (2, 3) matrix; returns (n, 2)."""
    return np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]


def inverse(matrix: Matrix) -> Matrix:
    """The (2, 3) map back."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=1)
