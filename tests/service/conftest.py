"""A running service for the tests: the real server and real workers, in a thread."""

import io
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "capture"))

from bonafide.deploy.runtime import SHIPPED
from bonafide.service.serve import make_server
from bonafide.service.settings import ServiceSettings


@dataclass
class Running:
    """A service that answers.

    Attributes:
        url: its address.
        http: a client.
        app: the application, for a look inside.
    """

    url: str
    http: httpx.Client
    app: object

    @property
    def pool(self):
        return self.app.state.service.pool

    def photo(self, content, **options):
        return self.http.post("/v1/photo", content=content, **options)

    def workers(self):
        return [psutil.Process(pid) for pid in sorted(self.pool.pids)]

    def until(self, holds, seconds=15):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "never came true"
            time.sleep(0.02)


@contextmanager
def running(settings):
    """Start a service on a free port, and stop it at the end."""
    server = make_server(settings, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 120  # on a crowded machine; a second or two on a quiet one
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        assert time.monotonic() < end
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=30) as client:
        yield Running(url, client, server.config.app)
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive(), "the service did not stop"


@pytest.fixture(scope="session")
def make_settings():
    """make_settings(field=value, ...): one worker, patient limits, a model of several scales."""

    def make(**changes):
        usual = {"model": SHIPPED["ms-fans"], "workers": 1, "per_minute": 1e6, "burst": 10_000}
        return ServiceSettings(**{**usual, "concurrent": 64, **changes})

    return make


@pytest.fixture(scope="session")
def service(make_settings):
    """One service that most tests share."""
    with running(make_settings()) as one:
        yield one


@pytest.fixture(scope="session")
def jpeg_of():
    def encode(rgb, kind="JPEG", **options):
        buffer = io.BytesIO()
        image = rgb if isinstance(rgb, Image.Image) else Image.fromarray(rgb)
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture(scope="session")
def face_jpeg(astronaut, jpeg_of):
    return jpeg_of(astronaut, quality=92)


@pytest.fixture(scope="session")
def face_clip(astronaut, write_clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "face.mp4"
    pictures = [np.roll(astronaut, i, axis=1) for i in range(10)]
    return write_clip(path, pictures).read_bytes()
