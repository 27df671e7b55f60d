"""Tracks: one identity each, never handed to another person."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from bonafide.face.align import CANONICAL_FACE
from bonafide.face.detect import MtcnnDetector
from bonafide.face.track import FaceTracker
from bonafide.types import Box, Face, Frame

FPS = 15.0


class Counting:
    """A detector that counts its calls; with or without the cheap second look."""

    def __init__(self, detector):
        self._detector, self.detections, self.refinements = detector, 0, 0

    def detect(self, rgb):
        self.detections += 1
        return self._detector.detect(rgb)

    def refine(self, rgb, boxes):
        self.refinements += 1
        return self._detector.refine(rgb, boxes)


class DetectOnly:
    def __init__(self, detector):
        self.detect = detector.detect


@pytest.fixture(scope="module")
def detector():
    return MtcnnDetector(60)


def scene(heads, places):
    """Heads pasted at (left, top), later ones in front; None is not there."""
    rgb = np.full((300, 640, 3), 90, dtype=np.uint8)
    for head, place in zip(heads, places, strict=True):
        if place is None:
            continue
        left, top = round(place[0]), round(place[1])
        height, width = head.shape[:2]
        cut = slice(max(-left, 0), max(min(width, 640 - left), 0))
        rgb[top : top + height, max(left, 0) : max(left, 0) + cut.stop - cut.start] = head[:, cut]
    return rgb


def follow(tracker, heads, course):
    """Feed the course; for each frame a list (track id, face centre)."""
    history = []
    for index, places in enumerate(course):
        frame = Frame(scene(heads, places), index, index / FPS, "synthetic")
        history.append([(seen.track_id, seen.face.box.center) for seen in tracker.update(frame)])
    return history


def owner(places, center):
    """Which head (0 or 1) a face centre lies on; the one in front where both do."""
    found = None
    for number, place in enumerate(places):
        if place and 0 <= center[0] - place[0] < 190 and 0 <= center[1] - place[1] < 200:
            found = number
    return found


def owners_by_track(history, course):
    """Track id -> the set of heads that it was ever on."""
    owners = {}
    for seen, places in zip(history, course, strict=True):
        for track_id, center in seen:
            owners.setdefault(track_id, set()).add(owner(places, center))
    return owners


@pytest.mark.parametrize("kind", [Counting, DetectOnly])
def test_two_people_keep_their_identity_while_moving(detector, two_heads, kind):
    course = [((20 + 3 * i, 40), (430 - 2 * i, 60 + i)) for i in range(20)]
    history = follow(FaceTracker(kind(detector)), two_heads, course)
    assert all(len(seen) == 2 for seen in history)
    assert owners_by_track(history, course) == {0: {0}, 1: {1}} or owners_by_track(
        history, course
    ) == {0: {1}, 1: {0}}


@pytest.mark.parametrize("kind", [Counting, DetectOnly])
def test_crossing_people_never_swap_identity(detector, two_heads, kind):
    course = [((10 + 12 * i, 50), (430 - 12 * i, 50)) for i in range(36)]
    history = follow(FaceTracker(kind(detector)), two_heads, course)
    owners = owners_by_track(history, course)
    assert all(len(heads) == 1 for heads in owners.values())
    assert {0, 1} == set.union(*owners.values())


@pytest.mark.parametrize("kind", [Counting, DetectOnly])
@pytest.mark.parametrize("hidden", [1, 3, 6])
def test_people_who_meet_and_turn_back_never_swap_identity(detector, two_heads, kind, hidden):
    """Velocity says that they pass; they do not. Only looks can tell."""
    meet = [((10 + 14 * i, 50), (430 - 14 * i, 50)) for i in range(15)]
    course = meet + [((215, 50), (225, 50))] * hidden + meet[::-1]
    history = follow(FaceTracker(kind(detector)), two_heads, course)
    owners = owners_by_track(history, course)
    assert all(len(heads) == 1 for heads in owners.values())
    assert {0, 1} == set.union(*owners.values())


def test_a_face_that_appears_elsewhere_is_another_track_even_if_it_looks_the_same(
    detector, two_heads
):
    course = [((10, 50), None)] * 6 + [((430, 50), None)] * 6
    history = follow(FaceTracker(detector), two_heads, course)
    assert {track_id for seen in history[:6] for track_id, _ in seen} == {0}
    assert {track_id for seen in history[6:] for track_id, _ in seen} == {1}


def test_a_person_who_leaves_and_another_who_comes_have_two_identities(detector, two_heads):
    leaves = [((200 - 15 * i, 50), None) for i in range(24)]
    comes = [(None, (-150 + 15 * i, 50)) for i in range(24)]
    course = leaves + comes
    history = follow(FaceTracker(detector), two_heads, course)
    owners = owners_by_track(history, course)
    assert all(len(heads) == 1 for heads in owners.values())
    assert {0, 1} == set.union(*owners.values())


def test_another_person_at_the_same_place_is_another_track(detector, two_heads):
    """From one frame to the next the head is exchanged: a cut, or an attack held up."""
    course = [((200, 50), None)] * 8 + [(None, (200, 50))] * 8
    history = follow(FaceTracker(detector), two_heads, course)
    before = {track_id for seen in history[:8] for track_id, _ in seen}
    after = {track_id for seen in history[8:] for track_id, _ in seen}
    assert before
    assert after
    assert not before & after


def test_most_frames_are_cheap_and_new_faces_are_seen_in_time(detector, two_heads):
    counting = Counting(detector)
    tracker = FaceTracker(counting, redetect_every_s=0.5)
    course = [((20, 50), None)] * 20 + [((20, 50), (420, 50))] * 20
    history = follow(tracker, two_heads, course)
    assert counting.detections <= 8
    assert counting.refinements >= 30
    assert all(len(seen) == 2 for seen in history[28:])


def test_a_short_gap_keeps_the_identity_and_a_long_one_ends_it(detector, two_heads):
    there, gone = ((200, 50), None), (None, None)
    short = follow(FaceTracker(detector), two_heads, [there] * 3 + [gone] * 3 + [there] * 3)
    assert [track_id for seen in short for track_id, _ in seen] == [0] * 6
    long = follow(FaceTracker(detector), two_heads, [there] * 3 + [gone] * 10 + [there] * 3)
    assert [track_id for seen in long for track_id, _ in seen] == [0] * 3 + [1] * 3


def test_a_new_clip_starts_new_tracks(detector, two_heads):
    tracker = FaceTracker(detector)
    rgb = scene(two_heads, ((200, 50), None))
    ids = [
        tracker.update(Frame(rgb, index, time_s, source))[0].track_id
        for index, (time_s, source) in enumerate([(0, "a"), (0.1, "a"), (0.2, "b"), (0.0, "b")])
    ]
    assert ids == [0, 0, 1, 2]


def test_a_picture_without_faces_has_no_tracks(detector):
    tracker = FaceTracker(detector)
    assert tracker.update(Frame(np.zeros((50, 50, 3), np.uint8), 0, 0.0, "black")) == []


class Scripted:
    """Sees the faces it is told to see, one list per frame."""

    def __init__(self, frames):
        self.frames = list(frames)

    def detect(self, rgb):
        return self.frames.pop(0) if self.frames else []


def texture_face(left):
    """A canonical face 128 px wide at (left, 0)."""
    points = (CANONICAL_FACE * 128 + [left - 0.5, -0.5]).astype(np.float32)
    return Face(Box(left - 0.5, -0.5, 128, 128), points, 0.99)


def textures(likeness):
    """Two pictures whose face textures correlate as stated."""
    random = np.random.default_rng(1)
    first, second = random.normal(0, 30, (2, 32, 32, 3)).repeat(4, axis=1).repeat(4, axis=2)
    mixed = likeness * first + np.sqrt(1 - likeness**2) * second
    return [np.clip(128 + part, 0, 255).astype(np.uint8) for part in (first, mixed)]


@pytest.mark.parametrize(
    ("likeness", "gap", "same"),
    [(0.6, 0, True), (0.4, 0, False), (0.6, 1, False), (0.8, 1, True)],
)
def test_looks_must_agree_better_after_a_gap(likeness, gap, same):
    """0.6 is enough from one frame to the next, not for a face that was out of sight."""
    before, after = textures(likeness)
    face = texture_face(0)
    seen = Scripted([[face], *[[]] * gap, [face]])
    tracker = FaceTracker(seen, redetect_every_s=0.0)
    pictures = [before, *[before] * gap, after]
    ids = [
        [one.track_id for one in tracker.update(Frame(rgb, i, i / FPS, "textures"))]
        for i, rgb in enumerate(pictures)
    ]
    assert ids[0] == [0]
    assert ids[-1] == ([0] if same else [1])


def clips():
    folder = os.environ.get("BONAFIDE_DATA")
    return sorted(Path(folder, "clips").glob("*.mkv"))[::7] if folder else []


def test_one_person_is_one_track_in_real_clips(detector):
    for path in clips():
        tracker, ids = FaceTracker(detector), []
        with av.open(str(path)) as container:
            for index, picture in enumerate(container.decode(video=0)):
                frame = Frame(
                    picture.to_ndarray(format="rgb24"), index, float(picture.time), path.name
                )
                ids += [seen.track_id for seen in tracker.update(frame)]
        assert set(ids) == {0}
        assert len(ids) >= 0.95 * (index + 1)


def test_boxes_follow_at_constant_velocity(detector, two_heads):
    tracker = FaceTracker(detector)
    follow(tracker, two_heads, [((20 + 6 * i, 50), None) for i in range(6)])
    track = tracker._tracks[0]
    ahead = track.expected_box(track.seen_s + 0.1)
    assert ahead.left - track.face.box.left == pytest.approx(6 * FPS * 0.1, abs=2.5)
    assert isinstance(ahead, Box)
