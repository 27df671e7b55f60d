"""Quality: each measure moves with its cause, each reason appears with its own, and only then."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from real_portraits import portraits, read

from bonafide.face.pose import HEAD, rotation
from bonafide.face.quality import QualityLimits, measure_quality, reasons_for
from bonafide.types import Box, Face, Pose, ReasonCode

SIZE = (512, 512)


@pytest.fixture(scope="module")
def face(detector, person):
    return detector.detect(person)[0]


@pytest.fixture(scope="module")
def quality(person, face):
    return measure_quality(person, face.landmarks)


def codes(reasons):
    return {reason.code: reason.blocking for reason in reasons}


def test_a_good_picture_has_nothing_said_against_it(face, quality):
    assert reasons_for([face], quality, SIZE) == ()


def test_measures_of_a_flat_picture_are_known(face):
    flat = np.full((512, 512, 3), 240, dtype=np.uint8)
    quality = measure_quality(flat, face.landmarks)
    assert (quality.brightness, quality.sharpness) == (240, 0)
    assert (quality.dark_share, quality.bright_share, quality.inside_share) == (0, 1, 1)
    assert measure_quality(flat // 30, face.landmarks).dark_share == 1


def test_sharpness_is_the_variance_of_the_laplacian(face):
    """Stripes of 0 and 200, each 16 px of the crop: 2 of 16 columns answer +-200."""
    side = 256
    landmarks = np.array([[0.33, 0.4], [0.67, 0.4], [0.5, 0.59], [0.34, 0.73], [0.66, 0.73]])
    landmarks = (landmarks * 128 + 63.5).astype(np.float32)
    stripes = (np.arange(side) // 16 % 2 * 200).astype(np.uint8)
    rgb = np.repeat(np.repeat(stripes[None, :, None], side, axis=0), 3, axis=2)
    quality = measure_quality(rgb, landmarks)
    crop = stripes[64:192].astype(float)
    laplacian = np.zeros(128)
    laplacian[1:-1] = crop[:-2] - 2 * crop[1:-1] + crop[2:]
    assert quality.sharpness == pytest.approx(laplacian[1:-1].var(), rel=0.02)


def test_size_follows_the_picture_and_sharpness_follows_blur(person, face, quality):
    double = cv2.resize(person, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    larger = measure_quality(double, (face.landmarks + 0.5) * 2 - 0.5)
    assert larger.size_px == pytest.approx(2 * quality.size_px, rel=1e-5)
    values = [
        measure_quality(cv2.GaussianBlur(person, (0, 0), sigma), face.landmarks).sharpness
        for sigma in (0.5, 1, 2, 4)
    ]
    assert quality.sharpness > values[0] > values[1] > values[2] > values[3]


def test_blur_is_a_reason(person, face):
    blurred = cv2.GaussianBlur(person, (0, 0), 5)
    reasons = reasons_for([face], measure_quality(blurred, face.landmarks), SIZE)
    assert codes(reasons) == {ReasonCode.BLURRED: True}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda rgb: rgb * 0.12, ReasonCode.TOO_DARK),
        (lambda rgb: np.minimum(rgb * 0.5 + 170, 255), ReasonCode.TOO_BRIGHT),
    ],
)
def test_light_is_a_reason(person, face, change, code):
    rgb = change(person.astype(float)).astype(np.uint8)
    reasons = codes(reasons_for([face], measure_quality(rgb, face.landmarks), SIZE))
    assert reasons[code] is True


def test_no_face_is_a_reason():
    assert codes(reasons_for([], None, SIZE)) == {ReasonCode.NO_FACE: True}


def other(face, ratio, confidence=0.99):
    box = Box(400, 10, face.box.width * ratio, face.box.height * ratio)
    return Face(box, face.landmarks * np.float32(ratio), confidence)


@pytest.mark.parametrize(("ratio", "blocking"), [(1.0, True), (0.5, True), (0.49, False)])
def test_a_second_face_blocks_only_at_comparable_size(face, quality, ratio, blocking):
    reasons = reasons_for([face, other(face, ratio)], quality, SIZE)
    assert codes(reasons) == {ReasonCode.SEVERAL_FACES: blocking}


def test_a_doubtful_second_face_is_not_counted(face, quality):
    assert reasons_for([face, other(face, 0.9, confidence=0.8)], quality, SIZE) == ()


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (QualityLimits(min_size_px=500), ReasonCode.FACE_TOO_SMALL),
        (QualityLimits(min_sharpness=1e6), ReasonCode.BLURRED),
        (QualityLimits(min_brightness=254), ReasonCode.TOO_DARK),
        (QualityLimits(max_brightness=1), ReasonCode.TOO_BRIGHT),
        (QualityLimits(max_dark_share=-1), ReasonCode.TOO_DARK),
        (QualityLimits(max_bright_share=-1), ReasonCode.TOO_BRIGHT),
        (QualityLimits(max_roll_deg=0.001), ReasonCode.EXTREME_POSE),
    ],
)
def test_every_limit_is_obeyed(face, quality, limits, code):
    assert codes(reasons_for([face], quality, SIZE, limits)) == {code: True}


@pytest.mark.parametrize("pose", [Pose(60, 0, 0), Pose(-60, 0, 0), Pose(0, 60, 0), Pose(0, -60, 0)])
def test_a_turned_head_is_a_reason(person, face, quality, pose):
    points = ((HEAD @ rotation(pose).T)[:, :2] * 45 + [225, 105]).astype(np.float32)
    turned = replace(quality, pose=measure_quality(person, points).pose)
    assert codes(reasons_for([face], turned, SIZE)) == {ReasonCode.EXTREME_POSE: True}


def test_a_face_at_the_border_is_a_remark_and_a_cut_one_a_reason(person, face):
    def after_cut(left):
        rgb = np.ascontiguousarray(person[:, left:])
        landmarks = face.landmarks - np.float32([left, 0])
        moved = replace(face, landmarks=landmarks)
        size = (rgb.shape[1], rgb.shape[0])
        return codes(reasons_for([moved], measure_quality(rgb, landmarks), size))

    assert after_cut(100) == {}
    assert after_cut(150) == {ReasonCode.PADDED_SURROUNDINGS: False}
    assert after_cut(190)[ReasonCode.PADDED_SURROUNDINGS] is False
    assert after_cut(215) == {ReasonCode.FACE_CUT_OFF: True}  # the left eye is gone
    assert after_cut(260)[ReasonCode.FACE_CUT_OFF] is True


def test_blocking_reasons_come_first(face, quality):
    found = reasons_for(
        [face, other(face, 0.3)], quality, SIZE, QualityLimits(min_sharpness=1e6, min_size_px=999)
    )
    assert [reason.blocking for reason in found] == [True, True, False]
    assert all(reason.advice.endswith((".", "!")) for reason in found)


def test_light_is_measured_inside_the_picture_only(face):
    """Half of the crop lies outside, where the fill is grey: it must not count."""
    rgb = np.full((300, 300, 3), 10, dtype=np.uint8)
    landmarks = face.landmarks - face.landmarks[2] + np.float32([0, 150])
    quality = measure_quality(rgb, landmarks)
    assert quality.inside_share == pytest.approx(0.5, abs=0.05)
    assert (quality.brightness, quality.dark_share, quality.sharpness) == (10, 1, 0)


@pytest.mark.parametrize("path", portraits(every=60), ids=str)
def test_ordinary_portraits_are_not_turned_away(detector, path):
    rgb = read(path)
    found = detector.detect(rgb)
    quality = measure_quality(rgb, found[0].landmarks)
    reasons = reasons_for(found, quality, (rgb.shape[1], rgb.shape[0]))
    assert {reason.code for reason in reasons if reason.blocking} <= {ReasonCode.FACE_TOO_SMALL}
