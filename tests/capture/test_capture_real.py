"""Real clips where BONAFIDE_DATA names them, else a real face moved about; OpenCV as reference."""

import os
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from capture_makers import write_clip
from skimage.data import astronaut

from bonafide.capture.video import open_clip, probe_clip

DATA = os.environ.get("BONAFIDE_DATA")
REAL = sorted((Path(DATA) / "clips").glob("*.mkv")) if DATA else []
MADE = Path("astronaut.mp4")


def moving_face(count, width=320, height=240):
    """A face that circles, so that neighbouring frames differ as in a real clip."""
    face = cv2.resize(astronaut(), (width + 40, height + 40), interpolation=cv2.INTER_AREA)
    for number in range(count):
        x, y = int(20 + 20 * np.cos(number / 9)), int(20 + 20 * np.sin(number / 7))
        yield np.ascontiguousarray(face[y : y + height, x : x + width])


@pytest.fixture(scope="module")
def made_clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / MADE
    write_clip(str(path), moving_face(60), b_frames=2)
    return path


@pytest.mark.parametrize("path", REAL or [MADE], ids=lambda path: path.name)
def test_a_clip_gives_the_same_pictures_as_opencv(path, made_clip):
    path = made_clip if path == MADE else path
    reference = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    times = []
    with open_clip(path) as clip:
        for frame in clip:
            delivered, bgr = reference.read()
            assert delivered
            difference = cv2.absdiff(np.ascontiguousarray(frame.rgb[:, :, ::-1]), bgr)
            # Both round YUV to RGB in their own way; a wrong colour matrix differs by 10 and more.
            assert difference.mean() < 1.0
            times.append((frame.time_s, reference.get(cv2.CAP_PROP_POS_MSEC) / 1000))
        assert not reference.read()[0]
        assert not clip.report.is_damaged
        assert not clip.info.cut_short
    ours, theirs = np.array(times).T
    assert np.abs(ours - (theirs - theirs[0])).max() < 0.0011
    probe = probe_clip(path)
    assert probe.packets == clip.report.decoded == len(ours)
    assert probe.measured_rate_hz == pytest.approx(clip.report.measured_rate_hz)
    assert 29 < probe.measured_rate_hz < 30.1


def peak_memory(path):
    """Most resident bytes met while every frame is looked at and let go."""
    process = psutil.Process()
    peak = 0
    with open_clip(path) as clip:
        for frame in clip:
            peak = max(peak, process.memory_info().rss)
            assert frame.rgb.nbytes == 640 * 480 * 3
    return peak, clip.report.decoded


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_clip(tmp_path):
    short, long = tmp_path / "short.avi", tmp_path / "long.avi"
    for path, count in ((short, 60), (long, 600)):
        # B-frames in AVI: the reader's window of waiting pictures is part of what is measured.
        write_clip(str(path), moving_face(count, 640, 480), "mpeg4", b_frames=2)
    peak_memory(short)  # libraries and buffers that stay
    (short_peak, few), (long_peak, many) = peak_memory(short), peak_memory(long)
    assert (few, many) == (60, 600)
    one_frame = 640 * 480 * 3
    # The frames of the longer clip are 540 more; fewer than 12 of them may stay.
    assert long_peak - short_peak < 12 * one_frame
