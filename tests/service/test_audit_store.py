"""What is kept, on SQLite and on a PostgreSQL started for the test; what is not; what expires."""

import asyncio
import hashlib
import io
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from bonafide.service import store
from bonafide.service.database import StoreError, open_database
from bonafide.service.ledger import Ledger
from bonafide.service.settings import Retention
from bonafide.service.store import VerdictRow
from tests.service.conftest import running

POSTGRES = shutil.which("postgres") or shutil.which("postgres", path=os.environ.get("PG_BIN", ""))


def postgres_tools():
    """The folder with initdb and postgres, found from the one on the path."""
    if POSTGRES is None:
        return None
    folders = [Path(POSTGRES).resolve().parent, *Path("/usr/lib/postgresql").glob("*/bin")]
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def unprivileged():
    """postgres refuses to run as root: another user's numbers, or nothing to change."""
    if os.getuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def postgres_url():
    tools = postgres_tools()
    folder = Path(tempfile.mkdtemp(prefix="bonafide-pg-"))
    who = unprivileged()
    if who:
        os.chown(folder, who["user"], who["group"])
    data = folder / "data"
    initdb = [tools / "initdb", "-D", data, "-U", "bonafide", "-A", "trust", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **who)
    options = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    server = subprocess.Popen(
        [tools / "postgres", *options], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, **who,
    )  # fmt: skip
    url = f"postgresql://bonafide@/postgres?host={folder}"
    end = time.monotonic() + 30
    while True:
        try:
            open_database(url).close()
            break
        except StoreError:
            assert time.monotonic() < end, "PostgreSQL did not start"
            time.sleep(0.2)
    yield url
    server.terminate()
    server.wait(20)
    shutil.rmtree(folder, ignore_errors=True)


KINDS = ["sqlite"]
if postgres_tools() is not None:
    KINDS.append(pytest.param("postgres", marks=pytest.mark.slow))


@pytest.fixture(params=KINDS)
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/audit.db"
    return request.getfixturevalue("postgres_url")


def verdict(audit_id, **changes):
    usual = {
        "audit_id": audit_id, "request_id": "r", "client": "open", "session_id": None,
        "kind": "photo", "decided_at": 1e9, "decision": "attack", "score": 0.25, "threshold": 0.5,
        "operating_point": "eer", "reasons": "[]", "input_sha256": "0" * 64, "input_bytes": 3,
        "model": "m 1", "model_sha256": "1" * 64, "judged_ms": 1.5,
    }  # fmt: skip
    return VerdictRow(**{**usual, **changes})


def rows(url, statement):
    database = open_database(url)
    try:
        return database.run(statement)
    finally:
        database.close()


def test_a_verdict_is_kept_with_hashes_and_without_pixels(url, make_settings, face_jpeg):
    with running(make_settings(store=url, retention=Retention.DECISION)) as one:
        answer = one.photo(face_jpeg, headers={"X-Request-Id": "order-17"}).json()
        assert answer["retained"] == "decision"
    wanted = "request_id, decision, score, input_sha256, input_bytes, model_sha256, reasons, kind"
    [row] = rows(url, f"SELECT {wanted} FROM verdicts WHERE audit_id = '{answer['audit_id']}'")
    assert row[:2] == ("order-17", answer["decision"])
    assert row[2] == pytest.approx(answer["score"])
    assert row[3:5] == (hashlib.sha256(face_jpeg).hexdigest(), len(face_jpeg))
    assert row[5:] == (answer["model"]["sha256"], json.dumps([]), "photo")
    assert rows(url, "SELECT count(*) FROM pictures") == [(0,)]


def test_a_picture_is_kept_without_its_metadata_and_expires(url, make_settings, astronaut, jpeg_of):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    upload = jpeg_of(astronaut, exif=exif)
    settings = make_settings(store=url, retention=Retention.PICTURE, picture_days=2.0)
    with running(settings) as one:
        answer = one.photo(upload).json()
    query = f"SELECT jpeg, expires_at FROM pictures WHERE audit_id = '{answer['audit_id']}'"
    [(content, expires_at)] = rows(url, query)
    kept = Image.open(io.BytesIO(bytes(content)))
    assert kept.size == (512, 512)
    assert not kept.getexif()
    assert expires_at == pytest.approx(time.time() + 2 * 86400, abs=60)
    database = open_database(url)
    assert store.purge(database, expires_at - 1, 60) == 0
    assert store.purge(database, expires_at, 60) == 1
    database.commit()
    database.close()
    assert rows(url, query) == []
    assert len(rows(url, f"SELECT 1 FROM verdicts WHERE audit_id = '{answer['audit_id']}'")) == 1


def test_what_is_deleted_leaves_no_bytes_in_the_file(tmp_path):
    """SQLite's secure_delete: a purged picture cannot be dug out of free pages."""
    path = tmp_path / "audit.db"
    database = open_database(f"sqlite:///{path}")
    store.create_tables(database)
    store.add_verdict(database, verdict("a"))
    store.add_picture(database, "a", 10.0, b"SECRET FACE" * 1000)
    database.commit()
    store.purge(database, 11.0, 60)
    database.commit()
    database.run("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    assert b"SECRET FACE" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())


def test_nothing_is_kept_by_default(make_settings, face_jpeg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with running(make_settings()) as one:
        assert one.photo(face_jpeg).json()["audit_id"] is None
    assert list(tmp_path.iterdir()) == []


def test_a_thousand_calls_at_once_are_kept_once_each(url):
    async def scene():
        ledger = Ledger(url)
        ids = [f"many-{i}" for i in range(1000)]
        calls = [ledger.call(store.add_verdict, verdict(one)) for one in ids]
        twice = [ledger.call(store.add_verdict, verdict(one)) for one in ids[:100]]
        await asyncio.gather(*calls, *twice)
        ledger.close()

    asyncio.run(scene())
    assert rows(url, "SELECT count(*) FROM verdicts WHERE audit_id LIKE 'many-%'") == [(1000,)]


def test_one_bad_call_does_not_spoil_its_neighbours(url):
    async def scene():
        ledger = Ledger(url)
        good = [ledger.call(store.add_verdict, verdict(f"good-{i}")) for i in range(20)]
        bad = ledger.call(store.add_verdict, verdict("bad", decision=None))
        outcomes = await asyncio.gather(*good, bad, *good[:0], return_exceptions=True)
        ledger.close()
        return outcomes

    outcomes = asyncio.run(scene())
    assert outcomes[:20] == [None] * 20
    assert isinstance(outcomes[20], StoreError)
    assert rows(url, "SELECT count(*) FROM verdicts WHERE audit_id LIKE 'good-%'") == [(20,)]


def test_callers_who_left_and_callers_of_other_loops_change_nothing_for_the_rest(url):
    ledger = Ledger(url)
    held, both = threading.Event(), threading.Barrier(2)

    async def scene(name):
        first = asyncio.ensure_future(ledger.call(lambda _: held.wait(10)))
        calls = [
            asyncio.ensure_future(ledger.call(store.add_verdict, verdict(f"{name}-{i}")))
            for i in range(10)
        ]
        await asyncio.sleep(0.05)
        calls[3].cancel()
        await asyncio.to_thread(both.wait, 10)  # nothing is committed before both have left
        held.set()
        await first
        return await asyncio.gather(*calls, return_exceptions=True)

    with ThreadPoolExecutor(2) as threads:
        outcomes = list(threads.map(lambda name: asyncio.run(scene(name)), ["here", "there"]))
    ledger.close()
    for told in outcomes:
        assert isinstance(told.pop(3), asyncio.CancelledError)
        assert told == [None] * 9
    assert rows(url, "SELECT count(*) FROM verdicts WHERE audit_id LIKE '%here-%'") == [(20,)]


def test_a_database_that_stands_still_is_told_at_once(url, monkeypatch):
    monkeypatch.setattr("bonafide.service.ledger.WAITING", 2)
    ledger = Ledger(url)
    held = threading.Event()

    async def scene():
        first = asyncio.ensure_future(ledger.call(lambda _: held.wait(10)))
        await asyncio.sleep(0.05)  # the ledger's thread has it, and nothing waits
        waiting = [asyncio.ensure_future(ledger.call(lambda _: None)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="stands still"):
            await ledger.call(lambda _: None)
        held.set()
        await asyncio.gather(first, *waiting)

    asyncio.run(scene())
    ledger.close()


def test_what_is_not_recorded_is_not_answered(make_settings, face_jpeg, tmp_path):
    settings = make_settings(store=f"sqlite:///{tmp_path}/audit.db", retention=Retention.DECISION)
    with running(settings) as one:
        ledger = one.app.state.service.ledger
        asyncio.run(ledger.call(lambda database: database.run("DROP TABLE pictures")))
        asyncio.run(ledger.call(lambda database: database.run("DROP TABLE verdicts")))
        answer = one.photo(face_jpeg)
        assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
        assert answer.headers["retry-after"]


@pytest.mark.parametrize("bad", ["mysql://x", "sqlite:///", "sqlite:////no/such/folder/a.db"])
def test_a_url_that_leads_nowhere(bad):
    with pytest.raises(StoreError):
        open_database(bad)


@pytest.mark.parametrize(
    "password", ["s3cr@t1ypw", "x/s3cr@t1ypw", "s3cr#t1ypw", "%s3cr%zz", "[s3cr", "s3cr@a/t1y#%pw"]
)
def test_a_password_that_breaks_the_url_is_not_told(password):
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match="PGPASSWORD") as caught:
        open_database(f"postgresql://bonafide:{password}@database.invalid/bonafide")
    assert "t1y" not in str(caught.value)
    assert "s3cr" not in str(caught.value)
    shown = None if caught.value.__suppress_context__ else caught.value.__context__
    assert (caught.value.__cause__, shown) == (None, None)  # nor by a traceback


def test_values_never_become_statements(url):
    database = open_database(url)
    store.create_tables(database)
    name = "x'); DROP TABLE verdicts; --"
    store.add_verdict(database, verdict("quoted", client=name))
    database.commit()
    assert database.run("SELECT client FROM verdicts WHERE audit_id = ?", ("quoted",)) == [(name,)]
    database.close()
