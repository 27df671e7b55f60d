"""Sampling of pixel grids and halftones against closed forms."""

import numpy as np
import pytest

from bonafide.simulator.display import LAYOUTS, DisplaySettings, pixel_gain
from bonafide.simulator.structure import TILE, PlaneMap, SensorGrid, look_up, prefilter_tile

FLAT = PlaneMap(np.eye(3))
SIDE = 256


def screen(layout="rgb stripe", fill=0.8):
    return DisplaySettings(
        "test", layout, 100.0, fill, 1.0, (1, 1, 1), 1.0, 0.0, 0.0, 0.0, (0, 0, 0), (50.0, 60.0)
    )


def peak_frequency(row):
    """Cycles per sample of the strongest component, by a long zero-padded transform."""
    spectrum = np.abs(np.fft.rfft((row - row.mean()) * np.hanning(len(row)), 1 << 15))
    return np.fft.rfftfreq(1 << 15)[spectrum.argmax()]


def gain(pixels_per_px, **grid):
    settings = {"oversampling": 2.0, "lens_sigma_px": 0.2, "fill": 0.5} | grid
    return pixel_gain(screen(), pixels_per_px, FLAT, SensorGrid(SIDE, SIDE, **settings), 1.0)


def test_a_coarse_pixel_grid_shows_at_its_own_frequency():
    # One display pixel every 8 working px: the colour samples lie 1 px apart and resolve it.
    assert peak_frequency(gain(1 / 8)[10, :, 0]) == pytest.approx(1 / 8, abs=2e-3)


@pytest.mark.parametrize("pixels_per_px", [0.9, 1.1, 1.23, 1.9])
def test_moire_shows_at_the_alias_of_the_pixel_frequency(pixels_per_px):
    # Oversampling 2 on a Bayer mosaic: each colour is sampled once per working px (f_sensor = 1).
    alias = abs(pixels_per_px - round(pixels_per_px))
    assert peak_frequency(gain(pixels_per_px)[10, :, 0]) == pytest.approx(alias, abs=3e-3)


def test_the_three_colours_fold_with_the_phases_of_their_stripes():
    seen = gain(1.1)
    x = np.arange(SIDE)
    phase = [np.angle((seen[10, :, c] * np.exp(-2j * np.pi * 0.1 * x)).sum()) for c in range(3)]
    # Stripe c sits c/3 pixel to the right; red and the others are also sampled half a px apart.
    third = 2 * np.pi / 3
    shift = 2 * np.pi * 1.1 / 2
    assert np.exp(1j * (phase[1] - phase[0])) == pytest.approx(
        np.exp(1j * (shift - third)), abs=0.1
    )
    assert np.exp(1j * (phase[2] - phase[1])) == pytest.approx(np.exp(-1j * third), abs=0.1)


def test_blur_and_full_area_integration_remove_the_grid():
    assert gain(1.1, lens_sigma_px=2.0).std() < 1e-4
    # A sample that integrates exactly one pixel sees no pixels: the first zero of the sinc.
    whole = SensorGrid(SIDE, SIDE, 2.0, 0.0, 1.0)
    assert pixel_gain(screen(), 2.0, FLAT, whole, 1.0).std() < 1e-5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_layout_changes_the_mean_light(layout):
    grid = SensorGrid(SIDE, SIDE, 2.3, 0.2, 0.6)
    seen = pixel_gain(screen(layout), 0.173, FLAT, grid, 1.0)
    assert seen.mean(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=0.02)


def test_prefilter_is_a_convolution_with_box_and_gaussian():
    tile = np.random.default_rng(0).random((TILE, TILE, 1)).astype(np.float32)
    box = prefilter_tile(tile, 0.0, 4 / TILE)[..., 0]
    # Closed form on one wave: a Gaussian and a box scale a cosine and leave its phase.
    x = np.arange(TILE) / TILE
    wave = np.cos(2 * np.pi * x)[None, :, None].repeat(TILE, 0).astype(np.float32)
    filtered = prefilter_tile(wave, 0.1, 0.25)[3, :, 0]
    expected = np.exp(-2 * (np.pi * 0.1) ** 2) * np.sin(np.pi * 0.25) / (np.pi * 0.25)
    assert filtered == pytest.approx(expected * np.cos(2 * np.pi * x), abs=1e-5)
    assert box.mean() == pytest.approx(tile.mean(), abs=1e-5)


@pytest.mark.parametrize("fill", [0.5, 1.0])
def test_sampling_agrees_with_drawing_the_grid_many_times_finer(fill):
    # Brute force: each sample's area is drawn with 64 points a side and averaged.
    grid, pixels_per_px = SensorGrid(64, 64, 2.0, 0.0, fill), 0.37
    ours = pixel_gain(screen(), pixels_per_px, FLAT, grid, 1.0)[..., 1]
    tile = LAYOUTS["rgb stripe"][1](0.8)[..., 1]
    points = (np.arange(64) + 0.5) / 64 - 0.5
    # Green sites lie a quarter px right of and above the centres; samples are half a px apart.
    x = np.arange(64)[:, None] + 0.25 + fill * points * 0.5
    y = np.arange(64)[:, None] - 0.25 + fill * points * 0.5
    columns, rows = ((v * pixels_per_px % 1 * TILE).astype(int) % TILE for v in (x, y))
    drawn = np.array([[tile[np.ix_(r, c)].mean() for c in columns] for r in rows]) / tile.mean()
    assert np.corrcoef(ours.ravel(), drawn.ravel())[0, 1] > 0.99
    assert ours.std() == pytest.approx(drawn.std(), rel=0.05)


def test_look_up_is_periodic():
    tile = np.random.default_rng(1).random((TILE, TILE)).astype(np.float32)
    u, v = np.float32([[0.3, -2.7, 41.3]]), np.float32([[0.55, 3.55, -7.45]])
    assert np.ptp(look_up(tile, u, v)) == 0


def test_sensor_sites_tile_the_working_picture():
    grid = SensorGrid(100, 60, 2.0, 0.0)
    columns, rows, step, first = grid.sites(0)
    assert (columns, rows, step) == (100, 60, (1.0, 1.0))
    assert first == (-0.25, -0.25)
    assert grid.sites(2)[3] == (0.25, 0.25)


def test_bend_is_the_second_term_of_the_arc_sine():
    radius = 500.0
    plane = PlaneMap(np.eye(3), bend=(100 / radius) ** 2 / 6, bend_center=0.0, bend_reach=100.0)
    x, _ = plane.coordinates(101, 1)
    assert x[0, 100] == pytest.approx(radius * np.arcsin(100 / radius), abs=0.05)
