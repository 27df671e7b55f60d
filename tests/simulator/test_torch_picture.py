"""The torch path against the CPU's: the same light, edges apart, on torch's CPU device."""

from dataclasses import replace

import numpy as np
import pytest
from tests.device import DEVICE

from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.device import check_device
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.motion import REST
from bonafide.simulator.session import Stage, plan_capture
from bonafide.simulator.twin import Job, TwinError, TwinPlan, write_twin
from bonafide.types import BonafideError

torch = pytest.importorskip("torch")
PEOPLE = balanced_population(np.random.default_rng(6), 2)
SIZE = 72
TIMES = (0.4, 1.1)


def make_clip(species):
    plan = plan_capture(np.random.default_rng(3), SIZE, SIZE, adverse=False)
    clip = stage_clip(PEOPLE[0], species, np.random.default_rng(3), plan, holder=PEOPLE[1])
    if clip.staging.actor is None:
        return clip

    def talk(time_s):
        return replace(
            REST, jaw=0.5, smile=0.2, closure=(0.1, 0.3), gaze_deg=(4.0, -3.0), pulse=0.01,
            yaw_deg=9.0 * time_s,
        )  # fmt: skip

    return replace(clip, staging=replace(clip.staging, gesture=talk))


@pytest.mark.parametrize("species", ["bona_fide", "print_eye_cut", "photo_phone"])
def test_the_light_is_that_of_the_cpu(species):
    clip = make_clip(species)
    ours = Stage(clip, DEVICE)
    numba = Stage(clip)
    for time_s, (drawn, marks) in zip(TIMES, ours.film(TIMES), strict=True):
        expected, there = numba.radiance(time_s)
        np.testing.assert_allclose(marks, there)
        same = drawn.buffer.item == expected.buffer.item
        assert same.mean() > 0.999, "edges and ties alone may fall to a neighbour"
        assert (expected.buffer.item < -1).any() == (species != "photo_phone"), "hair is drawn"
        off = np.abs(drawn.light - expected.light) / (expected.light + 0.02)
        assert off.mean() < 2e-3
        assert np.quantile(off, 0.98) < 1e-3
        depth = np.abs(drawn.depth_mm - expected.depth_mm)
        assert np.quantile(depth, 0.99) < 0.01


def test_frames_differ_by_less_than_a_level_on_average():
    clip = make_clip("bona_fide")
    pairs = zip(capture_clip(clip, 2, 5.0), capture_clip(clip, 2, 5.0, device=DEVICE), strict=True)
    for expected, drawn in pairs:
        assert np.abs(expected.rgb.astype(int) - drawn.rgb).mean() < 0.5
        assert np.abs(expected.infrared.astype(int) - drawn.infrared).mean() < 0.2
        assert (expected.depth_mm != drawn.depth_mm).mean() < 0.01
        np.testing.assert_allclose(expected.landmarks, drawn.landmarks)


def write_device(job, folder):
    """A film that writes down where it was told to draw."""
    (folder / job.files[0]).write_text(str(job.device))
    return {}


def test_a_twin_is_drawn_where_it_was_asked_and_not_mixed(tmp_path):
    job = Job("a", ("a.txt",), "one", 1, write_device, None, None)
    plan = TwinPlan("made-up", "tiny", 0, (job,), {}, {})
    write_twin(plan, tmp_path / "torch", device="cpu")
    write_twin(plan, tmp_path / "numba")
    assert (tmp_path / "torch/a.txt").read_text() == "cpu"
    assert (tmp_path / "numba/a.txt").read_text() == "None"
    with pytest.raises(TwinError, match="device is 'cpu' there and None here"):
        write_twin(plan, tmp_path / "torch")


@pytest.mark.parametrize("name", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_is_an_error_that_names_it(name):
    with pytest.raises(BonafideError, match=name):
        check_device(name)
