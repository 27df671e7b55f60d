"""LBP against scikit-image, LBP-TOP against counting voxel by voxel."""

import itertools

import numpy as np
import pytest
from skimage import data
from skimage.feature import local_binary_pattern

from bonafide.cues import lbp, lbp_plain
from bonafide.cues.lbp import (
    COLOUR_SPACES,
    MULTI_SCALE,
    TextureError,
    bins,
    colour_histogram,
    grey_of,
    lbp_codes,
    lbp_counts,
    lbp_histogram,
    multi_scale_histogram,
    uniform_table,
)
from bonafide.cues.lbp_top import LENGTH, lbp_top_histogram

RING = [(1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]


@pytest.fixture(params=["compiled", "plain"])
def loops(request, monkeypatch):
    """With numba, and without."""
    if request.param == "plain":
        monkeypatch.setattr(lbp, "loops", lbp_plain)


def reference(grey, points=8, radius=1):
    codes = local_binary_pattern(grey, points, radius, "nri_uniform")
    return codes[radius:-radius, radius:-radius]


def test_every_pattern_of_darker_equal_brighter_neighbours_is_as_in_scikit_image(loops):
    # All 3^8 patches, side by side in one picture: 81 x 81 of them, looked at in their middles.
    patches = np.full((81 * 81, 3, 3), 100, np.uint8)
    for patch, relations in zip(patches, itertools.product((99, 100, 101), repeat=8), strict=True):
        for place, value in zip(RING, relations, strict=True):
            patch[place] = value
    mosaic = patches.reshape(81, 81, 3, 3).transpose(0, 2, 1, 3).reshape(243, 243)
    found, expected = lbp_codes(mosaic)[::3, ::3], reference(mosaic)[::3, ::3]
    assert found.shape == (81, 81)
    np.testing.assert_array_equal(found, expected)
    assert len(np.unique(expected)) == 59


def test_every_subset_of_bright_neighbours_at_full_contrast_is_as_in_scikit_image(loops):
    for subset in itertools.product((0, 255), repeat=8):
        patch = np.full((3, 3), 128, np.uint8)
        for place, value in zip(RING, subset, strict=True):
            patch[place] = value
        assert lbp_codes(patch)[0, 0] == reference(patch)[0, 0], subset


@pytest.mark.parametrize("levels", [2, 3, 5, 256])
@pytest.mark.parametrize(("points", "radius"), [*MULTI_SCALE, (4, 1), (12, 3)])
def test_random_pictures_are_as_in_scikit_image_everywhere(levels, points, radius, loops):
    # Few levels make many ties, which scikit-image breaks by the last bit of a position.
    rng = np.random.default_rng(levels)
    for shape in ((7, 7), (64, 81), (130, 33)):
        grey = rng.integers(0, levels, shape).astype(np.uint8) * (255 // (levels - 1))
        np.testing.assert_array_equal(
            lbp_codes(grey, points, radius), reference(grey, points, radius)
        )


@pytest.mark.parametrize("value", [0, 1, 77, 100, 254, 255])
def test_flat_pictures_are_as_in_scikit_image(value, loops):
    grey = np.full((90, 90), value, np.uint8)
    np.testing.assert_array_equal(lbp_codes(grey), reference(grey))


@pytest.mark.parametrize("scale", MULTI_SCALE)
def test_counts_do_not_depend_on_the_compiler(scale, monkeypatch):
    """Also of stacks that are cut into parts, and of pictures that are larger than a part."""
    rng = np.random.default_rng(3)
    stacks = [rng.integers(0, 4, shape, dtype=np.uint8) for shape in ((40, 40, 40), (2, 200, 240))]
    compiled = [lbp_counts(stack, *scale) for stack in stacks]
    monkeypatch.setattr(lbp, "loops", lbp_plain)
    for stack, expected in zip(stacks, compiled, strict=True):
        np.testing.assert_array_equal(lbp_counts(stack, *scale), expected)


def test_a_real_face_is_as_in_scikit_image():
    face = grey_of(np.ascontiguousarray(data.astronaut()[:256, 96:352]))
    np.testing.assert_array_equal(lbp_codes(face), reference(face))
    counted = np.bincount(reference(face).astype(int).ravel(), minlength=59)
    np.testing.assert_allclose(lbp_histogram(face), counted / counted.sum(), atol=1e-7)


@pytest.mark.parametrize("points", [4, 8, 16])
def test_the_table_has_one_code_for_each_uniform_pattern(points):
    table = uniform_table(points)
    patterns = np.arange(2**points)
    turned = (patterns >> 1) | ((patterns & 1) << (points - 1))
    changes = np.array([int(each).bit_count() for each in patterns ^ turned])
    assert sorted(table[changes <= 2]) == list(range(points * (points - 1) + 2))
    assert set(table[changes > 2]) == {points * (points - 1) + 2}
    assert bins(points) == points * (points - 1) + 3


def test_a_strided_picture_is_the_same_picture():
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_array_equal(lbp_codes(rgb[..., 1]), lbp_codes(rgb[..., 1].copy()))


def test_multi_scale_is_three_histograms():
    face = grey_of(data.astronaut()[:128, 160:288])
    found = multi_scale_histogram(face)
    assert found.shape == (59 + 59 + 243,)
    expected = np.concatenate(
        [
            np.bincount(reference(face, *each).astype(int).ravel(), minlength=bins(each[0]))
            / (128 - 2 * each[1]) ** 2
            for each in MULTI_SCALE
        ]
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_colour_is_six_channels_and_a_grey_picture_has_flat_chroma():
    grey = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    found = colour_histogram(np.repeat(grey[..., None], 3, 2)).reshape(6, 59)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(found[2], lbp_histogram(grey), atol=1e-6)  # V
    np.testing.assert_allclose(found[3], lbp_histogram(grey), atol=1e-6)  # Y
    flat = lbp_histogram(np.full((40, 40), 128, np.uint8))
    np.testing.assert_allclose(found[4], flat, atol=1e-6)  # Cb
    np.testing.assert_allclose(found[5], flat, atol=1e-6)  # Cr


def test_cb_comes_before_cr():
    rgb = np.zeros((40, 40, 3), np.uint8)
    rgb[..., 2] = np.random.default_rng(0).integers(100, 200, (40, 40))  # blue noise moves Cb most
    channels = COLOUR_SPACES["ycbcr"](rgb)
    assert channels[..., 1].std() > 3 * channels[..., 2].std()


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 9), np.uint8), np.zeros((9, 9)), np.zeros((9, 9, 3, 1), np.uint8)]
)
def test_what_has_no_patterns_is_refused(bad):
    with pytest.raises(TextureError):
        lbp_histogram(bad)


def brute_force_top(clip):
    """Voxel by voxel: three scikit-image codes each."""
    times, height, width = clip.shape
    counts = np.zeros((3, 59))
    for t, y, x in itertools.product(
        range(1, times - 1), range(1, height - 1), range(1, width - 1)
    ):
        counts[0, int(reference_at(clip[t], y, x))] += 1
        counts[1, int(reference_at(clip[:, y], t, x))] += 1
        counts[2, int(reference_at(clip[:, :, x], t, y))] += 1
    return (counts / counts.sum(1, keepdims=True)).ravel()


_PLANES = {}


def reference_at(plane, row, column):
    key = plane.tobytes(), plane.shape
    if key not in _PLANES:
        _PLANES[key] = local_binary_pattern(np.ascontiguousarray(plane), 8, 1, "nri_uniform")
    return _PLANES[key][row, column]


@pytest.mark.parametrize("shape", [(3, 3, 3), (5, 9, 12), (14, 8, 7)])
@pytest.mark.parametrize("levels", [2, 256])
def test_lbp_top_is_a_brute_force_count(shape, levels, loops):
    rng = np.random.default_rng(1)
    clip = (rng.integers(0, levels, shape) * (255 // (levels - 1))).astype(np.uint8)
    found = lbp_top_histogram(clip)
    assert found.shape == (LENGTH,) == (177,)
    np.testing.assert_allclose(found, brute_force_top(clip), atol=1e-6)


def test_a_still_clip_and_a_moving_one_differ_in_time_and_not_in_space():
    rng = np.random.default_rng(2)
    wide = rng.integers(0, 256, (40, 60), dtype=np.uint8)
    still = np.repeat(wide[None, :, :40], 12, 0)
    moving = np.stack([wide[:, shift : shift + 40] for shift in range(12)])
    a, b = (lbp_top_histogram(each).reshape(3, 59) for each in (still, moving))
    assert np.abs(a[0] - b[0]).sum() < 0.1
    assert np.abs(a[1] - b[1]).sum() > 0.5


@pytest.mark.parametrize("shape", [(2, 9, 9), (9, 9), (5, 2, 9)])
def test_clips_too_short_for_patterns_in_time_are_refused(shape):
    with pytest.raises(TextureError):
        lbp_top_histogram(np.zeros(shape, np.uint8))
