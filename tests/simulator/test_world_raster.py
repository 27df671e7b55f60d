"""The rasteriser against a ray caster that knows nothing of it; light against closed forms."""

import numpy as np
import pytest

from bonafide.simulator.eyes import HEAD_ROTATION, LENGTH
from bonafide.simulator.lighting import Baked, Lamp, Lighting
from bonafide.simulator.mesh import Material, assemble, no_strands, plain_texture, surface
from bonafide.simulator.picture import Backdrop, Painter, View, to_camera
from bonafide.simulator.raster import draw_strands, draw_triangles, empty_buffer, project

NO_CUT = np.zeros((1, 3), np.int64)


def rasterise(points, triangles, two_sided, focal, width, height):
    screen = np.empty_like(points)
    project(points, np.float32(focal), np.float32(width / 2), np.float32(height / 2), screen)
    buffer = empty_buffer(height, width)
    draw_triangles(screen, triangles, np.full(len(triangles), two_sided), np.zeros((len(points), 2),
                   np.float32), np.zeros(len(triangles), np.int32), NO_CUT,
                   np.ones((1, 10), np.float32), buffer.item, buffer.bary,
                   buffer.inverse_z)  # fmt: skip
    return buffer


def cast(points, triangles, focal, width, height):
    """Nearest hit of every pixel's ray by Moeller and Trumbore's equations, one ray at a time."""
    item, depth = np.full((height, width), -1), np.full((height, width), np.inf)
    weights = np.zeros((height, width, 2))
    p = points.astype(np.float64)
    for t, (i, j, k) in enumerate(triangles):
        e1, e2 = p[j] - p[i], p[k] - p[i]
        for y in range(height):
            for x in range(width):
                ray = np.array([(x - width / 2) / focal, (y - height / 2) / focal, 1.0])
                h = np.cross(ray, e2)
                a = e1 @ h
                if abs(a) < 1e-12:
                    continue
                u = -p[i] @ h / a
                q = np.cross(-p[i], e1)
                v, z = ray @ q / a, e2 @ q / a
                if u >= 0 and v >= 0 and u + v <= 1 and 0 < z < depth[y, x]:
                    item[y, x], depth[y, x], weights[y, x] = t, z, (u, v)
    return item, depth, weights


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_small_meshes_agree_with_a_brute_force_ray_caster(seed):
    rng = np.random.default_rng(seed)
    points = rng.uniform(-60, 60, (12, 3)).astype(np.float32)
    points[:, 2] = rng.uniform(200, 400, 12)
    triangles = rng.permuted(np.tile(np.arange(12), (5, 1)), axis=1)[:, :3].astype(np.int32)
    focal, width, height = 90.0, 40, 32
    buffer = rasterise(points, triangles, True, focal, width, height)
    item, depth, weights = cast(points, triangles, focal, width, height)
    # On an edge rounding decides; elsewhere every pixel agrees.
    assert (buffer.item != item).mean() < 0.004
    same = (buffer.item == item) & (item >= 0)
    assert same.sum() > 60
    np.testing.assert_allclose(1 / buffer.inverse_z[same], depth[same], rtol=2e-5)
    np.testing.assert_allclose(buffer.bary[same], weights[same], atol=3e-4)


@pytest.mark.parametrize("two_sided", [True, False])
def test_a_triangle_that_reaches_behind_the_camera_is_left_out(two_sided):
    """It would be seen mirrored, and could fill the picture: a hand that reaches past the lens."""
    rng = np.random.default_rng(7)
    points = rng.uniform(-60, 60, (30, 3)).astype(np.float32)
    points[:, 2] = rng.uniform(-300, 400, 30)
    triangles = rng.permuted(np.tile(np.arange(30), (40, 1)), axis=1)[:, :3].astype(np.int32)
    in_front = (points[triangles, 2] > 0).all(1)
    assert 5 < in_front.sum() < 35
    seen = rasterise(points, triangles, two_sided, 90.0, 40, 32).item
    alone = rasterise(points, triangles[in_front], two_sided, 90.0, 40, 32).item
    assert (alone >= 0).mean() > 0.05
    np.testing.assert_array_equal(seen, np.where(alone < 0, alone, np.flatnonzero(in_front)[alone]))


def test_back_faces_are_drawn_only_on_request():
    points = np.array([[-20, -20, 200], [20, -20, 200], [0, 20, 200]], np.float32)
    clockwise = np.array([[0, 1, 2]], np.int32)
    for order, seen in ((clockwise, False), (clockwise[:, ::-1].copy(), True)):
        assert (rasterise(points, order, False, 50, 30, 30).item >= 0).any() == seen
        assert (rasterise(points, order, True, 50, 30, 30).item >= 0).any()


def test_a_surface_seen_from_outside_is_drawn_and_from_inside_is_not():
    """Counter-clockwise from outside in world space, through the flip to camera space."""
    points = np.array([[-20, -20, 0], [20, -20, 0], [0, 20, 0]], np.float32)
    camera = np.empty_like(points)
    to_camera(points, np.float32(200), camera)
    assert (rasterise(camera, np.array([[0, 1, 2]], np.int32), False, 50, 30, 30).item >= 0).any()
    assert (rasterise(camera, np.array([[0, 2, 1]], np.int32), False, 50, 30, 30).item < 0).all()


def test_a_strand_is_as_wide_as_its_radius_and_hides_behind_what_is_nearer():
    points = np.array([[0, -30, 300], [0, 30, 300]], np.float32)
    screen = np.empty_like(points)
    project(points, np.float32(100), np.float32(20), np.float32(20), screen)
    buffer = empty_buffer(40, 40)
    radius = np.array([3.2 * 300], np.float32)
    draw_strands(screen, 2, radius, np.int32(0), buffer.item, buffer.bary, buffer.inverse_z)
    width = (buffer.item[20] == -2).sum()
    assert width == 7, "3 px to each side of the middle"
    buffer.inverse_z.fill(1 / 200)
    buffer.item.fill(-1)
    draw_strands(screen, 2, radius, np.int32(0), buffer.item, buffer.bary, buffer.inverse_z)
    assert (buffer.item == -1).all()


def draw(surfaces, lighting, view, flash=0.0, sky=0.0):
    scene = assemble(surfaces, no_strands(), no_strands())
    count = len(scene.points)
    lit = Baked(np.ones((count, len(lighting.lamps)), np.float32),
                np.full((count, 4), sky, np.float32))  # fmt: skip
    none = Baked(np.zeros((0, len(lighting.lamps)), np.float32), np.zeros((0, 4), np.float32))
    face = np.zeros(LENGTH, np.float32)
    face[HEAD_ROTATION : HEAD_ROTATION + 9] = np.eye(3).ravel()
    nothing = np.zeros((0, 3), np.float32)
    shape = (2 * view.height, 2 * view.width)
    room = Backdrop(np.zeros((*shape, 4), np.float32), np.full(shape, 5000, np.float32))
    normals = np.tile(np.array([0, 0, 1], np.float32), (count, 1))
    torch = np.array([0, 0, view.distance_mm, flash, 1], np.float32)
    return Painter(view).draw(scene, scene.points, normals, (nothing, nothing), face,
                              (lit, none, none), lighting, torch, room)  # fmt: skip


def lamp_at(angle_deg, power):
    a = np.deg2rad(angle_deg)
    lamp = Lamp((float(np.sin(a)), 0.0, float(np.cos(a))), 1.0, power)
    return Lighting((lamp,), (0,) * 4, (0,) * 4, (0,) * 4, (1, 1, 1), False)


def wall(z, half=300.0, albedo=(0.5, 0.4, 0.3, 0.6)):
    points = [[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]]
    matt = Material(plain_texture(albedo, 0.0))
    return surface(points, [[0, 1, 2], [0, 2, 3]], np.zeros((4, 2)), matt)


DARK = lamp_at(0, (0.0, 0.0, 0.0, 0.0))
VIEW = View(32, 32, 60.0, 500.0)


@pytest.mark.parametrize("angle_deg", [0, 30, 60, 80])
def test_a_matt_wall_obeys_lambert(angle_deg):
    power = (1.0, 0.8, 0.6, 0.2)
    light = draw([wall(0.0)], lamp_at(angle_deg, power), VIEW).light
    expected = np.array(power) * (0.5, 0.4, 0.3, 0.6) * np.cos(np.deg2rad(angle_deg))
    np.testing.assert_allclose(light[16, 16], expected, rtol=1e-3)


def test_light_from_all_around_gives_the_albedo():
    light = draw([wall(0.0)], DARK, VIEW, sky=1.0).light
    np.testing.assert_allclose(light[16, 16], (0.5, 0.4, 0.3, 0.6), rtol=1e-3)


def test_the_illuminator_falls_with_the_distance_squared_and_is_infrared_only():
    near, far = (draw([wall(500.0 - d)], DARK, VIEW, flash=1.0).light[16, 16] for d in (300, 900))
    assert near[3] / far[3] == pytest.approx(9.0, rel=0.01)
    assert near[3] == pytest.approx(0.6 * (500 / 300) ** 2, rel=0.01)
    assert near[:3].max() == 0


def test_depth_of_a_plane_and_of_a_sphere_in_millimetres():
    assert draw([wall(-100.0)], DARK, VIEW).depth_mm[10:20, 10:20] == pytest.approx(600.0, abs=0.02)
    lon, lat = np.meshgrid(np.linspace(0, 2 * np.pi, 181), np.linspace(0, np.pi, 121))
    ball = 80 * np.stack([np.sin(lat) * np.sin(lon), np.cos(lat), np.sin(lat) * np.cos(lon)], -1)
    index = np.arange(121 * 181).reshape(121, 181)
    a, b, c, d = (index[s].ravel() for s in (np.s_[:-1, :-1], np.s_[:-1, 1:], np.s_[1:, :-1],
                                             np.s_[1:, 1:]))  # fmt: skip
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    matt = Material(plain_texture((0.5,) * 4, 0.0))
    ball = surface(ball.reshape(-1, 3), faces, np.zeros((121 * 181, 2)), matt)
    depth = draw([ball], DARK, VIEW).depth_mm
    # The first sample of a px lies a quarter px left of and above its centre.
    y, x = np.mgrid[0:32, 0:32]
    rays = np.stack([(x - 15.75) / 60, -(y - 15.75) / 60, -np.ones((32, 32))], -1)
    # |(0, 0, 500) + t ray| = 80; the nearer root t is the depth along the axis.
    aa, bb, cc = (rays**2).sum(-1), 2 * 500 * rays[..., 2], 500.0**2 - 80.0**2
    root = bb**2 - 4 * aa * cc
    hit = root > 0.003 * bb**2
    expected = (-bb - np.sqrt(np.maximum(root, 0))) / (2 * aa)
    assert hit.sum() > 150
    np.testing.assert_allclose(depth[hit], expected[hit], atol=0.25)
