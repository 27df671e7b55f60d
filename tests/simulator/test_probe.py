"""The build fails when size, brightness, sharpness or JPEG level tell live from attack."""

import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from bonafide.simulator.camera import encode_jpeg
from bonafide.simulator.matching import match_trivial
from bonafide.simulator.portraits import rough_face
from bonafide.simulator.presentations import KINDS
from bonafide.simulator.probe import (
    TRIVIAL_FEATURES,
    ProbeError,
    area_under_curve,
    chance_band,
    jpeg_quality,
    probe_accuracy,
    trivial_features,
)
from bonafide.simulator.recapture import recapture
from bonafide.simulator.stage import draw_devices
from bonafide.types import BonafideError, Box

BRIGHTNESS = TRIVIAL_FEATURES.index("brightness")


def simulate(people, per_person):
    devices = draw_devices(np.random.default_rng(100))
    features, species, subjects = [], [], []
    for person, photo in enumerate(people):
        face = rough_face(photo)
        for index in range(per_person):
            for kind in KINDS:
                rng = np.random.default_rng([person, index])
                made = recapture(photo, kind, rng, devices=devices, face=face)
                features.append(trivial_features(made.rgb, made.jpeg, made.face))
                species.append(kind)
                subjects.append(f"person {person}")
    return np.array(features), species, subjects


@pytest.fixture(scope="module")
def samples(people):
    return simulate(people[:40], 1)


def judge(features, species, subjects, kept):
    live = np.array(species)[kept] == "bona_fide"
    rng = np.random.default_rng(0)
    return probe_accuracy(features[kept], live, np.array(subjects)[kept], rng)


@pytest.mark.slow
def test_a_small_matched_sample_is_at_chance(samples):
    kept = match_trivial(*samples, np.random.default_rng(1))
    assert len(kept) >= 0.35 * len(samples[1])
    result = judge(*samples, kept)
    assert result.at_chance, result


@pytest.mark.slow
def test_a_large_matched_sample_is_at_chance(people):
    features, species, subjects = simulate(people, 8)
    kept = match_trivial(features, species, subjects, np.random.default_rng(1))
    assert len(kept) >= 0.5 * len(species)
    result = judge(features, species, subjects, kept)
    assert result.at_chance, result
    assert result.high < 0.57


def test_matched_species_are_equal_in_number(samples):
    kept = match_trivial(*samples, np.random.default_rng(1))
    names, counts = np.unique(np.array(samples[1])[kept], return_counts=True)
    assert list(names) == ["bona_fide", "print", "replay"]
    assert len(set(counts)) == 1
    assert len(set(kept)) == len(kept)


def test_the_probe_finds_an_injected_leak(samples):
    features, species, subjects = samples
    kept = match_trivial(*samples, np.random.default_rng(1))
    darker = features.copy()
    darker[np.array(species) != "bona_fide", BRIGHTNESS] *= 0.8
    result = judge(darker, species, subjects, kept)
    assert result.auc > result.high
    assert result.auc > 0.65


@pytest.mark.slow
def test_matching_removes_an_injected_leak():
    # Propensities are estimates: one draw in eight stays just outside the band, so judge the mean.
    species = [("bona_fide", "print", "replay")[i % 3] for i in range(900)]
    subjects = [str(i // 9) for i in range(900)]
    before, after = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(900, 4)) + 0.4 * (np.arange(900) % 3 == 0)[:, None]
        before.append(judge(features, species, subjects, np.arange(900)).auc)
        kept = match_trivial(features, species, subjects, np.random.default_rng(1))
        after.append(judge(features, species, subjects, kept).auc)
    assert min(before) > 0.65
    assert np.mean(after) == pytest.approx(0.5, abs=0.03)


def test_ties_do_not_leak_the_order_of_the_samples():
    # All features equal: nothing to match on, and nothing may be thrown away.
    features = np.ones((300, 3))
    species = ["bona_fide"] * 100 + ["print"] * 100 + ["replay"] * 100
    subjects = [str(i % 50) for i in range(300)]
    assert len(match_trivial(features, species, subjects, np.random.default_rng(0))) == 300


def test_area_under_curve_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    scores, truth = np.round(rng.normal(size=200), 1), rng.random(200) < 0.4
    assert area_under_curve(scores, truth) == pytest.approx(roc_auc_score(truth, scores))


def test_chance_band_holds_what_chance_gives():
    low, high = chance_band(60, 120)
    rng = np.random.default_rng(1)
    truth = np.arange(180) < 60
    areas = [area_under_curve(rng.random(180), truth) for _ in range(2000)]
    # One classifier, no cross-validation: well over 95 % must lie inside.
    assert np.mean([low <= a <= high for a in areas]) > 0.97
    assert np.std(areas) == pytest.approx((high - 0.5) / 2.24 / 1.15, rel=0.06)


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_jpeg_quality_is_read_from_the_tables(portrait, quality):
    assert jpeg_quality(encode_jpeg(portrait, quality, "4:2:0")) == pytest.approx(quality, abs=1)


def test_jpeg_quality_of_anything_else_is_zero():
    assert jpeg_quality(b"no picture") == 0


def test_features_by_hand():
    picture = np.full((40, 20, 3), 100, np.uint8)
    face = Box(5, 10, 10, 10)
    row = dict(zip(TRIVIAL_FEATURES, trivial_features(picture, b"x" * 400, face), strict=True))
    assert (row["width_px"], row["height_px"], row["aspect"]) == (20, 40, 0.5)
    assert (row["brightness"], row["contrast"], row["saturation"]) == (100, 0, 0)
    assert row["log_sharpness"] == 0
    assert row["log_bytes_per_px"] == pytest.approx(np.log(0.5))
    assert (row["face_x_share"], row["face_y_share"]) == (0.5, 0.375)
    assert row["face_width_share"] == 0.5


def test_errors_are_typed(monkeypatch):
    rng = np.random.default_rng(0)
    good = np.ones((20, 2)), np.arange(20) % 2 == 0, np.arange(20) // 2
    with pytest.raises(ProbeError, match="disagree"):
        probe_accuracy(good[0][:5], good[1], good[2], rng)
    with pytest.raises(ProbeError, match="both labels"):
        probe_accuracy(good[0], np.ones(20, bool), good[2], rng)
    with pytest.raises(ProbeError, match="finite"):
        probe_accuracy(good[0] * np.nan, good[1], good[2], rng)
    with pytest.raises(BonafideError, match="bona fide"):
        match_trivial(good[0], ["print"] * 20, ["a"] * 20, rng)
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(ProbeError, match=r"bonafide\[dev\]"):
        probe_accuracy(*good, rng)
