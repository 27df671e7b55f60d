"""Local phase quantisation against a pixel-by-pixel Fourier transform, and what it is for."""

import cv2
import numpy as np
import pytest
import skimage.data

from bonafide.cues.lbp import TextureError, lbp_codes
from bonafide.cues.lpq import CORRELATION, lpq_codes, lpq_histogram


def by_hand(grey, y, x, window=7):
    """The code of one pixel: sums over its window, whitened by the covariance's eigenvectors."""
    reach = window // 2
    offsets = [(dy, dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
    rows = []
    for u, v in ((1, 0), (0, 1), (1, 1), (1, -1)):
        wave = np.array([np.exp(-2j * np.pi * (u * dx + v * dy) / window) for dy, dx in offsets])
        rows += [wave.real, wave.imag]
    covariance = np.zeros((49, 49))
    for i, a in enumerate(offsets):
        for j, b in enumerate(offsets):
            covariance[i, j] = CORRELATION ** np.hypot(a[0] - b[0], a[1] - b[1])
    rows = np.array(rows)
    weights = np.diag(1 + 1e-6 * np.arange(7, -1, -1))
    turn = np.linalg.svd(weights @ rows @ covariance @ rows.T @ weights)[2]
    turn *= np.array([np.sign(row[np.abs(row).argmax()]) for row in turn])[:, None]
    pixels = np.array([float(grey[y + dy, x + dx]) for dy, dx in offsets])
    return sum(int(value > 0) << bit for bit, value in enumerate(turn @ (rows @ pixels)))


def test_codes_are_the_signs_of_the_window_transform():
    grey = np.random.default_rng(0).integers(0, 256, (15, 18), dtype=np.uint8)
    codes = lpq_codes(grey)
    assert codes.shape == (9, 12)
    for y, x in ((3, 3), (7, 9), (11, 14)):
        assert codes[y - 3, x - 3] == by_hand(grey, y, x)


def test_blur_changes_few_codes_where_it_changes_many_binary_patterns():
    """On a photo blurred by a Gaussian of 1 px; LBP loses over half of its codes."""
    grey = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)[:200, 120:320]
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0)
    phase = (lpq_codes(grey) != lpq_codes(soft)).mean()
    binary = (lbp_codes(grey) != lbp_codes(soft)).mean()
    assert phase < 0.75 * binary


def test_a_histogram_of_shares():
    histogram = lpq_histogram(np.random.default_rng(1).integers(0, 256, (40, 40), dtype=np.uint8))
    assert histogram.shape == (256,)
    assert histogram.sum() == pytest.approx(1)
    with pytest.raises(TextureError):
        lpq_codes(np.zeros((5, 40), np.uint8))
