"""Batches are balanced, alike across scales, and a function of seed and step alone."""

import numpy as np
import pytest
import torch

from bonafide.face.crop import FILL
from bonafide.training.augmentation import LUMA, jitter_focus, jitter_photometry
from bonafide.training.ms_fans_batches import blank_surroundings, random_window, training_batch
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.sampler import balanced_sampler
from bonafide.types import BonafideError, Label, Presentation, Split


def sample(number, species, subject):
    label = Label.BONA_FIDE if species == "bona_fide" else Label.ATTACK
    return Presentation(str(number), "x.jpg", label, species, subject, Split.TRAIN, "made up")


def lopsided_rows():
    rows = [("bona_fide", "a")] + [("bona_fide", "b")] * 50
    rows += [("print", "a")] * 200 + [("replay", "b")] * 3
    return [sample(i, species, subject) for i, (species, subject) in enumerate(rows)]


def test_classes_species_and_subjects_are_drawn_evenly_however_lopsided_the_data():
    rows = lopsided_rows()
    drawn = balanced_sampler(rows).draw(4000, np.random.default_rng(0))
    species = [rows[i].pai_species for i in drawn]
    assert species.count("bona_fide") == 2000
    assert species.count("print") == pytest.approx(1000, abs=100)
    bona_fide_subjects = [rows[i].capture_subject for i in drawn if rows[i].label == "bona_fide"]
    assert bona_fide_subjects.count("a") == pytest.approx(1000, abs=100)


def test_a_missing_class_is_named():
    with pytest.raises(BonafideError, match="no bona_fide sample"):
        balanced_sampler([sample(0, "print", "a")])


def coordinates(scales=3, side=128):
    """Crops whose pixel values say where they came from."""
    y, x = np.mgrid[:side, :side]
    one = np.stack([y, x, np.zeros_like(x)], -1).astype(np.uint8)
    return np.broadcast_to(one, (scales, side, side, 3))


def test_the_window_is_random_and_shared_by_the_scales():
    rng = np.random.default_rng(1)
    windows = [random_window(coordinates(), rng) for _ in range(64)]
    assert all(window.shape == (3, 112, 112, 3) for window in windows)
    assert all((window[0] == window[2]).all() for window in windows)
    corners = {(int(w[0, :, :, 0].min()), int(w[0, :, :, 1].min())) for w in windows}
    assert len(corners) > 40
    assert all(0 <= top <= 16 and 0 <= left <= 16 for top, left in corners)
    flipped = [bool(w[0, 0, 0, 1] > w[0, 0, -1, 1]) for w in windows]
    assert 20 < sum(flipped) < 44


def test_blanked_surroundings_are_one_box_in_the_picture():
    crops = np.full((2, 128, 128, 3), 200, np.uint8)
    rng, compared = np.random.default_rng(0), 0
    for _ in range(40):
        out = blank_surroundings(crops, (1.0, 1.5), rng)
        assert (crops == 200).all()
        assert (out[:, 40:88, 40:88] == 200).all()
        assert set(np.unique(out)) <= {FILL, 200}
        widths = [int((crop[64, :, 0] == 200).sum()) for crop in out]
        if (out[0, 64, [0, -1], 0] == FILL).all():  # both sides end inside scale 1.0
            assert widths[1] == pytest.approx(widths[0] / 1.5, abs=2)
            compared += 1
    assert compared > 0


def test_jitter_moves_the_whole_face_alike_and_strength_zero_moves_nothing():
    grey = np.full((3, 64, 64, 3), 128, np.uint8)
    assert jitter_photometry(grey, 0, np.random.default_rng(0)) is grey
    rng = np.random.default_rng(0)
    out = [jitter_photometry(grey, 1.0, rng) for _ in range(50)]
    means = np.array([crops.mean((1, 2)) for crops in out])
    assert np.abs(means[:, 0] - means[:, 2]).max() < 1
    assert means[:, 0, 0].std() > 10
    noise = [crops[0].std(axis=(0, 1)).mean() for crops in out]
    assert 0 <= min(noise) < 1 < max(noise) < 6


def test_focus_goes_both_ways_and_leaves_flat_areas_alone():
    flat = np.full((2, 40, 40, 3), 77, np.uint8)
    edge = flat.copy()
    edge[:, :, 20:] = 150
    rng = np.random.default_rng(0)
    steps = []
    for _ in range(40):
        assert (jitter_focus(flat, 1.0, rng) == 77).all()
        out = jitter_focus(edge, 1.0, rng).astype(int)
        assert (out[0] == out[1]).all()
        steps.append(out[0, 20, 20, 0] - out[0, 20, 19, 0])
    assert min(steps) < 40 < 73 < max(steps)
    assert jitter_focus(edge, 0, rng) is edge


def test_less_saturation_keeps_the_brightness():
    red = np.zeros((1, 8, 8, 3), np.uint8)
    red[..., 0], red[..., 1] = 200, 60
    before = red[0, 0, 0] @ np.array(LUMA)
    out = [jitter_photometry(red, 0.2, np.random.default_rng(i))[0, 0, 0] for i in range(200)]
    after = np.mean([pixel @ np.array(LUMA) for pixel in out])
    assert after == pytest.approx(before, rel=0.05)


def test_a_batch_depends_on_seed_and_step_alone_and_processes_share_it():
    rows = lopsided_rows()
    crops = np.random.default_rng(0).integers(0, 255, (len(rows), 2, 128, 128, 3), dtype=np.uint8)
    targets = np.array([int(row.label is Label.BONA_FIDE) for row in rows])
    config = MsFansSettings(scales=(1.0, 1.2), batch=8)
    sampler = balanced_sampler(rows)

    def batch(step, **share):
        return training_batch(crops, targets, sampler, config, step, **share)

    first, target = batch(5)
    again, _ = batch(5)
    other, _ = batch(6)
    assert first.shape == (8, 2, 112, 112, 3)
    assert first.dtype == torch.uint8
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert target.tolist() == [0, 1] * 4
    halves = [batch(5, rank=rank, world=2)[1] for rank in (0, 1)]
    assert torch.cat(halves).tolist() == target.tolist()
    assert halves[0].tolist() == [0, 1, 0, 1]
