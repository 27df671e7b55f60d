"""From clip to clip: stamps, slices and sheets."""

import av
import numpy as np
import pytest
from moving_pictures import RATE_HZ, even_times, jittered_times, sway_px, swaying_grating
from PIL import Image

from bonafide.capture.video import read_frames
from bonafide.cues.clip_writer import ClipWriteError, ClipWriter
from bonafide.cues.contact_sheet import Column, contact_sheet
from bonafide.cues.magnification_settings import (
    BeyondNyquistError,
    ClipTooShortError,
    MagnificationError,
    MotionSettings,
)
from bonafide.cues.magnify_file import MagnifyJob, magnify_file
from bonafide.cues.x_t_slice import Line, SliceError, XtSlice

SETTINGS = MotionSettings(alpha=10, low_hz=0.8, high_hz=3.0, cutoff_px=4)


def write_clip(path, frames, times):
    with ClipWriter(path) as writer:
        for frame, time_s in zip(frames, times, strict=True):
            writer.write(frame, time_s)


def read_clip(path):
    frames = list(read_frames(path))
    return np.stack([frame.rgb for frame in frames]), np.array([frame.time_s for frame in frames])


@pytest.fixture(scope="module")
def swaying(tmp_path_factory):
    """A clip of variable frame rate whose grating sways by a tenth of a pixel."""
    path = tmp_path_factory.mktemp("clips") / "swaying.mp4"
    times = jittered_times(6)
    frames = swaying_grating(times, 1.3, 0.1).round().astype(np.uint8)
    write_clip(path, frames, times)
    return path, times


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_written_clip_keeps_its_uneven_stamps_and_pictures(tmp_path, suffix):
    times = jittered_times(2)
    frames = swaying_grating(times, 1.0, 2.0, side=65).astype(np.uint8)  # odd sides
    write_clip(tmp_path / f"clip{suffix}", frames, times)
    back, stamps = read_clip(tmp_path / f"clip{suffix}")
    assert back.shape == (len(times), 66, 66, 3)
    clock = 1e-3 if suffix == ".mkv" else 2e-5
    np.testing.assert_allclose(stamps, times - times[0], atol=clock)
    assert np.abs(back[:, :65, :65].astype(int) - frames).mean() < 2
    with av.open(str(tmp_path / f"clip{suffix}")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_stamps_that_stand_still_are_refused_and_a_run_that_fails_leaves_no_clip(tmp_path):
    frames = np.zeros((2, 32, 32, 3), np.uint8)
    with pytest.raises(ClipWriteError, match="does not increase"):
        write_clip(tmp_path / "clip.mp4", frames, [0.0, 0.0])
    assert list(tmp_path.iterdir()) == []


def test_without_libx264_a_clip_is_written_as_mpeg4(tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    times = jittered_times(1)
    frames = swaying_grating(times, 1.0, 2.0, side=64).astype(np.uint8)
    write_clip(tmp_path / "clip.mp4", frames, times)
    back, stamps = read_clip(tmp_path / "clip.mp4")
    np.testing.assert_allclose(stamps, times - times[0], atol=5e-5)
    assert np.abs(back.astype(int) - frames).mean() < 4
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"


@pytest.mark.parametrize("name", ["clip.gif", "clip", "nowhere/clip.mp4"])
def test_clips_that_cannot_be_written_are_refused(tmp_path, name):
    with pytest.raises(ClipWriteError):
        ClipWriter(tmp_path / name)


def test_motion_grows_through_a_file_and_every_frame_keeps_its_stamp(tmp_path, swaying):
    source, times = swaying
    out = tmp_path / "out.mp4"
    calls = []
    written = magnify_file(
        MagnifyJob(source, out, SETTINGS), lambda done, total: calls.append((done, total))
    )
    assert written == [out]
    assert calls[-1] == (len(times), len(times))
    before, before_s = read_clip(source)
    after, after_s = read_clip(out)
    np.testing.assert_allclose(after_s, before_s, atol=2e-5)
    kept = slice(40, -40)
    grown = sway_px(after[kept], after_s[kept], 1.3) / sway_px(before[kept], before_s[kept], 1.3)
    assert grown == pytest.approx(11, rel=0.15)  # two passes through a codec


def test_side_by_side_slices_and_sheet(tmp_path, swaying):
    source, _ = swaying
    job = MagnifyJob(
        source,
        tmp_path / "out.mkv",
        SETTINGS,
        side_by_side=True,
        slice_file=tmp_path / "slice.png",
        slice_line=Line("row", 36),
        sheet_file=tmp_path / "sheet.png",
        sheet_alphas=(5.0, 20.0),
    )
    assert magnify_file(job) == [job.out, job.slice_file, job.sheet_file]
    both, _ = read_clip(job.out)
    original, _ = read_clip(source)
    assert both.shape[2] == 144
    assert np.abs(both[:, :, :72].astype(int) - original).mean() < 2
    assert Image.open(job.slice_file).width == 2 * (560 + 12) + 12
    assert Image.open(job.sheet_file).width == 3 * (320 + 12) + 12


def test_what_cannot_be_magnified_is_said_before_anything_is_written(tmp_path, swaying):
    source, _ = swaying
    out = tmp_path / "out.mp4"
    too_fast = MotionSettings(alpha=10, low_hz=1, high_hz=15.5, cutoff_px=4)
    too_slow = MotionSettings(alpha=10, low_hz=0.1, high_hz=3, cutoff_px=4)
    with pytest.raises(BeyondNyquistError):
        magnify_file(MagnifyJob(source, out, too_fast))
    with pytest.raises(ClipTooShortError):
        magnify_file(MagnifyJob(source, out, too_slow))
    with pytest.raises(MagnificationError, match="picture"):
        magnify_file(MagnifyJob(source, out, SETTINGS, slice_file=tmp_path / "slice.txt"))
    with pytest.raises(MagnificationError, match="over the clip"):
        magnify_file(MagnifyJob(source, source, SETTINGS))
    with pytest.raises(SliceError, match="0 to 71"):
        magnify_file(MagnifyJob(source, out, SETTINGS, slice_line=Line("column", 72)))
    assert list(tmp_path.iterdir()) == []


def test_a_single_frame_is_no_clip(tmp_path):
    write_clip(tmp_path / "one.mp4", np.zeros((1, 32, 32, 3), np.uint8), [0.0])
    with pytest.raises(ClipTooShortError, match="single frame"):
        magnify_file(MagnifyJob(tmp_path / "one.mp4", tmp_path / "out.mp4", SETTINGS))


@pytest.mark.parametrize("axis", ["row", "column"])
def test_a_slice_is_the_line_over_time(axis):
    frames = np.random.default_rng(0).integers(0, 256, (20, 30, 40, 3), dtype=np.uint8)
    slice_ = XtSlice(Line(axis, 7))
    for frame, time_s in zip(frames, even_times(1), strict=False):
        slice_.add(frame, time_s)
    expected = frames[:, 7] if axis == "row" else frames[:, :, 7]
    np.testing.assert_array_equal(slice_.picture(), expected.transpose(1, 0, 2))


def test_a_slice_is_even_in_time_where_frames_are_not():
    # Half a second dark, half a second bright, in 3 and 12 frames.
    slice_ = XtSlice(Line("row", 0))
    for time_s in [0, 1 / 6, 1 / 3]:
        slice_.add(np.zeros((2, 2, 3), np.uint8), time_s)
    for time_s in 0.5 + np.arange(13) / 24:
        slice_.add(np.full((2, 2, 3), 255, np.uint8), time_s)
    bright = slice_.picture()[0, :, 0] > 0
    assert bright.mean() == pytest.approx(0.5, abs=0.07)


def test_a_slice_of_a_long_clip_stays_small_and_covers_it():
    slice_ = XtSlice(Line("row", 0), most=50)
    for index in range(1000):
        slice_.add(np.full((2, 2, 3), index // 4, np.uint8), index / RATE_HZ)
    picture = slice_.picture()
    assert 25 <= picture.shape[1] <= 50
    assert slice_.span_s[1] > 0.95 * 999 / RATE_HZ
    assert (np.diff(picture[0, :, 0].astype(int)) > 0).all()


def test_a_sheet_marks_the_line_and_needs_frames():
    slice_ = XtSlice(Line("column", 10))
    with pytest.raises(SliceError, match="no frames"):
        slice_.picture()
    frame = np.zeros((20, 20, 3), np.uint8)
    for time_s in even_times(1):
        slice_.add(frame, time_s)
    sheet = contact_sheet([Column("alpha 5", frame, slice_)], width_px=100)
    red = (sheet[..., 0] > 200) & (sheet[..., 1] < 60)
    assert set(np.nonzero(red)[1]) == {12 + 50}
