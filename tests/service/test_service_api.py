"""What a caller meets: verdicts as described, refusals as stated, ids and headers as promised."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest

from bonafide.capture.image import decode_image
from bonafide.capture.limits import Limits
from bonafide.deploy.detector import Detector
from bonafide.service import schemas
from bonafide.service.logs import JsonLines
from bonafide.service.metrics import Metrics, labelled
from bonafide.service.refusal import STATUS
from bonafide.service.shell import PAGE_POLICY
from tests.service.conftest import running


def test_a_photo_gets_the_detectors_own_verdict(service, face_jpeg):
    answer = service.photo(face_jpeg)
    assert answer.status_code == 200
    told = answer.json()
    schemas.VerdictBody.model_validate(told)
    own = Detector.load("ms-fans")(decode_image(face_jpeg, "x").rgb)
    assert told["decision"] == own.decision.value
    assert told["score"] == pytest.approx(own.score, abs=1e-6)
    assert told["accepted"] == (own.decision.value == "bona_fide")
    assert (told["retained"], told["audit_id"]) == ("none", None)
    assert "evidence" not in told


def test_a_form_and_a_body_are_the_same_upload(service, face_jpeg):
    form = service.http.post("/v1/photo", files={"file": ("../../etc/passwd", face_jpeg)})
    assert form.status_code == 200
    assert form.json()["score"] == service.photo(face_jpeg).json()["score"]


def test_the_short_way_and_the_frameworks_give_one_answer(service, face_jpeg):
    """Without a query an upload is judged at once, with one it goes through the framework."""
    short = service.photo(face_jpeg, headers={"X-Request-Id": "a"})
    long = service.photo(face_jpeg, params={"evidence": "false"}, headers={"X-Request-Id": "a"})
    answers = [{**one.json(), "timing_ms": None} for one in (short, long)]
    assert answers[0] == answers[1]
    headers = [{**one.headers, "date": "", "content-length": ""} for one in (short, long)]
    assert headers[0] == headers[1]
    refused = [service.photo(b"no picture", params=one) for one in ({}, {"evidence": "false"})]
    assert [one.json()["code"] for one in refused] == ["unsupported_media"] * 2


def test_a_clip_is_judged_frame_by_frame(service, face_clip):
    told = service.http.post("/v1/clip", content=face_clip).json()
    schemas.VerdictBody.model_validate(told)
    assert told["frames"] == {"seen": 5, "evaluated": 5}
    scores = [frame["score"] for frame in told["per_frame"]]
    assert told["score"] == pytest.approx(np.mean(scores), abs=1e-6)


def test_no_face_is_never_accepted(service, jpeg_of):
    wall = jpeg_of(np.full((240, 320, 3), 90, np.uint8))
    told = service.photo(wall).json()
    assert told["decision"] == "not_evaluated"
    assert told["accepted"] is False
    assert told["score"] is None
    assert [(r["code"], r["severity"]) for r in told["reasons"]] == [("no_face", "blocking")]
    assert told["reasons"][0]["advice"]


def test_evidence_comes_when_asked_for(service, face_jpeg, jpeg_of):
    told = service.photo(face_jpeg, params={"evidence": "true"}).json()
    schemas.VerdictBody.model_validate(told)
    evidence = told["evidence"]
    assert (evidence["width_px"], evidence["height_px"]) == (512, 512)
    assert len(evidence["crops"]) == len(told["scale_weights"]) >= 2
    assert {f"{c['scale']:g}": c["weight"] for c in evidence["crops"]} == told["scale_weights"]
    wall = jpeg_of(np.full((240, 320, 3), 90, np.uint8))
    assert service.photo(wall, params={"evidence": "true"}).json()["evidence"]["crops"] == []


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_upload"),
        (b"hello, not a picture", "unsupported_media"),
        (b"GIF89a" + bytes(50), "unsupported_media"),
        (b"\x80\x04\x95 pickled", "unsupported_media"),
        (b"\xff\xd8\xff\xe0" + bytes(200), "damaged_media"),
    ],
)
def test_what_is_no_photo_gets_a_stated_refusal(service, content, code):
    answer = service.photo(content)
    assert answer.status_code == STATUS[code]
    told = answer.json()
    schemas.ProblemBody.model_validate(told)
    assert (told["code"], told["accepted"]) == (code, False)
    assert told["problem"]
    assert told["remedy"]


def test_a_clip_where_a_photo_is_wanted_is_refused(service, face_clip):
    assert service.photo(face_clip).json()["code"] == "unsupported_media"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--x\r\nContent-Disposition: form-data; name=other\r\n\r\nhi\r\n--x--\r\n", "boundary=x"),
        (b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nhi", "boundary=x"),
        (b"nothing like a form", "boundary=x"),
        (b"--\r\n", "charset=utf-8"),
        (b"--x\r\n\r\n--x\r\n\r\n--x--", "boundary=" + 80 * "x"),
    ],
)
def test_a_broken_form_is_a_bad_request(service, body, kind):
    answer = service.photo(body, headers={"Content-Type": f"multipart/form-data; {kind}"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_too_much_is_refused_by_announcement_and_by_count(make_settings):
    limits = Limits(max_bytes=100_000, max_pixels=1_000_000)
    with running(make_settings(photo=limits)) as small:
        announced = small.photo(bytes(100_001))
        counted = small.photo(iter([bytes(60_000)] * 4))
        form = small.http.post("/v1/photo", files={"file": bytes(150_000)})
        for answer in (announced, counted, form):
            assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        assert small.http.get("/health").status_code == 200


def test_ids_are_given_back_or_made(service):
    given = service.http.get("/health", headers={"X-Request-Id": "order-17.a_B"})
    assert given.headers["x-request-id"] == "order-17.a_B"
    made = {service.http.get("/health").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert all(len(one) == 32 for one in made)


@pytest.mark.parametrize("bad", ["a b", "", "x" * 65, "a;b", "café", '{"a":1}', "<script>"])
def test_an_id_that_could_end_a_header_or_a_line_is_refused(service, bad):
    headers = [(b"X-Request-Id", bad.encode("latin-1"))]
    answer = service.http.get("/health", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request_id")
    assert answer.headers["x-request-id"] == answer.json()["request_id"] != bad


def test_two_ids_are_refused(service):
    headers = [("X-Request-Id", "a"), ("X-Request-Id", "b")]
    assert service.http.get("/health", headers=headers).json()["code"] == "bad_request_id"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/nothing", "not_found"),
        ("GET", "/v1/photo", "method_not_allowed"),
        ("DELETE", "/health", "method_not_allowed"),
        ("GET", "/page/..%2f..%2fapp.py", "not_found"),
        ("GET", "/page/../app.py", "not_found"),
    ],
)
def test_wrong_addresses_and_methods(service, method, path, code):
    answer = service.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (STATUS[code], code)
    if code == "method_not_allowed":
        assert answer.headers["allow"]


def test_the_operating_point_goes_by_name(make_settings, record, face_jpeg, tmp_path):
    for name, threshold in (("never", 1e9), ("always", -1e9)):
        point = replace(record.operating_point, name=name, threshold=threshold)
        point.save(tmp_path / f"{name}.json")
    points = (tmp_path / "never.json", tmp_path / "always.json")
    with running(make_settings(operating_points=points)) as one:
        for name, decision in (("never", "attack"), ("always", "bona_fide")):
            told = one.photo(face_jpeg, params={"operating_point": name}).json()
            assert (told["decision"], told["operating_point"]) == (decision, name)
        assert one.photo(face_jpeg).json()["operating_point"] == "eer"
        unknown = one.photo(face_jpeg, params={"operating_point": "best"})
        assert unknown.json()["code"] == "unknown_operating_point"
        assert "eer, never, always" in unknown.json()["remedy"]
        about = one.http.get("/v1/model").json()
        schemas.AboutBody.model_validate(about)
        assert list(about["operating_points"]) == ["eer", "never", "always"]
        assert about["default_operating_point"] == "eer"


def test_health_readiness_and_counts(service, face_jpeg):
    assert service.http.get("/health").json() == {"status": "alive"}
    service.until(lambda: service.http.get("/ready").status_code == 200)
    schemas.ReadyBody.model_validate(service.http.get("/ready").json())
    service.photo(face_jpeg)
    service.photo(b"no picture")
    page = service.http.get("/metrics").text
    assert 'bonafide_refusals_total{code="unsupported_media"}' in page
    assert 'bonafide_verdicts_total{decision="' in page
    assert 'bonafide_requests_total{route="/v1/photo",status="200"}' in page
    assert "bonafide_workers_ready 1.0" in page


def test_two_services_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    labelled(one.verdicts, "photo", "attack").inc()
    labelled(one.verdicts, "photo", "attack").inc()
    labelled(other.verdicts, "photo", "attack").inc()
    line = 'bonafide_verdicts_total{decision="attack",kind="photo"} %s.0'
    assert line % 2 in one.page().decode()
    assert line % 1 in other.page().decode()


def test_every_response_forbids_what_no_response_needs(service, face_jpeg):
    for answer in (service.http.get("/"), service.photo(face_jpeg), service.photo(b"x")):
        assert answer.headers["content-security-policy"] == PAGE_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers
    assert service.photo(face_jpeg).headers["cache-control"] == "no-store"


def test_a_log_line_tells_the_request_and_nothing_of_the_person(service, face_jpeg, caplog):
    caplog.set_level(logging.INFO, "bonafide.service")
    logging.getLogger("bonafide.service").propagate = True
    form = {"file": ("alice-passport.jpg", face_jpeg, "image/jpeg")}
    answer = service.http.post("/v1/photo?operating_point=eer", files=form)
    request_id = answer.json()["request_id"]

    def records():  # an earlier test's request may still be logged meanwhile
        told = [(getattr(one, "fields", {}), one) for one in caplog.records]
        return [one for fields, one in told if fields.get("request_id") == request_id]

    service.until(records)
    [line] = [JsonLines().format(one) for one in records()]
    told = json.loads(line)
    assert (told["route"], told["status"]) == ("/v1/photo", 200)
    assert told["upload_bytes"] == len(face_jpeg)
    assert told["client"] == "open"
    for secret in ("alice", "127.0.0.1", "operating_point", "JFIF"):
        assert secret not in line


def test_openapi_describes_every_address_with_examples(service):
    told = service.http.get("/openapi.json").json()
    assert set(told["paths"]) == {
        "/v1/photo", "/v1/clip", "/v1/multimodal", "/v1/sessions", "/v1/sessions/{session_id}",
        "/v1/guidance", "/v1/model", "/health", "/ready", "/metrics",
    }  # fmt: skip
    photo = told["paths"]["/v1/photo"]["post"]
    for path in ("/v1/photo", "/v1/clip", "/v1/multimodal"):
        answer = told["paths"][path]["post"]["responses"]["200"]
        examples = answer["content"]["application/json"]["examples"]
        assert examples
        for example in examples.values():
            schemas.VerdictBody.model_validate(example["value"])
    form = told["paths"]["/v1/multimodal"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["required"] == ["rgb", "depth", "infrared"]
    schemas.ProblemBody.model_validate(schemas.PROBLEM_EXAMPLE)
    assert {"image/jpeg", "multipart/form-data"} <= set(photo["requestBody"]["content"])
    assert {"413", "415", "422", "429", "503"} <= set(photo["responses"])


def test_a_body_where_none_belongs_is_bounded(service):
    big = service.http.post("/v1/sessions", content=bytes(200_000))
    assert (big.status_code, big.json()["code"]) == (413, "upload_too_large")
    wrong = service.http.post("/v1/sessions", json={"evidence": "perhaps"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_parameter")
