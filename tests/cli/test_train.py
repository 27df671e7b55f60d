"""From a sample table to a model that `check` uses, by the verbs alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bonafide.datasets.sample_table import write_sample_table
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.runtime import OnnxScorer
from bonafide.evaluation.record import read_record
from bonafide.evaluation.score_file import read_development, read_scores, read_test
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.settings import load_settings
from bonafide.types import BonafideError, Label, Presentation, Split
from tests.device import DEVICE
from tests.verbs import run

SETTINGS = """[settings]
scales = [1.0, 1.2]
steps = 12
batch = 8
evaluate_every = 6
learning_rate = 0.01
"""


@pytest.fixture
def table(tmp_path, astronaut):
    """Six people who look alike; the attacks carry a fine grid."""
    rows = []
    for number, split in enumerate([Split.TRAIN] * 2 + [Split.DEVELOPMENT] * 2 + [Split.TEST] * 2):
        for label, species in ((Label.BONA_FIDE, "bona_fide"), (Label.ATTACK, "replay")):
            rgb = astronaut.copy()
            if label is Label.ATTACK:
                rgb[::3] = 255 - number
            path = tmp_path / f"{number}_{label.value}.png"
            Image.fromarray(np.roll(rgb, number, axis=1)).save(path)
            sample = Presentation(
                path.stem, str(path), label, species, f"p{number}", split, "grid (simulated)"
            )
            rows.append(sample)
    blank = tmp_path / "blank.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(blank)
    rows.append(replace(rows[-1], presentation="blank", path=str(blank)))
    write_sample_table(tmp_path / "samples.csv", rows)
    (tmp_path / "settings.toml").write_text(SETTINGS)
    return tmp_path / "samples.csv"


@pytest.mark.slow
def test_train_export_check(table, tmp_path, astronaut):
    settings = ["--settings", tmp_path / "settings.toml"]
    out = tmp_path / "run"
    train = ["train", "ms-fans", "--data", table, "-o", out, "--workers", 1, "--device", DEVICE]
    assert run(*train, *settings).exit_code == 0
    record = (out / "run.toml").read_text()
    for words in ("grid (simulated)", "train_subjects = 2", "test_unusable = 1"):
        assert words in record
    told = read_record(out / "run.toml")
    assert told.training_species == {"replay"}
    assert told.training_subjects == {"p0", "p1"}
    assert load_settings(MsFansSettings, out / "run.toml").seed == 0
    development = read_development(out / "scores_development.csv")
    test = read_test(out / "scores_test.csv")
    assert len(development) == 4
    assert [len(test), int(test.answered.sum())] == [5, 4]
    point = load_operating_point(out / "operating_point.json")
    assert point.development.dataset == "grid (simulated)"

    with pytest.raises(BonafideError, match="holds a run already"):
        run(*train, *settings)
    with pytest.raises(BonafideError, match="other settings"):
        run(*train, *settings, "--resume", "--seed", 5)
    assert run(*train, *settings, "--resume").exit_code == 0

    model = tmp_path / "model.onnx"
    probe = tmp_path / "samples.crops" / "train" / "crops.npy"
    assert run("export", out, model, "--probe", probe, "--version", "9").exit_code == 0
    scorer = OnnxScorer(model)
    assert scorer.record.operating_point == point
    assert scorer.record.provenance["scales"] == [1.0, 1.2]
    assert scorer.record.trained_on == "grid (simulated)"
    cached = np.load(tmp_path / "samples.crops" / "development" / "crops.npy")
    np.testing.assert_allclose(scorer.score(cached).score, development.score, atol=1e-4)

    for source, name in ((out, "run.csv"), (model, "onnx.csv")):
        run("score", source, table, "-o", tmp_path / name, "--split", "test")
        scored = read_test(tmp_path / name)
        np.testing.assert_allclose(scored.score[:4], test.score[:4], atol=1e-4)
        assert scored.reason.at(4) == "no_face"
    assert run("score", model, table, "-o", tmp_path / "f.csv", "--unit", "frame").exit_code == 0
    assert read_scores(tmp_path / "f.csv").unit == "frame"
    with pytest.raises(BonafideError, match="unit"):
        run("score", model, table, "-o", tmp_path / "x.csv", "--unit", "clip")

    Image.fromarray(astronaut).save(tmp_path / "photo.png")
    answer = json.loads(run("check", tmp_path / "photo.png", "--json", "--model", model).stdout)
    assert answer["model"]["version"] == "9"
    assert answer["threshold"] == point.threshold


def test_a_table_whose_people_overlap_is_refused_before_anything_is_cut(table, tmp_path):
    text = table.read_text().replace("p4", "p0")
    table.write_text(text)
    with pytest.raises(BonafideError, match=r"more than one split:\s+p0: test, train"):
        run("train", "ms-fans", "--data", table, "-o", tmp_path / "run")
    assert not (tmp_path / "samples.crops").exists()


def test_a_device_that_is_not_there_is_named(table, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for device, message in (("cuda", "sees no CUDA device"), ("gpu", "unknown device")):
        with pytest.raises(BonafideError, match=message):
            run("train", "ms-fans", "--data", table, "-o", tmp_path / "run", "--device", device)
