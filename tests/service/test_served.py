"""What the models behind the service offer, without a server."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.capture.limits import Limits
from bonafide.deploy.detector import Stopwatch
from bonafide.deploy.load import load_detector
from bonafide.service.answers import answer_to_json
from bonafide.service.load import load_served
from bonafide.service.served import Upload
from tests.service.models import (
    WINDOW_S,
    write_capture_rival,
    write_cascade,
    write_clip_machine,
    write_clip_rival,
    write_motion,
    write_texture,
)

WRITERS = (
    write_cascade, write_motion, write_clip_rival, write_clip_machine, write_capture_rival, None,
)  # fmt: skip


@pytest.mark.parametrize("write", WRITERS)
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
    for write in (write_cascade, write_capture_rival):
        captures = write(tmp_path / "captures.onnx", record)
        assert load_served(make_settings(model=captures)).guidance is None
    wall = jpeg_of(np.full((96, 128, 3), 90, np.uint8))
    clips = (write_motion, write_clip_rival, write_clip_machine)
    models = [write(tmp_path / f"{i}.onnx", record) for i, write in enumerate(clips)]
    for changed in ({}, *({"model": model} for model in models)):
        look = load_served(make_settings(**changed)).guidance.look(wall)
        assert (look["ready"], look["width_px"], look["height_px"]) == (False, 128, 96)


def test_a_machine_over_hand_made_features_judges_clips(
    make_settings, record, astronaut, write_clip, tmp_path
):
    """Without attention; patterns in time need three frames, also to warm up."""
    model = write_texture(tmp_path / "texture.onnx", record)
    served = load_served(make_settings(model=model))
    served.warm_up()
    assert (served.takes, served.window_s) == (("clip",), WINDOW_S)
    path = write_clip(tmp_path / "face.mp4", [np.roll(astronaut, i % 3, 1) for i in range(12)])
    found = served.examine(Upload("clip", {"file": path.read_bytes()}), Stopwatch())
    expected = load_detector(model).examine_file(path, Limits())[0]
    assert found.verdict.score == expected.verdict.score is not None
    told = answer_to_json(found, served.model_id, served.modalities)
    assert {frame["weight"] for frame in told["per_frame"]} == {None}
