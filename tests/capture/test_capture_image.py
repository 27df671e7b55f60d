import io
import pickle

import numpy as np
import pytest
from capture_makers import (
    CORNERS,
    clip_bytes,
    corner_colours,
    corner_picture,
    jpeg_bomb,
    photo_bytes,
    png_bomb,
    webp_bomb,
)
from PIL import Image, ImageOps

from bonafide.capture.errors import (
    CaptureError,
    DamagedFileError,
    EmptyFileError,
    MissingFileError,
    TooLargeError,
    TruncatedFileError,
    UnreadableFileError,
    WrongTypeError,
)
from bonafide.capture.image import BACKGROUND_RGB, decode_image, read_image
from bonafide.capture.limits import PILLOW_PIXEL_GUARD, Limits

PHOTOS = ["JPEG", "PNG", "WEBP"]
RNG = np.random.default_rng(7)
NOISE = RNG.integers(0, 256, (48, 64, 3), np.uint8)


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_photo_is_read_whatever_its_extension(kind, tmp_path):
    path = tmp_path / "holiday.txt"
    path.write_bytes(photo_bytes(corner_picture(), kind))
    frame = read_image(path)
    assert frame.rgb.dtype == np.uint8
    assert frame.rgb.shape == (48, 64, 3)
    assert frame.rgb.flags.c_contiguous
    assert (frame.index, frame.time_s, frame.source) == (0, 0.0, str(path))
    assert np.abs(corner_colours(frame.rgb) - CORNERS).max() <= 12


def test_lossless_photos_keep_every_value():
    assert np.array_equal(decode_image(photo_bytes(NOISE, "PNG"), "p").rgb, NOISE)
    lossless = photo_bytes(NOISE, "WEBP", lossless=True)
    assert np.array_equal(decode_image(lossless, "p").rgb, NOISE)


# How each orientation stores an upright picture, written out by hand from EXIF 2.32, 4.6.5.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: np.rot90(a, 2),
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("kind", PHOTOS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(STORED[orientation](corner_picture()))
    data = photo_bytes(stored, kind, exif=exif)
    rgb = decode_image(data, "p").rgb
    assert rgb.shape == (48, 64, 3)
    assert np.abs(corner_colours(rgb) - CORNERS).max() <= 12
    pillow = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(rgb, pillow)


@pytest.mark.parametrize("orientation", [0, 9, 4000])
def test_reserved_orientations_leave_the_photo_as_stored(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = photo_bytes(NOISE, "PNG", exif=exif)
    assert np.array_equal(decode_image(data, "p").rgb, NOISE)


def saved(image, kind="PNG", **settings):
    target = io.BytesIO()
    image.save(target, kind, **settings)
    return target.getvalue()


def test_grey_is_repeated_and_16_bit_grey_is_scaled_not_clipped():
    ramp = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    rgb = decode_image(saved(Image.fromarray(ramp)), "p").rgb
    assert np.array_equal(rgb[:, :, 0], np.arange(256).reshape(16, 16))
    assert np.array_equal(rgb[:, :, 0], rgb[:, :, 2])
    grey = Image.fromarray(NOISE[:, :, 0])
    assert np.array_equal(decode_image(saved(grey), "p").rgb[:, :, 1], NOISE[:, :, 0])


def test_palette_and_one_bit_photos_get_their_colours():
    palette = Image.fromarray(corner_picture()).quantize(8)
    rgb = decode_image(saved(palette), "p").rgb
    assert np.abs(corner_colours(rgb) - CORNERS).max() <= 2
    bits = Image.fromarray(NOISE[:, :, 0]).convert("1")
    assert set(np.unique(decode_image(saved(bits), "p").rgb)) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_alpha_is_laid_over_the_stated_background(kind):
    alpha = np.repeat([0, 51, 255], 16).astype(np.uint8)
    rgba = np.dstack([np.full((48, 48, 3), (200, 100, 0), np.uint8), np.tile(alpha, (48, 1))])
    settings = {"lossless": True} if kind == "WEBP" else {}
    rgb = decode_image(saved(Image.fromarray(rgba), kind, **settings), "p").rgb.astype(int)
    by_hand = 0.2 * np.array([200, 100, 0]) + 0.8 * np.array(BACKGROUND_RGB)
    assert tuple(rgb[5, 5]) == BACKGROUND_RGB
    assert np.abs(rgb[5, 24] - by_hand).max() <= 1
    assert tuple(rgb[5, 40]) == (200, 100, 0)


def test_transparency_of_grey_and_palette_photos_is_honoured():
    grey = Image.fromarray(np.full((8, 8, 2), (10, 0), np.uint8), "LA")
    assert tuple(decode_image(saved(grey), "p").rgb[0, 0]) == BACKGROUND_RGB
    palette = Image.fromarray(corner_picture()).quantize(4)
    data = saved(palette, transparency=palette.getpixel((0, 0)))
    rgb = decode_image(data, "p").rgb
    assert tuple(rgb[0, 0]) == BACKGROUND_RGB
    assert tuple(rgb[-1, -1]) != BACKGROUND_RGB


def test_cmyk_jpeg_becomes_the_colours_it_prints():
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[:, :8] = (0, 255, 255, 0)  # magenta and yellow: red
    ink[:, 8:] = (0, 0, 0, 255)  # black
    rgb = decode_image(saved(Image.fromarray(ink, "CMYK"), "JPEG", quality=95), "p").rgb
    assert np.abs(rgb[8, 2].astype(int) - (255, 0, 0)).max() <= 6
    assert rgb[8, 14].max() <= 6


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_picture_is_read(kind):
    first, second = Image.new("RGB", (32, 32), "red"), Image.new("RGB", (32, 32), "blue")
    settings = {"lossless": True} if kind == "WEBP" else {}
    data = saved(first, kind, save_all=True, append_images=[second], duration=100, **settings)
    assert tuple(decode_image(data, "p").rgb[16, 16]) == (255, 0, 0)


def test_of_a_multi_picture_jpeg_the_first_is_read():
    first, second = Image.new("RGB", (32, 32), "white"), Image.new("RGB", (32, 32), "black")
    data = saved(first, "MPO", save_all=True, append_images=[second])
    assert tuple(decode_image(data, "p").rgb[16, 16]) == (255, 255, 255)


@pytest.mark.parametrize("bomb", [png_bomb, jpeg_bomb, webp_bomb])
def test_a_bomb_is_refused_before_it_costs_memory(bomb):
    import tracemalloc

    data = bomb(16_000, 16_000)
    tracemalloc.start()
    with pytest.raises(TooLargeError, match=r"16000 x 16000 px.*64,000,000.*max_pixels"):
        decode_image(data, "bomb.img")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("bomb", [png_bomb, jpeg_bomb])
def test_sizes_that_pillow_itself_refuses_end_in_the_same_error(bomb):
    with pytest.raises(TooLargeError):
        decode_image(bomb(30_000, 30_000), "bomb.img")


def test_the_pixel_limit_holds_exactly():
    data = photo_bytes(NOISE, "PNG")
    assert decode_image(data, "p", Limits(max_pixels=48 * 64)).rgb.shape == (48, 64, 3)
    with pytest.raises(TooLargeError, match="64 x 48 px"):
        decode_image(data, "p", Limits(max_pixels=48 * 64 - 1))


def test_a_second_size_hidden_in_the_file_is_checked_too():
    data = photo_bytes(np.zeros((8, 8, 3), np.uint8), "PNG")
    header = png_bomb(20_000, 3_000)[8:33]  # a second IHDR, which Pillow believes
    with pytest.raises(CaptureError):
        decode_image(data[:33] + header + data[33:], "p", Limits(max_pixels=1000))


def test_the_byte_limit_holds_exactly(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(photo_bytes(NOISE, "PNG"))
    size = path.stat().st_size
    read_image(path, Limits(max_bytes=size))
    with pytest.raises(TooLargeError, match="max_bytes"):
        read_image(path, Limits(max_bytes=size - 1))


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_photo_cut_anywhere_is_an_error_and_never_half_grey(kind):
    data = photo_bytes(NOISE, kind)
    # The last 20 bytes of a PNG hold a checksum and the end mark, and no pixel.
    last = len(data) - (21 if kind == "PNG" else 1)
    for cut in [*range(16, 400, 3), *range(400, last, 97), last]:
        with pytest.raises(TruncatedFileError, match=r"a\.img.*again"):
            decode_image(data[:cut], "a.img")


WRONG = {
    "text": (b"Dear Sir or Madam, I am a portrait.", "text"),
    "pickle": (pickle.dumps({"a": 1}), "pickle"),
    "pdf": (b"%PDF-1.7 ...", "PDF"),
    "gif": (saved(Image.new("P", (4, 4)), "GIF"), "GIF"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
    "playlist": (b"#EXTM3U\nhttp://example.org/a.ts", "playlist"),
    "zeros": (bytes(100), "no format"),
    "renamed clip": (clip_bytes(2), "is a clip"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_type_says_what_it_is_and_what_is_read(name, tmp_path):
    data, said = WRONG[name]
    path = tmp_path / "face.jpg"
    path.write_bytes(data)
    with pytest.raises(WrongTypeError, match=said) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_missing_empty_folder_and_pipe_are_errors_of_their_own(tmp_path):
    import os

    with pytest.raises(MissingFileError, match=r"none\.jpg.*does not exist"):
        read_image(tmp_path / "none.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(EmptyFileError, match=r"empty\.jpg.*0 bytes"):
        read_image(tmp_path / "empty.jpg")
    with pytest.raises(EmptyFileError):
        decode_image(b"", "upload")
    with pytest.raises(UnreadableFileError, match="folder"):
        read_image(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadableFileError, match="no regular file"):
        read_image(tmp_path / "pipe.jpg")
    with pytest.raises(CaptureError):
        read_image(tmp_path / "nul\0l.jpg")


@pytest.mark.parametrize("kind", PHOTOS)
def test_a_photo_of_no_size_is_damaged(kind):
    bomb = {"PNG": png_bomb, "JPEG": jpeg_bomb}.get(kind)
    if bomb is None:
        data = bytearray(photo_bytes(NOISE, kind))
        data[26:28] = b"\0\0"
    else:
        data = bomb(0, 10)
    with pytest.raises(DamagedFileError, match="0 x"):
        decode_image(bytes(data), "p")


def test_a_jpeg_of_nothing_but_segments_is_given_up_quickly():
    with pytest.raises(DamagedFileError):
        decode_image(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 100_000, "p")
    with pytest.raises(DamagedFileError):
        decode_image(b"\xff\xd8" + b"\xff" * 1_000_000, "p")


def test_limits_refuse_nonsense():
    for wrong in ({"max_bytes": 0}, {"max_seconds": float("nan")}, {"max_frames": -1}):
        with pytest.raises(CaptureError, match=next(iter(wrong))):
            Limits(**wrong)
    with pytest.raises(CaptureError, match="guard"):
        Limits(max_pixels=PILLOW_PIXEL_GUARD + 1)


def test_a_capture_error_survives_the_trip_between_processes():
    with pytest.raises(TooLargeError) as caught:
        decode_image(png_bomb(9000, 9000), "bomb.png")
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert type(again) is TooLargeError
    assert str(again) == str(caught.value)
