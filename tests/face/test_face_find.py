"""Tight crops, sideways pictures, small faces: found, and in the original's coordinates."""

import cv2
import numpy as np
import pytest

from bonafide.face.find import find_faces
from bonafide.types import Box, Face


class Seeing:
    """A stand-in that sees one white pixel as a face, with a confidence chosen per call."""

    def __init__(self, *confidences):
        self.confidences = list(confidences)
        self.shapes = []

    def detect(self, rgb):
        self.shapes.append(rgb.shape[:2])
        confidence = self.confidences.pop(0) if self.confidences else 0.0
        if not confidence:
            return []
        y, x = np.argwhere(rgb[..., 0] == 255).mean(axis=0)
        points = np.array([[x, y]] * 5, dtype=np.float32)
        return [Face(Box(x - 0.5, y - 0.5, 1, 1), points, confidence)]


def dot():
    rgb = np.zeros((40, 60, 3), dtype=np.uint8)
    rgb[7, 12] = 255
    return rgb


def test_a_sure_first_look_is_the_only_one():
    detector = Seeing(0.99)
    assert len(find_faces(dot(), detector)) == 1
    assert detector.shapes == [(40, 60)]


@pytest.mark.parametrize("attempt", range(6))
def test_every_attempt_is_mapped_back_to_the_picture(attempt):
    """The dot at (12, 7) is seen in the n-th changed picture alone; the enlarged one is blurry."""
    detector = Seeing(*[0.0] * attempt, 0.99)
    if attempt == 5:
        rgb = np.zeros((40, 60, 3), dtype=np.uint8)
        rgb[6:9, 11:14] = 255
    else:
        rgb = dot()
    face = find_faces(rgb, detector)[0]
    np.testing.assert_allclose(face.landmarks, [[12, 7]] * 5, atol=1e-4)
    np.testing.assert_allclose(face.box.center, (12, 7), atol=1e-4)
    assert len(detector.shapes) == attempt + 1


def test_the_attempts_come_in_the_documented_order():
    detector = Seeing()
    assert find_faces(dot(), detector) == []
    assert detector.shapes == [(40, 60), (60, 90), (60, 40), (60, 40), (40, 60), (80, 120)]


def test_attempts_can_be_left_out():
    detector = Seeing()
    find_faces(dot(), detector, border=False, sideways=False, enlarge_below_px=0)
    assert detector.shapes == [(40, 60)]


def test_without_a_sure_one_the_most_confident_attempt_counts_and_the_first_of_equals():
    detector = Seeing(0.8, 0.9, 0.9)
    face = find_faces(dot(), detector)[0]
    assert face.confidence == 0.9
    assert len(detector.shapes) == 6


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_sideways_person_is_found_with_landmarks_in_the_upright_order(
    detector, person, quarter_turns
):
    upright = find_faces(person, detector)[0].landmarks
    turned = np.ascontiguousarray(np.rot90(person, quarter_turns))
    found = find_faces(turned, detector)[0].landmarks
    x, y = upright[:, 0], upright[:, 1]
    expected = {1: (y, 511 - x), 2: (511 - x, 511 - y), 3: (511 - y, x)}[quarter_turns]
    np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1.0)


def test_a_face_that_fills_the_picture_is_found(detector, person):
    tight = np.ascontiguousarray(person[78:165, 183:266])
    faces = find_faces(tight, detector)
    expected = detector.detect(person)[0].landmarks - [183, 78]
    assert np.linalg.norm(faces[0].landmarks - expected, axis=1).max() < 5.0


@pytest.mark.parametrize("factor", [0.4, 0.3, 0.25])
def test_small_faces_are_found(detector, person, factor):
    """The astronaut's face is 110 px high: 44, 33 and 28 px here."""
    small = cv2.resize(person, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    faces = find_faces(small, detector)
    expected = detector.detect(person)[0].landmarks * factor
    assert np.linalg.norm(faces[0].landmarks - expected, axis=1).max() < 2.5
