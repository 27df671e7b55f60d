"""Whatever the bytes, the only exception is a CaptureError."""

import numpy as np
import pytest
from capture_makers import clip_bytes, photo_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bonafide.capture.errors import CaptureError
from bonafide.capture.image import decode_image
from bonafide.capture.limits import Limits
from bonafide.capture.video import decode_clip

LIMITS = Limits(max_pixels=1_000_000, max_frames=200, max_seconds=60)


def seed_files():
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (24, 32, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "jpeg": photo_bytes(rgb, "JPEG", exif=exif),
        "progressive jpeg": photo_bytes(rgb, "JPEG", progressive=True),
        "cmyk jpeg": photo_bytes(rgb, "JPEG", "CMYK"),
        "png": photo_bytes(rgb, "PNG", exif=exif),
        "palette png": photo_bytes(rgb, "PNG", "P"),
        "alpha png": photo_bytes(rgb, "PNG", "RGBA"),
        "webp": photo_bytes(rgb, "WEBP", exif=exif),
        "lossless webp": photo_bytes(rgb, "WEBP", "RGBA", lossless=True),
        "mp4": clip_bytes(8, b_frames=2),
        "mkv": clip_bytes(8, container="matroska"),
        "webm": clip_bytes(4, codec="libvpx", container="webm"),
        "avi": clip_bytes(8, codec="mpeg4", container="avi", b_frames=2),
        "avi mjpeg": clip_bytes(4, codec="mjpeg", container="avi", pix_fmt="yuvj420p"),
    }


SEEDS = seed_files()
MAGICS = [b"", *(data[:16] for data in SEEDS.values())]

mutation = st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8))


@st.composite
def mutated(draw):
    """A valid file with a few bytes overwritten, cut out or put in, perhaps cut off."""
    data = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    for share, patch in draw(st.lists(mutation, min_size=1, max_size=6)):
        # Squared, because most structure is near the start.
        at = int(share * share * len(data))
        keep = draw(st.sampled_from([len(patch), len(patch), 0, 64]))
        data[at : at + keep] = patch
    if draw(st.booleans()):
        del data[int(draw(st.floats(0, 1)) * len(data)) :]
    return bytes(data)


random_bytes = st.builds(lambda magic, rest: magic + rest, st.sampled_from(MAGICS), st.binary())


def use_photo(data):
    frame = decode_image(data, "fuzz", LIMITS)
    assert frame.rgb.dtype == np.uint8
    assert frame.rgb.ndim == 3


def use_clip(data):
    with decode_clip(data, "fuzz", LIMITS) as clip:
        last = -1.0
        for frame in clip:
            assert frame.rgb.shape[2] == 3
            assert frame.time_s > last
            last = frame.time_s


def read_both_ways(data):
    """Decode as a photo and as a clip; an error must say where, and what to do."""
    for use in (use_photo, use_clip):
        error = None
        try:
            use(data)
        except CaptureError as raised:
            error = raised
        if error:
            assert error.where == "fuzz"
            assert error.remedy


QUICK = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(mutated())
def test_mutated_files_raise_nothing_but_capture_errors(data):
    read_both_ways(data)


@QUICK
@given(random_bytes)
def test_random_bytes_raise_nothing_but_capture_errors(data):
    read_both_ways(data)


@pytest.mark.slow
@LONG
@given(mutated())
def test_many_mutated_files_raise_nothing_but_capture_errors(data):
    read_both_ways(data)


@pytest.mark.slow
def test_every_byte_of_a_header_flipped():
    """Systematic where hypothesis is random: each of the first 700 bytes, inverted."""
    for data in SEEDS.values():
        for at in range(4, min(700, len(data))):
            read_both_ways(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])


def test_seeds_are_valid():
    for name, data in SEEDS.items():
        if "mp4" in name or "mkv" in name or "webm" in name or "avi" in name:
            with decode_clip(data, name) as clip:
                assert len(list(clip)) >= 4
        else:
            decode_image(data, name)
