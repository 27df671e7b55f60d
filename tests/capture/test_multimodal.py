"""Three registered files in, millimetres out; what does not fit is named."""

import numpy as np
import pytest
from PIL import Image

from bonafide.capture.errors import (
    DamagedFileError,
    DepthUnitError,
    MissingFileError,
    MissingModalityError,
    SizeMismatchError,
)
from bonafide.capture.image import read_levels
from bonafide.capture.multimodal import DepthUnit, find_modalities, read_multimodal
from bonafide.capture.registration import estimate_shift


def write(folder, *, size=(20, 24), depth=None, infrared=None):
    """A folder with colour.png, depth.png (16 bits, mm) and ir.png."""
    rng = np.random.default_rng(0)
    folder.mkdir(exist_ok=True)
    if depth is None:
        depth = np.full(size, 600, np.uint16)
        depth[0, 0] = 0
    if infrared is None:
        infrared = rng.integers(0, 256, size, np.uint8)
    Image.fromarray(rng.integers(0, 256, (*size, 3), np.uint8)).save(folder / "colour.png")
    Image.fromarray(depth).save(folder / "depth.png")
    Image.fromarray(infrared).save(folder / "ir.png")
    return find_modalities(folder)


def test_sixteen_bits_are_millimetres_and_zero_is_unknown(tmp_path):
    depth = np.arange(480, dtype=np.uint16).reshape(20, 24) + 600
    depth[3, 4] = 0
    capture = read_multimodal(*write(tmp_path / "a", depth=depth))
    assert capture.depth_mm.dtype == np.float32
    assert np.isnan(capture.depth_mm[3, 4])
    assert capture.depth_mm[19, 23] == 600 + 479
    assert capture.rgb.shape == (20, 24, 3)
    assert capture.infrared.dtype == np.uint8
    assert capture.source.endswith("colour.png")


def test_eight_bits_need_a_unit(tmp_path):
    levels = np.full((20, 24), 100, np.uint8)
    levels[0] = 0
    paths = write(tmp_path / "a", depth=levels)
    with pytest.raises(DepthUnitError, match=r"depth\.png: 8-bit depth has no unit"):
        read_multimodal(*paths)
    assert np.nanmax(read_multimodal(*paths, DepthUnit(4.0, 300.0)).depth_mm) == 700
    near_is_bright = read_multimodal(*paths, DepthUnit(-5.0, 1200.0)).depth_mm
    assert np.nanmin(near_is_bright) == 700
    assert np.isnan(near_is_bright[0]).all()


@pytest.mark.parametrize(("unit", "middle"), [(DepthUnit(0.001), "0.6"), (DepthUnit(100), "6e")])
def test_a_unit_in_which_no_face_could_stand_is_refused(tmp_path, unit, middle):
    with pytest.raises(DepthUnitError, match=f"its middle is {middle}"):
        read_multimodal(*write(tmp_path / "a"), unit)
    with pytest.raises(DepthUnitError, match="no unit"):
        DepthUnit(0.0)


def test_nothing_measured_is_no_wrong_unit(tmp_path):
    capture = read_multimodal(*write(tmp_path / "a", depth=np.zeros((20, 24), np.uint16)))
    assert np.isnan(capture.depth_mm).all()


def test_missing_files_and_names_are_told(tmp_path):
    rgb, depth, infrared = write(tmp_path / "a")
    with pytest.raises(MissingModalityError, match="comes without depth and infrared"):
        read_multimodal(rgb, None, None)
    with pytest.raises(MissingFileError):
        read_multimodal(rgb, tmp_path / "nothing.png", infrared)
    depth.rename(depth.with_name("range.png"))
    with pytest.raises(MissingModalityError, match="depth: 0 files"):
        find_modalities(tmp_path / "a")
    (tmp_path / "a" / "NIR.png").write_bytes(infrared.read_bytes())
    with pytest.raises(MissingModalityError, match="infrared: 2 files"):
        find_modalities(tmp_path / "a")
    with pytest.raises(MissingModalityError):
        find_modalities(tmp_path / "nowhere")


def test_sizes_must_agree(tmp_path):
    paths = write(tmp_path / "a", infrared=np.zeros((20, 25), np.uint8))
    with pytest.raises(SizeMismatchError, match=r"rgb 24 x 20.*infrared 25 x 20"):
        read_multimodal(*paths)


def ramps(folder, colour=(60, 40), other=(30, 20), columns=0):
    """One view at two resolutions: a ramp from left to right in every picture, a step in depth."""
    folder.mkdir()
    height, width = colour
    level = (np.arange(width) * 4 + 10).astype(np.uint8)
    Image.fromarray(np.repeat(np.stack([level] * 3, 1)[None], height, 0)).save(folder / "rgb.png")
    height, width = other[0], other[1] + columns
    level = ((np.arange(width) * 2 + 0.5) * 4 + 10).astype(np.uint8)
    Image.fromarray(np.repeat(level[None], height, 0)).save(folder / "ir.png")
    step = np.where(np.arange(width) < width // 2, 600, 1500).astype(np.uint16)
    Image.fromarray(np.repeat(step[None], height, 0)).save(folder / "depth.png")
    return find_modalities(folder)


def test_one_view_at_several_resolutions_is_brought_to_the_size_of_colour(tmp_path):
    paths = ramps(tmp_path / "a")
    with pytest.raises(SizeMismatchError, match="--one-view"):
        read_multimodal(*paths)
    capture = read_multimodal(*paths, one_view=True)
    assert capture.depth_mm.shape == capture.infrared.shape == capture.rgb.shape[:2] == (60, 40)
    inner = slice(2, -2)  # beyond the outermost centres there is nothing to interpolate
    apart = capture.infrared[:, inner].astype(int) - capture.rgb[:, inner, 0]
    assert np.abs(apart).max() <= 1
    assert set(np.unique(capture.depth_mm)) == {600, 1500}  # no mean of face and wall
    assert (capture.depth_mm[:, :20] == 600).all()
    smaller = read_multimodal(*ramps(tmp_path / "b", (15, 10), (30, 20)), one_view=True)
    assert smaller.depth_mm.shape == (15, 10)
    assert set(np.unique(smaller.depth_mm)) == {600, 1500}


def test_a_px_of_rounding_is_borne_and_another_form_is_no_one_view(tmp_path):
    near = ramps(tmp_path / "a", (204, 200), (101, 100))
    assert read_multimodal(*near, one_view=True).depth_mm.shape == (204, 200)
    with pytest.raises(SizeMismatchError, match=r"no one view: colour 40 x 60, depth 22 x 30"):
        read_multimodal(*ramps(tmp_path / "b", columns=2), one_view=True)


def test_levels_are_read_as_stored(tmp_path):
    rng = np.random.default_rng(1)
    wide = rng.integers(0, 65536, (9, 7)).astype(np.uint16)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (read_levels(tmp_path / "wide.png") == wide).all()
    grey = rng.integers(0, 256, (9, 7), np.uint8)
    Image.fromarray(np.stack([grey] * 3, 2)).save(tmp_path / "grey.png")
    assert (read_levels(tmp_path / "grey.png") == grey).all()
    smooth = np.repeat(np.arange(64, dtype=np.uint8)[None] * 3, 48, 0)
    Image.fromarray(np.stack([smooth] * 3, 2)).save(tmp_path / "grey.jpg", quality=90)
    assert np.abs(read_levels(tmp_path / "grey.jpg").astype(int) - smooth).max() <= 3
    Image.fromarray(rng.integers(0, 256, (9, 7, 3), np.uint8)).save(tmp_path / "colour.png")
    with pytest.raises(DamagedFileError, match="colours where one channel"):
        read_levels(tmp_path / "colour.png")


@pytest.mark.parametrize(("across", "down"), [(0, 0), (5, -3), (-7, 7)])
def test_a_known_shift_is_found_although_the_levels_are_others(astronaut, across, down):
    grey = astronaut[50:250, 150:350].mean(2)
    other = 255 - 0.4 * np.roll(grey, (down, across), (0, 1))  # another spectrum, say
    shift = estimate_shift(grey, other, 12)
    assert (shift.x_px, shift.y_px) == (
        pytest.approx(across, abs=0.3),
        pytest.approx(down, abs=0.3),
    )
    assert shift.correlation > 0.9
    assert shift.length_px == pytest.approx(np.hypot(across, down), abs=0.4)
    assert (shift.unmoved < 0.5) == bool(across or down)
    assert shift.inside


def test_a_shift_beyond_the_range_is_not_taken_for_a_maximum():
    ramp = np.cumsum(np.arange(120.0))[None, :] + np.zeros((120, 1))  # steeper and steeper
    assert not estimate_shift(ramp, np.roll(ramp, 30, axis=1), 8).inside


def test_pictures_without_common_edges_have_no_correlation(astronaut):
    grey = astronaut[50:250, 150:350].mean(2)
    noise = np.random.default_rng(0).normal(size=grey.shape)
    assert estimate_shift(grey, noise, 12).correlation < 0.2
    flat = estimate_shift(grey, np.zeros_like(grey), 12)
    assert flat.correlation == flat.unmoved == 0
