"""Frames spread over a clip: the same from a file and from memory, and within the limits."""

from itertools import islice

import numpy as np
import pytest
from capture_makers import clip_bytes, read_number

from bonafide.capture.errors import EmptyFileError, TooLargeError, WrongTypeError
from bonafide.capture.limits import Limits
from bonafide.capture.spread import decode_spread, spread_frames
from bonafide.capture.video import probe_clip, probe_data


def first(clip, count):
    with clip:
        return list(islice(clip, count))


@pytest.mark.parametrize("container", ["mp4", "matroska", "avi"])
@pytest.mark.parametrize("count", [1, 4, 6, 9])
def test_memory_gives_the_frames_that_a_file_gives(tmp_path, container, count):
    data = clip_bytes(30, codec="mpeg4", container=container)
    path = tmp_path / "clip"
    path.write_bytes(data)
    stored = first(spread_frames(path, count), count)
    found = first(decode_spread(data, "upload", count), count)
    assert [frame.time_s for frame in found] == [frame.time_s for frame in stored]
    assert all((a.rgb == b.rgb).all() for a, b in zip(found, stored, strict=True))
    assert {frame.source for frame in found} == {"upload"}
    assert probe_data(data, "upload") == probe_clip(path)
    # The first frame of each of `count` equal parts of the 29 intervals, or one 2 ms early.
    expected = np.ceil(np.arange(count) * 29 / count - 0.06).astype(int)
    assert [read_number(frame.rgb) for frame in found] == expected.tolist()


def test_a_clip_of_one_frame_gives_that_one():
    assert len(first(decode_spread(clip_bytes(1), "upload", 6), 6)) == 1


def live_webm(count):
    """Without a stated duration, as browsers record."""
    data = clip_bytes(count, codec="libvpx", container="webm")
    at = data.index(b"\x44\x89")  # the duration, hidden under an id that nobody knows
    return data[:at] + b"\x44\x8f" + data[at + 2 :]


def test_a_clip_that_hides_its_length_is_not_judged_by_its_beginning():
    """The last frame wanted comes before the limit, the clip's end after it."""
    data = live_webm(40)
    assert len(first(decode_spread(data, "upload", 4, Limits(max_seconds=1.3)), 4)) == 4
    for limits in (Limits(max_seconds=1.2), Limits(max_frames=39)):
        with pytest.raises(TooLargeError, match=r"upload.*max_(seconds|frames)"):
            decode_spread(data, "upload", 4, limits)


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        (Limits(max_bytes=100), TooLargeError),
        (Limits(max_pixels=100), TooLargeError),
        (Limits(max_seconds=0.5), TooLargeError),
    ],
)
def test_the_other_limits_hold_in_memory(limits, error):
    with pytest.raises(error, match="upload"):
        decode_spread(clip_bytes(30), "upload", 4, limits)


@pytest.mark.parametrize(("data", "error"), [(b"", EmptyFileError), (b"#EXTM3U\n", WrongTypeError)])
def test_what_is_no_clip_is_refused_by_name(data, error):
    with pytest.raises(error, match="upload"):
        decode_spread(data, "upload", 4)
