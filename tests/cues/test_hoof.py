"""Oriented flow of pictures that are moved by a known step."""

import cv2
import numpy as np
import pytest

from bonafide.cues.hoof import BINS, BLOCKS, LENGTH, hoof
from bonafide.cues.lbp import TextureError


def moving(step_x, step_y, frames=4):
    rng = np.random.default_rng(0)
    big = cv2.GaussianBlur(rng.uniform(0, 255, (140, 140)).astype(np.float32), (0, 0), 2)
    big = cv2.normalize(big, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    starts = [(30 - i * step_y, 30 - i * step_x) for i in range(frames)]
    return np.stack([big[y : y + 72, x : x + 72] for y, x in starts])


@pytest.mark.parametrize(
    ("step", "bins"), [((1, 0), {0, 7}), ((0, 1), {1, 2}), ((-1, 0), {3, 4}), ((0, -1), {5, 6})]
)
def test_the_direction_and_speed_of_a_shift(step, bins):
    blocks = hoof(moving(*step)).reshape(BLOCKS**2, BINS + 1)
    middle = blocks[4]
    assert middle[sorted(bins)].sum() > 0.9
    assert middle[BINS] == pytest.approx(1.0, abs=0.2)


def test_stillness_is_all_zeros():
    still = np.repeat(moving(0, 0, 1), 3, axis=0)
    assert hoof(still).shape == (LENGTH,)
    assert np.abs(hoof(still)).max() < 1e-3
    with pytest.raises(TextureError):
        hoof(still[:1])
