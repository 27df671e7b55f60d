"""Whole presentations: registered, repeatable, alive where they should be, flat where they must."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bonafide.simulator.capture_clip import SPECIES, capture_clip, stage_clip
from bonafide.simulator.carrier import Manner
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.motion import REST, draw_motion
from bonafide.simulator.picture import Backdrop
from bonafide.simulator.session import Clip, Stage, plan_capture
from bonafide.types import BonafideError

PEOPLE = balanced_population(np.random.default_rng(6), 6)
SIZE = 96


def make_plan(seed, **changes):
    plan = plan_capture(np.random.default_rng(seed), SIZE, SIZE, adverse=False)
    return replace(plan, **changes)


def make_clip(species, seed=3):
    plan = make_plan(seed, yaw_deg=4.0, pitch_deg=-2.0, roll_deg=1.0)
    return stage_clip(PEOPLE[0], species, np.random.default_rng(seed), plan, holder=PEOPLE[1])


@pytest.fixture(scope="module")
def live():
    return make_clip("bona_fide")


@pytest.fixture(scope="module")
def clips(live):
    attacks = {name: make_clip(name) for name in ("print_flat", "replay_tablet", "mask_resin")}
    return {"bona_fide": live, **attacks}


@pytest.fixture(scope="module")
def stages(clips):
    return {name: Stage(clip) for name, clip in clips.items()}


def test_equal_plans_give_equal_bytes_and_another_seed_does_not(clips):
    for name in ("bona_fide", "replay_tablet"):
        first, again = (list(capture_clip(clips[name], 2)) for _ in range(2))
        for a, b in zip(first, again, strict=True):
            assert np.array_equal(a.rgb, b.rgb)
            assert np.array_equal(a.infrared, b.infrared)
            assert np.array_equal(a.depth_mm, b.depth_mm)
            assert np.array_equal(a.landmarks, b.landmarks)
    other = Clip(replace(clips["bona_fide"].plan, noise_seed=1), clips["bona_fide"].staging)
    assert not np.array_equal(next(capture_clip(other, 1)).rgb, first[0].rgb)


def test_frames_are_as_the_types_promise(live):
    frames = list(capture_clip(live, 3, 10.0))
    assert [round(f.time_s, 3) for f in frames] == [0.0, 0.1, 0.2]
    for frame in frames:
        assert frame.rgb.shape == (SIZE, SIZE, 3)
        assert frame.rgb.dtype == frame.infrared.dtype == np.uint8
        assert frame.depth_mm.shape == frame.infrared.shape == (SIZE, SIZE)
        assert frame.depth_mm.dtype == np.uint16
        assert frame.landmarks.shape == (5, 2)
        assert frame.landmarks.dtype == np.float32
    alone = next(capture_clip(live, 1, modalities=False))
    assert alone.infrared is None
    assert alone.depth_mm is None
    assert np.array_equal(alone.rgb, frames[0].rgb) or alone.rgb.shape == frames[0].rgb.shape


def test_every_species_pivots_at_the_face(stages):
    """The mean of the five landmarks is where the plan put it, whatever carries the face."""
    places = {}
    for name, stage in stages.items():
        plan = stage.clip.plan
        tremorless = replace(plan, tremor=tuple(replace(s, amplitude=0 * s.amplitude)
                                                for s in plan.tremor))  # fmt: skip
        stage.clip = replace(stage.clip, plan=tremorless)
        marks = stage._pose(REST, 0.0)[4]
        stage.clip = replace(stage.clip, plan=plan)
        places[name] = stage.view.to_picture(marks.mean(0, keepdims=True))[0]
        expected = np.array(stage.view.center) + np.array(plan.at) * SIZE
        # A worn mask is centred at its wearer's face, which differs by a few mm.
        limit = 2.5 if name.startswith("mask_") else 0.7
        assert np.linalg.norm(places[name] - expected) < limit, name


def test_a_cut_print_shows_its_face_at_one_size_however_far_it_lies_before_the_face():
    """On the nose, or on the brows where the nose is cut out; without more distance, 5 % apart."""
    sizes = {}
    for regions in ("eyes", "eyes_nose"):
        plan = make_plan(3, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0, distance_mm=500.0)
        clip = stage_clip(
            PEOPLE[0], "print_region_cut", np.random.default_rng(4), plan, holder=PEOPLE[1],
            manner=Manner(regions=regions, bent=False),
        )  # fmt: skip
        stage = Stage(clip)
        shown = stage.view.to_picture(stage._pose(REST, 0.0)[4])
        sizes[regions] = np.ptp(shown, axis=0).sum()
    assert sizes["eyes"] == pytest.approx(sizes["eyes_nose"], rel=0.004)


def test_a_worn_mask_shows_its_face_at_the_size_of_a_live_one(stages):
    """It is 4 mm thick, larger than the face below; without more distance its box would tell."""
    sizes = {}
    for name in ("bona_fide", "mask_resin"):
        shown = stages[name].view.to_picture(stages[name]._pose(REST, 0.0)[4])
        sizes[name] = np.ptp(shown, axis=0).sum()
    assert sizes["mask_resin"] == pytest.approx(sizes["bona_fide"], rel=0.015)


def test_silhouettes_are_registered_between_modalities(stages):
    stage = stages["bona_fide"]
    room = stage._room
    stage._room = Backdrop(np.zeros_like(room.light), np.full_like(room.depth_mm, 9000))
    radiance, _ = stage.radiance(2.0)
    stage._room = room
    color = radiance.light[..., :3].max(-1) > 1e-6
    infrared = radiance.light[..., 3] > 1e-6
    depth = radiance.depth_mm < 8999
    covered = color.mean()
    assert 0.2 < covered < 0.95
    assert (color != infrared).mean() < 0.002
    # Colour is averaged over its px and a little beyond, depth is one sample of the px.
    assert not (depth & ~color).any()
    inner = cv2.erode(color.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (inner & ~depth).mean() < 0.005


def relief(stage):
    """Deviation of the face's depth from its best plane, mm."""
    radiance, marks = stage.radiance(2.0)
    left, top = np.floor(marks.min(0)).astype(int)
    right, bottom = np.ceil(marks.max(0)).astype(int)
    z = radiance.depth_mm[top:bottom, left:right].astype(float)
    y, x = np.mgrid[0 : z.shape[0], 0 : z.shape[1]]
    # A tilted plane is linear in inverse depth under perspective.
    design = np.stack([x.ravel(), y.ravel(), np.ones(z.size)], 1)
    inverse = 1 / z.ravel()
    fit = design @ np.linalg.lstsq(design, inverse, rcond=None)[0]
    return float(np.std(1 / fit - z.ravel()))


def test_prints_and_screens_are_flat_and_faces_and_masks_are_not(stages):
    assert relief(stages["print_flat"]) < 1.0
    assert relief(stages["replay_tablet"]) < 1.0
    assert relief(stages["bona_fide"]) > 4.0
    assert relief(stages["mask_resin"]) > 4.0


def test_a_screen_shows_nothing_in_infrared_and_a_face_does(stages):
    def contrast(stage, channel):
        radiance, marks = stage.radiance(2.0)
        left, top = np.maximum(np.floor(marks.min(0)).astype(int), 0)
        right, bottom = np.ceil(marks.max(0)).astype(int)
        face = radiance.light[top:bottom, left:right, channel]
        # At equal distance from the illuminator.
        near = (stage.view.distance_mm / 500) ** 2
        return float(np.median(face)) * near, float(np.std(face) / np.mean(face))

    level, _ = contrast(stages["replay_tablet"], 3)
    skin, _ = contrast(stages["bona_fide"], 3)
    assert level < 0.2 * skin
    assert contrast(stages["replay_tablet"], 1)[1] > 0.1, "the screen does show a face in green"


def test_a_replay_moves_with_its_subject_and_a_print_does_not(stages):
    def change(stage):
        tremor = stage.clip.plan.tremor
        still = tuple(replace(s, amplitude=0 * s.amplitude) for s in tremor)
        plan = stage.clip.plan
        stage.clip = replace(stage.clip, plan=replace(plan, tremor=still))
        first = stage.radiance(1.0)[0].light[..., 1].copy()
        later = stage.radiance(2.2)[0].light[..., 1]
        stage.clip = replace(stage.clip, plan=plan)
        return float(np.abs(first - later).mean() / first.mean())

    assert change(stages["print_flat"]) == 0
    assert change(stages["replay_tablet"]) > 0.002


def test_the_pulse_is_found_in_the_mean_colour_of_the_face_and_mostly_in_green(stages):
    stage = stages["bona_fide"]
    beat = replace(draw_motion(np.random.default_rng(1), talking=False, still=0.0),
                   pulse_hz=1.25, pulse_level=0.008)  # fmt: skip
    rate, count = 8.0, 64
    staging = stage.clip.staging
    only_pulse = replace(staging, gesture=lambda t: replace(REST, pulse=beat(t).pulse))
    stage.clip = replace(stage.clip, staging=only_pulse)
    means = []
    for k in range(count):
        radiance, marks = stage.radiance(k / rate)
        x, y = np.rint(marks[:2].mean(0) + (marks[2] - marks[:2].mean(0)) * 0.5).astype(int)
        means.append(radiance.light[y - 6 : y + 7, x - 12 : x + 13].mean((0, 1)))
    stage.clip = replace(stage.clip, staging=staging)
    signal = np.array(means) / np.mean(means, axis=0) - 1
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(count)[:, None], axis=0))
    frequency = np.fft.rfftfreq(count, 1 / rate)
    assert frequency[1 + np.argmax(spectrum[1:, 1])] == pytest.approx(1.25, abs=0.13)
    strength = signal.std(0)
    assert strength[1] > strength[2] > 3 * strength[0]
    assert strength[1] > 10 * strength[3]
    assert 0.002 < strength[1] < 0.012


def test_an_unknown_species_is_an_error_that_lists_the_known_ones():
    with pytest.raises(BonafideError, match="mask_silicone"):
        stage_clip(PEOPLE[0], "hologram", np.random.default_rng(0), make_plan(0))


def test_the_species_are_those_that_were_asked_for():
    assert set(SPECIES) >= {
        "bona_fide", "print_flat", "print_warped", "print_eye_cut", "print_region_cut",
        "replay_phone", "replay_tablet", "replay_laptop", "mask_paper", "mask_resin",
        "mask_silicone", "mask_latex", "head_wax",
    }  # fmt: skip
