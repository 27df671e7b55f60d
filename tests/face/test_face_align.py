"""The similarity against scikit-image, and the canonical face against what was measured."""

import numpy as np
import pytest
from real_portraits import portraits, read
from skimage.transform import SimilarityTransform

from bonafide.face.align import (
    CANONICAL_FACE,
    AlignmentError,
    apply,
    face_side_px,
    inverse,
    similarity,
    similarity_to_canonical,
)


@pytest.mark.parametrize("seed", range(20))
def test_similarity_equals_scikit_image(seed):
    random = np.random.default_rng(seed)
    source, target = random.normal(size=(5, 2)) * 50 + 200, random.normal(size=(5, 2))
    target[:, 0] += source[:, 0] / 80  # a fit that is neither exact nor hopeless
    target[:, 1] += source[:, 1] / 80
    ours = similarity(source, target)
    theirs = SimilarityTransform.from_estimate(source, target).params[:2]
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, -135])
def test_a_known_turn_scale_and_shift_is_recovered(degrees):
    angle = np.radians(degrees)
    turn = 37.5 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (CANONICAL_FACE @ turn.T + [310.0, -20.0]).astype(np.float32)
    matrix = similarity_to_canonical(landmarks)
    np.testing.assert_allclose(apply(matrix, landmarks), CANONICAL_FACE, atol=1e-5)
    assert face_side_px(matrix) == pytest.approx(37.5, rel=1e-5)


def test_the_inverse_undoes():
    matrix = similarity([[0, 0], [3, 1], [2, 7]], [[5, 5], [6, 8], [1, 9]])
    points = np.array([[1.5, -2.0], [100.0, 40.0]])
    np.testing.assert_allclose(apply(inverse(matrix), apply(matrix, points)), points, atol=1e-9)


def test_nothing_is_mirrored():
    """The mirror image of a face is fitted badly rather than flipped."""
    landmarks = CANONICAL_FACE * [-100, 100]
    matrix = similarity_to_canonical(landmarks.astype(np.float32))
    assert np.linalg.det(matrix[:, :2]) > 0


def test_the_canonical_face_is_symmetric_and_fixed():
    mirrored = CANONICAL_FACE[[1, 0, 2, 4, 3]] * [-1, 1] + [1, 0]
    np.testing.assert_allclose(mirrored, CANONICAL_FACE, atol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        CANONICAL_FACE[0, 0] = 0.5


@pytest.mark.parametrize("path", portraits(every=100), ids=str)
def test_real_faces_come_close_to_the_canonical_one(detector, path):
    landmarks = detector.detect(read(path))[0].landmarks
    aligned = apply(similarity_to_canonical(landmarks), landmarks)
    assert np.linalg.norm(aligned - CANONICAL_FACE, axis=1).max() < 0.09


@pytest.mark.parametrize(
    "landmarks",
    [
        np.zeros((5, 2)),
        np.full((5, 2), np.nan),
        np.array([[np.inf, 0]] + [[1, 2]] * 4),
        np.zeros((4, 2)),
        np.array([[0, 0], [0, 0], [1, 1], [0, 0], [0, 0]]) * 1e-30,
    ],
)
def test_points_that_are_no_face_are_a_typed_error(landmarks):
    with pytest.raises(AlignmentError):
        similarity_to_canonical(landmarks.astype(np.float32))
