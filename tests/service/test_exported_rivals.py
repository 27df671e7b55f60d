"""Exports of the catalogue's own networks and machines behind the service."""

import numpy as np
import pytest

from bonafide.deploy.package import export_run
from tests.deploy.rival_makers import write_machine, write_rival
from tests.service.conftest import running
from tests.service.models import capture_files
from tests.service.test_capture_rivals import by_check, eight_bits
from tests.service.test_clip_rivals import SAME, told_by_check

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def serving(tmp_path_factory, make_settings):
    """serving(name): a service and its model's file."""
    folder = tmp_path_factory.mktemp("exports")

    def start(name):
        run, file = folder / name, folder / f"{name}.onnx"
        if name == "videolet":
            write_machine(run, name)
        else:
            write_rival(run, name, 32)
        export_run(run, file, version="1")
        return running(make_settings(model=file)), file

    return start


def same(told, own):
    assert told.status_code == 200
    told = told.json()
    assert {field: told[field] for field in SAME} == {field: own[field] for field in SAME}
    assert told["score"] is not None
    return told


@pytest.mark.parametrize("name", ["lstm_cnn", "videolet"])
def test_clips_and_photos_as_check_judges_them(
    name, serving, astronaut, write_clip, face_jpeg, tmp_path
):
    clip = write_clip(tmp_path / "face.mp4", [np.roll(astronaut, 2 * i, 1) for i in range(15)])
    photo = tmp_path / "face.jpg"
    photo.write_bytes(face_jpeg)
    service, file = serving(name)
    with service as one:
        for kind, path in (("clip", clip), ("photo", photo)):
            answer = one.http.post(f"/v1/{kind}", content=path.read_bytes())
            told = same(answer, told_by_check(path, "--model", file))
            assert told["model"]["name"] == name


def test_captures_as_check_judges_them(serving, astronaut, tmp_path):
    service, file = serving("casia_surf_fusion")
    files = capture_files(astronaut)
    with service as one:
        for changed in (files, eight_bits(files)):
            answer = one.http.post("/v1/multimodal", files=changed)
            told = same(answer, by_check(changed, file, tmp_path))
            assert told["model"]["name"] == "casia_surf_fusion"
