"""The rivals' verbs: list, train, score, benchmark."""

import json

import numpy as np
import pytest
from PIL import Image

from bonafide.datasets.sample_table import write_sample_table
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy import benchmark
from bonafide.deploy.model_list import all_names
from bonafide.evaluation.record import read_record
from bonafide.evaluation.score_file import read_development, read_test
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.types import BonafideError, Label, Presentation, Split
from tests.device import DEVICE
from tests.verbs import run

PEOPLE = {Split.TRAIN: 4, Split.DEVELOPMENT: 2, Split.TEST: 2}


@pytest.fixture(scope="module")
def table(tmp_path_factory, astronaut):
    """People who look alike, their attacks striped; with depth and infrared that tell the same."""
    folder, rows, number = tmp_path_factory.mktemp("data"), [], 0
    for split, people in PEOPLE.items():
        for _ in range(people):
            number += 1
            for label, species in ((Label.BONA_FIDE, "bona_fide"), (Label.ATTACK, "replay")):
                rgb = np.roll(astronaut[:400, 40:440], 2 * number, axis=1)
                if label is Label.ATTACK:
                    rgb[::3] = 255 - number
                stem = folder / f"{number}_{label.value}"
                Image.fromarray(rgb).save(f"{stem}.png")
                for name, picture in (("depth", rgb[..., 0]), ("infrared", rgb[..., 1])):
                    Image.fromarray(picture).save(f"{stem}_{name}.png")
                rows.append(
                    Presentation(
                        stem.name,
                        f"{stem}.png",
                        label,
                        species,
                        f"p{number}",
                        split,
                        "stripes (simulated)",
                        depth_path=f"{stem}_depth.png",
                        infrared_path=f"{stem}_infrared.png",
                    )
                )
    write_sample_table(folder / "samples.csv", rows)
    return folder / "samples.csv"


def test_the_list_has_every_model_with_its_tables_and_costs():
    listed = json.loads(run("models", "--json", "--only", "ms-fans,minifasnet,ml_lpq").stdout)
    assert [row["name"] for row in listed] == ["ms-fans", "minifasnet", "ml_lpq"]
    assert listed[1]["modality"] == "RGB"
    assert listed[1]["counted_as_published"] == pytest.approx(89.4e6, rel=0.01)
    assert listed[2]["tables"] == ["cascade/5", "cascade/8", "cascade/9"]
    assert set(all_names()) == {"ms-fans", "ms-fans-deep", *NETWORKS, *MACHINES}
    text = run("models", "--only", "feather_net_b,face_bag_net").stdout
    assert "353 k" in text
    assert "RGB + depth + IR" in text
    timed = json.loads(run("models", "--json", "--milliseconds", "--only", "ml_lpq").stdout)
    assert timed[0]["milliseconds"] > 0
    with pytest.raises(BonafideError, match="unknown models"):
        run("models", "--only", "minifasnet3")


SETTINGS = """[settings]
side_px = {side_px}
batch = 4
evaluate_every = 2
frames_per_clip = 2
"""


@pytest.mark.parametrize(
    "name",
    [
        "feather_net_b",
        "colour_texture",
        pytest.param("lstm_cnn", marks=pytest.mark.slow),
        pytest.param("alex_net_svm", marks=pytest.mark.slow),
        pytest.param("casia_surf_fusion", marks=pytest.mark.slow),
    ],
)
def test_train_and_score(table, tmp_path, name):
    settings = tmp_path / "settings.toml"
    if name in NETWORKS:
        settings.write_text(SETTINGS.format(side_px=NETWORKS[name].small_px))
    out = tmp_path / "run"
    train = ["train", "rival", name, "--data", table, "-o", out, "--workers", 1, "--device", DEVICE]
    network = ["--settings", settings, "--steps", 2] if name in NETWORKS else []
    assert run(*train, *network).exit_code == 0
    told = read_record(out / "run.toml")
    assert told.name == name
    assert told.training_species == {"replay"}
    point = load_operating_point(out / "operating_point.json")
    assert point.development.dataset == "stripes (simulated)"
    assert len(read_development(out / "scores_development.csv")) == 4
    test = read_test(out / "scores_test.csv")
    assert test.answered.sum() == 4
    assert ((test.score >= 0) & (test.score <= 1)).all()

    with pytest.raises(BonafideError, match="holds a run already"):
        run(*train, *network)
    with pytest.raises(BonafideError, match="other settings"):
        run(*train, *network, "--resume", "--seed", 5)
    score = ["score", out, table, "-o", tmp_path / "scores.csv", "--split", "test"]
    run(*score)
    np.testing.assert_allclose(read_test(tmp_path / "scores.csv").score, test.score, atol=1e-4)


def test_what_a_model_cannot_do_is_said(table, tmp_path):
    train = ["train", "rival", "--data", table, "-o", tmp_path / "run", "--device", DEVICE]
    with pytest.raises(BonafideError, match="model"):
        run(*train, "resnet19")
    with pytest.raises(BonafideError, match="unknown settings"):
        run(*train, "ml_lpq", "--steps", 5)
    (tmp_path / "other.toml").write_text('model = "resnet18"\n')
    with pytest.raises(BonafideError, match="is for the model 'resnet18'"):
        run(*train, "cdcn", "--settings", tmp_path / "other.toml")
    text = table.read_text().replace("_depth.png", "_depth.png", 1)
    lines = text.splitlines()
    lines[1] = lines[1].replace(f"{lines[1].split(',')[0]}_depth.png", "")
    bare = table.with_name("bare.csv")
    bare.write_text("\n".join(lines) + "\n")
    with pytest.raises(BonafideError, match="depth_path is empty"):
        run("train", "rival", "casia_surf_fusion", "--data", bare, "-o", tmp_path / "m",
            "--workers", 1, "--device", DEVICE)  # fmt: skip


@pytest.mark.slow
def test_benchmark(table, tmp_path, monkeypatch):
    out = tmp_path / "bench"
    command = ["benchmark", "--data", table, "-o", out, "--steps", 2, "--batch", 2,
               "--seeds", "0,1", "--workers", 1, "--rounds", 100, "--device", DEVICE]  # fmt: skip
    names = ["--models", "ms-fans,colour_texture,minifasnet"]
    assert run(*command, *names).exit_code == 0
    told = json.loads((out / "benchmark.json").read_text())
    assert [model["name"] for model in told["models"]] == names[1].split(",")
    assert all(len(model["runs"]) == 2 for model in told["models"])
    assert told["presentations"] == {"train": 8, "development": 4, "test": 4}
    assert len(told["comparison"]) == 3
    page = (out / "benchmark.html").read_text()
    assert "no evidence about real attacks" in page
    for address in ("reports/minifasnet-1/report.html", "comparison.html"):
        assert f'href="{address}"' in page
        assert (out / address).exists()
    assert "http" not in page.replace("http://www.w3.org", "")

    weights = out / "runs" / "minifasnet-0" / "model.safetensors"
    before = weights.stat().st_mtime_ns
    monkeypatch.setattr(benchmark, "_report", lambda *_: None)  # the first ones are there
    assert run(*command, *names).exit_code == 0
    assert weights.stat().st_mtime_ns == before
    with pytest.raises(BonafideError, match="other settings"):
        run(*command[:-8], *command[-8:], *names, "--steps", 3)
    with pytest.raises(BonafideError, match="unknown models"):
        run(*command, "--models", "nothing")
