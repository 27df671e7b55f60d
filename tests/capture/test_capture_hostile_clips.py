import io
import struct
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from capture_makers import clip_bytes, noisy_numbers, read_number, sound_bytes, write_clip

from bonafide.capture import container
from bonafide.capture.errors import (
    CaptureError,
    DamagedFileError,
    EmptyFileError,
    NoFramesError,
    NoVideoStreamError,
    TruncatedFileError,
    WrongTypeError,
)
from bonafide.capture.video import decode_clip, open_clip


def read_all(data):
    with decode_clip(data, "clip") as clip:
        return list(clip), clip


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


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi"])
def test_a_title_that_is_no_utf_8_hides_no_picture(container):
    data = clip_bytes(container=container, title="Holiday at sea")
    assert data.count(b"Holiday") == 1
    frames, clip = read_all(data.replace(b"Holiday", b"H\xff\xfe\x80\xc3(y"))
    assert len(frames) == 12
    assert not clip.report.is_damaged


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
    options = {"safe": "0", "allowed_extensions": "ALL", "extension_picky": "0"}

    def play(more):
        with av.open(io.BytesIO(text), format=demuxer, options={**options, **more}) as opened:
            return next(opened.decode(video=0))

    play({"protocol_whitelist": "file"})  # the attack works where the lock is ajar
    with pytest.raises((av.FFmpegError, OSError)):
        play(container.DEMUXER_OPTIONS)
