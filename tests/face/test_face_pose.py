"""Pose: known angles come back, and real faces turn round when the picture is mirrored."""

import itertools

import numpy as np
import pytest
from real_portraits import portraits, read

from bonafide.face.align import AlignmentError
from bonafide.face.detect import MIRROR_ORDER
from bonafide.face.pose import HEAD, angles, estimate_pose, rotation
from bonafide.types import Pose

ANGLES = list(itertools.product([-45, -20, 0, 35, 45], [-45, 0, 30], [-170, -30, 0, 45, 90]))


def project(pose, depth=1e6):
    """The head's points in a picture, seen from ``depth`` eye distances away."""
    turned = HEAD @ rotation(pose).T
    shrink = depth / (depth - turned[:, 2:])
    return (turned[:, :2] * shrink * 70 + [300, 200]).astype(np.float32)


@pytest.mark.parametrize("yaw_pitch_roll", ANGLES, ids=str)
def test_known_angles_are_recovered(yaw_pitch_roll):
    truth = Pose(*map(float, yaw_pitch_roll))
    found = estimate_pose(project(truth))
    assert found.yaw_deg == pytest.approx(truth.yaw_deg, abs=0.05)
    assert found.pitch_deg == pytest.approx(truth.pitch_deg, abs=0.05)
    assert found.roll_deg == pytest.approx(truth.roll_deg, abs=0.05)


@pytest.mark.parametrize("yaw_pitch_roll", [(0, 0, 0), (30, 0, 0), (-40, 20, 10), (0, -30, -20)])
def test_a_near_camera_costs_a_few_degrees(yaw_pitch_roll):
    """Eight eye distances, half a metre: a phone in the hand."""
    truth = Pose(*map(float, yaw_pitch_roll))
    found = estimate_pose(project(truth, depth=8.0))
    assert abs(found.yaw_deg - truth.yaw_deg) < 6
    assert abs(found.pitch_deg - truth.pitch_deg) < 8
    assert abs(found.roll_deg - truth.roll_deg) < 6


def test_the_signs_are_those_of_the_types():
    frontal = project(Pose(0, 0, 0))
    nose, eyes = frontal[2], frontal[:2].mean(axis=0)
    right, up = frontal.copy(), frontal.copy()
    right[2, 0] += 12  # the nose moves to the picture's right
    up[2, 1] -= 10  # the nose moves up towards the eyes
    assert nose[1] > eyes[1]
    assert estimate_pose(right).yaw_deg > 5
    assert estimate_pose(up).pitch_deg > 5
    turned = frontal.copy()
    turned[:, 1] += 0.2 * (turned[:, 0] - 300)  # the right eye lower: clockwise
    assert estimate_pose(turned).roll_deg > 5


@pytest.mark.parametrize("seed", range(5))
def test_rotation_and_angles_undo_each_other(seed):
    yaw, pitch, roll = np.random.default_rng(seed).uniform(-80, 80, 3)
    matrix = rotation(Pose(yaw, pitch, roll))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    found = angles(matrix)
    np.testing.assert_allclose(
        [found.yaw_deg, found.pitch_deg, found.roll_deg], [yaw, pitch, roll], atol=1e-9
    )


@pytest.mark.parametrize("path", portraits(every=60), ids=str)
def test_mirroring_a_real_picture_turns_the_head_round(detector, path):
    rgb = read(path)
    plain = estimate_pose(detector.detect(rgb)[0].landmarks)
    mirrored = estimate_pose(detector.detect(np.ascontiguousarray(rgb[:, ::-1]))[0].landmarks)
    assert mirrored.yaw_deg == pytest.approx(-plain.yaw_deg, abs=7)
    assert mirrored.roll_deg == pytest.approx(-plain.roll_deg, abs=4)
    assert mirrored.pitch_deg == pytest.approx(plain.pitch_deg, abs=7)


def test_mirrored_points_mirror_exactly(detector, person):
    points = detector.detect(person)[0].landmarks
    mirrored = (points * np.float32([-1, 1]))[MIRROR_ORDER]
    plain, other = estimate_pose(points), estimate_pose(mirrored)
    assert other.yaw_deg == pytest.approx(-plain.yaw_deg, abs=1e-3)
    assert other.pitch_deg == pytest.approx(plain.pitch_deg, abs=1e-3)
    assert other.roll_deg == pytest.approx(-plain.roll_deg, abs=1e-3)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_turning_the_picture_adds_roll(detector, person, quarter_turns):
    x, y = detector.detect(person)[0].landmarks.T
    turned = {1: (y, 511 - x), 2: (511 - x, 511 - y), 3: (511 - y, x)}[quarter_turns]
    plain = estimate_pose(np.stack([x, y], axis=1)).roll_deg
    found = estimate_pose(np.stack(turned, axis=1)).roll_deg
    difference = (found - plain + 90 * quarter_turns + 180) % 360 - 180
    assert difference == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    "points",
    [np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2)), np.outer(range(5), [1, 1])],
)
def test_points_without_a_pose_are_a_typed_error(points):
    with pytest.raises(AlignmentError):
        estimate_pose(points.astype(np.float32))
