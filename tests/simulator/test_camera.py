from dataclasses import replace

import cv2
import numpy as np
import pytest

from bonafide.simulator.camera import (
    PERFECT_CAMERA,
    PERFECT_SHOT,
    add_sensor_noise,
    capture,
    draw_camera,
    draw_shot,
    encode_jpeg,
    mosaic_rggb,
    through_lens,
)
from bonafide.simulator.develop import clear_colors
from bonafide.simulator.linear_light import decode, encode, srgb_to_linear
from bonafide.types import BonafideError

WHITE = np.ones(3, np.float32)


def field(level, side=256):
    return np.full((side, side, 3), level, np.float32)


def test_noise_variance_grows_linearly_with_signal_and_keeps_the_mean():
    camera = replace(PERFECT_CAMERA, photon_noise=4e-4, read_noise=3e-3)
    shot = replace(PERFECT_SHOT, gain=2.0)
    for level in (0.1, 0.3, 0.6, 0.9):
        noisy = add_sensor_noise(field(level), camera, shot, np.random.default_rng(1))
        assert noisy.mean() == pytest.approx(level, abs=5e-4)
        # The closed form: photon shot noise plus read noise, both amplified.
        assert noisy.var() == pytest.approx(4e-4 * 2 * level + (3e-3 * 2) ** 2, rel=0.03)


def test_levels_that_blacken_less_keep_what_is_darker_than_pale_ink():
    """A pale print has no black; two holes of half a percent each are darker than its ink."""
    light = field(0.3)
    light[:64] = 0.15
    light[120:133, 60:85] = light[120:133, 160:185] = 0.05
    for percent, black in ((2.0, True), (0.1, False)):
        matrix = clear_colors(light, 1.0, 1.0, percent)
        hole = float((matrix @ np.array([0.05, 0.05, 0.05, 1.0]))[0])
        assert (hole < -0.01) == black
        assert hole < 0.02


def test_grey_stays_grey_through_the_mosaic():
    camera = replace(PERFECT_CAMERA, mosaic=True, photon_noise=1e-4, read_noise=1e-3)
    noisy = add_sensor_noise(field(0.4), camera, PERFECT_SHOT, np.random.default_rng(2))
    assert noisy.mean(axis=(0, 1)) == pytest.approx([0.4] * 3, abs=1e-3)


def test_mosaic_order_survives_interpolation():
    scene = np.zeros((64, 64, 3), np.float32)
    scene[...] = (0.8, 0.4, 0.1)
    assert mosaic_rggb(scene)[:2, :2] == pytest.approx(np.array([[0.8, 0.4], [0.4, 0.1]]))
    camera = replace(PERFECT_CAMERA, mosaic=True)
    rgb = add_sensor_noise(scene, camera, PERFECT_SHOT, np.random.default_rng(0))
    assert rgb[32, 32] == pytest.approx([0.8, 0.4, 0.1], abs=1e-3)


def test_the_perfect_camera_returns_the_scene(portrait):
    height, width = portrait.shape[:2]
    taken = capture(
        decode(portrait), WHITE, PERFECT_CAMERA, PERFECT_SHOT, (width, height),
        np.random.default_rng(0),
    )  # fmt: skip
    difference = np.abs(taken.rgb.astype(int) - portrait.astype(int))
    assert difference.mean() < 1.0
    assert np.percentile(difference, 99) <= 4  # JPEG at quality 100 and the tone table's steps


def test_exposure_brings_any_scene_to_the_metering_target():
    camera = replace(PERFECT_CAMERA, metering_target=0.2)
    for level in (0.02, 0.2, 2.0):
        taken = capture(
            field(level), WHITE, camera, PERFECT_SHOT, (256, 256), np.random.default_rng(0)
        )
        assert srgb_to_linear(taken.rgb / 255).mean() == pytest.approx(0.2, abs=0.006)


def test_one_stop_of_exposure_error_doubles_the_light():
    camera = replace(PERFECT_CAMERA, metering_target=0.15)
    shot = replace(PERFECT_SHOT, exposure_ev=1.0)
    taken = capture(field(0.5), WHITE, camera, shot, (256, 256), np.random.default_rng(0))
    assert srgb_to_linear(taken.rgb / 255).mean() == pytest.approx(0.30, abs=0.006)


def test_full_white_balance_removes_the_light_colour():
    lamp = np.array([1.4, 1.0, 0.6], np.float32)
    camera = replace(PERFECT_CAMERA, white_adaptation=1.0)
    taken = capture(
        field(0.3) * lamp, lamp, camera, PERFECT_SHOT, (256, 256), np.random.default_rng(0)
    )
    assert np.ptp(taken.rgb.mean(axis=(0, 1))) < 1.5


def test_lens_blur_has_the_stated_sigma():
    scene = np.zeros((65, 65, 3), np.float32)
    scene[32, 32] = 1.0
    camera = replace(PERFECT_CAMERA, lens_sigma_px=3.0, sensor_oversampling=2.0)
    shot = replace(PERFECT_SHOT, defocus_px=2.0)
    spot = through_lens(scene, camera, shot)[..., 1]
    x = np.arange(65) - 32
    # Variances of a Gaussian lens (3 samples = 1.5 px) and of defocus (2 px) add up.
    assert (spot.sum(axis=0) * x**2).sum() == pytest.approx(1.5**2 + 2.0**2, rel=0.05)


def test_vignette_darkens_only_the_corners():
    camera = replace(PERFECT_CAMERA, vignette=0.3)
    light = through_lens(field(1.0, 101), camera, PERFECT_SHOT)
    assert light[50, 50, 0] == pytest.approx(1.0)
    assert light[0, 0, 0] == pytest.approx(0.7)


def test_jpeg_is_what_rgb_shows(portrait):
    camera, shot = draw_camera(np.random.default_rng(3)), draw_shot(np.random.default_rng(4))
    taken = capture(decode(portrait), WHITE, camera, shot, (200, 240), np.random.default_rng(5))
    again = cv2.imdecode(np.frombuffer(taken.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(again, taken.rgb)


def test_encode_and_decode_are_inverse():
    ramp = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(encode(decode(ramp)), ramp)


def test_a_picture_of_the_wrong_type_is_refused():
    with pytest.raises(BonafideError, match="uint8"):
        encode_jpeg(np.zeros((8, 8, 3), np.float32), 90, "4:2:0")
