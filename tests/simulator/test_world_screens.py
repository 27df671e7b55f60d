"""What a panel shows of a picture that is larger, smaller or beside it."""

import cv2
import numpy as np
import pytest

from bonafide.simulator.display import draw_display, show_photo
from bonafide.simulator.linear_light import decode
from bonafide.simulator.screens import compose, look_up_colors
from bonafide.simulator.structure import TILE, look_up


@pytest.mark.parametrize(
    ("corner", "scale"),
    [((-30.0, 40.0), 1.0), ((-90.0, 70.0), 0.6), ((10.0, -5.0), 0.3), ((-400.0, 70.0), 0.5)],
)
def test_the_panel_shows_the_whole_picture_scaled_and_shifted(corner, scale):
    """Only the part that is seen is worked on; it must look as if all of it had been."""
    rng = np.random.default_rng(3)
    rgb = cv2.GaussianBlur(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8), (0, 0), 1.5)
    display, frame, shape = draw_display(rng), (-20.0, 30.0, 40.0, 60.0), (96, 64)
    panel = compose(rgb, display, frame, corner, scale, shape, 1.7)
    per_mm = 64 / 40.0
    zoom, x, y = scale * per_mm, (corner[0] + 20.0) * per_mm, (30.0 - corner[1]) * per_mm
    whole = show_photo(decode(rgb), display)
    expected = cv2.warpAffine(whole, np.array([[zoom, 0, x], [0, zoom, y]]), (64, 96))
    np.testing.assert_allclose(panel[..., :3], 1.7 * (expected + 0.0015), atol=1e-5)
    assert np.ptp(panel[..., 3]) == 0


def test_colors_are_looked_up_as_each_channel_is():
    rng = np.random.default_rng(2)
    tile = rng.random((TILE, TILE, 3)).astype(np.float32)
    x, y = (rng.uniform(-40, 40, (5, 7)).astype(np.float32) for _ in range(2))
    seen = look_up_colors(tile, x, y, 0.37)
    u, v = x * np.float32(0.37), y * np.float32(0.37)
    for channel in range(3):
        assert (seen[..., channel] == look_up(np.array(tile[..., channel]), u, v)).all()
