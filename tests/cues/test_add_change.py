"""A frame plus its change is what OpenCV makes of it in single steps."""

import cv2
import numpy as np
import pytest

from bonafide.cues import add_change as module
from bonafide.cues.add_change import add_change
from bonafide.cues.magnification import RGB_FROM_YIQ

RNG = np.random.default_rng(0)
FRAME = RNG.integers(0, 256, (37, 29, 3), dtype=np.uint8)


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def loops(request, monkeypatch):
    """With numba, and without."""
    if request.param == "plain":
        monkeypatch.setattr(module, "compiled", None)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_mixes_rounds_and_cuts_as_opencv_does(channels):
    mix = np.ascontiguousarray(7 * RGB_FROM_YIQ[:, :channels])
    change = RNG.normal(0, 20, (37, 29, channels)).astype(np.float32).squeeze()
    added = add_change(FRAME, change, mix)
    expected = cv2.add(FRAME, cv2.transform(change, mix), dtype=cv2.CV_8U)
    assert set(np.unique(expected)) >= {0, 255}
    np.testing.assert_array_equal(added, expected)


def test_halves_are_rounded_to_even_and_floats_are_not_rounded():
    frame = np.array([[[10, 11, 12]]], np.uint8)
    half, alike = np.full((1, 1), 0.5, np.float32), np.ones((3, 1), np.float32)
    assert add_change(frame, half, alike).tolist() == [[[10, 12, 12]]]
    floats = add_change(frame.astype(np.float32), 500 * half, alike)
    assert floats.dtype == np.float32
    assert floats.tolist() == [[[255, 255, 255]]]


def test_a_frame_that_lies_elsewhere_in_memory_is_read_right():
    mirrored = FRAME[:, ::-1]
    still = np.zeros((37, 29), np.float32)
    np.testing.assert_array_equal(
        add_change(mirrored, still, np.ones((3, 1), np.float32)), mirrored
    )
