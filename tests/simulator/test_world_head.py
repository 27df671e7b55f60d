"""The head as geometry: closed, of human size, features where the plan says."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from bonafide.simulator.features import lip_curves, plan_face
from bonafide.simulator.head import COLUMNS, ROWS, build_head
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.skin import (
    BLUE,
    GREEN,
    INFRARED,
    MOUTH,
    NO_MOUTH,
    RED,
    TEXTURE_PX,
    paint_head,
    position_map,
    skin_albedo,
)

PEOPLE = balanced_population(np.random.default_rng(21), 12)


@pytest.fixture(scope="module")
def heads():
    return [build_head(person) for person in PEOPLE]


def signed_volume(head):
    a, b, c = (head.rest[head.triangles[:, k]].astype(float) for k in range(3))
    return (a * np.cross(b, c)).sum() / 6


def test_heads_are_closed_and_of_human_volume(heads):
    for head in heads:
        grid = head.rest.reshape(ROWS, COLUMNS, 3)
        assert np.abs(grid[:, 0] - grid[:, -1]).max() < 1e-3, "the seam at the back is open"
        for ring in (grid[0], grid[-1]):
            assert np.linalg.norm(ring - ring.mean(0), axis=1).max() < 4, "a pole is open"
        # Triangles face outwards, or the volume would be negative. An adult head with its jaw,
        # without the neck, displaces about 3 to 6 litres.
        assert 2.5e6 < signed_volume(head) < 6.5e6


def test_no_edge_belongs_to_more_than_two_triangles(heads):
    edges = np.sort(heads[0].triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() == 2


def test_landmarks_lie_on_the_surface_in_picture_order(heads):
    for head in heads:
        away, _ = cKDTree(head.rest).query(head.landmarks)
        assert away.max() < 1.6
        left, right, nose, mouth_left, mouth_right = head.landmarks
        assert left[0] < nose[0] < right[0]
        assert mouth_left[0] < 0 < mouth_right[0]
        assert min(left[1], right[1]) > nose[1] > max(mouth_left[1], mouth_right[1])


def test_the_nose_is_the_most_forward_point_of_the_middle_face(heads):
    for head in heads:
        middle = head.rest[np.abs(head.rest[:, 1]) < 62]
        tip = middle[np.argmax(middle[:, 2])]
        assert abs(tip[0]) < 5
        assert np.linalg.norm(tip - head.landmarks[2]) < 9


def test_eyeballs_lie_behind_the_lids_by_less_than_a_lid_and_a_ball(heads):
    for head in heads:
        depth = head.landmarks[:2, 2] - head.eyes[:, 2]
        assert np.all((depth > 12.2) & (depth < 15))


def test_different_people_differ_in_shape_and_the_same_person_does_not(heads):
    shapes = np.array([head.rest for head in heads])
    again = build_head(PEOPLE[0])
    assert np.array_equal(again.rest, shapes[0])
    for k in range(1, len(shapes)):
        assert np.sqrt(((shapes[k] - shapes[0]) ** 2).sum(-1).mean()) > 1.5


def test_lips_are_painted_where_they_bulge(heads):
    for person, head in list(zip(PEOPLE, heads, strict=True))[:4]:
        texture = paint_head(person, head.rest, ROWS, COLUMNS)
        where = position_map(head.rest, ROWS, COLUMNS).astype(float)
        x, y, z = where[..., 0], where[..., 1], where[..., 2]
        plan = plan_face(person)
        _, line, lower = lip_curves(x, person, plan)
        front = (z > 40) & (np.abs(x) < 0.5 * plan.mouth_half)
        lip = front & (y > lower + 2) & (y < line - 2)
        chin = front & (np.abs(y - plan.chin_y) < 6)
        ratio = texture[..., RED] / texture[..., GREEN]
        assert ratio[lip].mean() > 1.05 * ratio[chin].mean()
        # The strip that opens when talking straddles the line between the lips.
        strip = texture[..., MOUTH] != NO_MOUTH
        assert strip.sum() > 100
        assert np.abs(y - line)[strip].max() < 1.5
        assert texture.shape == (TEXTURE_PX, TEXTURE_PX, 10)
        assert np.all((texture[..., :4] > 0) & (texture[..., :4] < 1))


def test_skin_albedo_orders_the_bands_as_melanin_and_blood_do():
    light, dark = skin_albedo([0.1, 1.8], [0.27, 0.27])
    assert light[RED] > light[GREEN] > light[BLUE]
    loss = np.log(light / dark)
    # Melanin absorbs least in near infrared, so tones come together there.
    assert loss[INFRARED] < 0.35 * loss[GREEN]
    pale, flushed = skin_albedo([0.3, 0.3], [0.2, 0.5])
    gone = np.log(pale / flushed)
    assert gone[GREEN] > gone[BLUE] > gone[RED] > 0
    assert gone[INFRARED] < 0.1 * gone[GREEN]
