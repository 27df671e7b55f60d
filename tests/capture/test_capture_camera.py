import time

import cv2
import numpy as np
import pytest
from capture_makers import clip_bytes, read_number

from bonafide.capture.camera import open_camera
from bonafide.capture.errors import CameraUnavailableError, MissingFileError, TooLargeError
from bonafide.capture.limits import Limits


class FakeCamera:
    """Three frames of pure red, as OpenCV hands them over: blue first."""

    released = 0

    def __init__(self, number, frames=3):
        self.number, self.left = number, frames

    def isOpened(self):  # noqa: N802
        return self.number == 0

    def set(self, what, value):
        return True

    def read(self):
        self.left -= 1
        if self.left < 0:
            return False, None
        return True, np.full((4, 6, 3), (0, 0, 255), np.uint8)

    def release(self):
        FakeCamera.released += 1


@pytest.fixture
def fake_camera(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", FakeCamera)
    FakeCamera.released = 0


def test_a_camera_delivers_rgb_with_rising_times_until_it_is_pulled_out(fake_camera):
    frames = open_camera(0)
    taken = [next(frames), next(frames), next(frames)]
    with pytest.raises(CameraUnavailableError, match="camera 0: stopped delivering after 3 frames"):
        next(frames)
    assert [frame.index for frame in taken] == [0, 1, 2]
    assert taken[0].time_s == 0.0
    assert (np.diff([frame.time_s for frame in taken]) > 0).all()
    assert tuple(taken[0].rgb[0, 0]) == (255, 0, 0)
    assert taken[0].source == "camera 0"


def test_a_camera_is_given_back(fake_camera):
    frames = open_camera(0)
    next(frames)
    frames.close()
    assert FakeCamera.released == 1
    with pytest.raises(TooLargeError, match="6 x 4"):
        next(open_camera(0, Limits(max_pixels=23)))
    assert FakeCamera.released == 2


def test_a_camera_that_is_not_there_is_an_error_with_a_remedy(fake_camera):
    with pytest.raises(CameraUnavailableError, match=r"camera 7: cannot be opened.*another number"):
        next(open_camera(7))
    assert FakeCamera.released == 1


def test_without_a_camera_opencv_ends_in_the_same_error():
    with pytest.raises(CameraUnavailableError):
        next(open_camera(97))


def test_a_clip_is_played_at_its_own_pace(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip_bytes(10, rate=20))
    start = time.monotonic()
    arrivals = [(time.monotonic() - start, frame) for frame in open_camera(path)]
    assert [read_number(frame.rgb) for _, frame in arrivals] == list(range(10))
    assert all(arrived >= frame.time_s for arrived, frame in arrivals)
    assert arrivals[-1][1].time_s == pytest.approx(0.45)
    with pytest.raises(MissingFileError):
        next(open_camera(tmp_path / "none.mp4"))
