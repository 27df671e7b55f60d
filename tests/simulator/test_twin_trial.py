"""Trials of twins by a small trained model; the slow ones draw their own pictures (simulated)."""

import numpy as np
import pytest

from bonafide.cues.lbp import colour_histogram
from bonafide.datasets.probes import shuffle_labels
from bonafide.simulator.twin_trial import (
    area,
    background_probe,
    balanced_jobs,
    chance_band,
    face_crop,
    face_texture,
    labels_of,
    look_at_job,
    one_before_each_camera,
    score_unseen,
    try_devices,
)
from bonafide.simulator.twins import plan_twin

PEOPLE = 24
DEVICES = ("a", "b", "c", "d")


def toy(rng, of_device):
    """Two features of live and attack rows of every person before every device.

    ``of_device`` maps (device, label) to where the row lies.
    """
    rows = [
        (f"person {who}", device, label)
        for who in range(PEOPLE) for device in DEVICES for label in (1.0, -1.0)
    ]  # fmt: skip
    features = np.array([of_device(device, label) for _, device, label in rows])
    features = features + rng.normal(0, 1, features.shape)
    people, devices, labels = zip(*rows, strict=True)
    return features, np.array(labels), people, devices


def test_devices_that_differ_are_harder_when_held_out():
    """Each device shows attacks on an axis of its own: nothing is learned of it from the others."""
    features, labels, people, devices = toy(
        np.random.default_rng(0),
        lambda device, label: [4.0 * (label < 0) * (device == one) for one in DEVICES],
    )
    trial = try_devices(features, labels, people, devices, 0)
    assert trial.seen > 0.8
    assert trial.held_out < 0.6
    assert trial.high < 0


def test_devices_that_do_not_differ_are_as_hard_when_held_out():
    features, labels, people, devices = toy(
        np.random.default_rng(1), lambda device, label: [label, 0.0]
    )
    trial = try_devices(features, labels, people, devices, 0)
    assert trial.seen == pytest.approx(0.92, abs=0.05)  # two unit normals two apart: 0.921
    assert trial.low <= 0 <= trial.high
    assert abs(trial.held_out - trial.seen) < 0.02


def test_shared_rows_are_judged_beside_every_device():
    features, labels, people, devices = toy(
        np.random.default_rng(3), lambda device, label: [label, 0.0]
    )
    attack_devices = [d if label < 0 else "" for d, label in zip(devices, labels, strict=True)]
    trial = try_devices(features, labels, people, attack_devices, 0)
    assert trial.seen == pytest.approx(0.92, abs=0.05)
    assert trial.low <= 0 <= trial.high


def test_shuffled_training_is_at_chance_and_true_training_is_not():
    features, labels, people, _ = toy(np.random.default_rng(4), lambda _, label: [label, 0.0])
    shuffled = shuffle_labels(labels, people, 200, np.random.default_rng(5))
    targets = np.column_stack([labels, shuffled])
    scores = score_unseen(features, targets, people, 0)
    _, high = chance_band(scores[:, 0], labels, people, 0)
    assert area(scores[:, 0], labels) > high
    found = [area(column, labels) for column in scores[:, 1:].T]
    assert np.mean(found) == pytest.approx(0.5, abs=0.05)


def test_texture_sees_halftone_and_colour_and_not_the_surroundings():
    rng = np.random.default_rng(6)
    face = np.full((96, 96, 3), 128, np.uint8) + rng.integers(0, 9, (96, 96, 3), dtype=np.uint8)
    box = np.array([16.0, 16.0, 64.0, 64.0])
    plain = face_texture(face_crop(face, box))
    around = face.copy()
    around[:16], around[:, :16] = 255, 0
    np.testing.assert_array_equal(face_texture(face_crop(around, box)), plain)
    dots = face.copy()
    dots[16:80:2, 16:80:2] += 40
    assert np.abs(face_texture(face_crop(dots, box)) - plain).max() > 1
    assert face_crop(face, np.array([-20.0, -9.0, 300.0, 300.0])).shape == (64, 64, 3)


def test_a_balanced_choice_holds_both_kinds_of_every_person():
    jobs = plan_twin("msu-mfsd", "tiny", 0).jobs
    chosen = balanced_jobs(jobs, 2, 0)
    counts = {}
    for job in chosen:
        key = job.scene.subject, job.scene.species == "bona_fide"
        counts[key] = counts.get(key, 0) + 1
    assert set(counts.values()) == {2}
    assert len(counts) == 2 * len({job.scene.subject for job in jobs})
    assert chosen == balanced_jobs(jobs, 2, 0)


# ------------------------------------------------------------------ drawn pictures


def look_features(looks):
    faces = [face_crop(one.rgb, one.box) for one in looks]
    return np.array([[*face_texture(face), *colour_histogram(face)] for face in faces])


@pytest.fixture(scope="module")
def casia():
    """Three bona fide clips and attacks of each of the first twenty people, one picture each."""
    jobs = plan_twin("casia-fasd", "small", 0).jobs[: 12 * 20]
    return [look_at_job(job) for job in balanced_jobs(jobs, 3, 0)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_background_alone_does_not_tell(casia):
    found = background_probe(casia, 0)
    assert not found.is_outside, found


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_training_on_shuffled_labels_stays_at_chance_and_on_true_ones_does_not(casia):
    features, labels = look_features(casia), labels_of(casia)
    people = [one.scene.subject for one in casia]
    shuffled = shuffle_labels(labels, people, 1, np.random.default_rng(1))
    scores = score_unseen(features, np.column_stack([labels, shuffled]), people, 0)
    true_low, true_high = chance_band(scores[:, 0], labels, people, 0)
    assert area(scores[:, 0], labels) > true_high > true_low
    low, high = chance_band(scores[:, 1], labels, people, 0)
    assert low <= area(scores[:, 1], labels) <= high


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_held_out_phones_of_oulu_are_no_easier_than_seen_ones():
    jobs = plan_twin("oulu-npu", "small", 0).jobs
    drawn = one_before_each_camera(jobs, 9, 0)
    looks = [look_at_job(job) for job in drawn]
    trial = try_devices(
        look_features(looks), labels_of(looks), [one.scene.subject for one in looks],
        [one.scene.device.camera.name for one in looks], 0,
    )  # fmt: skip
    assert trial.low <= 0  # not easier; measured: -0.021, interval -0.062 to +0.016
    assert trial.seen > 0.7
