"""Colour, depth and infrared over HTTP: the cascade's own verdict, and a refusal for all else."""

import io

import numpy as np
import pytest
from PIL import Image

from bonafide.capture.limits import Limits
from bonafide.capture.multimodal import decode_multimodal
from bonafide.deploy.cascade import CascadeDetector
from bonafide.service import schemas
from bonafide.service.database import open_database
from bonafide.service.refusal import STATUS
from bonafide.service.settings import Retention
from tests.service.conftest import running
from tests.service.models import capture_files, png, write_cascade


@pytest.fixture(scope="module")
def cascade(tmp_path_factory, record):
    return write_cascade(tmp_path_factory.mktemp("cascade") / "cascade.onnx", record)


@pytest.fixture(scope="module")
def files(astronaut):
    return capture_files(astronaut)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/audit.db"


@pytest.fixture(scope="module")
def captures(cascade, make_settings, store):
    """A service that runs a cascade and keeps records."""
    with running(make_settings(model=cascade, store=store, retention=Retention.DECISION)) as one:
        yield one


def post(service, files, **options):
    return service.http.post("/v1/multimodal", files=files, **options)


def own_verdict(cascade, files):
    return CascadeDetector.load(cascade)(decode_multimodal(*files.values()))


def test_a_capture_gets_the_cascades_own_verdict(captures, cascade, files):
    answer = post(captures, files)
    assert answer.status_code == 200
    told = answer.json()
    schemas.VerdictBody.model_validate(told)
    own = own_verdict(cascade, files)
    assert (told["decision"], told["operating_point"]) == (own.decision.value, own.operating_point)
    assert told["score"] == pytest.approx(own.score, abs=1e-6)
    assert told["modalities"] == ["rgb", "depth", "infrared"]
    assert list(told["stages"]) == ["d_net", "m_net"]
    for name, stage in own.stages.items():
        assert told["stages"][name]["threshold"] == stage.threshold
        assert told["stages"][name]["score"] == pytest.approx(stage.score, abs=1e-6)


def test_the_parts_may_come_in_any_order_and_between_others(captures, files):
    turned = {"note": ("n", b"hello"), **dict(reversed(files.items()))}
    assert post(captures, turned).json()["score"] == post(captures, files).json()["score"]


def test_evidence_shows_the_planes_of_every_stage_that_was_asked(captures, files):
    evidence = post(captures, files, params={"evidence": "true"}).json()["evidence"]
    captions = [panel["caption"] for panel in evidence["panels"]]
    assert any("depth" in caption for caption in captions)
    assert all(panel["jpeg"] for panel in evidence["panels"])


def test_the_record_has_the_hash_of_every_file(captures, files, store):
    import hashlib

    told = post(captures, files).json()
    rows = open_database(store).run(
        "SELECT kind, input_sha256, input_bytes, score, model_sha256 FROM verdicts "
        "WHERE audit_id = ?", (told["audit_id"],),
    )  # fmt: skip
    hashes = " ".join(hashlib.sha256(content).hexdigest() for content in files.values())
    size = sum(map(len, files.values()))
    assert rows == [("multimodal", hashes, size, told["score"], told["model"]["sha256"])]
    assert 'bonafide_verdicts_total{decision="' in captures.http.get("/metrics").text
    assert 'kind="multimodal"' in captures.http.get("/metrics").text


def in_decimillimetres(files):
    depth = np.asarray(Image.open(io.BytesIO(files["depth"])))
    return {**files, "depth": png((10 * depth).astype(np.uint16))}


def test_the_depths_unit_can_be_stated(captures, files):
    stated = post(captures, in_decimillimetres(files), params={"depth_mm_per_level": "0.1"})
    assert stated.json()["score"] == pytest.approx(post(captures, files).json()["score"], abs=1e-6)
    unstated = post(captures, in_decimillimetres(files))  # no wall stands 15 m away
    assert (unstated.status_code, unstated.json()["code"]) == (422, "depth_unit")


@pytest.mark.parametrize("given", ["0", "nan", "inf", "1e9", "near"])
def test_a_unit_that_is_none_is_refused(captures, files, given):
    answer = post(captures, files, params={"depth_mm_per_level": given})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("depth_unit", "invalid_parameter")


def test_an_offset_alone_is_refused(captures, files):
    answer = post(captures, files, params={"depth_offset_mm": "100"})
    assert answer.json()["code"] == "invalid_parameter"


def grey8(files):
    return np.asarray(Image.open(io.BytesIO(files["depth"]))).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        (lambda files: {"depth": None}, "missing_modality", "'depth'"),
        (lambda files: {"depth": None, "infrared": None}, "missing_modality", "'infrared'"),
        (lambda files: {"depth": b""}, "empty_upload", "'depth'"),
        (lambda files: {"infrared": b"no picture"}, "unsupported_media", "infrared"),
        (lambda files: {"depth": files["depth"][:-2000]}, "damaged_media", "depth"),
        (lambda files: {"depth": files["rgb"]}, "damaged_media", "depth"),
        (lambda files: {"depth": png(grey8(files))}, "depth_unit", "8-bit"),
        (lambda files: {"infrared": png(np.zeros((64, 64), np.uint8))}, "misregistered", "64 x 64"),
        (lambda files: {"rgb": b"\x80\x04\x95 pickled"}, "unsupported_media", "rgb"),
        (lambda files: {"rgb": b"GIF89a" + bytes(50)}, "unsupported_media", "rgb"),
    ],
)
def test_what_is_no_capture_gets_a_stated_refusal(captures, files, change, code, named):
    changed = {name: part for name, part in {**files, **change(files)}.items() if part is not None}
    answer = post(captures, changed)
    told = answer.json()
    schemas.ProblemBody.model_validate(told)
    assert (answer.status_code, told["code"], told["accepted"]) == (STATUS[code], code, False)
    assert named in told["problem"]


def test_one_file_is_no_form_and_two_of_a_name_are_one_too_many(captures, files):
    single = captures.http.post("/v1/multimodal", content=files["rgb"])
    assert (single.status_code, single.json()["code"]) == (400, "bad_request")
    assert "'rgb', 'depth' and 'infrared'" in single.json()["remedy"]
    twice = captures.http.post("/v1/multimodal", files=[*files.items(), ("depth", files["depth"])])
    assert (twice.status_code, twice.json()["code"]) == (400, "bad_request")


def test_each_file_and_all_together_are_bounded(cascade, make_settings, files):
    photo, clip = Limits(max_bytes=700_000, max_pixels=1_000_000), Limits(max_bytes=900_000)
    with running(make_settings(model=cascade, photo=photo, clip=clip)) as small:
        for many in ({**files, "depth": bytes(750_000)}, {**files, "depth": bytes(690_000)}):
            answer = post(small, many)
            assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
    pixels = Limits(max_bytes=700_000, max_pixels=10_000)
    with running(make_settings(model=cascade, photo=pixels)) as small:
        answer = post(small, files)
        assert (answer.status_code, answer.json()["code"]) == (413, "media_too_large")


def test_a_cascade_refuses_photos_and_clips_and_says_what_to_send(captures, files):
    for kind in ("photo", "clip"):
        answer = captures.http.post(f"/v1/{kind}", content=files["rgb"])
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_kind")
        assert "/v1/multimodal" in answer.json()["remedy"]
    about = captures.http.get("/v1/model").json()
    schemas.AboutBody.model_validate(about)
    assert about["takes"] == ["multimodal"]


def test_a_model_of_faces_refuses_a_capture(service, files):
    answer = post(service, files)
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_kind")
    assert "a photo to /v1/photo or a clip to /v1/clip" in answer.json()["remedy"]


def test_a_session_is_good_for_one_capture(captures, files):
    session = captures.http.post("/v1/sessions", json={"evidence": True}).json()
    assert session["uploads"] == ["/v1/multimodal"]
    bearer = {"Authorization": f"Bearer {session['token']}"}
    look = captures.http.post("/v1/guidance", content=files["rgb"], headers=bearer)
    assert look.json()["code"] == "wrong_kind"
    assert captures.http.post("/v1/photo", content=b"x", headers=bearer).status_code == 422
    assert post(captures, files, headers=bearer).status_code == 200  # a wrong kind spends nothing
    assert post(captures, files, headers=bearer).json()["code"] == "session_spent"
    state = captures.http.get(f"/v1/sessions/{session['session_id']}").json()
    assert (state["status"], list(state["answer"]["stages"])) == ("done", ["d_net", "m_net"])


def test_a_further_point_replaces_the_last_stages(cascade, make_settings, files, record, tmp_path):
    from dataclasses import replace

    point = replace(record.operating_point, name="never", threshold=1e9)
    point.save(tmp_path / "never.json")
    settings = make_settings(model=cascade, operating_points=(tmp_path / "never.json",))
    with running(settings) as one:
        assert list(one.http.get("/v1/model").json()["operating_points"]) == [
            "m_net point",
            "never",
        ]
        told = post(one, files, params={"operating_point": "never"}).json()
        assert told["decision"] == "attack"
        assert told["stages"]["m_net"]["threshold"] == 1e9
        assert told["operating_point"] == "d_net d_net point + m_net never"
