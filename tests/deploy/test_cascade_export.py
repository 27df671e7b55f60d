"""An exported cascade answers as its run does in torch, stage by stage, and asks M-Net last."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from cascade_makers import SIDE, aligned_faces, capture_of, write_cascade
from PIL import Image
from without_extras import base_install

from bonafide.capture.multimodal import find_modalities, read_multimodal
from bonafide.deploy.cascade import CascadeDetector
from bonafide.deploy.cascade_export import cascade_record, export_cascade_run, stage_difference
from bonafide.deploy.cascade_file import cascade_of_file
from bonafide.deploy.cascade_run import StageRun, cascade_of_run, stages_of
from bonafide.deploy.export import write_checked
from bonafide.deploy.load import load_detector
from bonafide.deploy.onnx_metadata import family_of_file, read_metadata
from bonafide.deploy.runtime import SHIPPED_MODEL, OnnxModel
from bonafide.training.capture_cache import ARRAYS, FACTS, ROWS
from bonafide.types import BonafideError, Decision

pytestmark = pytest.mark.slow
"""Two nets are traced for them."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("cascade")


@pytest.fixture(scope="module")
def run(place):
    return write_cascade(place / "run")


@pytest.fixture(scope="module")
def captures(place, astronaut):
    """A cache of aligned captures as training leaves it."""
    folder = place / "captures"
    folder.mkdir()
    faces = aligned_faces(astronaut)
    for name in ARRAYS[:3]:
        np.save(folder / f"{name}.npy", np.stack([getattr(face, name) for face in faces]))
    facts = [[face.area_px, face.mm_per_px, *face.landmarks.ravel()] for face in faces]
    assert len(facts[0]) == FACTS
    np.save(folder / "facts.npy", np.array(facts, np.float32))
    (folder / ROWS).write_text("presentation\n" + "".join(f"{i}\n" for i in range(len(faces))))
    return folder


@pytest.fixture(scope="module")
def exported(place, run, captures):
    out = place / "cascade.onnx"
    assert export_cascade_run(run, out, probe=captures, name="twin", version="7") <= 1e-4
    return out


def test_every_stage_and_batch_size_agrees_with_torch(run, exported, astronaut):
    torch_model, onnx_model = cascade_of_run(run), cascade_of_file(exported)
    assert torch_model.align == onnx_model.align
    faces = aligned_faces(astronaut, 5)
    for ours, theirs in zip(onnx_model.stages, torch_model.stages, strict=True):
        assert (ours.name, ours.form, ours.point) == (theirs.name, theirs.form, theirs.point)
        planes = np.stack([ours.form.of(face) for face in faces])
        expected = theirs.scores(planes)
        assert np.ptp(expected) > 1e-3
        for count in (1, 2, 3, 5):
            found = ours.scores(planes[:count])
            np.testing.assert_allclose(found, expected[:count], atol=1e-4)


def test_the_fine_tuned_net_and_its_picked_positions_are_in_the_file(run, exported):
    [_, tuned] = stages_of(run)
    assert tuned.folder.name == "fine_tune"
    assert tuned.scorer.picked == [3, 14, 35]
    record = OnnxModel(exported).record
    assert record.provenance["m_net"]["weights"] == tuned.sha256
    assert record.family == family_of_file(exported) == "cascade"
    assert [s["operating_point"]["threshold"] for s in record.preprocessing["stages"]] == [0.0, 0.5]


@pytest.mark.parametrize(("d_net", "m_net"), [(0.0, 0.5), (2.0, 0.5), (0.0, 2.0), (0.0, 0.0)])
def test_the_detector_gives_torchs_verdict(run, exported, astronaut, d_net, m_net):
    verdicts = []
    for detector in (CascadeDetector.load(run), CascadeDetector.load(exported)):
        thresholds = (d_net, m_net)
        stages = tuple(
            replace(stage, point=replace(stage.point, threshold=threshold))
            for stage, threshold in zip(detector.stages, thresholds, strict=True)
        )
        model = replace(detector.model, stages=stages)
        verdicts.append(CascadeDetector(model, detector.faces)(capture_of(astronaut)))
    theirs, ours = verdicts
    assert ours.decision == theirs.decision != Decision.NOT_EVALUATED
    assert ours.score == pytest.approx(theirs.score, abs=1e-4)
    assert list(ours.stages) == ["d_net", "m_net"]
    for name, stage in ours.stages.items():
        assert stage.threshold == theirs.stages[name].threshold
        if d_net > 1 and name == "m_net":
            assert stage.score is None
        else:
            assert stage.score == pytest.approx(theirs.stages[name].score, abs=1e-4)


def test_the_net_that_is_not_asked_for_is_not_run(exported):
    """All nodes but one lie within a branch of an If, of which ONNX runs one."""
    graph = onnx.load(exported).graph
    assert [node.op_type for node in graph.node] == ["If"]
    assert not graph.initializer
    model = OnnxModel(exported)
    planes = {
        "d_net": np.zeros((2, SIDE, SIDE, 3), np.uint8),
        "m_net": np.zeros((0, SIDE, SIDE, 14), np.uint8),
    }
    assert model.run_named({**planes, "second": np.array(False)})[0].shape == (2,)


def test_one_stage_alone_is_a_plain_graph(run, captures, place):
    out = place / "m_net.onnx"
    export_cascade_run(run / "fine_tune", out, probe=captures, name="m", version="1")
    assert [each.name for each in onnx.load(out).graph.input] == ["m_net"]
    [stage] = cascade_of_file(out).stages
    assert stage.name == "m_net"


def test_check_takes_the_file_without_torch_as_the_run_with_it(run, exported, astronaut, tmp_path):
    """In an interpreter that has nothing of the [train] extra."""
    capture = capture_of(astronaut)
    Image.fromarray(capture.rgb).save(tmp_path / "rgb.png")
    Image.fromarray(capture.depth_mm.astype(np.uint16)).save(tmp_path / "depth.png")
    Image.fromarray(capture.infrared).save(tmp_path / "infrared.png")
    words = ["check", "--rgb", tmp_path, "--model", exported, "--json", "--evidence", tmp_path]
    done = base_install(*words)
    assert done.returncode in (0, 1), done.stderr
    answer = json.loads(done.stdout)
    theirs = CascadeDetector.load(run)(read_multimodal(*find_modalities(tmp_path)))
    assert answer["decision"] == theirs.decision.value
    assert answer["score"] == pytest.approx(theirs.score, abs=1e-4)
    assert "summation" in (tmp_path / "index.html").read_text()
    assert answer["model"]["name"] == "twin"
    assert answer["model"]["version"] == "7"
    assert {name: stage["threshold"] for name, stage in answer["stages"].items()} == {
        "d_net": 0.0,
        "m_net": 0.5,
    }
    assert answer["score"] == answer["stages"]["m_net"]["score"]


def test_what_does_not_fit_is_refused(run, exported, captures, place, untrained_model, tmp_path):
    with pytest.raises(BonafideError, match="judges colour, depth and infrared together"):
        load_detector(exported)
    with pytest.raises(BonafideError, match="is no cascade but a model of family ms_fans"):
        CascadeDetector.load(untrained_model)
    with pytest.raises(BonafideError, match="do not fit"):
        cascade_of_file(exported).stages[0].scores(np.zeros((1, 8, 8, 3), np.uint8))
    with pytest.raises(BonafideError, match=f"no two aligned captures of {SIDE} px"):
        export_cascade_run(run, tmp_path / "x.onnx", probe=tmp_path, name="x", version="1")
    assert not (tmp_path / "x.onnx").exists()


@pytest.mark.parametrize("difference", [2e-4, float("nan")])
def test_a_cascade_that_differs_is_not_written(run, exported, tmp_path, difference):
    record = cascade_record(stages_of(run), name="x", version="1")
    with pytest.raises(BonafideError, match="differ by"):
        write_checked(onnx.load(exported), record, tmp_path / "x.onnx", lambda _: difference)
    assert not list(tmp_path.iterdir())


def test_the_difference_is_that_of_the_scores(run, exported, astronaut, monkeypatch):
    [first, _] = stages_of(run)
    planes = np.stack([first.stage().form.of(face) for face in aligned_faces(astronaut)])
    model = OnnxModel(exported)
    assert stage_difference(first, model, 0, planes) < 1e-5
    truth = StageRun.scores
    monkeypatch.setattr(StageRun, "scores", lambda self, p: truth(self, p) + np.float32(2e-3))
    assert stage_difference(first, model, 0, planes) == pytest.approx(2e-3, abs=1e-5)


def test_metadata_is_read_as_onnx_reads_it(exported, untrained_model, tmp_path):
    for path in (exported, untrained_model, SHIPPED_MODEL):
        model = onnx.load(path)
        assert read_metadata(path) == {p.key: p.value for p in model.metadata_props}
    content = SHIPPED_MODEL.read_bytes()
    for name, data in (("empty", b""), ("text", b"hello"), ("cut", content[:-9])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BonafideError, match="ONNX Runtime"):
            family_of_file(tmp_path / name)
    with pytest.raises(BonafideError, match="cannot be read"):
        family_of_file(tmp_path / "missing")
