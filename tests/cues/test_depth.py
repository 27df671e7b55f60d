"""Depth cues against hand-made arrays, planes and spheres."""

import numpy as np
import pytest

from bonafide.cues.depth import (
    BACKGROUND,
    CleaningSettings,
    DepthError,
    ScaleRange,
    clean_depth,
    depth_orientation,
    depth_scale,
    depth_shape,
    fill_holes,
    largest_surface,
    plane_angle_deg,
    scale_range,
    surface_normals,
)

NAN = np.nan
LANDMARKS = np.array([[20, 20], [44, 20], [32, 32], [22, 44], [42, 44]], np.float32)


def plane(size=64, across=0.7, down=-0.4, at=600.0):
    y, x = np.indices((size, size))
    return (at + across * x + down * y).astype(np.float32)


def sphere(size=96, radius=40.0, center=(48.0, 48.0), far=600.0):
    """(depth of a hemisphere seen along z, unit normals towards the camera), NaN outside."""
    y, x = np.indices((size, size))
    dx, dy = x - center[0], y - center[1]
    inside = dx**2 + dy**2 < radius**2
    dz = np.sqrt(np.where(inside, radius**2 - dx**2 - dy**2, NAN))
    normals = np.stack([dx, dy, -dz], axis=2) / radius
    return (far - dz).astype(np.float32), normals


def test_f1_of_a_hand_made_face():
    depth = np.array([[600, 610, NAN], [605, 620, 620]], np.float32)
    # (d - 600) / 20 * 255: 0, 127.5, background; 63.75, 255, 255; floor
    assert depth_shape(depth).tolist() == [[0, 127, BACKGROUND], [63, 255, 255]]
    assert depth_shape(np.full((2, 2), 500, np.float32)).tolist() == [[0, 0], [0, 0]]


def test_f2_keeps_what_a_range_per_picture_would_cancel():
    depth = np.array([[600, 800]], np.float32)
    training = ScaleRange(0.05, 0.25)
    # 600 / 6000 = 0.1 -> 0.05 / 0.2 * 255 = 63.75;  800 / 6000 = 0.1333 -> 106.25
    assert depth_scale(depth, 6000, training).tolist() == [[63, 106]]
    smaller = depth_scale(depth, 3000, training)
    assert smaller.tolist() == [[191, 255]]  # saturated: 0.2667 is beyond the range
    assert scale_range([0.1, 0.05], [0.2, 0.25]) == training
    with pytest.raises(DepthError, match="is empty"):
        ScaleRange(0.2, 0.2)


@pytest.mark.parametrize(("across", "down"), [(0.0, 0.0), (0.7, -0.4), (-1.5, 0.2)])
def test_f3_of_a_plane_is_zero_up_to_its_border(across, down):
    depth = plane(across=across, down=down)
    depth[:, :9] = NAN
    maps = depth_orientation(depth, LANDMARKS, 1.3)
    assert (maps[:, :9] == BACKGROUND).all()
    assert (maps[:, 9:] == 0).all()


@pytest.mark.parametrize("center", [(48.0, 48.0), (38.0, 55.0)])
def test_f3_of_a_tilted_sphere_has_the_closed_form(center):
    """Landmarks on the sphere, off its pole: their plane is tilted, and the angle known exactly."""
    depth, normals = sphere(center=center)
    marks = np.array([[36, 40], [58, 40], [46, 50], [38, 62], [56, 62]], np.float32)
    at = marks.astype(int)
    points = np.column_stack([marks, depth[at[:, 1], at[:, 0]]])
    axis = np.linalg.svd(points - points.mean(0))[2][2]
    axis = axis if axis[2] < 0 else -axis
    exact = np.degrees(np.arccos(np.clip(normals @ axis, -1, 1)))
    angle = plane_angle_deg(depth, marks, 1.0)
    inner = np.degrees(np.arccos(-normals[..., 2])) < 60
    assert np.nanmax(np.abs(angle - exact)[inner]) < 2.0
    assert np.nanmean(np.abs(angle - exact)[inner]) < 0.5


def test_the_angle_follows_the_size_of_a_px():
    """A slope of 1 mm per px is 45 degrees at 1 mm per px and 26.6 at 2."""
    depth = plane(across=1.0, down=0.0)
    for mm_per_px, degrees in [(1.0, 45.0), (2.0, np.degrees(np.arctan(0.5)))]:
        normals = surface_normals(depth, mm_per_px)
        assert np.degrees(np.arccos(-normals[32, 32, 2])) == pytest.approx(degrees, abs=0.01)
        assert normals[32, 32, 0] > 0  # falls away to the right: turned towards the right


def test_noise_of_a_sensor_leaves_a_plane_nearly_flat():
    rng = np.random.default_rng(0)
    noisy = plane() + rng.normal(0, 1.0, (64, 64)).astype(np.float32)
    raw = np.degrees(np.arctan(np.hypot(*np.gradient(noisy - plane()))))
    assert np.nanmedian(plane_angle_deg(noisy, LANDMARKS, 1.0)) < 0.6 * np.median(raw)


def test_a_hole_in_a_plane_is_filled_exactly():
    depth = plane()
    holed = depth.copy()
    holed[20:31, 25:40] = NAN
    holed[50, 50] = NAN
    assert np.abs(fill_holes(holed, 80.0) - depth).max() < 1e-2
    assert np.abs(clean_depth(np.nan_to_num(holed)) - depth).max() < 1e-2  # 0 is a hole too


def test_a_hole_between_two_surfaces_stays_open():
    depth = np.full((40, 40), 600.0, np.float32)
    depth[:, 20:] = 1500.0
    depth[5:35, 17:20] = NAN
    assert np.isnan(fill_holes(depth, 80.0)[5:35, 17:20]).all()
    assert np.isfinite(fill_holes(depth, 1000.0)).all()


def test_what_was_not_measured_is_not_made_up():
    spot = np.full((40, 40), NAN, np.float32)
    spot[10:15, 10:15] = 600.0
    assert np.isfinite(clean_depth(spot)).sum() == 25
    frame = np.full((40, 40), 600.0, np.float32)
    frame[5:35, 5:35] = NAN  # a screen whose glass returned nothing
    assert np.isnan(clean_depth(frame)[5:35, 5:35]).all()


def test_the_largest_surface_is_kept_and_islands_are_background():
    depth = np.full((30, 40), 1500.0, np.float32)
    depth[:, 5:35] = 600.0
    depth[10:14, 15:20] = 800.0  # seen through a hole that was cut
    face = np.isfinite(clean_depth(depth))
    expected = np.zeros((30, 40), bool)
    expected[:, 5:35] = True
    expected[10:14, 15:20] = False
    assert (face == expected).all()


def test_sizes_may_be_counted_where_the_face_is():
    depth = np.full((30, 40), 1500.0, np.float32)
    depth[10:20, 10:20] = 600.0
    within = np.zeros((30, 40), bool)
    within[9:20, 9:20] = True
    assert np.nanmax(clean_depth(depth, within=within)) == 600
    assert np.nanmin(clean_depth(depth)) == 1500


def test_connection_agrees_with_a_flood_by_hand():
    rng = np.random.default_rng(3)
    depth = rng.uniform(500, 560, (12, 15)).astype(np.float32)
    depth[rng.random((12, 15)) < 0.2] = NAN
    seen, best = set(), set()
    for start in zip(*np.nonzero(np.isfinite(depth)), strict=True):
        if start in seen:
            continue
        group, todo = {start}, [start]
        while todo:
            y, x = todo.pop()
            for v, u in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if (
                    0 <= v < 12
                    and 0 <= u < 15
                    and (v, u) not in group
                    and abs(depth[v, u] - depth[y, x]) < 30
                ):
                    group.add((v, u))
                    todo.append((v, u))
        seen |= group
        best = max(best, group, key=len)
    assert set(zip(*np.nonzero(largest_surface(depth, 30.0)), strict=True)) == best


def test_a_hole_that_only_the_face_surrounds_is_filled_although_its_rim_is_deep():
    depth = plane(across=4.0)  # the hole spans 100 mm
    holed = depth.copy()
    holed[20:36, 25:50] = NAN
    assert np.isnan(fill_holes(holed, 80.0)).any()
    assert np.abs(clean_depth(holed, CleaningSettings()) - depth).max() < 1e-2


def test_nothing_measured_and_too_few_landmarks_are_errors():
    with pytest.raises(DepthError, match="not one point"):
        clean_depth(np.zeros((8, 8)))
    with pytest.raises(DepthError, match="only 0 of 5"):
        depth_orientation(plane(), LANDMARKS + 100, 1.0)
    with pytest.raises(DepthError, match="on a line"):
        depth_orientation(plane(), np.float32([[9, 9], [20, 20], [31, 31]]), 1.0)
