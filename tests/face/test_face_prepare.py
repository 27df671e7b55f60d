"""Pictures registered to a colour picture come to its size, and depth into 8 bits."""

import numpy as np
import pytest
from PIL import Image

from bonafide.capture.errors import CaptureError, DepthUnitError, SizeMismatchError
from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import DepthUnit
from bonafide.face.crop import multi_scale_crops
from bonafide.face.depth_picture import FACE_LEVEL, depth_picture
from bonafide.face.prepare import (
    Registered,
    at_size_of,
    check_registered,
    decode_registered,
    modality_crops,
    read_registered,
)

LANDMARKS = np.array([[204, 111], [245, 108], [226, 132], [208, 152], [246, 150]], np.float32)
SIDE = 112


def test_modalities_of_another_resolution_come_to_the_size_of_colour():
    """CASIA-SURF's depth and infrared are smaller than its colour pictures; no level is made up."""
    rgb = np.zeros((160, 120, 3), np.uint8)
    small = np.repeat(np.arange(500, 580, dtype=np.uint16)[:, None], 60, 1)
    large = at_size_of(rgb, small, "depth.png")
    assert (large.shape, large.dtype) == (rgb.shape[:2], np.uint16)
    assert (large[:, 0] == 500 + np.arange(160) // 2).all()
    assert at_size_of(rgb, large, "depth.png") is large
    with pytest.raises(
        SizeMismatchError, match=r"depth\.png: is 60 x 60 px, the RGB picture 120 x 160"
    ):
        at_size_of(rgb, small[:60], "depth.png")


def depth_crop(astronaut, levels, unit=None):
    """The depth crop of a capture, (side, side): its three channels must be alike."""
    stack = multi_scale_crops(astronaut, LANDMARKS, (1.2,), SIDE)
    light = np.zeros(levels.shape, np.uint8)
    crops = modality_crops(astronaut, Registered(levels, light, "d.png", "i.png", unit), stack)
    assert (crops[1] == crops[1, :, :, :1]).all()
    return crops[1, :, :, 0].astype(int)


@pytest.mark.parametrize("distance_mm", [400, 780, 1200])
def test_two_depths_5_mm_apart_in_a_face_are_told_apart_at_any_distance(astronaut, distance_mm):
    depth = np.full(astronaut.shape[:2], distance_mm, np.uint16)
    depth[:, 228:] += 5  # the right half of the face lies deeper
    depth[300:] = 3000  # a wall
    crop = depth_crop(astronaut, depth)
    left, right = crop[60:80, 20:40], crop[60:80, 80:100]
    assert (np.ptp(left), np.ptp(right)) == (0, 0)
    assert right[0, 0] - left[0, 0] == 5
    assert left[0, 0] in (FACE_LEVEL - 5, FACE_LEVEL)  # the face's middle is one of the two


def test_a_face_keeps_its_levels_when_it_steps_back(astronaut):
    y, x = np.indices(astronaut.shape[:2])
    relief = np.hypot(x - 226, y - 132).clip(0, 100)
    near, far = (depth_crop(astronaut, (relief + mm).astype(np.uint16)) for mm in (400, 1150))
    assert (near == far).all()
    assert np.ptp(near) > 40


def test_what_was_not_measured_is_dark_and_what_is_far_is_bright(astronaut):
    depth = np.full(astronaut.shape[:2], 600, np.uint16)
    depth[105:115, 195:210], depth[150:] = 0, 5000
    stack = multi_scale_crops(astronaut, LANDMARKS, (1.2,), SIDE)
    picture = depth_picture(depth, stack.to_picture[0], SIDE, "d.png")[..., 0]
    assert (picture[105:115, 195:210] == 0).all()
    assert (picture[150:] == 255).all()
    assert (picture[:105] == FACE_LEVEL).all()
    none = depth_picture(np.zeros_like(depth), stack.to_picture[0], SIDE, "d.png")
    assert not none.any()


def test_depth_around_a_face_without_depth_is_still_counted_from_something(astronaut):
    """A screen's glass returns nothing; its frame does."""
    stack = multi_scale_crops(astronaut, LANDMARKS, (1.2,), SIDE)
    middle = stack.to_picture[0] @ [SIDE / 2, SIDE / 2, 1]
    y, x = np.indices(astronaut.shape[:2])
    depth = np.where(np.hypot(x - middle[0], y - middle[1]) < 60, 0, 700).astype(np.uint16)
    picture = depth_picture(depth, stack.to_picture[0], SIDE, "d.png")[..., 0]
    assert (picture[depth > 0] == FACE_LEVEL).all()
    assert (picture[depth == 0] == 0).all()


def test_levels_of_8_bits_are_taken_as_they_are_and_other_units_are_refused(astronaut):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, astronaut.shape[:2], np.uint8)
    stack = multi_scale_crops(astronaut, LANDMARKS, (1.2,), SIDE)
    assert (depth_picture(levels, stack.to_picture[0], SIDE, "d.png")[..., 0] == levels).all()
    with pytest.raises(DepthUnitError, match="mm per level"):
        depth_picture(levels.astype(np.uint16) // 4, stack.to_picture[0], SIDE, "d.png")


def test_a_stated_unit_takes_the_place_of_millimetres(astronaut):
    """Tenths of a millimetre, and levels of 4 mm in a picture of 8 bits."""
    y, x = np.indices(astronaut.shape[:2])
    relief = (np.hypot(x - 226, y - 132).clip(0, 100) // 4 * 4 + 400).astype(np.uint16)
    expected = depth_crop(astronaut, relief)
    assert np.ptp(expected) > 40
    coarse = (relief // 4).astype(np.uint8)
    for levels, unit in ((10 * relief, DepthUnit(0.1)), (coarse, DepthUnit(4.0))):
        assert (depth_crop(astronaut, levels, unit) == expected).all()
    with pytest.raises(DepthUnitError, match=r"d\.png"):
        depth_crop(astronaut, 10 * relief, DepthUnit(10.0))


def test_what_does_not_fit_is_told_without_a_face_too(astronaut):
    size = astronaut.shape[:2]
    metres, light = np.full(size, 2, np.uint16), np.zeros(size, np.uint8)
    check_registered(astronaut, Registered(light + 3, light, "d.png", "i.png"))
    check_registered(astronaut, Registered(metres * 300, light, "d.png", "i.png"))
    with pytest.raises(DepthUnitError, match=r"d\.png"):
        check_registered(astronaut, Registered(metres, light, "d.png", "i.png"))
    with pytest.raises(DepthUnitError, match=r"d\.png"):
        check_registered(astronaut, Registered(light + 3, light, "d.png", "i.png", DepthUnit(4.0)))
    for depth, infrared, named in ((light[:99], light, "d.png"), (light, light[:99], "i.png")):
        with pytest.raises(SizeMismatchError, match=named):
            check_registered(astronaut, Registered(depth, infrared, "d.png", "i.png"))


def test_memory_gives_the_levels_that_files_give(tmp_path):
    """With all 16 bits, and the names of the parts in messages."""
    depth = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64) + 400
    light = np.tile(np.arange(64, dtype=np.uint8), (48, 1))
    paths = tmp_path / "d.png", tmp_path / "i.png"
    for path, picture in zip(paths, (depth, light), strict=True):
        Image.fromarray(picture).save(path)
    contents = [path.read_bytes() for path in paths]
    unit = DepthUnit(0.5)
    found = decode_registered(*contents, Limits(), unit)
    stored = read_registered(*paths, Limits(), 0, unit)
    for one in (found, stored):
        np.testing.assert_array_equal(one.depth, depth)
        np.testing.assert_array_equal(one.infrared, light)
        assert one.unit == unit
    assert (found.depth.dtype, found.depth_source) == (np.uint16, "depth")
    for broken, named in (
        ((contents[0][:-99], contents[1]), "depth"),
        ((contents[0], b""), "infrared"),
    ):
        with pytest.raises(CaptureError, match=named):
            decode_registered(*broken, Limits())
