"""Pictures registered to a colour picture come to its size, or are refused."""

import numpy as np
import pytest

from bonafide.capture.errors import SizeMismatchError
from bonafide.face.prepare import at_size_of


def test_modalities_of_another_resolution_come_to_the_size_of_colour():
    """CASIA-SURF's depth and infrared are smaller than its colour pictures; no level is made up."""
    rgb = np.zeros((160, 120, 3), np.uint8)
    small = np.repeat(np.arange(80, dtype=np.uint8)[:, None, None], 60, 1).repeat(3, 2)
    large = at_size_of(rgb, small, "depth.png")
    assert large.shape == rgb.shape
    assert (large[:, 0, 0] == np.arange(160) // 2).all()
    assert at_size_of(rgb, rgb, "depth.png") is rgb
    with pytest.raises(
        SizeMismatchError, match=r"depth\.png: is 60 x 60 px, the RGB picture 120 x 160"
    ):
        at_size_of(rgb, small[:60], "depth.png")
