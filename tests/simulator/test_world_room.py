"""What lies behind the face, and which white the camera finds (simulated)."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.simulator.carrier import Source, shows_part
from bonafide.simulator.display import draw_display
from bonafide.simulator.identity import draw_identity
from bonafide.simulator.lighting import draw_lighting
from bonafide.simulator.picture import View
from bonafide.simulator.room import BAYS, Window, draw_room, place_window
from bonafide.simulator.screens import stage_screen
from bonafide.simulator.session import Clip, Stage, plan_capture

VIEW = View(48, 48, 100.0, 500.0)


def depth_behind(window):
    room = draw_room(
        np.random.default_rng(3), VIEW, draw_lighting(np.random.default_rng(4)), 0.5, window=window
    )
    return room.depth_mm


def test_a_camera_that_turns_sees_the_same_wall_shifted():
    still, turned = depth_behind(Window(0.6, 0.0, 1.0)), depth_behind(Window(0.85, 0.0, 1.0))
    width = still.shape[1]
    same = np.isclose(still[:, width // 4 :], turned[:, : 3 * width // 4], atol=1.0)
    assert same.mean() > 0.97  # edges fall on other pixels
    assert np.isclose(still, turned, atol=1.0).mean() < 0.9


def test_a_wider_picture_shows_more_of_the_wall():
    near, far = place_window(0.6, (0.5, 0.5)), place_window(0.2, (0.5, 0.5))
    assert far.size > 2 * near.size
    for share in (0.15, 0.3, 0.6):
        for across in (0.0, 1.0):
            window = place_window(share, (across, 0.5))
            assert 0 <= window.left <= window.left + window.size <= BAYS + 1e-9


def test_two_captures_of_a_room_look_at_other_parts_of_it():
    places = {plan_capture(np.random.default_rng(seed)).room_at for seed in range(5)}
    assert len(places) == 5


@pytest.mark.parametrize(("face_mm", "least", "most"), [(30.0, 0.99, 1.0), (140.0, 0.3, 0.9)])
def test_white_balance_goes_to_what_fills_the_picture(face_mm, least, most):
    """A face shown small is filmed from near: the screen fills the picture. Else the room shows."""
    stage = grey_screen(face_mm)
    radiance, _ = stage.radiance(0.0, infrared=False)
    room = np.array(stage.clip.plan.lighting.white)
    # Without the room in the glass, what is found lies between the room's white and the panel's.
    stage._baked[0].sky[:], stage._baked[0].lamps[:] = 0, 0
    share = np.log(stage.white(radiance) / room)[[0, 2]] / np.log(
        np.array([0.5, 2.0]) / room[[0, 2]]
    )
    assert share[0] == pytest.approx(share[1], abs=1e-3)
    assert least <= share[0] <= most


def test_a_screen_that_shows_grey_looks_grey_although_its_glass_mirrors_a_warm_room():
    """White balance does not know which part of the light is the panel's."""
    stage = grey_screen(30.0)
    radiance, _ = stage.radiance(0.0, infrared=False)
    shown = shows_part(stage.scene, 0, radiance)
    seen = radiance.light[shown][:, :3].mean(0) / stage.white(radiance)
    assert seen / seen[1] == pytest.approx(np.ones(3), abs=0.02)


def grey_screen(face_mm):
    """A tablet with a blue white that shows grey in an ordinary room."""
    plan = replace(plan_capture(np.random.default_rng(0), 48, 48, face_share=(0.4, 0.4)))
    rng = np.random.default_rng(1)
    display = draw_display(rng)
    while not display.name.startswith("tablet"):
        display = draw_display(rng)
    display = replace(display, white=(0.5, 1.0, 2.0), face_mm=(face_mm, face_mm))
    grey = np.full((96, 72, 3), 130, np.uint8)
    marks = np.array([[28, 40], [44, 40], [36, 48], [30, 56], [42, 56]], float)
    source = Source(lambda _: grey, marks, 150.0 / 36)
    staging = stage_screen(
        source, display, draw_identity(rng), rng, video=False, fill=1.0, ambient=0.6, held=False
    )
    return Stage(Clip(plan, staging))
