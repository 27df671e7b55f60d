"""Rivals of colour, depth and infrared behind the service: as `bonafide check` does."""

import io

import numpy as np
import pytest
from PIL import Image

from bonafide.service import schemas
from bonafide.service.judge import Judge
from bonafide.service.refusal import STATUS
from bonafide.service.wire import Wish
from tests.service.conftest import running
from tests.service.models import CAPTURE_WEIGHTS, capture_files, png, write_capture_rival
from tests.service.test_clip_rivals import SAME, told_by_check
from tests.service.test_hostile import PHOTOS


@pytest.fixture(scope="module")
def model(tmp_path_factory, record):
    return write_capture_rival(tmp_path_factory.mktemp("rival") / "rival.onnx", record)


@pytest.fixture(scope="module")
def service(model, make_settings):
    with running(make_settings(model=model)) as one:
        yield one


@pytest.fixture(scope="module")
def judge(model, make_settings):
    return Judge(make_settings(model=model))


@pytest.fixture(scope="module")
def files(astronaut):
    return capture_files(astronaut)


def depth_of(files):
    return np.asarray(Image.open(io.BytesIO(files["depth"])))


def eight_bits(files):
    """Depth as CASIA-SURF has it: a picture of 8 bits, far is bright, 0 is not measured."""
    return {**files, "depth": png((depth_of(files) - 500.0).clip(1, 255).astype(np.uint8))}


def smaller(files):
    """Depth and infrared of half the resolution, of the same view."""

    def half(part):
        return png(np.asarray(Image.open(io.BytesIO(part)))[::2, ::2])

    return {**files, "depth": half(files["depth"]), "infrared": half(files["infrared"])}


def post(service, files, **options):
    return service.http.post("/v1/multimodal", files=files, **options)


def by_check(files, model, folder, *words):
    paths = {name: folder / f"{name}.png" for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name])
    named = [word for name, path in paths.items() for word in (f"--{name}", path)]
    return told_by_check(*named, "--model", model, *words)


@pytest.mark.parametrize("change", [dict, eight_bits, smaller])
def test_a_capture_gets_the_verdict_of_check(change, service, model, files, tmp_path):
    """Depth in millimetres, as a picture, and of another resolution."""
    changed = change(files)
    answer = post(service, changed)
    assert answer.status_code == 200
    told = answer.json()
    schemas.VerdictBody.model_validate(told)
    own = by_check(changed, model, tmp_path)
    assert {field: told[field] for field in SAME} == {field: own[field] for field in SAME}
    assert 0 < told["score"] < 1
    assert told["modalities"] == ["rgb", "depth", "infrared"]
    assert (told["stages"], told["scale_weights"], told["per_frame"]) == ({}, {}, [])
    assert told["frames"] == {"seen": 1, "evaluated": 1}


def test_depth_is_counted_from_the_face_or_taken_as_it_is(service, files):
    """So all of it a hand's breadth farther is the same, but not as a picture."""
    farther = {**files, "depth": png((depth_of(files) + 100).astype(np.uint16))}
    score = post(service, files).json()["score"]
    assert post(service, farther).json()["score"] == pytest.approx(score, abs=1e-6)
    picture = eight_bits(files)
    levels = np.asarray(Image.open(io.BytesIO(picture["depth"])))
    brighter = {**picture, "depth": png((levels // 2 + 128).astype(np.uint8))}
    scores = [post(service, one).json()["score"] for one in (picture, brighter)]
    assert scores[1] > scores[0] + 0.02 * CAPTURE_WEIGHTS[1]


def test_evidence_shows_the_three_pictures(service, files):
    evidence = post(service, files, params={"evidence": "true"}).json()["evidence"]
    captions = [panel["caption"] for panel in evidence["panels"]]
    assert captions == ["colour, aligned", "depth, aligned", "infrared, aligned"]
    assert (evidence["crops"], evidence["strip"]) == ([], [])


def test_the_depths_unit_can_be_stated(service, model, files, tmp_path):
    tenths = {**files, "depth": png((10 * depth_of(files)).astype(np.uint16))}
    stated = post(service, tenths, params={"depth_mm_per_level": "0.1"}).json()
    assert stated["score"] == pytest.approx(post(service, files).json()["score"], abs=1e-6)
    assert stated["score"] == by_check(tenths, model, tmp_path, "--depth-scale", 0.1)["score"]
    unstated = post(service, tenths)  # no wall stands 15 m away
    assert (unstated.status_code, unstated.json()["code"]) == (422, "depth_unit")
    coarse = {**files, "depth": png((depth_of(files) / 8).round().clip(0, 255).astype(np.uint8))}
    named = {"depth_mm_per_level": "8"}
    told, as_it_is = post(service, coarse, params=named).json(), post(service, coarse).json()
    assert told["score"] == pytest.approx(stated["score"], abs=4 / 255)  # of 8 mm a level
    assert abs(told["score"] - as_it_is["score"]) > 0.01
    wrong = post(service, coarse, params={"depth_mm_per_level": "0.5"}).json()
    assert (wrong["code"], wrong["accepted"]) == ("depth_unit", False)


@pytest.mark.parametrize("given", ["0", "nan", "inf", "1e9", "near"])
def test_a_unit_that_is_none_is_refused(service, files, given):
    answer = post(service, files, params={"depth_mm_per_level": given})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("depth_unit", "invalid_parameter")


WALL = png(np.full((512, 512, 3), 90, np.uint8))


@pytest.mark.parametrize("face", [True, False])
@pytest.mark.parametrize(
    ("change", "code", "named"),
    [
        ({"depth": None}, "missing_modality", "'depth'"),
        ({"depth": None, "infrared": None}, "missing_modality", "'infrared'"),
        ({"rgb": None}, "missing_modality", "'rgb'"),
        ({"depth": b""}, "empty_upload", "'depth'"),
        ({"infrared": b"no picture"}, "unsupported_media", "infrared"),
        ({"depth": WALL[:-200]}, "damaged_media", "depth"),
        ({"depth": png(np.full((512, 512), 3, np.uint16))}, "depth_unit", "3 mm"),
        ({"infrared": png(np.zeros((64, 48), np.uint8))}, "misregistered", "48 x 64"),
        ({"depth": png(np.zeros((300, 512), np.uint8))}, "misregistered", "512 x 300"),
    ],
)
def test_what_is_no_capture_gets_a_stated_refusal(service, files, face, change, code, named):
    """Whether or not there is a face in it."""
    whole = files if face else {**files, "rgb": WALL}
    changed = {name: part for name, part in {**whole, **change}.items() if part is not None}
    answer = post(service, changed)
    told = answer.json()
    schemas.ProblemBody.model_validate(told)
    assert (answer.status_code, told["code"], told["accepted"]) == (STATUS[code], code, False)
    assert named in told["problem"]


def test_colour_for_depth_is_damaged(service, files):
    assert post(service, {**files, "depth": files["rgb"]}).json()["code"] == "damaged_media"


def test_without_a_face_nothing_is_accepted(service, model, files, tmp_path):
    told = post(service, {**files, "rgb": WALL}, params={"evidence": "true"}).json()
    schemas.VerdictBody.model_validate(told)
    assert (told["decision"], told["accepted"], told["score"]) == ("not_evaluated", False, None)
    assert [reason["code"] for reason in told["reasons"]] == ["no_face"]
    own = by_check({**files, "rgb": WALL}, model, tmp_path)
    assert (own["decision"], own["frames"]) == (told["decision"], told["frames"])


def test_the_model_tells_what_it_takes_and_guides_nobody(service, files, face_jpeg):
    about = service.http.get("/v1/model").json()
    schemas.AboutBody.model_validate(about)
    assert (about["takes"], about["depth_unit"]) == (["multimodal"], None)
    for kind in ("photo", "clip"):
        answer = service.http.post(f"/v1/{kind}", content=face_jpeg)
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_kind")
    session = service.http.post("/v1/sessions").json()
    bearer = {"Authorization": f"Bearer {session['token']}"}
    look = service.http.post("/v1/guidance", content=face_jpeg, headers=bearer)
    assert look.json()["code"] == "wrong_kind"
    assert post(service, files, headers=bearer).status_code == 200
    assert post(service, files, headers=bearer).json()["code"] == "session_spent"


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTOS)
def test_a_hostile_part(judge, files, name):
    content, code = PHOTOS[name]
    for part in files:
        told = judge.answer(Wish("multimodal"), {**files, part: content})
        if "answer" in told:  # a picture after all: 8 px of depth are little, but depth
            assert code is None
            assert told["answer"]["decision"] == "not_evaluated" or part != "rgb"
        else:
            assert told["code"] in ((code,) if code else STATUS)
