"""One box for a clip, and the reasons for having none."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.face.clip_face import REPLACED, find_clip_face
from bonafide.face.crop import extended_clip_box
from bonafide.face.detect import MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.face.quality import QualityLimits
from bonafide.types import Frame, ReasonCode


@pytest.fixture(scope="module")
def detector():
    return MtcnnDetector()


@pytest.fixture(scope="module")
def head(astronaut):
    return np.ascontiguousarray(astronaut[0:256, 100:356])


def clip(pictures, step_s=0.2):
    return [Frame(rgb, i, i * step_s, "clip") for i, rgb in enumerate(pictures)]


def on_wall(head, left):
    wall = np.full((256, 640, 3), 120, np.uint8)
    wall[:, left : left + 256] = head
    return wall


def test_a_still_face_has_the_extended_box_of_its_box(head, detector):
    found = find_clip_face(clip([head] * 4), detector, extend=1.6)
    own = find_faces(head, detector)[0].box
    expected = extended_clip_box([own], 1.6)
    assert found.box.center == pytest.approx(expected.center, abs=4)
    assert found.box.width == pytest.approx(expected.width, rel=0.05)
    assert (found.looks, found.usable) == (4, 4)
    assert len(found.faces) == 1


def test_the_box_takes_in_all_that_the_face_sweeps(head, detector):
    moving = [on_wall(head, 100 + 10 * i) for i in range(9)]
    swept = find_clip_face(clip(moving), detector, extend=1.5).box
    own = find_faces(moving[0], detector)[0].box
    # The outermost tenth at either end is left out: 16 px of the way of 80.
    assert swept.width == pytest.approx(1.5 * (own.width + 64), rel=0.05)
    assert swept.width > 1.3 * 1.5 * own.height
    assert swept.center[0] == pytest.approx(own.center[0] + 40, abs=8)


@pytest.mark.parametrize("count", [0, 3])
def test_without_a_face_there_is_no_box(count, detector):
    wall = np.full((120, 160, 3), 90, np.uint8)
    found = find_clip_face(clip([wall] * count), detector, extend=1.6)
    assert found.box is None
    assert [reason.code for reason in found.reasons] == [ReasonCode.NO_FACE]
    assert all(reason.blocking for reason in found.reasons)


def test_a_face_that_is_there_less_than_half_the_time_is_none(head, detector):
    wall = np.zeros_like(head)
    found = find_clip_face(clip([wall, wall, wall, head, head]), detector, extend=1.6)
    assert found.box is None
    assert found.reasons[0].code is ReasonCode.NO_FACE
    enough = find_clip_face(clip([wall, wall, head, head, head]), detector, extend=1.6)
    assert enough.box is not None
    np.testing.assert_array_equal(enough.picture, head)


def test_a_face_that_is_replaced_on_the_way_is_no_answer(head, detector):
    pictures = [on_wall(head, 0)] * 5 + [on_wall(head, 384)] * 3
    found = find_clip_face(clip(pictures), detector, extend=1.6)
    assert found.box is None
    assert found.reasons == (REPLACED,)


def test_two_people_are_no_answer(head, detector):
    both = np.hstack([head, head[:, ::-1]])
    found = find_clip_face(clip([both] * 3), detector, extend=1.6)
    assert found.box is None
    assert found.reasons[0].code is ReasonCode.SEVERAL_FACES


def test_limits_are_those_of_the_caller(head, detector):
    strict = replace(QualityLimits(), min_size_px=1000.0)
    found = find_clip_face(clip([head] * 3), detector, extend=1.6, limits=strict)
    assert found.reasons[0].code is ReasonCode.FACE_TOO_SMALL


def test_a_box_beyond_the_picture_is_a_remark(head, detector):
    roomy = find_clip_face(clip([on_wall(head, 192)] * 3), detector, extend=1.2)
    assert roomy.reasons == ()
    wide = find_clip_face(clip([on_wall(head, 192)] * 3), detector, extend=4.0)
    assert wide.box is not None
    assert [reason.code for reason in wide.reasons] == [ReasonCode.PADDED_SURROUNDINGS]


class Unsure:
    """Finds what another detector finds, and is less sure of it."""

    def __init__(self, detector, confidence):
        self._detector, self._confidence = detector, confidence

    def detect(self, rgb):
        return [replace(face, confidence=self._confidence) for face in self._detector.detect(rgb)]


@pytest.mark.parametrize(("confidence", "found"), [(0.75, True), (0.6, False)])
def test_a_face_that_is_found_with_less_confidence_still_counts(confidence, found, head, detector):
    unsure = Unsure(detector, confidence)
    assert (find_clip_face(clip([head] * 3), unsure, extend=1.6).box is not None) is found
