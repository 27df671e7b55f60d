"""Rivals that judge a clip's frames together, behind the service: as `bonafide check` does."""

import json

import numpy as np
import pytest
from capture_makers import clip_bytes

from bonafide.capture.limits import Limits
from bonafide.deploy.load import load_detector
from bonafide.service import schemas
from bonafide.service.judge import Judge
from bonafide.service.load import load_served
from bonafide.service.refusal import STATUS
from bonafide.service.served import UPLOAD
from bonafide.service.wire import Wish
from bonafide.types import ReasonCode
from tests.service.conftest import running
from tests.service.models import (
    FRAMES,
    VIDEOLET_FRAMES,
    capture_files,
    write_clip_machine,
    write_clip_rival,
    write_texture,
)
from tests.service.test_hostile import CLIPS, check
from tests.verbs import run

LIMITS = Limits(max_bytes=4 << 20, max_pixels=1_000_000, max_frames=300, max_seconds=10)


@pytest.fixture(scope="module")
def rivals(tmp_path_factory, record):
    """Name -> its file."""
    folder = tmp_path_factory.mktemp("rivals")
    return {
        "network": write_clip_rival(folder / "network.onnx", record),
        "machine": write_clip_machine(folder / "machine.onnx", record),
    }


@pytest.fixture(scope="module")
def service(rivals, make_settings):
    with running(make_settings(model=rivals["network"], clip=LIMITS)) as one:
        yield one


@pytest.fixture(scope="module")
def clip_path(astronaut, write_clip, tmp_path_factory):
    """Two seconds, ever darker, with a second in the middle in which nobody is there."""
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    pictures = [np.roll(astronaut, i % 5, 1) // (10 + i) * 10 for i in range(20)]
    pictures[6:14] = [np.full_like(astronaut, 90)] * 8
    return write_clip(path, pictures)


def told_by_check(*words):
    """What `bonafide check --json` says."""
    done = run("check", *words, "--json")
    assert done.exit_code in (0, 1, 3), done.output
    return json.loads(done.stdout)


SAME = ("decision", "score", "threshold", "operating_point", "faces", "frames", "model")
"""Fields that `check --json` and the service have alike."""


def judged(model, settings, kind, content):
    """What the judge in a worker answers, without the worker."""
    judge = Judge(settings(model=model))
    judge.warm_up()
    return judge.answer(Wish(kind), {"file": content})["answer"]


@pytest.mark.parametrize("name", ["network", "machine"])
def test_a_clip_and_a_photo_get_the_verdict_of_check(
    name, rivals, make_settings, clip_path, face_jpeg, tmp_path
):
    photo = tmp_path / "face.jpg"
    photo.write_bytes(face_jpeg)
    for kind, path in (("clip", clip_path), ("photo", photo)):
        told = judged(rivals[name], make_settings, kind, path.read_bytes())
        own = told_by_check(path, "--model", rivals[name])
        assert {field: told[field] for field in SAME} == {field: own[field] for field in SAME}
        assert [r["code"] for r in told["reasons"]] == [r["code"] for r in own["reasons"]]
        assert 0 < told["score"] < 1
        assert len(told["per_frame"]) == told["frames"]["evaluated"]
        assert told["modalities"] == ["rgb"]
    assert told["frames"] == {"seen": 1, "evaluated": 1}
    wanted = {"network": FRAMES, "machine": VIDEOLET_FRAMES}[name]
    assert load_detector(rivals[name]).frames == wanted


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_clip_machine, write_texture])
def test_hand_made_features_need_no_file_to_be_written(
    write, record, make_settings, clip_path, tmp_path
):
    """A worker may write nothing, so compiled code could not be kept: numpy does the same."""
    model = write(tmp_path / "machine.onnx", record)
    with running(make_settings(model=model)) as one:
        told = one.http.post("/v1/clip", content=clip_path.read_bytes()).json()
    own = told_by_check(clip_path, "--model", model)
    assert told["decision"] == own["decision"]
    assert told["score"] == pytest.approx(own["score"], abs=1e-6)


def test_the_answer_over_http(service, rivals, clip_path):
    answer = service.http.post("/v1/clip?evidence=true", content=clip_path.read_bytes())
    assert answer.status_code == 200
    told = answer.json()
    schemas.VerdictBody.model_validate(told)
    own = load_detector(rivals["network"]).examine_file(clip_path, Limits())[0]
    assert told["score"] == pytest.approx(own.verdict.score, abs=1e-6)
    assert told["decision"] == own.verdict.decision.value
    assert told["frames"]["seen"] == FRAMES > told["frames"]["evaluated"]  # nobody was there
    times = [frame["time_s"] for frame in told["per_frame"]]
    assert times == pytest.approx(own.clip.times_s.tolist(), abs=1e-3)
    assert times == sorted(set(times))
    assert {(frame["score"], frame["weight"]) for frame in told["per_frame"]} == {(None, None)}
    evidence = told["evidence"]
    assert [frame["index"] for frame in evidence["strip"]] == list(range(len(times)))
    assert (evidence["crops"], evidence["panels"], evidence["width_px"]) == ([], [], 512)


def test_a_photo_over_http(service, face_jpeg):
    told = service.photo(face_jpeg, params={"evidence": "true"}).json()
    schemas.VerdictBody.model_validate(told)
    assert told["decision"] in ("bona_fide", "attack")
    assert [frame["time_s"] for frame in told["per_frame"]] == [0.0]
    assert len(told["evidence"]["strip"]) == 1


def test_without_a_face_nothing_is_accepted(service, jpeg_of, write_clip, tmp_path):
    wall = np.full((240, 320, 3), 90, np.uint8)
    clip = write_clip(tmp_path / "wall.mp4", [wall] * 12).read_bytes()
    for kind, content in (("photo", jpeg_of(wall)), ("clip", clip)):
        told = service.http.post(f"/v1/{kind}?evidence=true", content=content).json()
        schemas.VerdictBody.model_validate(told)
        assert (told["decision"], told["accepted"], told["score"]) == ("not_evaluated", False, None)
        assert [(r["code"], r["severity"]) for r in told["reasons"]] == [("no_face", "blocking")]
        assert told["per_frame"] == told["evidence"]["strip"] == []


def test_damage_is_remarked(service, rivals, clip_path, tmp_path):
    holed = bytearray(clip_path.read_bytes())
    start = holed.index(b"mdat") + len(holed) // 3
    holed[start : start + 4000] = bytes(4000)
    (tmp_path / "holed.mp4").write_bytes(holed)
    told = service.http.post("/v1/clip", content=bytes(holed)).json()
    own = told_by_check(tmp_path / "holed.mp4", "--model", rivals["network"])
    assert told["score"] == pytest.approx(own["score"], abs=1e-6)
    assert told["reasons"][-1]["code"] == own["reasons"][-1]["code"] == ReasonCode.DAMAGED_CLIP
    assert told["reasons"][-1]["severity"] == "remark"


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS)
def test_a_hostile_clip(service, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = service.pool.pids.copy()
    content, code = CLIPS[name]
    check(service, service.http.post("/v1/clip", content=content), code)
    assert service.pool.pids == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits",
    [
        Limits(max_frames=39),
        Limits(max_seconds=1.0),
        Limits(max_pixels=1000),
        Limits(max_bytes=100),
    ],
)
def test_a_worker_holds_every_limit_itself(rivals, make_settings, limits):
    content = clip_bytes(40, codec="mpeg4")
    judge = Judge(make_settings(model=rivals["network"], clip=limits))
    told = judge.answer(Wish("clip"), {"file": content})
    assert (told["code"], STATUS[told["code"]]) == ("media_too_large", 413)
    assert told["problem"].startswith(f"the {UPLOAD} ")


def test_an_upload_of_too_many_bytes_is_refused(service):
    answer = service.http.post("/v1/clip", content=bytes(LIMITS.max_bytes + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


def test_the_model_tells_what_it_takes_and_guides(service, astronaut, face_jpeg):
    about = service.http.get("/v1/model").json()
    schemas.AboutBody.model_validate(about)
    assert (about["takes"], about["window_s"], about["depth_unit"]) == (
        ["photo", "clip"], None, None,
    )  # fmt: skip
    refused = service.http.post("/v1/multimodal", files=capture_files(astronaut))
    assert (refused.status_code, refused.json()["code"]) == (422, "wrong_kind")
    session = service.http.post("/v1/sessions").json()
    assert session["uploads"] == ["/v1/photo", "/v1/clip"]
    bearer = {"Authorization": f"Bearer {session['token']}"}
    look = service.http.post("/v1/guidance", content=face_jpeg, headers=bearer).json()
    schemas.GuidanceBody.model_validate(look)
    assert look["ready"] is True


def test_warming_up_runs_the_model(rivals, make_settings):
    for model in rivals.values():
        served = load_served(make_settings(model=model))
        shown = []
        scorer = served._detector.scorer
        run = scorer.score
        scorer.score = lambda views, run=run, shown=shown: shown.append(views) or run(views)
        served.warm_up()
        assert [views.dtype for views in shown] == [np.uint8]
