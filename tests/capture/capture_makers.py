"""Photos and clips made by code, so that what is in them is known."""

import io
import itertools
import struct
import zlib
from fractions import Fraction

import av
import numpy as np
from PIL import Image

CODE_BITS = 10
CORNERS = np.array([[(220, 30, 30), (30, 200, 30)], [(30, 30, 220), (220, 220, 30)]], np.uint8)
"""Top left red, top right green, bottom left blue, bottom right yellow."""


def corner_picture(height=48, width=64):
    """Four colours that tell all eight orientations apart."""
    return CORNERS.repeat(height // 2, axis=0).repeat(width // 2, axis=1)


def corner_colours(rgb):
    """(2, 2, 3): the middle of each quarter."""
    height, width = rgb.shape[:2]
    rows, columns = [height // 4, 3 * height // 4], [width // 4, 3 * width // 4]
    return rgb[np.ix_(rows, columns)].astype(int)


def number_picture(number, height=64, width=160):
    """A picture that carries a number in vertical black and white stripes, lossy coding or not."""
    bits = [255 * (number >> bit & 1) for bit in range(CODE_BITS)]
    row = np.repeat(np.array(bits, np.uint8), width // CODE_BITS)
    return np.broadcast_to(row[None, :, None], (height, row.size, 3)).copy()


def read_number(rgb):
    stripes = rgb.mean(axis=(0, 2)).reshape(CODE_BITS, -1).mean(axis=1)
    return sum(1 << bit for bit, level in enumerate(stripes) if level > 127)


def write_clip(
    target,
    pictures,
    codec="libx264",
    *,
    rate=30,
    stamps=None,
    time_base=None,
    b_frames=0,
    keyframe_every=12,
    container=None,
    options=None,
    pix_fmt="yuv420p",
    before_encoding=None,
    title="",
):
    """Encode RGB pictures; ``stamps`` in units of ``time_base`` make a variable frame rate."""
    time_base = time_base or Fraction(1, rate)
    pictures = iter(pictures)
    first = next(pictures)
    with av.open(target, "w", format=container) as muxer:
        if title:
            muxer.metadata["title"] = title
        stream = muxer.add_stream(codec, rate=rate)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        stream.codec_context.max_b_frames = b_frames
        stream.codec_context.gop_size = keyframe_every
        stream.options = options or {}
        if before_encoding:
            before_encoding(stream)
        for position, picture in enumerate(itertools.chain([first], pictures)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = position if stamps is None else stamps[position]
            frame.time_base = time_base
            muxer.mux(stream.encode(frame))
        muxer.mux(stream.encode())


def noisy_numbers(count, seed=0):
    """Numbers under noise, so that packets have some size to damage."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        picture = 0.6 * number_picture(number, 96, 160) + 50
        yield np.clip(picture + rng.integers(-20, 20, picture.shape), 0, 255).astype(np.uint8)


def clip_bytes(count=12, codec="libx264", container="mp4", **settings):
    target = io.BytesIO()
    pictures = (number_picture(number) for number in range(count))
    write_clip(target, pictures, codec, container=container, **settings)
    return target.getvalue()


def sound_bytes(container="mp4", codec="aac", cover=False):
    """Half a second of silence, with cover art if asked."""
    target = io.BytesIO()
    with av.open(target, "w", format=container) as muxer:
        sound = muxer.add_stream(codec, rate=44100)
        sound.layout = "mono"
        for start in range(0, 22528, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44100, start
            muxer.mux(sound.encode(frame))
        muxer.mux(sound.encode())
    return target.getvalue()


def with_display_matrix(mp4, matrix):
    """Patch the matrix of the first track header (ISO/IEC 14496-12, 8.3.2) of an MP4."""
    at = mp4.index(b"tkhd") + 4
    assert mp4[at] == 0, "version 0"
    at += 40
    return mp4[:at] + struct.pack(">9i", *matrix) + mp4[at + 36 :]


def photo_bytes(rgb, kind, mode="RGB", **settings):
    target = io.BytesIO()
    Image.fromarray(rgb).convert(mode).save(target, kind, **settings)
    return target.getvalue()


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_bomb(width, height):
    """A PNG that states a size and holds no more than one row of it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(3 * width + 1))
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def jpeg_bomb(width, height):
    small = photo_bytes(np.zeros((8, 8, 3), np.uint8), "JPEG")
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def webp_bomb(width, height):
    """An extended WebP (RFC 9649, 2.7) whose canvas is large and whose picture is not."""
    small = photo_bytes(np.zeros((8, 8, 3), np.uint8), "WEBP")[12:]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<II", 10, 0) + size + small
    return b"RIFF" + struct.pack("<I", len(body)) + body
