"""What the models behind the service offer, without a server."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.service.served import load_served
from bonafide.types import BonafideError
from tests.service.models import write_cascade, write_clip_rival, write_motion


@pytest.mark.parametrize("write", [write_cascade, write_motion, None])
def test_another_point_changes_the_threshold_and_nothing_else(
    write, make_settings, record, tmp_path
):
    changed = {} if write is None else {"model": write(tmp_path / "model.onnx", record)}
    first = load_served(make_settings(**changed))
    point = replace(first.point, name="never", threshold=1e9)
    other = first.with_point(point)
    assert other.point == point
    assert first.point.threshold != 1e9
    assert (other.model_id, other.takes) == (first.model_id, first.takes)
    assert (other.window_s, other.depth_unit) == (first.window_s, first.depth_unit)


def test_only_models_that_a_camera_can_serve_guide(make_settings, record, jpeg_of, tmp_path):
    cascade = write_cascade(tmp_path / "cascade.onnx", record)
    assert load_served(make_settings(model=cascade)).guidance is None
    wall = jpeg_of(np.full((96, 128, 3), 90, np.uint8))
    motion = write_motion(tmp_path / "motion.onnx", record)
    for changed in ({}, {"model": motion}):
        look = load_served(make_settings(**changed)).guidance.look(wall)
        assert (look["ready"], look["width_px"], look["height_px"]) == (False, 128, 96)


def test_a_rival_that_judges_frames_together_is_refused_at_the_start(
    make_settings, record, tmp_path
):
    """Its frames are spread over the whole clip, which only a file's time stamps tell."""
    rival = write_clip_rival(tmp_path / "rival.onnx", record)
    with pytest.raises(BonafideError, match=r"rival_clip.*bonafide check"):
        load_served(make_settings(model=rival))
