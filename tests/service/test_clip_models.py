"""A clip model behind the service: clips judged as a whole, photos refused."""

from dataclasses import replace

import numpy as np
import pytest

from bonafide.capture.limits import Limits
from bonafide.deploy.load import load_detector
from bonafide.service import schemas
from bonafide.types import ReasonCode
from tests.service.conftest import running
from tests.service.models import FRAMES, MOTION, WINDOW_S, write_motion


@pytest.fixture(scope="module")
def motion(tmp_path_factory, record):
    return write_motion(tmp_path_factory.mktemp("motion") / "motion.onnx", record)


@pytest.fixture(scope="module")
def clips(motion, make_settings):
    """A service that runs a clip model."""
    with running(make_settings(model=motion)) as one:
        yield one


@pytest.fixture(scope="module")
def clip_path(astronaut, write_clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    return write_clip(path, [np.roll(astronaut, i % 5, axis=1) for i in range(20)])


def test_a_clip_gets_the_detectors_own_verdict(clips, motion, clip_path):
    answer = clips.http.post("/v1/clip", content=clip_path.read_bytes())
    assert answer.status_code == 200
    told = answer.json()
    schemas.VerdictBody.model_validate(told)
    own = load_detector(motion).examine_file(clip_path, Limits())[0]
    assert told["decision"] == own.verdict.decision.value != "not_evaluated"
    assert told["score"] == pytest.approx(own.verdict.score, abs=1e-6)
    weights = [frame["weight"] for frame in told["per_frame"]]
    np.testing.assert_allclose(weights, own.clip.weights, atol=1e-6)
    assert sum(weights) == pytest.approx(1, abs=1e-5)
    assert [frame["time_s"] for frame in told["per_frame"]] == pytest.approx(
        own.clip.times_s.tolist(), abs=1e-3
    )
    assert {frame["score"] for frame in told["per_frame"]} == {None}


def test_a_magnified_clip_too(record, make_settings, clip_path, tmp_path):
    """In a worker, which may write no compiled code."""
    magnified = replace(MOTION, window_s=1.5, preset="wu-face", low_hz=1.0, high_hz=3.0)
    model = write_motion(tmp_path / "motion.onnx", record, magnified)
    with running(make_settings(model=model)) as one:
        told = one.http.post("/v1/clip", content=clip_path.read_bytes()).json()
    own = load_detector(model).examine_file(clip_path, Limits())[0]
    assert told["decision"] == own.verdict.decision.value != "not_evaluated"
    assert told["score"] == pytest.approx(own.verdict.score, abs=1e-3)  # a level apart, perhaps


def test_evidence_shows_the_frames_that_were_judged(clips, clip_path):
    told = clips.http.post("/v1/clip?evidence=true", content=clip_path.read_bytes()).json()
    schemas.VerdictBody.model_validate(told)
    assert [frame["index"] for frame in told["evidence"]["strip"]] == list(range(FRAMES))
    assert told["evidence"]["crops"] == []


def test_a_clip_that_is_too_short_is_not_evaluated(clips, write_clip, astronaut, tmp_path):
    short = write_clip(tmp_path / "short.mp4", [astronaut] * 4).read_bytes()
    told = clips.http.post("/v1/clip", content=short).json()
    assert (told["decision"], told["accepted"]) == ("not_evaluated", False)
    assert told["reasons"][0]["code"] == ReasonCode.CLIP_TOO_SHORT
    assert "1 s are needed" in told["reasons"][0]["advice"]


@pytest.mark.parametrize("content", [b"no clip", b"#EXTM3U\nfile:///etc/passwd\n"])
def test_what_is_no_clip_is_refused(clips, content):
    assert clips.http.post("/v1/clip", content=content).json()["code"] == "unsupported_media"


def test_photos_and_captures_are_refused_with_what_to_send(clips, face_jpeg):
    photo = clips.photo(face_jpeg)
    capture = clips.http.post("/v1/multimodal", files=dict.fromkeys(("rgb", "depth"), face_jpeg))
    for answer in (photo, capture):
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_kind")
        assert answer.json()["remedy"] == "Send a clip to /v1/clip."
    about = clips.http.get("/v1/model").json()
    schemas.AboutBody.model_validate(about)
    assert (about["takes"], about["window_s"]) == (["clip"], WINDOW_S)


def test_a_camera_frame_gets_guidance(clips, face_jpeg, jpeg_of):
    session = clips.http.post("/v1/sessions").json()
    assert session["uploads"] == ["/v1/clip"]
    bearer = {"Authorization": f"Bearer {session['token']}"}
    look = clips.http.post("/v1/guidance", content=face_jpeg, headers=bearer).json()
    schemas.GuidanceBody.model_validate(look)
    assert look["ready"] is True
    wall = jpeg_of(np.full((240, 320, 3), 90, np.uint8))
    look = clips.http.post("/v1/guidance", content=wall, headers=bearer).json()
    assert (look["ready"], look["reasons"][0]["code"]) == (False, "no_face")
