"""The texture machine: what it learns and keeps, and that numpy gives scikit-learn's answer."""

import sys

import cv2
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import SVC

from bonafide.models.texture_svm import (
    VARIANTS,
    TextureSvmError,
    _folds,
    load_texture_svm,
    train,
)
from bonafide.types import Label

SIDE = 40


def face_clip(rng, grid, frames=3):
    """Smooth blobs under camera noise; an attack's carry the faint grid of a screen."""
    base = cv2.GaussianBlur(rng.uniform(0, 255, (SIDE, SIDE, 3)), (0, 0), 5)
    base = 128 + (base - base.mean()) * 4
    if grid:
        base[::2] += 4
        base[:, ::2] -= 4
    noisy = base + rng.normal(0, 3, (frames, SIDE, SIDE, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def table(variant, clips_each, seed, shuffled=False):
    """Features, labels and clip names; a row per frame or clip."""
    rng = np.random.default_rng(seed)
    features, labels, clips = [], [], []
    kinds = [grid for _ in range(clips_each) for grid in (False, True)]
    said = rng.permutation(kinds) if shuffled else kinds
    for index, (grid, called) in enumerate(zip(kinds, said, strict=True)):
        rows = VARIANTS[variant](face_clip(rng, grid))
        features.append(rows)
        labels += [Label.ATTACK if called else Label.BONA_FIDE] * len(rows)
        clips += [f"clip{index}"] * len(rows)
    return np.concatenate(features), labels, clips


def accuracy(machine, features, labels):
    bona_fide = np.array([label is Label.BONA_FIDE for label in labels])
    return ((machine.probability(features) >= 0.5) == bona_fide).mean()


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_it_learns_a_screens_grid_on_clips_it_never_saw(variant):
    machine = train(variant, *table(variant, 14, seed=1), seed=0)
    assert accuracy(machine, *table(variant, 14, seed=2)[:2]) > 0.9


def test_shuffled_labels_leave_chance():
    # 60 held-out clips: chance is 0.5 with a standard deviation of 0.065 over clips.
    machine = train("lbp", *table("lbp", 30, seed=3, shuffled=True), seed=0)
    features, labels, _ = table("lbp", 30, seed=4, shuffled=True)
    assert 0.3 < accuracy(machine, features, labels) < 0.7


def test_higher_is_bona_fide_and_a_clip_scores_the_mean_of_its_frames():
    machine = train("lbp", *table("lbp", 14, seed=1), seed=0)
    rng = np.random.default_rng(9)
    live, screen = face_clip(rng, grid=False), face_clip(rng, grid=True)
    assert machine.score(live) > 0.7 > 0.3 > machine.score(screen)
    assert machine.decision(VARIANTS["lbp"](live)).min() > 0
    frames = [machine.score(frame[None]) for frame in live]
    assert machine.score(live) == pytest.approx(np.mean(frames))


@pytest.mark.parametrize("variant", ["lbp", "lbp_top"])
def test_numpy_gives_scikit_learns_decision_and_probability(variant):
    features, labels, clips = table(variant, 12, seed=5)
    machine = train(variant, features, labels, clips, seed=7)
    bona_fide = np.array([label is Label.BONA_FIDE for label in labels])
    scaled = (features - features.mean(0, dtype=float)) / np.where(
        features.std(0, dtype=float) > 0, features.std(0, dtype=float), 1
    )
    unseen = table(variant, 20, seed=6)[0]
    unseen_scaled = (unseen - machine.mean) / machine.scale
    svm = SVC(gamma=1 / features.shape[1], class_weight="balanced").fit(scaled, bona_fide)
    np.testing.assert_allclose(
        machine.decision(unseen), svm.decision_function(unseen_scaled), atol=1e-6
    )
    # The probability: by scikit-learn's own sigmoid, carrying the stored numbers.
    calibrated = CalibratedClassifierCV(
        SVC(gamma=1 / features.shape[1], class_weight="balanced"),
        ensemble=False,
        cv=_folds(bona_fide, clips, 7),
    ).fit(scaled, bona_fide)
    np.testing.assert_allclose(
        machine.probability(unseen), calibrated.predict_proba(unseen_scaled)[:, 1], atol=1e-6
    )


def test_what_is_stored_comes_back_and_runs_without_scikit_learn(tmp_path, monkeypatch):
    machine = train("lbp", *table("lbp", 8, seed=1), seed=0, record={"data": "made here"})
    machine.save(tmp_path / "model.safetensors")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    back = load_texture_svm(tmp_path / "model.safetensors")
    features = table("lbp", 5, seed=2)[0]
    np.testing.assert_array_equal(back.probability(features), machine.probability(features))
    assert back.variant == "lbp"
    assert back.record == {"data": "made here", "seed": 0, "penalty": 1.0, "rows": 48}
    with pytest.raises(TextureSvmError, match="scikit-learn"):
        train("lbp", *table("lbp", 3, seed=1), seed=0)


def test_training_is_deterministic_and_the_seed_draws_the_folds():
    data = table("lbp", 8, seed=1)
    one, two, other = (train("lbp", *data, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.weight, two.weight)
    assert (one.platt_a, one.platt_b) == (two.platt_a, two.platt_b)
    assert (one.platt_a, one.platt_b) != (other.platt_a, other.platt_b)


def test_frames_of_a_clip_never_stand_on_both_sides_of_a_fold():
    clips = np.array([f"subject{i // 5}" for i in range(60)])
    bona_fide = np.arange(60) % 2 == 0  # every subject in both classes
    held_out = []
    for training, held in _folds(bona_fide, list(clips), 0):
        assert not set(clips[training]) & set(clips[held])
        assert {True, False} <= set(bona_fide[held])
        held_out += list(held)
    assert sorted(held_out) == list(range(60))


def test_probabilities_do_not_overflow():
    machine = train("lbp", *table("lbp", 6, seed=1), seed=0)
    sure = type(machine)(**{**vars(machine), "platt_a": -1e6})
    assert np.isfinite(sure.probability(table("lbp", 2, seed=2)[0])).all()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"variant": "lpq"}, "unknown"),
        ({"labels": [Label.ATTACK] * 12}, "0 clips of bona_fide"),
        ({"clips": ["only"] * 12}, "1 clips"),
        ({"clips": ["a"] * 3}, "do not match"),
        ({"features": np.full((12, 59), np.nan, np.float32)}, "not finite"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(change, match):
    features, labels, clips = table("lbp", 2, seed=1)
    good = {"variant": "lbp", "features": features, "labels": labels, "clips": clips}
    with pytest.raises(TextureSvmError, match=match):
        train(**{**good, **change}, seed=0)


def test_features_of_another_variant_are_refused():
    machine = train("lbp", *table("lbp", 3, seed=1), seed=0)
    with pytest.raises(TextureSvmError, match="59 bins"):
        machine.probability(np.zeros((2, 177), np.float32))


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04junk", b"\x02\0\0\0\0\0\0\0{}"])
def test_what_is_no_machine_is_refused(tmp_path, content):
    path = tmp_path / "model.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TextureSvmError, match="no texture machine"):
        load_texture_svm(path)
