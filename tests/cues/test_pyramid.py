"""The spatial side: levels, their wavelengths and their share of alpha."""

import cv2
import numpy as np
import pytest

from bonafide.cues import pyramid


def laplacian_response(level, wavelength_px, side=1024):
    """Root mean square gain of one Laplacian level for a grating, away from the borders."""
    row = np.sin(2 * np.pi * np.arange(side) / wavelength_px).astype(np.float32)
    alphas = [0.0] * level + [1.0]
    out = pyramid.amplify_levels(np.repeat(row[None], 64 * 2**level, 0), alphas)
    kept = out[out.shape[0] // 2, side // 4 : -side // 4]
    return np.sqrt(2 * (kept**2).mean())


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_level_peaks_near_the_wavelength_that_stands_for_it(level):
    candidates = np.geomspace(3 * 2**level, 9 * 2**level, 25)
    gains = [laplacian_response(level, each) for each in candidates]
    peak = candidates[int(np.argmax(gains))]
    assert peak == pytest.approx(pyramid.level_wavelength_px(level), rel=0.12)


def test_all_levels_with_the_same_alpha_and_the_rest_are_the_picture():
    picture = np.random.default_rng(0).normal(0, 1, (61, 83)).astype(np.float32)
    levels = pyramid.halvings(61, 83)
    rest = pyramid.grow(pyramid.shrink(picture, levels), 61, 83)
    whole = pyramid.amplify_levels(picture, [3.0] * levels) + 3 * rest
    np.testing.assert_allclose(whole, 3 * picture, atol=1e-4)


@pytest.mark.parametrize("shape", [(61, 83), (48, 40, 3)])
def test_amplified_levels_are_the_sum_that_they_are_defined_as(shape):
    picture = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    alphas = [0.5, 3.0, 7.0]
    total = np.zeros(shape)
    for level, alpha in enumerate(alphas):
        here, below = pyramid.shrink(picture, level), pyramid.shrink(picture, level + 1)
        difference = here - pyramid.grow(below, *here.shape[:2])
        total += alpha * pyramid.grow(difference, *shape[:2])
    np.testing.assert_allclose(pyramid.amplify_levels(picture, alphas), total, atol=2e-5)


def test_alpha_per_level_keeps_the_bound_by_hand():
    # delta = 80 / 8 / 21 = 0.476 px. At 20 px: 20 / 8 / 0.476 - 1 = 4.25.
    alphas = pyramid.level_alphas(20, 80, 6)
    assert alphas[0] == 0
    assert alphas[2] == pytest.approx(4.25)
    assert alphas[4:] == (20, 20)
    delta_px = 80 / 8 / 21
    for level, alpha in enumerate(alphas[1:], 1):
        assert (1 + alpha) * delta_px <= pyramid.level_wavelength_px(level) / 8 + 1e-9


def test_without_a_cutoff_every_level_gets_all():
    assert pyramid.level_alphas(7, 0, 3) == (7, 7, 7)


def test_levels_end_before_the_picture_does():
    assert pyramid.halvings(224, 224) == 6  # 224 112 56 28 14 7 4
    assert pyramid.halvings(480, 640) == 7  # 480 240 120 60 30 15 8 4
    assert pyramid.halvings(6, 100) == 0


def test_growing_undoes_shrinking_in_size_and_for_smooth_pictures():
    x = np.linspace(0, np.pi, 101, dtype=np.float32)
    picture = np.outer(np.sin(x), np.sin(x[:77])).astype(np.float32)
    back = pyramid.grow(pyramid.shrink(picture, 3), *picture.shape)
    assert back.shape == picture.shape
    assert np.abs(back - picture)[16:-16, 16:-16].max() < 0.05


def test_shrinking_is_opencvs_pyramid():
    picture = np.random.default_rng(0).normal(0, 1, (40, 30, 3)).astype(np.float32)
    np.testing.assert_array_equal(pyramid.shrink(picture, 1), cv2.pyrDown(picture))
