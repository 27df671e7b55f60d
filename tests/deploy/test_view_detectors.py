"""Detectors of rivals that judge several pictures together: what they hold, and what they keep."""

import weakref

import numpy as np
import pytest
from tests.service.models import (
    CAPTURE_PX,
    FRAME_PX,
    FRAMES,
    write_capture_rival,
    write_clip_rival,
)

from bonafide.deploy.captures import load_capture_detector
from bonafide.deploy.load import load_detector
from bonafide.face.prepare import Registered
from bonafide.types import Frame


@pytest.fixture(scope="module")
def detector(record, tmp_path_factory):
    return load_detector(write_clip_rival(tmp_path_factory.mktemp("m") / "m.onnx", record))


class Pictures:
    """Frames made one by one, which count those of them that are still held."""

    def __init__(self, make, count):
        self.most, self._alive, self._make, self._count = 0, [], make, count

    def __iter__(self):
        for i in range(self._count):
            rgb = self._make(i)
            self._alive.append(weakref.ref(rgb))
            yield Frame(rgb, i, i / 10, "made up")
            del rgb
            self.most = max(self.most, sum(one() is not None for one in self._alive))


def test_no_more_than_two_pictures_of_a_clip_are_held(detector, astronaut):
    """The one in hand and that of the evidence, whatever their size."""
    pictures = Pictures(lambda i: np.roll(astronaut, i, axis=1), 50)
    found = detector.examine_clip(pictures)
    assert found.verdict.frames_seen == FRAMES
    assert pictures.most <= 2
    assert found.clip.frames.shape == (FRAMES, FRAME_PX, FRAME_PX, 3)


def test_the_evidence_is_the_first_frame_that_was_judged(detector, astronaut):
    """A frame that stands for a missing one is judged twice, and one frame all the same."""
    wall = np.full_like(astronaut, 90)
    pictures = [wall, astronaut, wall, np.roll(astronaut, 7, 1)]
    frames = [Frame(rgb, i, i / 10, "made up") for i, rgb in enumerate(pictures)]
    found = detector.examine_clip(frames)
    assert found.picture is astronaut
    assert (found.verdict.frames_evaluated, found.verdict.frames_seen) == (2, 4)
    assert found.clip.times_s.tolist() == [0.1, 0.3]
    assert (found.clip.weights, found.crops) == (None, None)
    # Each of the two stands twice among the four that the model saw; it goes by their brightness.
    expected = found.clip.frames.mean() / 255
    assert found.verdict.score == pytest.approx(expected, abs=1e-5)


def test_a_clip_without_frames_has_its_reason(detector):
    found = detector.examine_clip([])
    assert found.picture is None
    assert [reason.code.value for reason in found.verdict.reasons] == ["no_face"]


def test_the_evidence_of_a_capture_is_what_the_model_saw(record, astronaut, tmp_path):
    model = load_capture_detector(write_capture_rival(tmp_path / "m.onnx", record))
    depth = np.full(astronaut.shape[:2], 7, np.uint8)
    light = np.full(astronaut.shape[:2], 200, np.uint8)
    found = model.examine(astronaut, Registered(depth, light, "depth", "infrared"))
    pictures = list(found.panels.values())
    assert [picture.shape for picture in pictures] == [(CAPTURE_PX, CAPTURE_PX, 3)] * 3
    assert [np.unique(picture).tolist() for picture in pictures[1:]] == [[7], [200]]
    means = [picture.mean() / 255 for picture in pictures]
    assert found.verdict.score == pytest.approx(np.dot(means, (0.2, 0.5, 0.3)), abs=1e-5)
    assert found.crops is None
