"""Clips are read once, what gives none is listed with its reason, pool5 is kept."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bonafide.cues.clip_frames import ClipFile, ClipSettings, read_clip
from bonafide.face.crop import extended_clip_box
from bonafide.face.detect import MtcnnDetector
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.training import clip_faces as clip_faces_module
from bonafide.training.array_cache import ArrayCache
from bonafide.training.clip_cache import clip_cache, pool5_cache
from bonafide.training.clip_faces import clip_faces, extended
from bonafide.types import BonafideError, Box, Label, Presentation, Split

SETTINGS = ClipSettings(frames=4, window_s=1.0, side_px=48)


def sample(path, **changes):
    base = Presentation(
        path.name, str(path), Label.BONA_FIDE, "bona_fide", "p", Split.TRAIN, "made up"
    )
    return replace(base, **changes)


@pytest.fixture
def media(tmp_path, astronaut, write_clip):
    head = np.ascontiguousarray(astronaut[0:224, 110:334])
    write_clip(tmp_path / "good.mp4", [np.roll(head, i % 3, axis=0) for i in range(14)])
    write_clip(tmp_path / "short.mp4", [head] * 6)
    write_clip(tmp_path / "wall.mp4", [np.full_like(head, 90)] * 14)
    (tmp_path / "broken.mp4").write_bytes((tmp_path / "good.mp4").read_bytes()[:300])
    Image.fromarray(head).save(tmp_path / "photo.png")
    return tmp_path


def test_rows_are_what_read_clip_gives_and_misses_have_their_reason(media):
    names = ("good.mp4", "short.mp4", "wall.mp4", "broken.mp4", "photo.png")
    cache = clip_cache([sample(media / name) for name in names], media / "cache", SETTINGS)
    read = read_clip(ClipFile(media / "good.mp4", 1.0), SETTINGS, MtcnnDetector())
    assert [row.presentation for row in cache.samples] == ["good.mp4"]
    np.testing.assert_array_equal(cache.values[0], read.frames)
    assert dict(cache.missed) == {
        "short.mp4": "clip_too_short",
        "wall.mp4": "no_face",
        "broken.mp4": "unreadable",
        "photo.png": "clip_too_short",
    }
    rows = csv.DictReader((media / "cache" / "missed.csv").open())
    advice = {row["presentation"]: row["advice"] for row in rows}
    assert "0.6 s; 1 s are needed" in advice["short.mp4"]
    assert "this is a photo" in advice["photo.png"]


def test_frames_cut_by_faces_found_before_are_those_of_read_clip(media, monkeypatch):
    names = ("good.mp4", "short.mp4", "wall.mp4", "broken.mp4", "photo.png")
    samples = [sample(media / name) for name in names]
    faces = clip_faces(samples, media / "faces", SETTINGS)
    found_on_the_way = clip_cache(samples, media / "one", SETTINGS)
    monkeypatch.setattr(clip_faces_module, "find_clip_face", None)  # nobody looks for a face again
    again = clip_faces(samples, media / "faces", SETTINGS)
    cache = clip_cache(samples, media / "two", SETTINGS, faces=again)
    assert again == faces
    np.testing.assert_array_equal(cache.values, found_on_the_way.values)
    assert cache.missed == found_on_the_way.missed
    rows = [(media / name / "missed.csv").read_text() for name in ("one", "two")]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.6])
def test_the_swept_square_is_enlarged_as_the_clips_box_is(factor):
    boxes = [Box(10 + i, 20 - i, 40, 50 + i) for i in range(5)]
    own = extended_clip_box(boxes, factor)
    ours = extended(extended_clip_box(boxes, 1.0), factor)
    for name in ("left", "top", "width", "height"):
        assert getattr(ours, name) == pytest.approx(getattr(own, name), abs=1e-12)


def test_a_band_that_a_clip_cannot_show_is_a_reason(media):
    settings = replace(SETTINGS, preset="face-motion")
    with pytest.raises(BonafideError, match="no clip gives the frames"):
        clip_cache([sample(media / "good.mp4")], media / "cache", settings)
    both = [sample(media / "good.mp4", presentation="a"), sample(media / "short.mp4")]
    slow = replace(settings, low_hz=1.2, high_hz=3.0)
    cache = clip_cache(both, media / "cache", slow)
    assert cache.missed == [("short.mp4", "clip_too_short")]


def test_it_is_read_once_and_again_only_when_something_changed(media):
    samples, read = [sample(media / "good.mp4")], []

    def open_with(settings):
        before = len(read)
        clip_cache(samples, media / "cache", settings, on_sample=lambda: read.append(1))
        return len(read) - before

    assert [open_with(SETTINGS), open_with(SETTINGS)] == [1, 0]
    for change in ({"frames": 5}, {"extend": 2.0}, {"order": "still"}, {"side_px": 32}):
        assert open_with(replace(SETTINGS, **change)) == 1


def test_pool5_of_half_the_precision_is_close_and_never_taken_for_the_whole_one(tmp_path):
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 112, 112, 3), dtype=np.uint8)
    cache = ArrayCache(clips, [], [])
    torch.manual_seed(0)
    network = MotionCnnLstm("cnn-lstm", "small", 4, 8).eval()
    half, whole = (
        np.array(pool5_cache(cache, tmp_path / "pool5", network, precision)).astype(float)
        for precision in ("bf16-mixed", "32-true")
    )
    assert 0 < np.abs(half - whole).max() < 0.05 * np.abs(whole).max()


def test_pool5_of_a_still_clip_is_computed_of_one_frame(tmp_path, monkeypatch):
    clips = np.random.default_rng(0).integers(0, 256, (2, 4, 112, 112, 3), dtype=np.uint8)
    clips[1] = clips[1, :1]
    network = MotionCnnLstm("cnn-lstm", "small", 4, 8).eval()
    seen = []
    forward = network.cnn.forward
    monkeypatch.setattr(
        network.cnn, "forward", lambda frames: (seen.append(len(frames)), forward(frames))[1]
    )
    found = pool5_cache(ArrayCache(clips, [], []), tmp_path / "pool5", network)
    assert seen == [4, 1]
    assert (found[1] == found[1, :1]).all()
    with torch.inference_mode():
        expected = forward(torch.from_numpy(clips[1])).numpy()
    np.testing.assert_allclose(found[1], expected, rtol=2e-3, atol=2e-3)


def test_pool5_is_the_cnns_own_and_is_computed_again_for_other_weights_alone(tmp_path):
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (3, 4, 112, 112, 3), dtype=np.uint8)
    cache = ArrayCache(clips, [], [])
    torch.manual_seed(0)
    network = MotionCnnLstm("cnn-lstm", "small", 4, 8).eval()
    first = pool5_cache(cache, tmp_path / "pool5", network)
    with torch.inference_mode():
        expected = network.cnn(torch.from_numpy(clips)).numpy()
    assert first.shape == (3, 4, 64, 3, 3)
    np.testing.assert_allclose(first, expected, rtol=2e-3, atol=2e-3)
    stamp = (tmp_path / "pool5" / "pool5.npy").stat().st_mtime_ns
    pool5_cache(cache, tmp_path / "pool5", network)
    assert (tmp_path / "pool5" / "pool5.npy").stat().st_mtime_ns == stamp
    with torch.no_grad():
        network.cnn.conv3_1.weight.mul_(1.01)
    other = pool5_cache(cache, tmp_path / "pool5", network)
    assert np.abs(other.astype(float) - expected).max() > 1e-3
