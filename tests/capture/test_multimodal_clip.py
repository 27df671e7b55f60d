"""Three clips of one recording: frames are paired by time, and what does not fit is named."""

from fractions import Fraction

import av
import numpy as np
import pytest
from capture_makers import number_picture, read_number, write_clip

from bonafide.capture.errors import (
    DamagedFileError,
    DepthUnitError,
    MissingModalityError,
    NoFramesError,
    SizeMismatchError,
    UnmatchedClipsError,
)
from bonafide.capture.multimodal import DepthUnit
from bonafide.capture.multimodal_clip import CaptureClipReader

RATE = 25
SIZE = (64, 160)


def write_levels(path, pictures, pix_fmt, *, codec="ffv1", rate=RATE, stamps=None):
    """A one-channel clip; ``stamps`` in ms."""
    with av.open(str(path), "w") as muxer:
        stream = muxer.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures[0].shape
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pictures):
            made = av.VideoFrame.from_ndarray(picture, pix_fmt)
            made.pts = round(1000 * number / rate) if stamps is None else stamps[number]
            made.time_base = Fraction(1, 1000)
            muxer.mux(stream.encode(made))
        muxer.mux(stream.encode())


def depth_of(number):
    """600 mm and as many more as the frame's number says; one px not measured."""
    levels = np.full(SIZE, 600 + number, np.uint16)
    levels[5, 7] = 0
    return levels


@pytest.fixture
def clips(tmp_path):
    """A second of colour, depth in 16 bits and infrared in H.264; each carries its number."""
    paths = tmp_path / "rgb.mp4", tmp_path / "depth.mkv", tmp_path / "ir.mp4"
    write_clip(str(paths[0]), (number_picture(n) for n in range(RATE)), rate=RATE)
    write_levels(paths[1], [depth_of(n) for n in range(RATE)], "gray16le")
    write_clip(str(paths[2]), (255 - number_picture(n) for n in range(RATE)), rate=RATE)
    return paths


def numbers(frame):
    """Which frame each of the three pictures is."""
    capture = frame.capture
    infrared = np.repeat(255 - capture.infrared[..., None], 3, axis=2)
    return (
        read_number(capture.rgb),
        int(np.nanmax(capture.depth_mm)) - 600,
        read_number(infrared),
    )


def test_frames_are_paired_and_depth_keeps_every_level(clips):
    with CaptureClipReader(*clips) as clip:
        frames = list(clip)
    assert [numbers(frame) for frame in frames] == [(n, n, n) for n in range(RATE)]
    assert clip.unmatched == 0
    assert [report.decoded for report in clip.reports()] == [RATE] * 3
    assert np.isnan(frames[3].capture.depth_mm[5, 7])
    assert frames[3].time_s == pytest.approx(3 / RATE)
    with CaptureClipReader(*clips, sample_hz=5) as clip:
        assert [numbers(frame) for frame in clip] == [(n, n, n) for n in range(0, RATE, 5)]


def test_a_frame_without_a_partner_is_left_out_and_counted(clips):
    """Depth loses frames 10 to 12 and wanders by 5 ms: the others keep their partners."""
    kept = [n for n in range(RATE) if n not in (10, 11, 12)]
    stamps = [40 * n + 5 * (n % 2) for n in kept]
    rate_kept = [*kept, RATE, RATE + 1]  # two more at the end, or the rate would be another
    stamps += [40 * RATE, 40 * RATE + 40]
    write_levels(clips[1], [depth_of(n) for n in rate_kept], "gray16le", stamps=stamps)
    with CaptureClipReader(*clips) as clip:
        assert [numbers(frame) for frame in clip] == [(n, n, n) for n in kept]
    assert clip.unmatched == 3


def test_eight_bit_depth_needs_a_unit_and_lossy_depth_is_refused(clips):
    eight = [np.full(SIZE, 100 + n, np.uint8) for n in range(RATE)]
    write_levels(clips[1], eight, "gray")
    with CaptureClipReader(*clips, DepthUnit(5.0, 100.0)) as clip:
        assert np.nanmax(next(clip).capture.depth_mm) == 600
    with CaptureClipReader(*clips) as clip, pytest.raises(DepthUnitError, match="no unit"):
        next(clip)
    with pytest.raises(DepthUnitError, match=r"coded as h264.*ffv1 -pix_fmt gray16le"):
        CaptureClipReader(clips[0], clips[2], clips[2])


def test_rates_and_lengths_that_do_not_match_are_told(clips):
    write_levels(clips[1], [depth_of(n) for n in range(30)], "gray16le", rate=30)
    with pytest.raises(UnmatchedClipsError, match=r"frame rate: rgb\.mp4 25 Hz, depth\.mkv 29\.99"):
        CaptureClipReader(*clips)
    write_levels(clips[1], [depth_of(n) for n in range(40)], "gray16le")
    with pytest.raises(UnmatchedClipsError, match=r"length: rgb\.mp4 0\.96 s, depth\.mkv 1\.56"):
        CaptureClipReader(*clips)
    write_levels(clips[1], [depth_of(0)], "gray16le")
    with pytest.raises(NoFramesError, match="clip of one frame"):
        CaptureClipReader(*clips)


def test_sizes_colours_and_missing_clips_are_told(clips):
    with pytest.raises(MissingModalityError, match="without depth or infrared"):
        CaptureClipReader(clips[0], None, clips[2])
    half = [depth_of(n)[::2, ::2] for n in range(RATE)]
    write_levels(clips[1], half, "gray16le")
    with CaptureClipReader(*clips) as clip, pytest.raises(SizeMismatchError, match="depth 80 x 32"):
        next(clip)
    with CaptureClipReader(*clips, one_view=True) as clip:
        assert next(clip).capture.depth_mm.shape == SIZE
    red = np.zeros((*SIZE, 3), np.uint8)
    red[..., 0] = 200
    write_clip(str(clips[2]), [red] * RATE, rate=RATE)
    with CaptureClipReader(*clips, one_view=True) as clip, pytest.raises(DamagedFileError):
        next(clip)
