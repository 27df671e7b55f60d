"""Distance-free pictures and fusions: hand-made arrays, and one rendered face at many distances."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.cues.depth import clean_depth
from bonafide.cues.spectral import (
    REFERENCE_M,
    attenuation,
    difference,
    distance_free,
    estimate_attenuation,
    stack,
    summation,
)
from bonafide.simulator.capture_clip import stage_clip
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.rig import take_depth
from bonafide.simulator.session import Stage, plan_capture
from bonafide.types import BonafideError


def test_eq_11_by_hand():
    picture = np.array([[100.0, 50.0]])
    # c = 0.5 / m, relative to 0.6 m: times exp(0.5 * (d - 0.6))
    free = distance_free(picture, np.array([[0.6, 1.6]]), 0.5)
    assert free.tolist() == [[100.0, pytest.approx(50 * np.exp(0.5), rel=1e-6)]]
    colour = distance_free(np.full((1, 2, 3), 10.0), np.array([[0.6, 1.6]]), 0.5)
    assert colour[0, 1] == pytest.approx([10 * np.exp(0.5)] * 3)
    assert distance_free(picture, 2.0, 0.0).tolist() == picture.tolist()
    assert REFERENCE_M == 0.6


def test_eqs_15_to_18_by_hand():
    rgb = np.uint8([[[10, 20, 200]]])
    infrared = np.float32([[100.0]])
    assert stack(np.float32([[[10.4, 20, 300]]]), infrared).tolist() == [[[10, 20, 255, 100]]]
    assert summation(rgb, infrared).tolist() == [[[55, 60, 150]]]
    # stretched: 110, 120, 300 -> 0, 10 / 190 * 255, 255
    assert summation(rgb, infrared, stretch=True).tolist() == [[[0, 13, 255]]]
    expected = [round(255 * (d / 255) ** (1 / 2.2)) for d in (90, 80, 100)]
    assert difference(rgb, infrared).tolist() == [[expected]]
    assert difference(np.uint8([[[0, 255, 7]]]), np.float32([[0.0]]))[0, 0, :2].tolist() == [0, 255]
    flat = summation(np.full((2, 2, 3), 9, np.uint8), np.zeros((2, 2), np.float32), stretch=True)
    assert not flat.any()


def test_the_estimate_is_exact_on_exact_data_and_uses_differences_within_a_group_only():
    distance = np.array([0.4, 0.8, 1.2, 0.5, 0.9])
    person = np.array(["a", "a", "a", "b", "b"])
    bright = np.where(person == "a", 100.0, 220.0)
    level = bright * attenuation(distance, 0.7)
    assert estimate_attenuation(level, distance, person) == pytest.approx(0.7, rel=1e-5)
    with pytest.raises(BonafideError, match="two distances"):
        estimate_attenuation([5, 6], [0.5, 0.9], ["a", "b"])
    with pytest.raises(BonafideError, match="not above 0"):
        estimate_attenuation([5, 0], [0.5, 0.9], ["a", "a"])


@pytest.fixture(scope="module")
def face_at_distances():
    """(distance m, light of the face without loss, sensed depth mm) of one rendered person."""
    [person] = balanced_population(np.random.default_rng(6), 1)
    plan = plan_capture(np.random.default_rng(3), 128, 128, adverse=False)
    plan = replace(plan, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, at=(0.0, 0.0), face_share=0.5)
    seen = []
    for distance_mm in (400, 700, 1200):
        at = replace(plan, distance_mm=float(distance_mm))
        stage = Stage(stage_clip(person, "bona_fide", np.random.default_rng(1), at))
        radiance, marks = stage.radiance(0.0)
        depth = take_depth(radiance, plan.rig, np.random.default_rng(0))
        left, top = np.rint(marks.min(0)).astype(int) - 6
        right, bottom = np.rint(marks.max(0)).astype(int) + 7
        part = np.s_[top:bottom, left:right]
        light = radiance.light[part][..., :3].mean(axis=2)  # no lamp of the device in it
        seen.append((light, radiance.depth_mm[part], depth[part]))
    return seen


def test_a_face_keeps_its_level_from_40_cm_to_120_cm(face_at_distances):
    """Simulated: light that fades by c over the true depth, made good by the sensor's depth."""
    c = 0.8
    raw, free, distance = [], [], []
    for light, truth_mm, sensed_mm in face_at_distances:
        arriving = light * attenuation(truth_mm / 1000, c)
        clean = clean_depth(sensed_mm)
        face = np.isfinite(clean)
        raw.append(arriving[face].mean())
        free.append(distance_free(arriving, clean / 1000, c)[face].mean())
        distance.append(clean[face].mean() / 1000)

    def spread(levels):
        return (max(levels) - min(levels)) / np.mean(levels)

    assert max(distance) - min(distance) > 0.75
    assert spread(free) < 0.02
    assert spread(raw) > 10 * spread(free)
    estimate = estimate_attenuation(raw, distance, np.zeros(len(raw)))
    assert estimate == pytest.approx(c, rel=0.05)
    print(f"raw {spread(raw):.3f}, distance-free {spread(free):.4f}, c {estimate:.3f}")
