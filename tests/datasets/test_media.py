"""Facts and tiny pictures of media files, against what they were made with."""

import av
import numpy as np
import pytest
from miniature import picture, write_clip, write_photo
from PIL import Image

from bonafide.datasets.media import first_picture, jpeg_quality, look_at, sha256_of
from bonafide.types import BonafideError, Label, Presentation, Split


def a_row(path, rotation_deg=0):
    return Presentation(
        presentation=str(path),
        path=str(path),
        label=Label.BONA_FIDE,
        pai_species="bona_fide",
        capture_subject="d/p",
        split=Split.TRAIN,
        dataset="d",
        rotation_deg=rotation_deg,
    )


def test_facts_of_a_clip_are_those_it_was_made_with(tmp_path):
    write_clip(tmp_path / "a.avi", frames=7, size=(48, 64), rate=25)
    facts = look_at(a_row(tmp_path / "a.avi")).facts
    assert (facts.frames, facts.width_px, facts.height_px) == (7, 64, 48)
    assert facts.duration_s == pytest.approx(6 / 25)
    assert facts.rate_hz == pytest.approx(25)
    assert (facts.codec, facts.container) == ("mjpeg", "avi")
    assert facts.size_bytes == (tmp_path / "a.avi").stat().st_size


@pytest.mark.parametrize("quality", [1, 5, 30, 49, 50, 75, 90, 95, 100])
def test_jpeg_quality_is_what_pillow_was_asked_for(tmp_path, quality):
    write_photo(tmp_path / "a.jpg", quality=quality)
    found = look_at(a_row(tmp_path / "a.jpg")).facts.jpeg_quality
    assert found == quality


def test_a_png_has_no_jpeg_quality_and_order_in_the_table_does_not_matter(tmp_path):
    Image.fromarray(picture(1)).save(tmp_path / "a.png")
    assert look_at(a_row(tmp_path / "a.png")).facts.jpeg_quality == 0.0
    Image.fromarray(picture(1)).save(tmp_path / "a.jpg", quality=62)
    table = Image.open(tmp_path / "a.jpg").quantization[0]
    assert jpeg_quality(table) == jpeg_quality(table[::-1]) == 62.0


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_trap_the_rows_rotation_is_applied_clockwise(tmp_path, turn):
    upright = picture(3, 64, 64)
    Image.fromarray(np.ascontiguousarray(np.rot90(upright, turn // 90))).save(tmp_path / "a.png")
    row = a_row(tmp_path / "a.png", rotation_deg=turn)
    assert np.array_equal(first_picture(row), upright)
    assert np.allclose(look_at(row).grey, look_at_upright(tmp_path, upright).grey)


def look_at_upright(folder, upright):
    Image.fromarray(upright).save(folder / "upright.png")
    return look_at(a_row(folder / "upright.png"))


def test_tiny_pictures_keep_means_and_black(tmp_path):
    rgb = np.full((64, 64, 3), (200, 100, 50), np.uint8)
    rgb[:32] = 0
    Image.fromarray(rgb).save(tmp_path / "a.png")
    look = look_at(a_row(tmp_path / "a.png"))
    assert look.black_share == 0.5
    assert look.colour[:6].max() == 0
    assert np.allclose(look.colour[6:], (200, 100, 50))
    assert look.grey.shape == (64, 64)


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / "a.avi").write_bytes(b"no clip")
    with pytest.raises(BonafideError, match=r"a\.avi"):
        look_at(a_row(tmp_path / "a.avi"))
    with pytest.raises(BonafideError, match="cannot be read"):
        sha256_of(tmp_path / "none")


def test_the_first_picture_of_a_clip_is_its_first_frame(tmp_path):
    write_clip(tmp_path / "a.mov", seed=4, frames=3)
    with av.open(str(tmp_path / "a.mov")) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    found = first_picture(a_row(tmp_path / "a.mov")).astype(int)
    assert np.abs(found - frame).max() <= 3
