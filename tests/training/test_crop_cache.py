"""The crop cache holds what was asked for, says what it could not cut, and notices change."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bonafide.datasets.file_digests import with_digests
from bonafide.face.crop import multi_scale_crops
from bonafide.face.detect import MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.training.crop_cache import CropSettings, crop_cache
from bonafide.types import BonafideError, Label, Presentation, Split

SETTINGS = CropSettings(scales=(1.0, 1.3), frames_per_clip=3)


def sample(path, **changes):
    base = Presentation(
        path.name, str(path), Label.BONA_FIDE, "bona_fide", "p", Split.TRAIN, "made up"
    )
    return replace(base, **changes)


@pytest.fixture
def media(tmp_path, astronaut, write_clip):
    Image.fromarray(astronaut).save(tmp_path / "face.png")
    Image.fromarray(np.rot90(astronaut, 1)).save(tmp_path / "turned.png")
    Image.fromarray(np.zeros((90, 90, 3), np.uint8)).save(tmp_path / "black.png")
    write_clip(tmp_path / "clip.mp4", [astronaut] * 12)
    return tmp_path


def test_rows_are_the_crops_of_the_face_room_and_misses_are_listed(media, astronaut):
    names = ("face.png", "black.png", "clip.mp4")
    samples = [sample(media / name) for name in names]
    cache = crop_cache(samples, media / "cache", SETTINGS)
    face = find_faces(astronaut, MtcnnDetector())[0]
    expected = multi_scale_crops(astronaut, face.landmarks, SETTINGS.scales, 128).crops
    assert [row.presentation for row in cache.samples] == ["face.png"] + 3 * ["clip.mp4"]
    np.testing.assert_array_equal(cache.crops[0], expected)
    assert np.abs(cache.crops[2].astype(int) - expected).mean() < 8  # the clip is compressed
    assert cache.missed == [("black.png", "no_face")]


def test_a_stated_rotation_is_applied(media):
    turned = sample(media / "turned.png", rotation_deg=90)
    straight = sample(media / "face.png")
    cache = crop_cache([turned, straight], media / "cache", SETTINGS)
    np.testing.assert_array_equal(cache.crops[0], cache.crops[1])


def test_it_is_cut_once_and_again_only_when_something_changed(media):
    samples, folder = [sample(media / "face.png")], media / "cache"
    cut = []

    def open_with(rows, settings=SETTINGS):
        before = len(cut)
        crop_cache(rows, folder, settings, on_sample=lambda: cut.append(1))
        return len(cut) - before

    assert open_with(samples) == 1
    assert open_with(samples) == 0
    assert open_with(samples, replace(SETTINGS, scales=(1.0,))) == 1
    (folder / "cache.json").write_text(json.dumps({"half": "written"}))
    assert open_with(samples) == 1


def test_another_picture_under_the_same_name_is_cut_anew(media):
    """The table is the same but for the digest of the file."""
    face, folder = media / "face.png", media / "cache"
    before = with_digests([sample(face)])
    first = np.array(crop_cache(before, folder, SETTINGS).crops)
    with Image.open(face) as picture:
        darker = (np.asarray(picture) // 2).astype(np.uint8)
    Image.fromarray(darker).save(face)
    np.testing.assert_array_equal(crop_cache(before, folder, SETTINGS).crops, first)
    after = crop_cache(with_digests([sample(face)]), folder, SETTINGS)
    assert 0.4 * first.mean() < after.crops.mean() < 0.6 * first.mean()
    with pytest.raises(BonafideError, match="has changed since it was indexed"):
        crop_cache(before, folder, SETTINGS)


def test_a_killed_build_leaves_no_cache_behind(media):
    def killed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crop_cache([sample(media / "face.png")], media / "cache", SETTINGS, on_sample=killed)
    assert not (media / "cache").exists()
    assert len(crop_cache([sample(media / "face.png")], media / "cache", SETTINGS).crops) == 1


def test_no_face_at_all_is_an_error(media):
    with pytest.raises(BonafideError, match="no sample shows one usable face"):
        crop_cache([sample(media / "black.png")], media / "cache", SETTINGS)


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(media):
    names = ("face.png", "black.png", "clip.mp4", "turned.png") * 2
    samples = [sample(media / name, presentation=f"{i}") for i, name in enumerate(names)]
    one = crop_cache(samples, media / "one", SETTINGS, workers=1)
    two = crop_cache(samples, media / "two", SETTINGS, workers=2)
    np.testing.assert_array_equal(one.crops, two.crops)
    assert one.samples == two.samples
    assert one.missed == two.missed
