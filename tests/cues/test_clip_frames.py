"""What a clip model sees of a clip: evenly spaced, at real times, from one box, or a reason."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest

from bonafide.cues.clip_frames import ClipFile, ClipSettings, read_clip
from bonafide.cues.magnification import magnify_clip
from bonafide.face.crop import crop_box
from bonafide.face.detect import MtcnnDetector
from bonafide.types import BonafideError, Frame, ReasonCode

SMALL = ClipSettings(frames=8, window_s=2.0, side_px=64)


@pytest.fixture(scope="module")
def detector():
    return MtcnnDetector()


@pytest.fixture(scope="module")
def head(astronaut):
    return np.ascontiguousarray(astronaut[0:224, 110:334])


def source(times_s, picture_at, window_s=2.0):
    """Frames at these times, as a file would give them."""

    def frames(sample_hz):
        slot = -1
        for index, time_s in enumerate(times_s):
            if time_s >= window_s:
                return
            if sample_hz is None or int((time_s + 0.002) * sample_hz) > slot:
                slot = int((time_s + 0.002) * (sample_hz or 0))
                yield Frame(picture_at(time_s), index, float(time_s), "clip")

    return frames


def nodding(head):
    """Moves up and down by up to 3 px at 1 Hz."""
    return lambda time_s: np.roll(head, round(3 * np.sin(2 * np.pi * time_s)), axis=0)


def even(seconds, rate_hz=25.0):
    return np.arange(round(seconds * rate_hz)) / rate_hz


@pytest.mark.parametrize("rate_hz", [10.0, 25.0, 29.97])
def test_frames_are_evenly_spaced_in_time_whatever_the_rate(rate_hz, head, detector):
    read = read_clip(source(even(3, rate_hz), nodding(head)), SMALL, detector)
    assert read.frames.shape == (8, 64, 64, 3)
    late = read.times_s - np.arange(8) * 0.25
    assert (late > -0.002 - 1e-9).all()
    assert (late < 1 / rate_hz).all()
    assert read.seen == int(np.ceil(2.0 * rate_hz))


def test_uneven_stamps_are_taken_as_they_are(head, detector):
    times = np.sort(np.r_[0, np.random.default_rng(0).uniform(0, 3, 80)])
    read = read_clip(source(times, nodding(head)), SMALL, detector)
    expected = [times[times + 0.002 >= 0.25 * k][0] for k in range(8)]
    np.testing.assert_allclose(read.times_s, expected)


def test_what_comes_after_the_window_changes_nothing(head, detector):
    short = read_clip(source(even(2), nodding(head)), SMALL, detector)
    long = read_clip(source(even(9), nodding(head)), SMALL, detector)
    np.testing.assert_array_equal(short.frames, long.frames)


def test_every_frame_is_cut_by_the_same_box(head, detector):
    read = read_clip(source(even(2), nodding(head)), SMALL, detector)
    for frame, time_s in zip(read.frames, read.times_s, strict=True):
        expected, _ = crop_box(nodding(head)(time_s), read.face.box, 64)
        np.testing.assert_array_equal(frame, expected)
    assert np.abs(np.diff(read.frames.astype(int), axis=0)).max() > 20  # the motion is still there


def test_magnification_sees_every_frame_before_some_are_taken(head, detector):
    settings = ClipSettings(
        frames=8, window_s=2.0, side_px=64, preset="face-motion", alpha=4, low_hz=0.7
    )
    times = even(2)
    read = read_clip(source(times, nodding(head)), settings, detector)
    crops = np.stack([crop_box(nodding(head)(t), read.face.box, 64)[0] for t in times])
    expected = magnify_clip(crops, times, settings.magnification())
    taken = np.searchsorted(times, read.times_s)
    np.testing.assert_array_equal(read.frames, expected[taken])
    assert settings.magnification().alpha == 4
    assert settings.magnification().high_hz == 3.0


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "changes", "words"),
    [
        (1.5, 25, {}, "The clip lasts 1.5 s; 2 s are needed"),
        (0.04, 25, {}, "The clip lasts 0.0 s"),
        (2.0, 3, {}, "6 frames in 2 s; 8 are needed"),
        (2.0, 25, {"preset": "face-motion"}, "no full period of 0.5 Hz"),
        (2.0, 5, {"preset": "face-motion", "low_hz": 0.7}, "not below half"),
    ],
)
def test_a_clip_too_short_or_too_slow_has_a_reason(
    seconds, rate_hz, changes, words, head, detector
):
    settings = ClipSettings(frames=8, window_s=2.0, side_px=64, **changes)
    read = read_clip(source(even(seconds, rate_hz), nodding(head)), settings, detector)
    assert read.frames is None
    assert read.reasons[0].code is ReasonCode.CLIP_TOO_SHORT
    assert words in read.reasons[0].advice


def test_no_face_is_said_before_anything_else(detector):
    wall = np.full((64, 64, 3), 90, np.uint8)
    read = read_clip(source(even(2), lambda _: wall), SMALL, detector)
    assert read.frames is None
    assert read.reasons[0].code is ReasonCode.NO_FACE


def test_every_frame_of_the_window_where_asked(head, detector):
    settings = ClipSettings(frames=0, window_s=1.0, side_px=32)
    read = read_clip(source(even(3), nodding(head), 1.0), settings, detector)
    np.testing.assert_allclose(read.times_s, even(1))


def test_the_controls_take_the_order_or_the_motion_out(head, detector):
    clips = {}
    for order in ("in_order", "shuffled", "still"):
        settings = ClipSettings(frames=8, window_s=2.0, side_px=64, order=order)
        clips[order] = read_clip(source(even(2), nodding(head)), settings, detector)
    whole, shuffled, still = (clips[name] for name in ("in_order", "shuffled", "still"))
    assert sorted(shuffled.times_s) == list(whole.times_s)
    assert list(shuffled.times_s) != list(whole.times_s)
    back = np.argsort(shuffled.times_s)
    np.testing.assert_array_equal(shuffled.frames[back], whole.frames)
    assert (still.frames == whole.frames[4]).all()
    brighter = lambda t: nodding(head)(t) // 2 + 60  # noqa: E731
    settings = ClipSettings(frames=8, window_s=2.0, side_px=64, order="shuffled")
    other = read_clip(source(even(2), brighter), settings, detector)
    assert list(other.times_s) != list(shuffled.times_s)  # each clip has an order of its own


def test_a_file_is_read_with_its_stamps_and_its_stated_turn(tmp_path, head, write_clip, detector):
    pictures = [nodding(head)(i / 10) for i in range(30)]
    upright = write_clip(tmp_path / "a.mp4", pictures, "libx264rgb", "rgb24")
    turned = write_clip(
        tmp_path / "b.mp4", [np.rot90(each, 1).copy() for each in pictures], "libx264rgb", "rgb24"
    )
    first = read_clip(ClipFile(upright, 2.0), SMALL, detector)
    second = read_clip(ClipFile(turned, 2.0, rotation_deg=90), SMALL, detector)
    assert first.times_s == pytest.approx([0.0, 0.3, 0.5, 0.8, 1.0, 1.3, 1.5, 1.8])
    assert first.seen == 20
    assert np.abs(first.frames.astype(int) - second.frames).mean() < 3


@pytest.mark.parametrize(
    ("field", "value"),
    [("frames", -1), ("window_s", 0), ("preset", "magic"), ("order", "backwards"), ("alpha", 5.0)],
)
def test_settings_out_of_range_are_named(field, value):
    with pytest.raises(BonafideError, match=field):
        ClipSettings(**{field: value})


def test_a_pass_holds_few_frames(head, detector):
    """Memory: what was read and not taken is let go."""
    alive = []

    class Counted(np.ndarray):
        pass

    def frames(_):
        for index in itertools.count():
            if index == 60:
                return
            picture = nodding(head)(index / 25).view(Counted)
            alive.append(picture.__array_interface__["data"][0])
            yield Frame(picture, index, index / 25, "clip")

    read = read_clip(frames, ClipSettings(frames=4, window_s=2.0, side_px=32), detector)
    assert read.frames is not None
    assert len(set(alive)) < 30  # the allocator reuses what was freed


def real_clips():
    folder = os.environ.get("BONAFIDE_DATA")
    return sorted((Path(folder) / "clips").glob("asl_*.mkv")) if folder else []


def test_people_who_sign_are_followed_through_their_hands(tmp_path, head, write_clip, detector):
    nod = [nodding(head)(i / 10) for i in range(20)]
    for path in real_clips() or [write_clip(tmp_path / "nod.mp4", nod)]:
        settings = ClipSettings(frames=6, window_s=1.4, side_px=112)
        read = read_clip(ClipFile(path, 1.4), settings, detector)
        assert read.frames is not None, (path, read.reasons)
