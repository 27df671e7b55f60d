"""Sheets pressed onto a face: they touch it, let light through their holes, and hide the rest."""

import numpy as np
import pytest

from bonafide.face.detect import MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.simulator.actor import build_actor
from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.carrier import Manner
from bonafide.simulator.drape import UNDER_MM, draw_drape, press, touching_z
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.session import Stage, plan_capture
from bonafide.simulator.twin_scene import stage_scene
from bonafide.simulator.twins import plan_twin

PEOPLE = balanced_population(np.random.default_rng(6), 6)


def staged(species, manner=None):
    plan = plan_capture(np.random.default_rng(3), 96, 96, adverse=False)
    return stage_clip(
        PEOPLE[0], species, np.random.default_rng(3), plan, holder=PEOPLE[1], manner=manner
    )


@pytest.mark.parametrize("bent", [True, False])
def test_nothing_of_the_wearer_lies_before_a_pressed_sheet(bent):
    for number, person in enumerate(PEOPLE[:3]):
        drape = draw_drape(np.random.default_rng(number), bent=bent)
        actor = build_actor(person)
        z = touching_z(actor, drape)
        pressed = press(actor, drape, z)
        center = actor.head.landmarks.mean(0)
        front = pressed.surfaces[:2]
        for points in (*(s.points for s in front), pressed.hair.points, pressed.fuzz.points):
            x, y, depth = (points - center).reshape(-1, 3).T
            assert (depth <= z + drape.depth(x, y) - UNDER_MM + 1e-3).all()
        # Pressing flattens the tip of the nose by a few mm, and no more of the face.
        moved = actor.surfaces[0].points[:, 2] - pressed.surfaces[0].points[:, 2]
        assert 0 < moved.max() < 10
        assert np.array_equal(build_actor(person).surfaces[0].points, actor.surfaces[0].points)


def test_a_sheet_bends_about_the_head_alone():
    """A cylinder around the head would be 400 mm further back at the edge of a large sheet."""
    drape = draw_drape(np.random.default_rng(1), bent=True)
    assert drape.depth(np.zeros(1), np.zeros(1))[0] == pytest.approx(0, abs=1e-5)
    x = np.array([30.0, 300.0, 300.0])
    bend = drape.depth(x, np.zeros(3)) - drape.depth(np.zeros(3), np.zeros(3))
    assert -30 < bend.min() < bend.max() < 0
    assert np.abs(drape.depth(x, np.full(3, 300.0))).max() < 130


def eye_light(clip):
    """Light of the surroundings at the wearer's eyes over that on the sheet beside the nose."""
    stage, actor, marks = Stage(clip), clip.staging.actor, clip.staging.landmarks
    head, eyes = actor.head.rest, actor.head.landmarks[:2, :2]
    near = [np.linalg.norm(head[:, :2] - eye, axis=1) < 7 for eye in eyes]
    lids = np.flatnonzero((near[0] | near[1]) & (head[:, 2] > 0))
    first = sum(len(s.points) for s in actor.surfaces)
    paper = clip.staging.extras[0].points
    beside = first + np.flatnonzero(np.linalg.norm(paper[:, :2] - marks[2, :2], axis=1) < 60)
    sky = stage._baked[0].sky[:, 1]
    return sky[lids].mean() / sky[beside].mean()


def test_eyes_lie_close_behind_their_holes_and_in_the_light():
    pressed = staged("print_eye_cut")
    resting = staged("print_region_cut", Manner(regions="eyes", bent=True))
    for clip, least, most in ((pressed, 8, 22), (resting, 28, 50)):
        marks = clip.staging.actor.head.landmarks
        own = marks - marks.mean(0)
        gap = clip.staging.landmarks[:2, 2] - own[:2, 2]
        assert least < gap.mean() < most
    shown, own = pressed.staging.landmarks[:2, :2], pressed.staging.actor.head.landmarks
    own = (own - own.mean(0))[:2, :2]
    assert shown.mean(0) == pytest.approx(own.mean(0), abs=1e-6)
    distances = [np.linalg.norm(two[1] - two[0]) for two in (shown, own)]
    assert distances[0] == pytest.approx(distances[1], rel=0.021)
    # Through holes alone, without light from the sheet's back, would be 0.45.
    assert eye_light(pressed) > 0.6
    assert eye_light(resting) < 0.45


def test_who_wears_a_cut_print_of_casia_fasd_has_a_skin_like_the_one_shown():
    jobs = plan_twin("casia-fasd", "small", 0).jobs
    apart = {species: [] for species in ("print_eye_cut", "print_warped")}
    for job in jobs:
        if job.scene.species in apart:
            gap = abs(job.scene.attacker.melanin - job.scene.who.melanin)
            apart[job.scene.species].append(gap)
            assert job.scene.holder != job.scene.subject
            assert job.scene.holder.split("/")[0] == job.scene.subject.split("/")[0]
    assert np.mean(apart["print_eye_cut"]) < 0.35 * np.mean(apart["print_warped"])


@pytest.mark.slow
def test_the_detector_finds_most_faces_with_cut_eyes():
    """Of 75 with dark holes, which lay 32 to 46 mm before the eyes, it found 16."""
    jobs = [j for j in plan_twin("casia-fasd", "small", 0).jobs if "eye_cut" in j.scene.species]
    detector, found = MtcnnDetector(), 0
    for job in jobs[1::10]:
        clip = stage_scene(job.scene, np.random.default_rng(job.seed))
        frames = capture_clip(clip, 3, 2.5, modalities=False)
        found += any(len(find_faces(frame.rgb, detector)) > 0 for frame in frames)
    assert found >= 0.8 * len(jobs[1::10])
