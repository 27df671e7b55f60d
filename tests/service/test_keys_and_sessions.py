"""Keys are hashed, limited and revocable; a session's token is good for one upload."""

import json
import re
import sqlite3
import threading
import time

import pytest
from typer.testing import CliRunner

from bonafide.cli import app as cli
from bonafide.service import keys, schemas, store
from bonafide.service.clients import Caller, Gate
from bonafide.service.database import open_database
from bonafide.service.refusal import Refusal
from bonafide.types import BonafideError
from tests.service.conftest import running


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/keys.db"


@pytest.fixture(scope="module")
def key(url):
    done = CliRunner().invoke(cli, ["keys", "add", "the shop", "--store", url])
    assert done.exit_code == 0
    return done.stdout.strip()


@pytest.fixture(scope="module")
def guarded(make_settings, url, key):
    settings = make_settings(store=url, require_key=True, session_s=600.0, session_looks=3)
    with running(settings) as one:
        yield one


def new_session(service, key, **wish):
    answer = service.http.post("/v1/sessions", headers=bearer(key), json=wish)
    assert answer.status_code == 201
    schemas.SessionBody.model_validate(answer.json())
    return answer.json()


def test_a_key_is_stored_as_its_hash_alone(key, url):
    assert re.fullmatch(r"bf_[0-9a-f]{16}_[0-9a-f]{64}", key)
    content = sqlite3.connect(url.removeprefix("sqlite:///")).execute("SELECT * FROM api_keys")
    row = json.dumps(list(content))
    assert key.rsplit("_", 1)[1] not in row
    assert keys.hash_secret(key) in row
    assert keys.matches(key, keys.hash_secret(key))
    assert not keys.matches(key, None)


def test_no_key_a_wrong_key_and_another_scheme(guarded, key, face_jpeg):
    last = "0" if key[-1] != "0" else "1"
    wrong = [bearer(key[:-1] + last), bearer("x"), {"Authorization": f"Basic {key}"}]
    for headers in wrong:
        answer = guarded.photo(face_jpeg, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")
        assert answer.headers["www-authenticate"] == "Bearer"
    for method, path in (("POST", "/v1/photo"), ("POST", "/v1/sessions"), ("GET", "/metrics")):
        assert guarded.http.request(method, path).json()["code"] == "key_required"
    assert guarded.photo(face_jpeg, headers=bearer(key)).status_code == 200
    assert guarded.http.get("/metrics", headers=bearer(key)).status_code == 200
    assert guarded.http.get("/health").status_code == 200


def test_keys_are_listed_and_revoked(guarded, url, face_jpeg):
    arguments = ["keys", "add", "gone [soon]", "--store", url, "--per-minute", "1000"]
    second = CliRunner().invoke(cli, arguments).stdout.strip()
    assert guarded.photo(face_jpeg, headers=bearer(second)).status_code == 200
    key_id = keys.key_id_of(second)
    listed = CliRunner().invoke(cli, ["keys", "list", "--store", url]).stdout
    assert key_id in listed
    assert second not in listed
    assert CliRunner().invoke(cli, ["keys", "revoke", key_id, "--store", url]).exit_code == 0
    guarded.app.state.service._keys.clear()  # what five seconds would do
    assert guarded.photo(face_jpeg, headers=bearer(second)).status_code == 401
    again = CliRunner().invoke(cli, ["keys", "revoke", key_id, "--store", url])
    assert isinstance(again.exception, BonafideError)


def test_a_session_takes_one_upload_and_tells_its_maker(guarded, key, face_jpeg):
    session = new_session(guarded, key)
    address = f"/v1/sessions/{session['session_id']}"
    assert guarded.http.get(address, headers=bearer(key)).json()["status"] == "created"
    answer = guarded.photo(face_jpeg, headers=bearer(session["token"]))
    assert answer.status_code == 200
    again = guarded.photo(face_jpeg, headers=bearer(session["token"]))
    assert (again.status_code, again.json()["code"]) == (409, "session_spent")
    told = guarded.http.get(address, headers=bearer(key)).json()
    schemas.SessionState.model_validate(told)
    assert (told["status"], told["answer"]) == ("done", answer.json())
    assert guarded.http.get(address).json()["code"] == "key_required"
    as_browser = guarded.http.get(address, headers=bearer(session["token"]))
    assert as_browser.json()["code"] == "not_found"


def test_of_many_uploads_at_once_one_is_taken(guarded, key, face_jpeg):
    token, statuses = new_session(guarded, key)["token"], []

    def send():
        statuses.append(guarded.photo(face_jpeg, headers=bearer(token)).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409, 409, 409, 409, 409]


def test_a_refused_upload_spends_the_token_too(guarded, key):
    session = new_session(guarded, key)
    assert guarded.photo(b"no picture", headers=bearer(session["token"])).status_code == 415
    address = f"/v1/sessions/{session['session_id']}"
    told = guarded.http.get(address, headers=bearer(key)).json()
    assert (told["status"], told["answer"]["code"]) == ("refused", "unsupported_media")
    assert guarded.photo(b"x", headers=bearer(session["token"])).status_code == 409


def test_evidence_only_where_the_session_has_it(guarded, key, face_jpeg):
    for wanted in (True, False):
        token = new_session(guarded, key, evidence=wanted)["token"]
        answer = guarded.photo(face_jpeg, headers=bearer(token), params={"evidence": "true"})
        assert ("evidence" in answer.json()) is wanted


def test_guidance_looks_without_spending(guarded, key, face_jpeg):
    token = new_session(guarded, key)["token"]

    def look():
        return guarded.http.post("/v1/guidance", content=face_jpeg, headers=bearer(token))

    told = look().json()
    schemas.GuidanceBody.model_validate(told)
    assert told["ready"] is True
    assert (told["width_px"], len(told["faces"])) == (512, 1)
    assert "score" not in json.dumps(told)
    assert [look().status_code for _ in range(3)] == [200, 200, 429]
    assert guarded.photo(face_jpeg, headers=bearer(token)).status_code == 200
    assert look().json()["code"] == "session_spent"
    without = guarded.http.post("/v1/guidance", content=face_jpeg, headers=bearer(key))
    assert without.json()["code"] == "session_invalid"


def test_unknown_and_expired_tokens(guarded, key, url, face_jpeg):
    unknown = guarded.photo(face_jpeg, headers=bearer(keys.new_token()))
    assert (unknown.status_code, unknown.json()["code"]) == (401, "session_invalid")
    session = new_session(guarded, key)
    database = open_database(url)
    ended = "UPDATE sessions SET expires_at = ? WHERE session_id = ?"
    database.run(ended, (time.time() - 1, session["session_id"]))
    database.commit()
    late = guarded.photo(face_jpeg, headers=bearer(session["token"]))
    assert (late.status_code, late.json()["code"]) == (410, "session_expired")
    address = f"/v1/sessions/{session['session_id']}"
    assert guarded.http.get(address, headers=bearer(key)).json()["status"] == "expired"
    store.purge(database, time.time() + 600, 600)
    database.commit()
    assert guarded.http.get(address, headers=bearer(key)).status_code == 404


def test_a_token_makes_no_sessions(guarded, key):
    token = new_session(guarded, key)["token"]
    answer = guarded.http.post("/v1/sessions", headers=bearer(token))
    assert answer.json()["code"] == "key_invalid"


def caller(per_minute=60.0, burst=3, concurrent=2):
    return Caller("key:a", per_minute, burst, concurrent)


def test_the_bucket_fills_at_its_rate():
    now = [0.0]
    gate, one = Gate(lambda: now[0]), caller()
    for _ in range(3):
        gate.enter(one)
        gate.leave(one)
    with pytest.raises(Refusal) as refused:
        gate.enter(one)
    assert refused.value.code == "rate_limited"
    assert refused.value.retry_after_s == pytest.approx(1.0)
    now[0] = 0.99
    with pytest.raises(Refusal):
        gate.enter(one)
    now[0] = 1.0
    gate.enter(one)
    now[0] = 1000.0
    gate.leave(one)
    for _ in range(3):  # full again, and no fuller
        gate.enter(one)
        gate.leave(one)
    with pytest.raises(Refusal):
        gate.enter(one)


def test_open_requests_are_counted_per_caller():
    gate, one = Gate(lambda: 0.0), caller(burst=100)
    gate.enter(one)
    gate.enter(one)
    with pytest.raises(Refusal) as refused:
        gate.enter(one)
    assert refused.value.code == "too_many_at_once"
    gate.enter(Caller("key:b", 60, 3, 2))
    gate.leave(one)
    gate.enter(one)


def test_an_address_is_no_name_to_keep():
    assert Caller("address:192.0.2.7", 1, 1, 1).shown == "open"


def test_settings_that_contradict_each_other(make_settings):
    from bonafide.service.serve import make_server
    from bonafide.service.settings import Retention, parse_retention

    with pytest.raises(BonafideError, match="database"):
        make_settings(retention=Retention.DECISION)
    with pytest.raises(BonafideError, match="database"):
        make_settings(require_key=True)
    with pytest.raises(BonafideError, match="other machines"):
        make_server(make_settings(), "0.0.0.0", 0)
    with pytest.raises(BonafideError, match="none, decision, picture"):
        parse_retention("everything")
