import io
import os
import struct
import threading
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from capture_makers import (
    clip_bytes,
    corner_colours,
    corner_picture,
    number_picture,
    read_number,
    sound_bytes,
    with_display_matrix,
    write_clip,
)

from bonafide.capture import container
from bonafide.capture.errors import (
    CaptureError,
    DamagedFileError,
    EmptyFileError,
    MissingFileError,
    NoFramesError,
    NoVideoStreamError,
    TooLargeError,
    TruncatedFileError,
    WrongTypeError,
)
from bonafide.capture.limits import Limits
from bonafide.capture.video import decode_clip, open_clip, probe_clip, read_frames

FORMATS = {
    "mp4 with B-frames": {"container": "mp4", "b_frames": 3},
    "mov": {"container": "mov"},
    "mkv with B-frames": {"container": "matroska", "b_frames": 3},
    "webm": {"container": "webm", "codec": "libvpx"},
    "avi, MPEG-4": {"container": "avi", "codec": "mpeg4"},
    "avi, MPEG-4 with B-frames": {"container": "avi", "codec": "mpeg4", "b_frames": 2},
    "avi, H.264 with B-frames": {"container": "avi", "b_frames": 5},
    "avi, motion JPEG": {"container": "avi", "codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "avi, raw": {"container": "avi", "codec": "rawvideo", "pix_fmt": "bgr24"},
}


def read_all(data, **settings):
    with decode_clip(data, "clip", **settings) as clip:
        return list(clip), clip


@pytest.mark.parametrize("name", FORMATS)
def test_every_picture_comes_once_in_order_at_its_time(name):
    frames, clip = read_all(clip_bytes(40, **FORMATS[name]))
    assert [read_number(frame.rgb) for frame in frames] == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    # Matroska's clock ticks in milliseconds.
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(40) / 30, abs=0.00051)
    assert clip.report.finished
    assert not clip.report.is_damaged
    assert (clip.report.decoded, clip.report.delivered) == (40, 40)
    assert clip.report.measured_rate_hz == pytest.approx(30, rel=1e-3)
    assert frames[0].rgb.dtype == np.uint8
    assert all(frame.rgb.flags.c_contiguous for frame in frames)


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_a_variable_frame_rate_keeps_its_time_stamps(container, tmp_path):
    stamps_ms = [0, 33, 67, 100, 250, 251, 900, 1000]
    path = tmp_path / "clip"
    target = io.BytesIO()
    pictures = (number_picture(number) for number in range(8))
    stamps = [40 + stamp for stamp in stamps_ms]  # a late start is not part of the clip's time
    write_clip(target, pictures, container=container, stamps=stamps, time_base=Fraction(1, 1000))
    path.write_bytes(target.getvalue())
    frames = list(read_frames(path))
    assert [read_number(frame.rgb) for frame in frames] == list(range(8))
    assert [frame.time_s for frame in frames] == pytest.approx(np.array(stamps_ms) / 1000)
    probe = probe_clip(path)
    assert probe.packets == 8
    assert probe.measured_rate_hz == pytest.approx(7.0)
    assert probe.span_s == pytest.approx(1.0)
    assert probe.shortest_gap_s == pytest.approx(0.001)
    assert probe.longest_gap_s == pytest.approx(0.649)


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi"])
@pytest.mark.parametrize("sample_hz", [1, 3, 5, 10, 15, 30, 1000])
def test_sampling_takes_the_frames_on_the_grid(container, sample_hz):
    data = clip_bytes(61, container=container, codec="mpeg4")
    frames, clip = read_all(data, sample_hz=sample_hz)
    by_hand = list(range(0, 61, max(1, 30 // sample_hz)))
    assert [read_number(frame.rgb) for frame in frames] == by_hand
    assert [frame.index for frame in frames] == by_hand
    assert (clip.report.decoded, clip.report.delivered) == (61, len(by_hand))


def test_sampling_at_an_odd_rate_never_exceeds_it_nor_drifts():
    frames, _ = read_all(clip_bytes(301, codec="mpeg4"), sample_hz=7)
    grid = np.arange(71) / 7
    times = np.array([frame.time_s for frame in frames])
    assert len(times) == np.sum(grid <= 10.0)
    late = times - grid[: len(times)]
    assert (late > -0.002 - 1e-9).all()
    assert (late < 1 / 30 + 1e-9).all()


def test_until_stops_as_asked_and_says_so():
    frames, clip = read_all(clip_bytes(40, codec="mpeg4"), until_s=0.5)
    assert len(frames) == 15
    assert clip.report.stopped_at_s == 0.5
    assert not clip.report.finished


MATRICES = {  # EXIF number -> (a, b, c, d); the stored pixel (x, y) shows at (ax + cy, bx + dy)
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


def show_by_hand(stored, signs):
    """Move every pixel where the matrix says, one by one."""
    a, b, c, d = signs
    height, width = stored.shape[:2]
    spots = {
        (a * x + c * y, b * x + d * y): stored[y, x] for y in range(height) for x in range(width)
    }
    left, top = min(x for x, _ in spots), min(y for _, y in spots)
    right, bottom = max(x for x, _ in spots), max(y for _, y in spots)
    shown = np.zeros((bottom - top + 1, right - left + 1, 3), np.uint8)
    for (x, y), colour in spots.items():
        shown[y - top, x - left] = colour
    return shown


def turned_clip(signs, scale=65536, pictures=3):
    target = io.BytesIO()
    write_clip(target, [corner_picture(64, 96)] * pictures, container="mp4")
    a, b, c, d = (scale * sign for sign in signs)
    return with_display_matrix(target.getvalue(), (a, b, 0, c, d, 0, 0, 0, 1 << 30))


@pytest.mark.parametrize("orientation", MATRICES)
def test_every_display_matrix_comes_upright(orientation):
    signs = MATRICES[orientation]
    (frame, *_), clip = read_all(turned_clip(signs))
    shown = show_by_hand(corner_picture(64, 96), signs)
    assert frame.rgb.shape == shown.shape
    assert np.abs(corner_colours(frame.rgb) - corner_colours(shown)).max() <= 12
    assert (clip.info.height_px, clip.info.width_px) == shown.shape[:2]
    assert clip.info.mirrored == (orientation in (2, 4, 5, 7))
    assert clip.info.rotation_deg == {6: 90, 3: 180, 8: 270, 4: 180, 5: 270, 7: 90}.get(
        orientation, 0
    )


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_rotation_agrees_with_opencv(orientation, tmp_path):
    path = tmp_path / "phone.mp4"
    path.write_bytes(turned_clip(MATRICES[orientation]))
    ours = next(read_frames(path)).rgb
    delivered, bgr = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()
    assert delivered
    assert ours.shape == bgr.shape
    assert np.abs(corner_colours(ours) - corner_colours(bgr[:, :, ::-1])).max() <= 6


def test_a_rotation_by_no_quarter_turn_is_refused():
    data = clip_bytes(3)
    matrix = [56756, 32768, 0, -32768, 56756, 0, 0, 0, 1 << 30]  # 30 degrees
    with pytest.raises(DamagedFileError, match="quarter turn"):
        read_all(with_display_matrix(data, matrix))


def hand_rgb(y, u, v, red_weight, blue_weight, full_range):
    """ITU-T H.273, equations 38 to 40, written out."""
    luma = y if full_range else (y - 16) * 255 / 219
    scale = 1 if full_range else 255 / 224
    red = luma + 2 * (1 - red_weight) * scale * (v - 128)
    blue = luma + 2 * (1 - blue_weight) * scale * (u - 128)
    green = (luma - red_weight * red - blue_weight * blue) / (1 - red_weight - blue_weight)
    return np.clip([red, green, blue], 0, 255)


@pytest.mark.parametrize(
    ("matrix", "colour_range", "weights"),
    [
        (None, None, (0.299, 0.114)),  # untagged: taken as BT.601
        (6, 1, (0.299, 0.114)),
        (1, 1, (0.2126, 0.0722)),
        (1, 2, (0.2126, 0.0722)),
        (6, 2, (0.299, 0.114)),
    ],
)
def test_colours_follow_the_clip_s_own_tags(matrix, colour_range, weights):
    def tag(stream):
        if matrix is not None:
            stream.codec_context.colorspace = matrix
            stream.codec_context.color_range = colour_range

    target = io.BytesIO()
    planes = [np.full(64 * 64, 120, np.uint8), np.full(1024, 110, np.uint8)]
    stored = np.concatenate([*planes, np.full(1024, 160, np.uint8)]).reshape(96, 64)
    with av.open(target, "w", format="mp4") as muxer:
        stream = muxer.add_stream("libx264", rate=30, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        tag(stream)
        for _ in range(3):
            muxer.mux(stream.encode(av.VideoFrame.from_ndarray(stored, "yuv420p")))
        muxer.mux(stream.encode())
    (frame, *_), _ = read_all(target.getvalue())
    wanted = hand_rgb(120, 110, 160, *weights, full_range=colour_range == 2)
    assert np.abs(frame.rgb[32, 32] - wanted).max() <= 3


def noisy_numbers(count, seed=0):
    """Numbers under noise, so that packets have some size to damage."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        picture = 0.6 * number_picture(number, 96, 160) + 50
        yield np.clip(picture + rng.integers(-20, 20, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("container", "codec", "b_frames"),
    [("matroska", "libx264", 2), ("avi", "libx264", 2), ("avi", "mpeg4", 0), ("mp4", "libx264", 2)],
)
def test_most_frames_survive_damage_in_the_middle(container, codec, b_frames):
    target = io.BytesIO()
    fine = {"qmax": "4"} if codec == "mpeg4" else None
    write_clip(
        target, noisy_numbers(250), codec, container=container, b_frames=b_frames, options=fine
    )
    data = bytearray(target.getvalue())
    rng = np.random.default_rng(1)
    for start in range(len(data) // 3, 2 * len(data) // 3, len(data) // 25):
        data[start : start + 32] = rng.bytes(32)
    frames, clip = read_all(bytes(data))
    assert len(frames) > 220
    assert clip.report.is_damaged
    assert clip.report.finished
    times = [frame.time_s for frame in frames]
    assert (np.diff(times) > 0).all()
    assert times[-1] == pytest.approx(249 / 30, abs=0.5)
    before = [frame for frame in frames if frame.time_s < 2.5]
    assert [read_number(frame.rgb) for frame in before] == list(range(75))


@pytest.mark.parametrize("container", ["matroska", "avi"])
def test_a_clip_cut_in_the_middle_gives_its_first_half_and_says_so(container):
    target = io.BytesIO()
    write_clip(target, noisy_numbers(60), container=container)
    data = target.getvalue()
    frames, clip = read_all(data[: len(data) // 2])
    assert 20 <= len(frames) <= 40
    assert [read_number(frame.rgb) for frame in frames] == list(range(len(frames)))
    assert clip.info.cut_short
    assert not read_all(data)[1].info.cut_short


def test_a_streamable_mp4_cut_in_the_middle_gives_its_first_half(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "faststart"}) as muxer:
        stream = muxer.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for picture in noisy_numbers(60):
            muxer.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        muxer.mux(stream.encode())
    whole = path.read_bytes()
    frames, clip = read_all(whole[: len(whole) // 2])
    assert 20 <= len(frames) <= 40
    assert clip.info.cut_short
    assert clip.info.frames == 60


def test_live_webm_without_a_length_is_not_called_cut():
    data = clip_bytes(10, codec="libvpx", container="webm", before_encoding=None)
    segment = data.index(bytes.fromhex("18538067")) + 4
    assert data[segment] == 0x01
    live = data[:segment] + b"\x01" + b"\xff" * 7 + data[segment + 8 :]
    frames, clip = read_all(live)
    assert len(frames) == 10
    assert not clip.info.cut_short


def empty_mp4():
    """A track header, an index that lists no picture, and an empty `mdat`."""
    data = clip_bytes(1)
    # Rename the sample table, so that the track lists nothing.
    return data.replace(b"stsz", b"free").replace(b"stco", b"free")


def test_unreadable_clips_are_errors_of_their_own():
    whole = clip_bytes(30)
    for cut in (40, 200, len(whole) // 2):
        with pytest.raises(TruncatedFileError, match=r"clip: .*again"):
            read_all(whole[:cut])
    with pytest.raises(NoVideoStreamError):
        read_all(sound_bytes())
    with pytest.raises(NoVideoStreamError):
        read_all(sound_bytes("matroska", "aac"))
    with pytest.raises(EmptyFileError):
        read_all(b"")
    with pytest.raises(WrongTypeError, match="photo"):
        read_all(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    with pytest.raises(DamagedFileError):
        read_all(b"RIFF" + struct.pack("<I", 4) + b"AVI " + bytes(50))
    with pytest.raises((NoFramesError, DamagedFileError)):
        read_all(empty_mp4())


def test_a_clip_whose_every_packet_is_damaged_has_no_frames():
    data = bytearray(clip_bytes(5, codec="mjpeg", container="avi", pix_fmt="yuvj420p"))
    start, end = data.index(b"movi"), data.index(b"idx1")
    at = data.index(b"00dc", start)
    while 0 <= at < end:
        size = struct.unpack_from("<I", data, at + 4)[0]
        data[at + 8 : at + 8 + size] = bytes(size)
        at = data.find(b"00dc", at + 8 + size)
    with pytest.raises(NoFramesError, match="not one frame"):
        read_all(bytes(data))


def test_missing_files_and_wrong_settings_are_errors(tmp_path):
    with pytest.raises(MissingFileError):
        open_clip(tmp_path / "none.mp4")
    with pytest.raises(MissingFileError):
        next(read_frames(tmp_path / "none.mp4"))
    for wrong in ({"sample_hz": 0}, {"until_s": -1.0}, {"threads": 0}):
        with pytest.raises(CaptureError, match=next(iter(wrong))):
            read_all(clip_bytes(2), **wrong)


def test_limits_are_errors_that_name_the_setting():
    data = clip_bytes(40, codec="mpeg4")
    read_all(data, limits=Limits(max_frames=40, max_seconds=1.34, max_pixels=160 * 64))
    with pytest.raises(TooLargeError, match=r"40 frames.*max_frames"):
        read_all(data, limits=Limits(max_frames=39))
    with pytest.raises(TooLargeError, match=r"1\.3 s.*max_seconds"):
        read_all(data, limits=Limits(max_seconds=1.2))
    with pytest.raises(TooLargeError, match=r"160 x 64 px.*max_pixels"):
        read_all(data, limits=Limits(max_pixels=160 * 64 - 1))
    with pytest.raises(TooLargeError, match="max_bytes"):
        read_all(data, limits=Limits(max_bytes=len(data) - 1))


def test_limits_hold_where_the_header_states_nothing():
    data = clip_bytes(40, codec="libvpx", container="webm")
    at = data.index(b"\x44\x89")  # the duration, hidden under an id that nobody knows
    live = data[:at] + b"\x44\x8f" + data[at + 2 :]
    for limits in (Limits(max_frames=39), Limits(max_seconds=1.2)):
        with decode_clip(live, "clip", limits) as clip:
            assert clip.info.frames is None
            with pytest.raises(TooLargeError):
                list(clip)
            assert clip.report.decoded > 30


def test_a_long_clip_may_be_asked_for_its_beginning():
    data = clip_bytes(40, codec="mpeg4")
    frames, _ = read_all(data, limits=Limits(max_seconds=1.0), until_s=0.5)
    assert len(frames) == 15


class Trap(BaseHTTPRequestHandler):
    visits = 0

    def do_GET(self):
        Trap.visits += 1
        self.send_error(404)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *args):
        pass


def test_a_clip_opens_neither_network_nor_other_files(tmp_path):
    server = HTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/x.ts"
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(clip_bytes(3))
    playlist = f"#EXTM3U\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n".encode()
    concat = f"ffconcat version 1.0\nfile '{secret}'\n".encode()
    disguised = b"\0\0\0\x08free" + playlist
    avi = b"RIFF" + struct.pack("<I", 2000) + b"AVI " + playlist + bytes(2000)
    try:
        for data in (playlist, concat, disguised, avi, b"\x1a\x45\xdf\xa3" + concat):
            with pytest.raises(CaptureError):
                read_all(data)
        with pytest.raises(CaptureError):
            open_clip(Path(address))
    finally:
        server.shutdown()
        server.server_close()
    assert Trap.visits == 0


@pytest.mark.parametrize("demuxer", ["hls", "concat"])
def test_even_a_playlist_reader_could_not_open_another_file(demuxer, tmp_path):
    """The second lock, with the first one (the forced demuxer) picked."""
    (tmp_path / "other.mp4").write_bytes(clip_bytes(3))
    text = {
        "hls": f"#EXTM3U\n#EXTINF:1,\nfile:{tmp_path}/other.mp4\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile 'file:{tmp_path}/other.mp4'\n",
    }[demuxer].encode()
    options = {"safe": "0", "allowed_extensions": "ALL"}

    def play(more):
        with av.open(io.BytesIO(text), format=demuxer, options={**options, **more}) as opened:
            return next(opened.decode(video=0))

    if demuxer == "concat":
        play({})  # the attack works where the lock is open
    with pytest.raises((av.FFmpegError, OSError)):
        play(container.DEMUXER_OPTIONS)


def test_a_clip_can_be_left_early_and_closed_twice(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip_bytes(10))
    clip = open_clip(path)
    next(clip)
    clip.close()
    clip.close()
    assert list(clip) == []
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        next(read_frames(path))
        with pytest.raises(TooLargeError):
            open_clip(path, Limits(max_frames=1))
    assert len(os.listdir("/proc/self/fd")) <= before


def test_statements_of_a_clip(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip_bytes(30, b_frames=2))
    probe = probe_clip(path)
    info = probe.info
    assert (info.width_px, info.height_px, info.rotation_deg) == (160, 64, 0)
    assert (info.codec, info.frames, info.nominal_rate_hz) == ("h264", 30, 30.0)
    assert info.duration_s == pytest.approx(1.0)
    assert info.pixel_aspect == 1.0
    assert probe.packets == 30
    assert probe.measured_rate_hz == pytest.approx(30.0)
    assert probe.longest_gap_s == pytest.approx(1 / 30)
    with pytest.raises(TooLargeError, match="max_frames"):
        probe_clip(path, Limits(max_frames=29))
    assert probe_clip(path, Limits(max_seconds=0.1)).packets == 30


def test_two_decoder_threads_give_the_same_pictures():
    data = clip_bytes(40, b_frames=2)
    one, _ = read_all(data)
    two, _ = read_all(data, threads=2)
    assert [f.time_s for f in one] == [f.time_s for f in two]
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(one, two, strict=True))
