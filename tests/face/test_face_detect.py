"""The detector against the published package, hand marks and a plain torch cascade."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from real_portraits import portraits, read
from torch_cascade import TorchCascade

from bonafide.face.boxes import shift, square, suppress
from bonafide.face.detect import MIRROR_ORDER, FaceRefiner, MtcnnDetector
from bonafide.face.patches import BORDER_GREY, HalvingPyramid
from bonafide.types import BonafideError, Box

# mtcnn 1.0.0 under TensorFlow 2.21.0, default settings: x of the five points, then y.
PACKAGE_POINTS = {
    "plain": [203.54, 245.41, 224.22, 201.79, 244.39, 100.1, 102.24, 126.42, 138.59, 140.38],
    "mirrored": [265.36, 307.9, 287.9, 266.38, 310.3, 102.9, 100.46, 127.46, 140.06, 137.91],
    "half": [101.33, 122.83, 112.16, 100.28, 122.09, 49.65, 50.91, 63.49, 68.85, 70.17],
}

# Marked by eye in an enlargement with a grid: pupils, nose tip, corners of the lips.
HAND_POINTS = [[203.2, 100.7], [246.3, 103.2], [223.0, 127.0], [202.7, 139.3], [244.0, 140.3]]


def variant(person, name):
    return {
        "plain": person,
        "mirrored": np.ascontiguousarray(person[:, ::-1]),
        "half": cv2.resize(person, (256, 256), interpolation=cv2.INTER_AREA),
    }[name]


@pytest.mark.parametrize("name", PACKAGE_POINTS)
def test_landmarks_lie_within_2_px_of_the_published_package(person, name):
    faces = MtcnnDetector(20).detect(variant(person, name))
    expected = np.array(PACKAGE_POINTS[name]).reshape(2, 5).T
    assert np.linalg.norm(faces[0].landmarks - expected, axis=1).max() < 2.0


@pytest.mark.parametrize("settle", [True, False])
def test_landmarks_lie_where_a_person_marks_them(person, settle):
    face = MtcnnDetector(settle=settle).detect(person)[0]
    distances = np.linalg.norm(face.landmarks - np.array(HAND_POINTS), axis=1)
    assert distances.max() < 3.0
    assert distances[:2].max() < 1.5
    assert face.landmarks.dtype == np.float32
    assert face.confidence > 0.99


def test_the_plain_torch_cascade_is_the_published_one(person):
    found = TorchCascade(20).detect(person)[0]
    expected = np.array(PACKAGE_POINTS["plain"]).reshape(2, 5).T
    assert np.linalg.norm(found[5] - expected, axis=1).max() < 1.0
    np.testing.assert_allclose(found[:4], [181.6, 63.73, 264.55, 171.08], atol=3.0)


@pytest.mark.parametrize("path", portraits(every=150), ids=str)
def test_landmarks_agree_with_the_plain_torch_cascade(path):
    """To 15 % of the eye distance on the worst portrait; the median is 2 %."""
    rgb = read(path)
    ours = MtcnnDetector(20).detect(rgb)[0]
    theirs = max(TorchCascade(20).detect(rgb), key=lambda one: one[2] - one[0])
    eyes = np.linalg.norm(theirs[5][0] - theirs[5][1])
    distances = np.linalg.norm(ours.landmarks - theirs[5], axis=1)
    assert distances.mean() < 0.15 * eyes


@pytest.mark.parametrize("path", portraits(every=40), ids=str)
def test_a_portrait_has_one_face_and_mirrors(detector, path):
    rgb = read(path)
    faces = detector.detect(rgb)
    assert len(faces) >= 1
    mirrored = detector.detect(np.ascontiguousarray(rgb[:, ::-1]))[0].landmarks[MIRROR_ORDER]
    mirrored[:, 0] = rgb.shape[1] - 1 - mirrored[:, 0]
    eyes = np.linalg.norm(faces[0].landmarks[0] - faces[0].landmarks[1])
    assert np.linalg.norm(faces[0].landmarks - mirrored, axis=1).mean() < 0.06 * eyes


@pytest.mark.parametrize("factor", [0.4, 1.7, 3.0])
def test_landmarks_scale_with_the_picture(detector, person, factor):
    size = round(512 * factor)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(person, (size, size), interpolation=method)
    back = (detector.detect(scaled)[0].landmarks + 0.5) * 512 / size - 0.5
    assert np.linalg.norm(back - detector.detect(person)[0].landmarks, axis=1).max() < 2.0


def test_landmarks_move_with_the_picture(detector, person):
    before = detector.detect(person)[0]
    after = detector.detect(np.roll(person, (64, 96), axis=(0, 1)))[0]
    np.testing.assert_allclose(after.landmarks - before.landmarks, [[96, 64]] * 5, atol=0.5)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (12, 12), (13, 500), (39, 39)])
def test_pictures_without_room_for_a_face_have_none(detector, size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert detector.detect(noise) == []


def test_a_picture_of_24_megapixels(detector, person):
    large = np.zeros((4000, 6000, 3), dtype=np.uint8)
    large[500:3500, 1500:4500] = cv2.resize(person, (3000, 3000))
    found = (detector.detect(large)[0].landmarks - [1500, 500] + 0.5) * 512 / 3000 - 0.5
    assert np.linalg.norm(found - detector.detect(person)[0].landmarks, axis=1).max() < 2.5


def test_several_faces_come_largest_first(detector, person):
    wide = np.zeros((512, 800, 3), dtype=np.uint8)
    wide[:, :512] = person
    wide[100:400, 500:800] = cv2.resize(person[:, ::-1], (300, 300))
    faces = detector.detect(wide)
    areas = [face.box.width * face.box.height for face in faces]
    assert len(faces) == 2
    assert areas == sorted(areas, reverse=True)
    assert faces[1].box.left > 500


def test_refining_finds_the_face_from_a_poor_guess_and_nothing_elsewhere(detector, person):
    face = detector.detect(person)[0]
    box = face.box
    poor = Box(box.left + 0.15 * box.width, box.top - 0.1 * box.height, box.width, box.height * 1.1)
    found, nothing = detector.refine(person, [poor, Box(380, 20, 100, 100)])
    assert isinstance(detector, FaceRefiner)
    assert nothing is None
    assert np.linalg.norm(found.landmarks - face.landmarks, axis=1).max() < 3.0
    assert detector.refine(person, []) == []


def test_a_small_batch_and_many_give_the_same(person):
    one, many = MtcnnDetector(24, batch=3).detect(person), MtcnnDetector(24).detect(person)
    assert len(one) == len(many)
    np.testing.assert_allclose(one[0].landmarks, many[0].landmarks, atol=0.05)


def test_the_detector_survives_pickling_and_threads(detector, person):
    copy = pickle.loads(pickle.dumps(detector))  # noqa: S301
    expected = detector.detect(person)[0].landmarks
    with ThreadPoolExecutor(4) as pool:
        for faces in pool.map(copy.detect, [person] * 8):
            np.testing.assert_array_equal(faces[0].landmarks, expected)


def test_a_face_smaller_than_the_window_cannot_be_asked_for():
    with pytest.raises(BonafideError, match=r"min_face_px.*12"):
        MtcnnDetector(8)


# The arithmetic under the cascade.


def random_boxes(seed, count=60):
    random = np.random.default_rng(seed)
    corner, size = random.uniform(0, 60, (count, 2)), random.uniform(5, 40, (count, 2))
    return np.concatenate([corner, corner + size], axis=1).astype(np.float32), random.random(count)


@pytest.mark.parametrize("smaller", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_suppression_equals_the_definition(seed, smaller):
    boxes, scores = random_boxes(seed)
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        one = Box(*boxes[i, :2].tolist(), *(boxes[i, 2:] - boxes[i, :2]).tolist())
        overlaps = []
        for j in kept:
            other = Box(*boxes[j, :2].tolist(), *(boxes[j, 2:] - boxes[j, :2]).tolist())
            share = one.intersection_over_union(other)
            areas = one.width * one.height, other.width * other.height
            common = share * sum(areas) / (1 + share)
            overlaps.append(common / min(areas) if smaller else share)
        if all(overlap <= 0.3 for overlap in overlaps):
            kept.append(i)
    assert suppress(boxes, scores.astype(np.float32), 0.3, smaller=smaller).tolist() == kept


def test_shifting_and_squaring_boxes():
    box = np.array([[10, 20, 30, 60]], dtype=np.float32)
    moved = shift(box, np.array([[0.1, -0.5, 0.0, 0.25]], dtype=np.float32))
    np.testing.assert_allclose(moved, [[12, 0, 30, 70]])
    np.testing.assert_allclose(square(box), [[0, 20, 40, 60]])


def test_patches_of_a_ramp_hold_the_ramp_and_grey_outside():
    """A linear picture stays linear under averaging and bilinear sampling: values are known."""
    ramp = np.repeat(np.arange(240, dtype=np.uint8)[None, :, None], 200, axis=0).repeat(3, axis=2)
    pyramid = HalvingPyramid(ramp)
    for left, width in ((40.0, 24.0), (31.5, 40.0), (20.0, 130.0)):
        patch = pyramid.patches(np.array([[left, 30, left + width, 30 + width]], np.float32), 24)
        expected = left + (np.arange(24) + 0.5) * width / 24 - 0.5
        # every halving rounds x.5 up, so the levels are up to half a grey level too bright
        np.testing.assert_allclose(patch[0, 12, :, 0], expected, atol=1.5)
    outside = pyramid.patches(np.array([[-500, -500, -400, -400]], np.float32), 24)
    assert (outside == BORDER_GREY[0]).all()
