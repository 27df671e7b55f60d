import numpy as np
import pytest

from bonafide.simulator.illumination import Illumination, planckian_rgb, shade
from bonafide.simulator.scene import (
    Framing,
    coverage,
    draw_background,
    draw_framing,
    plane_to_picture,
    warp_to_picture,
)
from bonafide.simulator.structure import PlaneMap
from bonafide.types import Box

FACE = Box(100, 80, 120, 120)


def apply(homography, points):
    seen = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return seen[:, :2] / seen[:, 2:]


def test_untilted_view_keeps_corners_where_asked():
    framing = Framing(300, 400, 180.0, (150.0, 170.0), 0.0, 0.0, 0.0, 2.0)
    corners = np.array([[100, 80], [220, 80], [220, 200], [100, 200]], float)
    seen = apply(plane_to_picture(framing, FACE), corners)
    assert seen == pytest.approx(np.array([[60, 80], [240, 80], [240, 260], [60, 260]]), abs=1e-9)


def test_roll_turns_clockwise_in_the_picture():
    framing = Framing(300, 300, 120.0, (150.0, 150.0), 90.0, 0.0, 0.0, 2.0)
    right_of_face = np.array([[FACE.center[0] + 10, FACE.center[1]]])
    assert apply(plane_to_picture(framing, FACE), right_of_face)[0] == pytest.approx([150, 160])


def test_tilt_is_a_pinhole_projection_point_by_point():
    framing = Framing(400, 300, 120.0, (190.0, 140.0), 0.0, 20.0, 0.0, 1.5)
    seen = apply(plane_to_picture(framing, FACE), np.array([[FACE.center[0] + 50, 140.0]]))[0]
    # By hand: 50 units right of the face, turned 20 degrees about the vertical, focal = distance.
    focal = 1.5 * 400
    depth = focal - 50 * np.sin(np.deg2rad(20))
    assert seen == pytest.approx([190 + focal * 50 * np.cos(np.deg2rad(20)) / depth, 140])


def test_face_centre_lands_where_asked_under_any_tilt():
    framing = Framing(400, 300, 90.0, (133.0, 171.0), 12.0, -18.0, 9.0, 1.2)
    seen = apply(plane_to_picture(framing, FACE, 1.3), np.array([FACE.center]))
    assert seen[0] == pytest.approx([133 * 1.3, 171 * 1.3])


def test_framing_keeps_to_its_limits():
    for i in range(300):
        framing = draw_framing(np.random.default_rng(i), (480, 600), FACE)
        assert 200 <= min(framing.width, framing.height) <= 641
        assert framing.face_px <= 1.7 * FACE.width + 1e-6
        assert 0 < framing.face_at[0] < framing.width
        assert 0 < framing.face_at[1] < framing.height


def test_coverage_counts_the_area():
    y, x = np.mgrid[:50, :60].astype(np.float32)
    assert coverage(Box(10, 5, 30, 20), x, y, 1.0).sum() == pytest.approx(600, abs=1.5)
    rounded = coverage(Box(10, 5, 30, 20), x, y, 1.0, corner=8.0).sum()
    assert 600 - rounded == pytest.approx((4 - np.pi) * 8**2, rel=0.1)


def test_warp_at_unit_zoom_returns_the_photo_and_shrinking_integrates():
    photo = np.random.default_rng(0).random((64, 48, 3)).astype(np.float32)
    x, y = PlaneMap(np.eye(3)).coordinates(48, 64)
    assert warp_to_picture(photo, x, y, 1.0) == pytest.approx(photo, abs=1e-5)
    # Half size: the centre of output px i lies at 2 i + 0.5 of the photo.
    x, y = PlaneMap(np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]])).coordinates(24, 32)
    blocks = photo.reshape(32, 2, 24, 2, 3).mean(axis=(1, 3))
    assert warp_to_picture(photo, x, y, 0.5) == pytest.approx(blocks, abs=1e-4)


def test_daylight_is_neutral_lamps_are_warm():
    assert planckian_rgb(6500) == pytest.approx([1, 1, 1], abs=0.08)
    red, _, blue = planckian_rgb(2900)
    assert red > 1.5
    assert blue < 0.5
    red, _, blue = planckian_rgb(9300)
    assert red < 0.95
    assert blue > 1.2


def test_light_falls_off_around_a_mean_of_one():
    field = shade(Illumination((1, 1, 1), 0.3, 0.0), np.random.default_rng(1), 80, 60)
    assert field.mean() == pytest.approx(1, abs=1e-3)
    assert field.max() == pytest.approx(1.3, abs=1e-3)


def test_backgrounds_are_light_of_the_asked_size():
    room = draw_background(np.random.default_rng(3), 70, 90)
    assert room.shape == (90, 70, 3)
    assert room.min() > 0
