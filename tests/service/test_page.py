"""The page brings everything itself; in a real browser, a camera's clip becomes a verdict."""

import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bonafide.cli.demo import PHOTO
from bonafide.service import app as service_app
from bonafide.service.settings import Retention
from bonafide.simulator.demo import demo_recaptures
from tests.service.browser import CHROMIUM, Page, swaying, write_camera
from tests.service.conftest import running
from tests.service.models import FRAMES, capture_files, write_cascade, write_motion

FILES = sorted(service_app.PAGE.iterdir())
STATE = "document.body.dataset.state"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_the_page_asks_for_nothing_from_elsewhere(path, service):
    text = path.read_text()
    for address in re.findall(r"https?://[^\s\"'<>]+", text):
        assert address == "http://www.w3.org/2000/svg", address  # a name, never fetched
    assert not re.search(r"\son\w+=|javascript:|innerHTML|eval\(|style=\"", text)
    address = "/" if path.name == "index.html" else f"/page/{path.name}"
    answer = service.http.get(address)
    assert (answer.status_code, answer.text) == (200, text)


def test_the_page_can_be_left_out(make_settings):
    with running(make_settings(page=False)) as one:
        assert one.http.get("/").status_code == 404


def test_every_reason_has_a_hint_of_its_own_or_its_advice():
    script = (service_app.PAGE / "camera.js").read_text()
    for code in ("no_face", "face_too_small", "too_dark", "blurred", "extreme_pose"):
        assert f"{code}:" in script
    assert "?? blocking.advice" in script


@pytest.fixture(scope="module")
def pictures():
    """The public-domain photo, head and shoulders, and a simulated print of it."""
    photo = np.asarray(Image.open(PHOTO).convert("RGB"))
    attack = demo_recaptures(photo, np.random.default_rng(0))["print"]
    wall = np.full((240, 320, 3), 120, np.uint8)
    return {"face": photo[0:256, 54:395], "print": attack, "wall": wall}


@pytest.fixture
def open_page(pictures, tmp_path):
    """open_page(name) -> a page whose camera shows that picture."""
    pages = []

    def open_it(name):
        camera = write_camera(tmp_path / f"{name}.mjpeg", swaying(pictures[name]))
        pages.append(Page(Path(tempfile.mkdtemp()), camera))
        return pages[-1]

    yield open_it
    for page in pages:
        page.__exit__()


def check_by_camera(page, url):
    """The whole way by keyboard; the answer as the page shows it."""
    page.size(1280, 900)
    page.go(url)
    page.until(f"{STATE} === 'intro'")
    tab_to(page, "go")
    page.press("Enter", 13)
    page.until(f"{STATE} === 'live' && !document.getElementById('go').disabled", 30)
    assert page.run("document.activeElement.id") == "title"
    tab_to(page, "go")
    page.press("Enter", 13)
    page.until(f"['verdict', 'failed'].includes({STATE})", 40)
    assert page.run(STATE) == "verdict", page.run("document.body.innerText")
    return {
        "badge": page.run("document.querySelector('.badge').textContent"),
        "score": float(page.run("document.querySelector('.scale .value').textContent")),
        "crops": page.run("document.querySelectorAll('.crops img').length"),
        "spoken": page.run("document.getElementById('live').textContent"),
        "focus": page.run("document.activeElement.id"),
        "title": page.run("document.getElementById('title').textContent"),
    }


def tab_to(page, wanted):
    for _ in range(10):
        if page.run("document.activeElement.id") == wanted:
            return
        page.press("Tab", 9)
    raise AssertionError(f"the keyboard does not reach {wanted}")


needs_browser = pytest.mark.parametrize("browser", [CHROMIUM] if CHROMIUM else [])


@pytest.mark.slow
@needs_browser
def test_a_face_and_a_recapture_of_it_before_the_camera(
    browser, open_page, make_settings, tmp_path
):
    url = f"sqlite:///{tmp_path}/audit.db"
    with running(make_settings(workers=2, store=url, retention=Retention.DECISION)) as one:
        live, attack = (check_by_camera(open_page(name), one.url) for name in ("face", "print"))
        ledger = one.app.state.service.ledger
        kept = ledger._database.run("SELECT decision, kind FROM verdicts ORDER BY decided_at")
    assert [kind for _, kind in kept] == ["clip", "clip"]
    for shown, (decision, _) in zip((live, attack), kept, strict=True):
        assert shown["badge"] == decision.replace("_", " ")
        assert shown["crops"] >= 2
        assert shown["focus"] == "title"
        assert shown["spoken"].startswith(shown["title"])
    assert live["score"] > attack["score"]


@pytest.mark.slow
@needs_browser
def test_the_page_guides_refuses_and_falls_back(browser, open_page, service, face_jpeg, tmp_path):
    page = open_page("wall")
    page.size(390, 800, dark=True)
    page.go(service.url)
    page.until(f"{STATE} === 'intro'")
    page.run("document.getElementById('go').click()")
    page.until("document.getElementById('hint').textContent === 'Look into the camera'", 30)
    assert page.run("document.getElementById('go').disabled") is True
    page.until("document.getElementById('live').textContent === 'Look into the camera'")
    page.run("document.getElementById('cancel').click()")
    assert page.run("document.getElementById('video').srcObject") is None
    photo, text = tmp_path / "photo.jpg", tmp_path / "notes.jpg"
    photo.write_bytes(face_jpeg)
    text.write_text("no picture")
    page.upload("#file", photo)
    page.until(f"{STATE} === 'verdict'")
    page.upload("#file", text)
    page.until(f"{STATE} === 'failed'")
    assert "is a text" in page.run("document.getElementById('lead').textContent")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
    names = "[...document.querySelectorAll('button,input,a,img')].every(e => e.offsetParent === "
    names += "null || e.textContent.trim() || e.getAttribute('alt') !== null || e.labels?.length)"
    assert page.run(names)
    refused = [one for one in page.problems if "415" not in one]
    assert refused == []


@pytest.mark.slow
@needs_browser
def test_a_site_hands_a_session_over(browser, open_page, make_settings, tmp_path, face_jpeg):
    from contextlib import closing

    from bonafide.service.database import open_database
    from bonafide.service.keys import hash_secret, new_key
    from bonafide.service.store import KeyRow, add_key, create_tables

    url, (key_id, key) = f"sqlite:///{tmp_path}/keys.db", new_key()
    with closing(open_database(url)) as database:
        create_tables(database)
        add_key(database, KeyRow(key_id, "site", hash_secret(key), 0.0))
        database.commit()
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(face_jpeg)
    with running(make_settings(store=url, require_key=True)) as one:
        page = open_page("face")
        page.go(one.url)
        page.until(f"{STATE} === 'failed'")
        assert "invitation" in page.run("document.getElementById('lead').textContent")
        bearer = {"Authorization": f"Bearer {key}"}
        session = one.http.post("/v1/sessions", headers=bearer).json()
        page.go("about:blank")
        page.go(f"{one.url}/#token={session['token']}")
        page.until(f"{STATE} === 'intro'")
        assert "token" not in page.run("location.href")
        page.upload("#file", photo)
        page.until(f"{STATE} === 'verdict'")
        address = f"/v1/sessions/{session['session_id']}"
        assert one.http.get(address, headers=bearer).json()["status"] == "done"
        assert page.run("document.getElementById('go').hidden") is True


@pytest.mark.slow
@needs_browser
@pytest.mark.parametrize("d_net", [0.0, 2.0])
def test_three_files_for_a_cascade(
    browser, d_net, open_page, make_settings, record, astronaut, tmp_path
):
    model = write_cascade(tmp_path / "cascade.onnx", record, d_net)
    with running(make_settings(model=model)) as one:
        page = open_page("wall")
        page.size(390, 800)
        page.go(one.url)
        page.until("document.body.dataset.takes === 'multimodal'")
        shown = "[...document.querySelectorAll('button,input')].filter(e => e.offsetParent)"
        assert page.run(f"{shown}.map(e => e.name || e.type)") == [
            "rgb", "depth", "infrared", "unit", "submit",
        ]  # fmt: skip
        for name, content in capture_files(astronaut).items():
            (tmp_path / f"{name}.png").write_bytes(content)
            page.upload(f"input[name={name}]", tmp_path / f"{name}.png")
        page.run("document.querySelector('#capture button').click()")
        page.until(f"{STATE} === 'verdict'")
        names = page.run("[...document.querySelectorAll('.stage-name')].map(e => e.textContent)")
        assert names == ["Depth", "Colour and infrared"]
        scales = page.run("document.querySelectorAll('.scale').length")
        panels = page.run("document.querySelectorAll('.strip img').length")
        assert (scales, panels > 3) == ((2, True) if d_net < 1 else (1, False))
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        page.run("document.getElementById('go').click()")
        page.upload("input[name=depth]", tmp_path / "rgb.png")
        page.run("document.querySelector('#capture button').click()")
        page.until(f"{STATE} === 'failed'")
        assert "The depth" in page.run("document.getElementById('lead').textContent")
        assert page.run("document.getElementById('capture').hidden") is False


@pytest.mark.slow
@needs_browser
def test_a_clip_model_shows_its_attention(browser, open_page, make_settings, record, face_jpeg,
                                          face_clip, tmp_path):  # fmt: skip
    model = write_motion(tmp_path / "motion.onnx", record)
    with running(make_settings(model=model)) as one:
        page = open_page("wall")
        page.size(1280, 900, dark=True)
        page.go(one.url)
        page.until("document.getElementById('pick').textContent === 'Upload a clip'")
        (tmp_path / "photo.jpg").write_bytes(face_jpeg)
        (tmp_path / "clip.mp4").write_bytes(face_clip)
        page.upload("#file", tmp_path / "photo.jpg")
        page.until(f"{STATE} === 'failed'")
        assert "judges clips" in page.run("document.getElementById('lead').textContent")
        page.upload("#file", tmp_path / "clip.mp4")
        page.until(f"{STATE} === 'verdict'")
        told = page.run(
            "[...document.querySelectorAll('.strip figcaption')].map(e => e.textContent)"
        )
        assert len(told) == FRAMES
        assert sum(float(one.split("s ")[1].strip(" %")) for one in told) == pytest.approx(
            100, abs=2
        )
