"""Batches are balanced, alike across scales, and a function of seed and step alone."""

import numpy as np
import pytest
import torch

from bonafide.training.batches import (
    balanced_sampler,
    blank_surroundings,
    jitter_photometry,
    random_window,
    training_batch,
)
from bonafide.training.config import TrainingConfig
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
    return torch.from_numpy(np.broadcast_to(one, (16, scales, side, side, 3)).copy())


def test_the_window_is_random_over_samples_and_shared_by_scales():
    windows = random_window(coordinates(), np.random.default_rng(1))
    assert windows.shape == (16, 3, 112, 112, 3)
    assert all(torch.equal(window[0], window[2]) for window in windows)
    corners = {(int(w[0, 0, :, 0].min()), int(w[0, 0, :, 1].min())) for w in windows}
    assert len(corners) > 8
    assert all(0 <= top <= 16 and 0 <= left <= 16 for top, left in corners)
    flipped = [bool(w[0, 0, 0, 1] > w[0, 0, -1, 1]) for w in windows]
    assert 3 < sum(flipped) < 13


def test_blanked_surroundings_are_one_box_in_the_picture():
    crops = torch.full((8, 2, 128, 128, 3), 200, dtype=torch.uint8)
    out = blank_surroundings(crops, (1.0, 1.5), 1.0, np.random.default_rng(0))
    assert (crops == 200).all()
    for sample_crops in out:
        widths = [(crop[64, :, 0] > 0).sum().item() for crop in sample_crops]
        if sample_crops[0, 64, [0, -1], 0].sum() == 0:  # both sides end inside scale 1.0
            assert widths[1] == pytest.approx(widths[0] / 1.5, abs=2)
        assert (sample_crops[:, 40:88, 40:88] == 200).all()


def test_no_strength_changes_nothing_and_strength_keeps_range_and_scales_alike():
    crops = torch.rand(4, 3, 3, 8, 8) * 2 - 1
    assert jitter_photometry(crops, 0, np.random.default_rng(0)) is crops
    grey = torch.zeros(4, 3, 3, 64, 64)
    out = jitter_photometry(grey, 1.0, np.random.default_rng(0))
    assert out.abs().max() <= 1
    means = out.mean((3, 4))
    torch.testing.assert_close(means[:, 0], means[:, 2], atol=5e-3, rtol=0)
    assert means[:, 0, 0].std() > 0.02


def test_a_batch_depends_on_seed_and_step_alone_and_processes_share_it():
    rows = lopsided_rows()
    crops = np.random.default_rng(0).integers(0, 255, (len(rows), 2, 128, 128, 3), dtype=np.uint8)
    targets = np.array([int(row.label is Label.BONA_FIDE) for row in rows])
    config = TrainingConfig(scales=(1.0, 1.2), batch=8)
    sampler = balanced_sampler(rows)

    def batch(step, **share):
        return training_batch(crops, targets, sampler, config, step, **share)

    first, target = batch(5)
    again, _ = batch(5)
    other, _ = batch(6)
    assert first.shape == (8, 2, 3, 112, 112)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert target.tolist() == [0, 1] * 4
    halves = [batch(5, rank=rank, world=2)[1] for rank in (0, 1)]
    assert torch.cat(halves).tolist() == target.tolist()
    assert halves[0].tolist() == [0, 1, 0, 1]
