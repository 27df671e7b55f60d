"""The sensors: one code for every surface, with the error laws of triangulation."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.simulator.picture import Radiance
from bonafide.simulator.raster import empty_buffer
from bonafide.simulator.rig import draw_rig, facing, shadowed, take_depth, take_infrared

RIG = draw_rig(np.random.default_rng(0), 224)
EXACT = replace(
    RIG,
    depth=replace(RIG.depth, baseline_mm=50.0, focal_px=250.0, disparity_noise_px=0.0,
                  disparity_step_px=1e-4, dropout=0.0, least_signal=0.01, glare=2.0,
                  grazing=0.15),
)  # fmt: skip


def looking_at(depth, infrared=0.5):
    light = np.full((*depth.shape, 4), 0.3, np.float32)
    light[..., 3] = infrared
    return Radiance(light, empty_buffer(2, 2), depth.astype(np.float32))


def test_a_perfect_sensor_returns_the_depth_in_whole_millimetres():
    depth = np.full((40, 40), 523.4)
    measured = take_depth(looking_at(depth), EXACT, np.random.default_rng(0))
    assert measured.dtype == np.uint16
    assert np.all(measured == 523)


def test_depth_noise_and_steps_grow_with_the_distance_squared():
    noisy = replace(EXACT, depth=replace(EXACT.depth, disparity_noise_px=0.05))
    spread = {z: take_depth(looking_at(np.full((160, 160), z)), noisy,
                            np.random.default_rng(1)).std() for z in (500.0, 1000.0)}  # fmt: skip
    # sigma_z = z^2 sigma_d / (f b); at 500 mm: 250000 * 0.05 * sqrt(1.16) / 12500.
    assert spread[500.0] == pytest.approx(1.08, rel=0.12)
    assert spread[1000.0] / spread[500.0] == pytest.approx(4.0, rel=0.12)
    coarse = replace(EXACT, depth=replace(EXACT.depth, disparity_step_px=0.5))
    ramp = np.tile(np.linspace(900, 1000, 200), (20, 1))
    levels = np.unique(take_depth(looking_at(ramp), coarse, np.random.default_rng(0)))
    steps = np.diff(levels[levels > 0].astype(float))
    # A step of disparity s moves z by z^2 s / (f b): 36 mm at 950 mm.
    assert np.all(np.abs(steps - 36) < 8)


def test_the_projector_casts_a_shadow_of_f_b_times_the_difference_of_inverse_depths():
    depth = np.full((10, 120), 1000.0)
    depth[:, :60] = 500.0
    hidden = shadowed((250 * 50 / depth).astype(np.float32))
    expected = 250 * 50 * (1 / 500 - 1 / 1000)
    assert hidden[5].sum() == pytest.approx(expected, abs=1.5)
    assert hidden[5, 60:74].mean() > 0.75
    assert not hidden[5, :60].any()


def test_edge_on_dark_and_glaring_surfaces_are_lost_whatever_they_are():
    rng = np.random.default_rng(0)
    flat = np.full((30, 30), 600.0)
    assert take_depth(looking_at(flat, 0.5), EXACT, rng).min() > 0
    assert take_depth(looking_at(flat, 0.005), EXACT, rng).max() == 0
    assert take_depth(looking_at(flat, 3.0), EXACT, rng).max() == 0
    # 30 mm of depth a px, at 1 m and nearer, is nearly edge-on.
    steep = 600 + 30.0 * np.tile(np.arange(30), (30, 1))
    assert take_depth(looking_at(steep), EXACT, rng)[:, 3:12].max() == 0


def test_facing_is_the_cosine_of_a_tilted_plane():
    x = np.tile(np.arange(60) - 30.0, (60, 1))
    for slope in (0.0, 0.5, 2.0):
        # z = 600 + slope * X with X = x z / f.
        z = 600 / (1 - slope * x / 250.0)
        middle = facing(z.astype(np.float32), 250.0)[30, 30]
        assert middle == pytest.approx(1 / np.sqrt(1 + slope**2), abs=0.01)


def test_infrared_exposure_adapts_and_a_black_scene_stays_dark():
    depth = np.full((64, 64), 500.0)
    rng = np.random.default_rng(0)
    adapting = replace(RIG, infrared=replace(RIG.infrared, adapt=1.0, target=0.3, read_noise=1e-4,
                                             photon_noise=1e-6))  # fmt: skip
    means = [take_infrared(looking_at(depth, v), adapting, rng).mean() for v in (0.2, 0.8)]
    assert means[0] == pytest.approx(means[1], rel=0.03)
    assert take_infrared(looking_at(depth, 1e-4), adapting, rng).mean() < 25


def test_rigs_are_drawn_without_looking_at_what_they_film():
    assert draw_rig(np.random.default_rng(9), 224) == draw_rig(np.random.default_rng(9), 224)
    assert draw_rig(np.random.default_rng(9), 224) != draw_rig(np.random.default_rng(8), 224)
