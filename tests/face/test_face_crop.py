"""Crops: where a dot goes, what aliases, what lies outside, and the box of a clip."""

import cv2
import numpy as np
import pytest

from bonafide.face.align import CANONICAL_FACE, AlignmentError, apply, similarity_to_canonical
from bonafide.face.crop import (
    FILL,
    crop_box,
    crop_to_picture,
    extended_clip_box,
    multi_scale_crops,
    sample,
)
from bonafide.types import BonafideError, Box

SCALES = (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)


def face_at(left, top, side, degrees=0.0):
    """Landmarks of a canonical face whose scale-1.0 square has its corner at px (left, top)."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (CANONICAL_FACE - 0.5) * side @ turn.T + side / 2 + [left, top] - 0.5
    return points.astype(np.float32)


def blob(size, x, y, sigma):
    """A Gaussian spot centred at px (x, y): its centroid is known to a thousandth."""
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    value = 220 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.repeat(np.round(value)[..., None], 3, axis=2).astype(np.uint8)


def centroid(grey):
    weights = np.where(grey > 3, grey, 0).astype(float)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    return (weights * columns).sum() / weights.sum(), (weights * rows).sum() / weights.sum()


@pytest.mark.parametrize("side", [60.0, 128.0, 200.0, 450.0, 1100.0])
@pytest.mark.parametrize("degrees", [0.0, 25.0, -90.0])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.5])
def test_a_dot_is_found_where_the_geometry_says(side, degrees, scale):
    size = round(side * 2)
    landmarks = face_at(side / 2, side / 2, side, degrees)
    x, y = size / 2 + 0.13 * side, size / 2 - 0.21 * side
    rgb = blob(size, x, y, sigma=0.03 * side)
    stack = multi_scale_crops(rgb, landmarks, (scale,))
    canonical = apply(similarity_to_canonical(landmarks), [[x, y]])[0]
    expected = ((canonical - 0.5) / scale + 0.5) * 128 - 0.5
    np.testing.assert_allclose(centroid(stack.crops[0, ..., 0]), expected, atol=0.1)


def test_growing_the_scale_shrinks_the_content():
    """crop_scale_check: a dot's distance from the crop's centre falls as 1 / scale."""
    side, size = 256.0, 512
    rgb = blob(size, 300.0, 190.0, sigma=6)
    stack = multi_scale_crops(rgb, face_at(128, 128, side), SCALES)
    distances = [np.hypot(*(np.array(centroid(c[..., 0])) - 63.5)) for c in stack.crops]
    np.testing.assert_allclose(np.array(distances) * SCALES, distances[1], atol=0.15)
    assert stack.scales == SCALES
    assert stack.crops.shape == (7, 128, 128, 3)
    assert stack.inside.all()


def test_the_identity_cuts_the_very_pixels():
    """Scale 1.0 of an upright face 128 px wide: a plain cut, nothing resampled."""
    rgb = np.random.default_rng(3).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    stack = multi_scale_crops(rgb, face_at(70, 90, 128.0), (1.0,))
    np.testing.assert_array_equal(stack.crops[0], rgb[90:218, 70:198])


@pytest.mark.parametrize("ratio", [0.5, 0.93, 1.0, 1.2])
def test_near_ratio_one_it_equals_a_plain_warp(person, ratio):
    matrix = crop_to_picture(similarity_to_canonical(face_at(150, 60, 128 * ratio, 7.0)), 1.0, 128)
    crop, inside = sample(person, matrix, 128)
    plain = cv2.warpAffine(
        person, matrix, (128, 128), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    assert inside.all()
    # cutting the region out first moves OpenCV's 1/32 px grid of weights a little
    assert np.abs(crop.astype(int) - plain).max() <= 12
    assert np.abs(crop.astype(int) - plain).mean() < 0.6


def zone_plate(size, highest):
    """Rings whose frequency grows from 0 at the centre to ``highest`` cycles/px at the edge."""
    across, down = np.meshgrid(*[np.arange(size) - (size - 1) / 2] * 2)
    phase = 2 * np.pi * highest * (across**2 + down**2) / size
    value = np.round(127.5 + 100 * np.cos(phase))
    return np.repeat(value[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [512, 700, 2000])
@pytest.mark.parametrize("degrees", [0.0, 30.0])
def test_a_zone_plate_leaves_no_ghost_rings(size, degrees):
    """Rings finer than the crop can show must turn grey; what remains of them is aliasing."""
    highest = 256 / size  # four times what 128 px can show, at the middle of the sides
    rgb = zone_plate(size, highest)
    matrix = crop_to_picture(similarity_to_canonical(face_at(0, 0, size, degrees)), 1.0, 128)
    crop, inside = sample(rgb, matrix, 128)
    plain = cv2.warpAffine(rgb, matrix, (128, 128), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    rows, columns = np.mgrid[:128, :128] - 63.5
    radius = np.hypot(rows, columns)  # in crop px; at 16 the rings reach the crop's limit
    aliased = (radius > 24) & (radius < 62) & inside
    ours = crop[aliased, 0].astype(float).std()
    naive = plain[aliased, 0].astype(float).std()
    assert ours < 11.0
    assert ours < naive / 3
    assert crop[radius < 10, 0].std() > 45  # what can be shown is still there


def test_outside_is_marked_and_filled_and_nothing_is_invented():
    rgb = np.full((200, 200, 3), 255, dtype=np.uint8)
    stack = multi_scale_crops(rgb, face_at(-64, 36, 128.0), (1.0, 1.5))
    expected = np.ones((128, 128), dtype=bool)
    expected[:, :64] = False
    np.testing.assert_array_equal(stack.inside[0], expected)
    assert (stack.crops[0][expected] == 255).all()
    assert (stack.crops[0][~expected] == FILL).all()
    np.testing.assert_allclose(stack.inside_share, [0.5, (192 - 96) / 192], atol=0.01)


def test_a_face_beyond_the_picture_gives_fill_alone():
    rgb = np.zeros((50, 50, 3), dtype=np.uint8)
    stack = multi_scale_crops(rgb, face_at(500, 500, 100.0), (1.0,))
    assert not stack.inside.any()
    assert (stack.crops == FILL).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
def test_tiny_pictures_can_be_cropped(size):
    rgb = np.full((*size, 3), 200, dtype=np.uint8)
    stack = multi_scale_crops(rgb, face_at(-10, -10, 40.0), (1.0, 1.5), size_px=32)
    assert (stack.crops[stack.inside] == 200).all()
    assert (stack.crops[~stack.inside] == FILL).all()


def test_the_map_to_the_picture_belongs_to_the_crop(person, detector):
    landmarks = detector.detect(person)[0].landmarks
    stack = multi_scale_crops(person, landmarks, SCALES)
    for number in range(7):
        center = apply(stack.to_picture[number], [[63.5, 63.5]])
        np.testing.assert_allclose(
            apply(similarity_to_canonical(landmarks), center), [[0.5, 0.5]], atol=1e-9
        )


@pytest.mark.parametrize(
    ("scales", "size"), [((), 128), ((0.0,), 128), ((1.0, -1.0), 128), ((1.0,), 0), ((np.nan,), 9)]
)
def test_senseless_scales_are_refused(person, scales, size):
    with pytest.raises(BonafideError, match="scales"):
        multi_scale_crops(person, face_at(0, 0, 100.0), scales, size)


def test_landmarks_that_are_no_face_are_refused(person):
    with pytest.raises(AlignmentError):
        multi_scale_crops(person, np.zeros((5, 2), dtype=np.float32), (1.0,))


def test_the_clip_box_is_the_swept_square_enlarged():
    boxes = [Box(100 + i, 50, 40, 60) for i in range(11)]
    box = extended_clip_box(boxes, 1.0)
    # lefts 100..110: the tenth is 101; rights 140..150: nine tenths are 149; 48 wide, 60 high
    assert (box.width, box.height) == (60, 60)
    assert box.center == (125, 80)
    larger = extended_clip_box(boxes, 1.6)
    assert larger.width == pytest.approx(96)
    assert larger.center == pytest.approx(box.center)


def test_a_stray_detection_does_not_move_the_clip_box():
    boxes = [Box(100, 50, 40, 60)] * 20
    stray = [*boxes[:10], Box(400, 300, 90, 90), *boxes[10:]]
    assert extended_clip_box(stray, 1.5) == extended_clip_box(boxes, 1.5)


@pytest.mark.parametrize(("boxes", "factor"), [([], 1.5), ([Box(0, 0, 1, 1)], 0.0)])
def test_no_boxes_make_no_clip_box(boxes, factor):
    with pytest.raises(BonafideError, match="boxes_over_time"):
        extended_clip_box(boxes, factor)


def test_a_box_is_cut_out_exactly():
    rgb = np.random.default_rng(5).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    crop, inside = crop_box(rgb, Box(9.5, 19.5, 64, 64), 64)  # edges lie half a pixel outside
    np.testing.assert_array_equal(crop, rgb[20:84, 10:74])
    assert inside.all()
    shrunk, _ = crop_box(rgb, Box(9.5, 19.5, 64, 64), 32)
    blocks = rgb[20:84, 10:74].reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(shrunk, blocks, atol=1.0)
    beyond, mask = crop_box(rgb, Box(-32.5, -0.5, 64, 64), 64)
    assert not mask[:, :32].any()
    np.testing.assert_array_equal(beyond[:, 32:], rgb[:64, :32])


@pytest.mark.parametrize("box", [Box(0, 0, 0, 5), Box(0, 0, 5, -1), Box(0, 0, float("nan"), 1)])
def test_an_empty_box_is_refused(person, box):
    with pytest.raises(BonafideError, match="box"):
        crop_box(person, box, 10)
