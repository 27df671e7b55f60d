"""The second paper's models by the verbs alone: train, score, check, export."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bonafide.datasets.sample_table import read_sample_table, write_sample_table
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.detector import Detector
from bonafide.evaluation.record import read_record
from bonafide.evaluation.score_file import read_development, read_test
from bonafide.models.initial_weights import load_initial_weights
from bonafide.training import texture_run as texture_run_module
from bonafide.training.checkpoint import load_tensors
from bonafide.training.loop import BEST, LAST
from bonafide.training.run import RECORD
from bonafide.training.texture_run import TextureSettings
from bonafide.types import BonafideError, Label, Presentation, Split
from tests.device import DEVICE
from tests.verbs import run

SETTINGS = """[settings]
cnn = "small"
hidden = 8
frames = 4
window_s = 1.0
steps = 6
batch = 4
evaluate_every = 3
learning_rate = 0.003
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory, astronaut, write_clip):
    """Six people who look alike and nod; the attacks stand still and carry a grid."""
    folder = tmp_path_factory.mktemp("clips")
    head = np.ascontiguousarray(astronaut[0:224, 110:334])
    rows = []
    for number, split in enumerate([Split.TRAIN] * 2 + [Split.DEVELOPMENT] * 2 + [Split.TEST] * 2):
        for label, species in ((Label.BONA_FIDE, "bona_fide"), (Label.ATTACK, "replay")):
            rgb = head.copy()
            if label is Label.ATTACK:
                rgb[::3] = rgb[::3] // 2 + 100 + number
            nod = 2 if label is Label.BONA_FIDE else 0
            pictures = [np.roll(rgb, number + nod * (i % 3), axis=0) for i in range(14)]
            path = folder / f"{number}_{label.value}.mp4"
            write_clip(path, pictures)
            rows.append(
                Presentation(
                    path.stem, str(path), label, species, f"p{number}", split, "grid (simulated)"
                )
            )
    write_clip(folder / "short.mp4", [head] * 5)
    rows.append(replace(rows[-1], presentation="short", path=str(folder / "short.mp4")))
    Image.fromarray(head).save(folder / "photo.png")
    write_sample_table(folder / "samples.csv", rows)
    (folder / "settings.toml").write_text(SETTINGS)
    return folder / "samples.csv"


def train_motion(table, out, *more):
    common = ["--data", table, "-o", out, "--workers", 1, "--device", DEVICE]
    return run("train", "motion", *common, "--settings", table.parent / "settings.toml", *more)


@pytest.fixture(scope="module")
def motion_run(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "attention"
    assert "initial weights of the CNN: random" in train_motion(table, out).stdout
    return out


@pytest.fixture(scope="module")
def texture_run(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "lbp"
    common = ["--data", table, "-o", out, "--workers", 1, "--window-s", 1.0]
    assert run("train", "texture", *common, "--cue", "lbp").exit_code == 0
    return out


@pytest.fixture(scope="module")
def exported(table, motion_run, tmp_path_factory):
    model = tmp_path_factory.mktemp("model") / "motion.onnx"
    probe = table.with_suffix(".clips") / "train" / "clips.npy"
    done = run("export", motion_run, model, "--probe", probe, "--version", "9")
    assert done.exit_code == 0
    return model


@pytest.fixture(scope="module")
def texture_file(table, texture_run, tmp_path_factory):
    model = tmp_path_factory.mktemp("model") / "lbp.onnx"
    [probe] = table.parent.rglob("development/features.npy")
    done = run("export", texture_run, model, "--probe", probe)
    assert done.exit_code == 0
    assert "differs from the run by" in done.stdout
    return model


def test_a_run_folder_has_the_form_of_every_run(motion_run):
    told = read_record(motion_run / "run.toml")
    assert told.name == "cnn-lstm-a small"
    assert told.entries["family"] == "motion_cnn_lstm"
    assert told.entries["settings.initial"] == "random"
    assert told.entries["data.test_unusable"] == "1"
    assert told.training_subjects == {"p0", "p1"}
    development = read_development(motion_run / "scores_development.csv")
    test = read_test(motion_run / "scores_test.csv")
    assert len(development) == 4
    assert [len(test), int(test.answered.sum())] == [5, 4]
    assert test.reason.at(4) == "clip_too_short"
    assert test.unit == "presentation"
    assert load_operating_point(motion_run / "operating_point.json").name


def test_it_resumes_and_refuses_other_settings(table, motion_run):
    with pytest.raises(BonafideError, match="holds a run already"):
        train_motion(table, motion_run)
    with pytest.raises(BonafideError, match="other settings"):
        train_motion(table, motion_run, "--resume", "--seed", 5)
    before = (motion_run / LAST).read_bytes()
    assert train_motion(table, motion_run, "--resume").exit_code == 0
    assert (motion_run / LAST).read_bytes() == before


SLOWLY = pytest.param("exported", marks=pytest.mark.slow)


@pytest.mark.parametrize("which", ["motion_run", SLOWLY, "texture_run", "texture_file"])
def test_scores_of_the_run_are_those_of_the_deployed_model(which, table, tmp_path, request):
    model = request.getfixturevalue(which)
    of = {"exported": "motion_run", "texture_file": "texture_run"}
    folder = request.getfixturevalue(of.get(which, which))
    run("score", model, table, "-o", tmp_path / "s.csv", "--split", "test")
    scored, own = read_test(tmp_path / "s.csv"), read_test(folder / "scores_test.csv")
    np.testing.assert_allclose(scored.score[:4], own.score[:4], atol=1e-4)
    assert scored.reason.at(4) == "clip_too_short"


SLOWLY = pytest.param("exported", marks=pytest.mark.slow)


@pytest.mark.parametrize("which", ["motion_run", SLOWLY, "texture_run", "texture_file"])
def test_check_answers_on_clips_and_says_why_not_on_others(which, table, tmp_path, request):
    model, folder = request.getfixturevalue(which), table.parent
    paths = [folder / name for name in ("4_bona_fide.mp4", "short.mp4", "photo.png")]
    evidence = tmp_path / "evidence"
    done = run("check", *paths, "--json", "--model", model, "--evidence", evidence)
    clip, short, photo = map(json.loads, done.stdout.splitlines())
    assert clip["decision"] in ("bona_fide", "attack")
    assert 0 <= clip["score"] <= 1
    assert len(clip["faces"]) == 1
    assert clip["frames"]["evaluated"] == (10 if which.startswith("texture") else 4)
    assert clip["frames"]["seen"] == 10
    assert set(clip["timing_ms"]) == {"frames", "score"}
    for answer, words in ((short, "1 s are needed"), (photo, "this is a photo")):
        assert answer["decision"] == "not_evaluated"
        assert answer["score"] is None
        assert answer["reasons"][0]["code"] == "clip_too_short"
        assert words in answer["reasons"][0]["advice"]
    page = (evidence / "index.html").read_text()
    assert page.count("<figure>") == clip["frames"]["evaluated"]
    assert page.count('class="bar"') == (0 if which.startswith("texture") else 4)
    assert page.count("<polyline") == (1 if which.startswith("texture") else 0)


def test_a_clip_model_watches_no_camera_and_is_no_face_model(exported, table):
    with pytest.raises(BonafideError, match="does not watch a camera"):
        run("check", "--camera", table.parent / "short.mp4", "--model", exported)
    with pytest.raises(BonafideError, match="family motion_cnn_lstm, not ms_fans"):
        Detector.load(exported)


def test_a_texture_run_says_what_it_is(texture_run):
    told = read_record(texture_run / "run.toml")
    assert told.entries["family"] == "texture_svm"
    assert told.entries["settings.cue"] == "lbp"
    assert told.entries["result.rows"] == "40"
    assert not list(texture_run.glob("*.pkl")) + list(texture_run.glob("*.joblib"))


def test_patterns_in_time_leave_clips_of_two_frames_out(table):
    """Two pictures that fill the window have no middle one: missed, like any clip too short."""
    sample = replace(read_sample_table(table)[0], presentation="two")
    two = np.zeros((2, 32, 32, 3), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texture_run_module, "frames_of_sample", lambda *_: (two, "", ""))
        for cue, rows in (("lbp", 2), ("lbp_top", 0)):
            made = texture_run_module._features_of(sample, TextureSettings(cue=cue), None)
            assert len(made.rows) == rows
    assert made.reason == "clip_too_short"
    assert "2 frames" in made.advice


def test_settings_that_need_a_file_of_weights_say_so(table, tmp_path):
    (tmp_path / "s.toml").write_text('[settings]\ninitial = "vgg-face"\ninitial_sha256 = "0"\n')
    with pytest.raises(BonafideError, match="no file of them is named"):
        run(
            "train",
            "motion",
            "--data",
            table,
            "-o",
            tmp_path / "r",
            "--settings",
            tmp_path / "s.toml",
        )


@pytest.mark.slow
def test_a_run_begins_with_the_cnn_of_an_earlier_one(table, motion_run, tmp_path):
    cnn, out = tmp_path / "cnn.safetensors", tmp_path / "next"
    done = run("weights", "from-run", motion_run, "-o", cnn)
    assert "transfer of" in done.stdout
    later = ["--weights", cnn, "--freeze-cnn", "--variant", "cnn-lstm"]
    said = train_motion(table, out, *later).stdout
    assert "initial weights of the CNN: transfer" in said
    before, after = load_tensors(motion_run / BEST)[0], load_tensors(out / BEST)[0]
    kept = [name for name in before if name.startswith("cnn.")]
    assert len(kept) > 10
    assert all(torch.equal(before[name], after[name]) for name in kept)
    assert load_initial_weights(cnn, "small")[1].source_sha256 in (out / RECORD).read_text()


def test_a_runs_cnn_fits_no_other_network(table, motion_run, tmp_path):
    cnn = tmp_path / "cnn.safetensors"
    run("weights", "from-run", motion_run, "-o", cnn)
    with pytest.raises(BonafideError, match="another CNN than vgg16"):
        load_initial_weights(cnn, "vgg16")
    with pytest.raises(BonafideError, match="another CNN than vgg16"):
        train_motion(table, tmp_path / "r", "--cnn", "vgg16", "--weights", cnn)
    assert not (tmp_path / "r").exists()
    with pytest.raises(BonafideError, match=str(tmp_path)):
        run("weights", "from-run", tmp_path, "-o", cnn)
