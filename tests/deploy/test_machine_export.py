"""Machines over hand-made features export, answer as their runs, and are judged like the rest."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from rival_makers import faces, frames_of, write_machine, write_texture
from without_extras import base_install

from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources
from bonafide.deploy.files import answer_source
from bonafide.deploy.load import load_detector
from bonafide.deploy.machine_file import OnnxMachineScorer, OnnxTextureScorer
from bonafide.deploy.machine_graph import ENCODERS, fisher_vector, machine_graph
from bonafide.deploy.package import export_run
from bonafide.deploy.rival_run import load_judge
from bonafide.deploy.runtime import OnnxModel
from bonafide.models.catalogue import MACHINES
from bonafide.models.descriptors import CLIP_DESCRIPTORS, VIEW_DESCRIPTORS
from bonafide.models.fisher_texture import encode
from bonafide.models.support_machine import SupportMachine
from bonafide.models.texture_svm import VARIANTS
from bonafide.training.checkpoint import load_tensors
from bonafide.training.texture_run import TextureSettings, load_texture_run
from bonafide.types import BonafideError, Decision, Frame

pytestmark = pytest.mark.slow

SIDE = 48
SETTINGS = TextureSettings(side_px=SIDE, window_s=0.5)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(run, file) of a machine by name; made once."""
    folder, made = tmp_path_factory.mktemp("machines"), {}

    def of(name):
        if name not in made:
            texture = name in VARIANTS
            run = folder / name
            run = (
                write_texture(run, replace(SETTINGS, cue=name))
                if texture
                else write_machine(run, name)
            )
            assert export_run(run, folder / f"{name}.onnx", version="4") <= 1e-4
            made[name] = run, folder / f"{name}.onnx"
        return made[name]

    return of


def test_the_features_are_those_of_training():
    assert {name: one.describe for name, one in MACHINES.items()} == {
        name: one.describe for name, one in VIEW_DESCRIPTORS.items()
    }
    assert {name: one.describe for name, one in CLIP_DESCRIPTORS.items()} == VARIANTS
    assert {name for name, one in MACHINES.items() if one.encode is not None} == {*ENCODERS}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_a_machine_answers_as_its_run_at_every_batch_size(name, exported):
    run, file = exported(name)
    pictures = faces(name)[:5]
    expected = np.array(load_judge(run).scores(pictures))  # by numpy and the fitted machine
    assert np.ptp(expected) > 0.05
    scorer = OnnxMachineScorer(file)
    for size in (1, 2, 5):
        found = [scorer.score(pictures[i : i + size]) for i in range(0, 5, size)]
        np.testing.assert_allclose(np.concatenate([f.score for f in found]), expected, atol=1e-6)
    count = pictures.shape[1] if MACHINES[name].views.kind == "frames" else 1
    np.testing.assert_allclose(found[-1].alpha, np.full((5, count), 1 / count))
    with pytest.raises(BonafideError, match="do not fit"):
        scorer.score(pictures[:, :, 1:])


@pytest.mark.parametrize("cue", sorted(VARIANTS))
def test_a_texture_machine_does_for_clips_of_any_length(cue, exported):
    run, file = exported(cue)
    machine, scorer = load_texture_run(run), OnnxTextureScorer(file)
    for frames in (3, 10):
        for clip in (
            frames_of(SIDE)
            .reshape(-1, SIDE, SIDE, 3)[: 2 * frames]
            .reshape(2, frames, SIDE, SIDE, 3)
        ):
            answer = scorer.score_clip(clip)
            assert answer.score == pytest.approx(machine.score(clip), abs=1e-6)
            if cue == "lbp_top":
                assert answer.frame_scores is None
                continue
            each = machine.probability(VARIANTS[cue](clip))
            np.testing.assert_allclose(answer.frame_scores, each, atol=1e-6)
    with pytest.raises(BonafideError, match="do not fit"):
        scorer.score_clip(np.zeros((4, SIDE + 1, SIDE, 3), np.uint8))


def run_graph(model, descriptors):
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, {"descriptor": descriptors})


@pytest.mark.parametrize("gamma", [0.0, 0.02])
def test_the_graph_is_the_machine_written_out(gamma):
    """Also where features lie far outside of what the machine was fitted to."""
    rng = np.random.default_rng(0)
    count = 1 if gamma == 0 else 30
    machine = SupportMachine(
        rng.normal(size=20), rng.uniform(0.01, 2, 20), rng.normal(size=(count, 20)),
        rng.normal(size=count) if gamma else np.ones(1), 0.3, gamma, -1.2, 0.4,
    )  # fmt: skip
    features = rng.normal(0, 3, (50, 20)).astype(np.float32)
    (found,) = run_graph(machine_graph(machine, (20,)), features)
    scaled = (features - machine.mean) / machine.scale
    inner = scaled @ machine.support.T
    apart = ((scaled[:, None] - machine.support) ** 2).sum(2)
    kernel = inner if gamma == 0 else np.exp(-gamma * apart)
    value = (kernel * machine.weight).sum(1) + 0.3
    np.testing.assert_allclose(found, 1 / (1 + np.exp(0.4 - 1.2 * value)), atol=1e-6)


def test_the_fisher_vector_in_the_graph_is_that_of_training():
    rng = np.random.default_rng(0)
    learned = {
        "pca_mean": rng.normal(size=12).astype(np.float32),
        "pca_axes": rng.normal(size=(5, 12)).astype(np.float32),
        "weights": rng.dirichlet(np.ones(4)),
        "means": rng.normal(size=(4, 5)),
        "variances": rng.uniform(0.2, 2, (4, 5)),
    }
    # A machine that looks at one value of the vector at a time.
    described = rng.normal(size=(3, 9, 12)).astype(np.float32)
    vectors = np.stack([encode(each, learned) for each in described])
    count = vectors.shape[1]
    assert count == 2 * 4 * 5
    for place in range(0, count, 3):
        machine = SupportMachine(
            np.zeros(count), np.ones(count), np.eye(count)[place : place + 1], np.ones(1),
            0.0, 0.0, -4.0, 0.0,
        )  # fmt: skip
        (found,) = run_graph(machine_graph(machine, (9, 12), fisher_vector, learned), described)
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-4 * vectors[:, place])), atol=1e-6)


def test_a_graph_that_answers_otherwise_is_not_written(exported, tmp_path, monkeypatch):
    run, _ = exported("colour_texture")
    from bonafide.deploy import machine_export

    def bent(machine, shape, encode, learned):
        return machine_graph(replace(machine, intercept=machine.intercept + 0.01), shape)

    monkeypatch.setattr(machine_export, "machine_graph", bent)
    with pytest.raises(BonafideError, match="the run and ONNX Runtime differ by"):
        export_run(run, tmp_path / "m.onnx", version="1")
    assert not list(tmp_path.iterdir())


def test_the_record_names_the_feature_its_settings_and_the_views(exported):
    record = OnnxModel(exported("ml_lpq")[1]).record
    assert record.family == "rival_machine"
    assert record.preprocessing == {
        "model": "ml_lpq",
        "kind": "scales",
        "scales": [1.2],
        "crop_px": 64,
        "frames": 1,
        "descriptor": {
            "of": ["grey"],
            "local phase quantisation": {"window_px": 7, "correlation": 0.9},
            "levels": [1, 2, 3],
        },
    }
    told = OnnxModel(exported("lbp_top")[1]).record.preprocessing
    assert told["cue"] == "lbp_top"
    assert told["clip"]["side_px"] == SIDE
    assert told["descriptor"]["planes"] == ["xy", "xt", "yt"]
    tensors, about = load_tensors(exported("ml_lpq")[1].with_suffix(".safetensors"))
    assert tensors["machine.support"].shape == (1, 3584)
    assert json.loads(about["bonafide"])["name"] == "ml_lpq"


@pytest.mark.parametrize("name", ["colour_texture", "lbp"])
def test_a_feature_that_this_version_makes_otherwise_is_refused(name, exported, tmp_path):
    model = onnx.load(exported(name)[1])
    told = json.loads(model.metadata_props[0].value)
    told["preprocessing"]["descriptor"]["of"] = ["cmyk"]
    model.metadata_props[0].value = json.dumps(told)
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(BonafideError, match="in a form that this version does not make"):
        load_detector(tmp_path / "other.onnx")


def test_the_file_judges_photos_as_the_run_does(exported, astronaut):
    run, file = exported("colour_texture")
    ours, theirs = load_detector(file), load_detector(run)
    found, expected = ours(astronaut), theirs(astronaut)
    assert found.score == pytest.approx(expected.score, abs=1e-6)
    assert found.decision == expected.decision != Decision.NOT_EVALUATED
    assert ours.model_id.version == "4"
    assert ours.scorer.record.preprocessing == theirs.scorer.record.preprocessing
    nobody = ours(np.zeros_like(astronaut))
    assert nobody.decision == Decision.NOT_EVALUATED
    assert [reason.code.value for reason in nobody.reasons] == ["no_face"]


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    """A face that sways, a second long."""
    import av

    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=15)
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        for i in range(15):
            frame = av.VideoFrame.from_ndarray(np.roll(astronaut, i % 5, axis=1), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


@pytest.mark.parametrize("name", ["videolet", "lbp_top", "lbp", "colour_texture"])
def test_the_file_judges_clips_as_the_run_does(name, exported, clip):
    [source] = expand_sources([str(clip)])
    ours, theirs = (
        answer_source(load_detector(model), source, Limits(), 5.0)[0].verdict
        for model in reversed(exported(name))
    )
    assert ours.score == pytest.approx(theirs.score, abs=1e-6)
    assert ours.decision == theirs.decision != Decision.NOT_EVALUATED
    assert (ours.frames_evaluated, ours.frames_seen) == (
        theirs.frames_evaluated,
        theirs.frames_seen,
    )


def test_a_clip_too_short_and_a_photo_have_the_usual_reason(exported, clip, astronaut, tmp_path):
    run = write_texture(tmp_path / "run", replace(SETTINGS, window_s=4.0))
    export_run(run, tmp_path / "long.onnx", version="1")
    detector = load_detector(tmp_path / "long.onnx")
    [source] = expand_sources([str(clip)])
    answer, _ = answer_source(detector, source, Limits(), 5.0)
    for verdict in (answer.verdict, detector.examine(astronaut).verdict):
        assert verdict.decision == Decision.NOT_EVALUATED
        assert verdict.reasons[0].code.value == "clip_too_short"


def test_patterns_in_time_need_three_frames(exported, astronaut):
    """Two frames of a picture a second fill half a second, and have no middle one."""
    run, file = exported("lbp_top")
    frames = [Frame(astronaut, i, i / 3, "two") for i in range(2)]
    for model in (run, file):
        verdict = load_detector(model).examine_clip(lambda rate_hz: iter(frames)).verdict
        assert verdict.decision == Decision.NOT_EVALUATED
        assert [reason.code.value for reason in verdict.reasons] == ["clip_too_short"]
        assert "2 frames in 0.5 s; 3 are needed" in verdict.reasons[0].advice


def test_features_or_crops_of_a_cache_may_be_the_probe(exported, tmp_path):
    run, _ = exported("lbp")
    rows = np.concatenate([VARIANTS["lbp"](c) for c in frames_of(SIDE)])
    np.save(tmp_path / "features.npy", rows)
    assert (
        export_run(run, tmp_path / "m.onnx", probe=tmp_path / "features.npy", version="1") <= 1e-4
    )
    np.save(tmp_path / "other.npy", np.zeros((4, 9), np.float32))
    with pytest.raises(BonafideError, match=r"holds float32 of shape \(4, 9\)"):
        export_run(run, tmp_path / "n.onnx", probe=tmp_path / "other.npy", version="1")
    run, _ = exported("ml_lpq")
    np.save(tmp_path / "crops.npy", faces("ml_lpq"))
    export_run(run, tmp_path / "o.onnx", probe=tmp_path / "crops.npy", version="1")
    assert not (tmp_path / "n.onnx").exists()


@pytest.mark.parametrize("name", ["colour_texture", "videolet", "lbp magnified"])
def test_check_needs_nothing_of_the_train_extra(name, exported, clip, tmp_path):
    """In an interpreter that has none of it: numpy makes the feature, and magnifies."""
    magnified = name.endswith(" magnified")
    if magnified:
        settings = replace(SETTINGS, window_s=0.9, preset="wu-face", low_hz=2.0, high_hz=5.0)
        run, file = write_texture(tmp_path / "run", settings), tmp_path / "magnified.onnx"
        export_run(run, file, version="1")
    else:
        run, file = exported(name)
    words = ["check", clip, "--model", file, "--json"]
    done = base_install(*words)
    assert done.returncode in (0, 1), done.stderr + done.stdout
    [source] = expand_sources([str(clip)])
    expected = answer_source(load_detector(run), source, Limits(), 5.0)[0].verdict
    # Magnified values may lie one level apart, see the tests of magnification.
    tolerance = 1e-3 if magnified else 1e-6
    assert json.loads(done.stdout)["score"] == pytest.approx(expected.score, abs=tolerance)
