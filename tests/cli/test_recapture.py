"""From a sample table to one fused model that `check` uses, by the verbs alone."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from bonafide.datasets.sample_table import read_sample_table, write_sample_table
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy import fuse
from bonafide.deploy.runtime import OnnxScorer
from bonafide.deploy.torch_scorer import TorchScorer
from bonafide.evaluation.record import read_record
from bonafide.evaluation.score_file import read_development
from bonafide.training import recapture_fusion
from bonafide.types import BonafideError, Label, Presentation, Split
from tests.verbs import run

NET = "[settings]\nlive = 2\nattacks = 2\nsources = 2\nsteps = 2\nevaluate_every = 2\n"
COLOUR = "[settings]\nsteps = 20\nevaluate_every = 20\nbatch = 16\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory, astronaut):
    """Two people, a source of live photos, photos for the fusion; attacks are tinted."""
    folder = tmp_path_factory.mktemp("recapture")
    face = np.ascontiguousarray(astronaut[:280, 70:350])

    def save(name, tint, shift):
        rgb = np.roll(face, shift, 1) * np.array(tint)
        Image.fromarray(rgb.astype(np.uint8)).save(folder / name)
        return str(folder / name)

    rows = []
    for number, split in enumerate((Split.TRAIN, Split.DEVELOPMENT)):
        for species, tint in (
            ("bona_fide", (1, 1, 1)),
            ("print", (1, 0.9, 0.8)),
            ("replay", (0.8, 0.9, 1)),
        ):
            label = Label.BONA_FIDE if species == "bona_fide" else Label.ATTACK
            path = save(f"{number}_{species}.png", tint, 3 * number)
            name = f"{number}_{species}"
            rows.append(Presentation(name, path, label, species, f"p{number}", split, "tints"))
    source = save("source.png", (0.9, 1, 1), 5)
    rows.append(replace(rows[0], presentation="s", path=source, dataset="photos"))
    write_sample_table(folder / "samples.csv", rows)
    (folder / "held_out").mkdir()
    for number in range(3):
        save(f"held_out/{number}.png", (1 - 0.1 * number, 1, 1), number)
    (folder / "net.toml").write_text(NET)
    (folder / "colour.toml").write_text(COLOUR)
    return folder


@pytest.fixture(scope="module")
def parts(place):
    """Runs of skin colour and of two seeds."""
    table = ["--data", place / "samples.csv", "--workers", 1]
    run("train", "skin-colour", *table, "-o", place / "colour", "--settings", place / "colour.toml")
    net = ["train", "recapture", *table, "--device", "cpu", "--settings", place / "net.toml"]
    for seed in (0, 1):
        told = run(*net, "-o", place / f"net{seed}", "--seed", seed).stdout
    assert "best at step 2 of 2" in told
    return [place / name for name in ("colour", "net0", "net1")]


def fuse_verb(place, parts, output, **changed):
    given = {"--data": place / "samples.csv", "--bona-fide": place / "held_out", **changed}
    options = [word for pair in given.items() for word in pair]
    return run("fuse", *parts, *options, "-o", output, "--workers", 1)


@pytest.fixture(scope="module")
def fused(place, parts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fuse, "LEAST_PHOTOS", 3)
        fuse_verb(place, parts, place / "fused")
    return place / "fused"


def test_the_record_tells_what_was_joined(place, parts, fused):
    told = read_record(fused / "run.toml")
    assert told.training_subjects == {"p0"}
    assert told.entries["result.photos_used"] == "3"
    assert told.entries["settings.seeds"] == "0, 1"
    with pytest.raises(BonafideError, match="holds a run already"):
        fuse_verb(place, parts, fused)


def test_both_parts_are_standardised_on_the_photos(place, fused):
    photos = np.load(place / "samples.fusion" / "photos" / "crops.npy")
    fusion, settings = recapture_fusion.load_fusion(fused)
    standard = (recapture_fusion.parts_of(fusion, photos) - fusion.centre) / fusion.spread
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(standard.std(0, correction=0), 1, atol=1e-3)
    assert settings.scales == (0.7, 1.0)


@pytest.mark.slow
def test_fused_runs_export_and_check(place, fused):
    model = fused / "model.onnx"
    run("export", fused, model, "--probe", place / "samples.fusion" / "development" / "crops.npy")
    scorer = OnnxScorer(model)
    assert scorer.record.family == "recapture_fusion"
    assert scorer.record.scales == (0.7, 1.0)
    assert scorer.record.operating_point == load_operating_point(fused / "operating_point.json")
    crops = np.load(place / "samples.fusion" / "development" / "crops.npy")
    answer = scorer.score(crops)
    development = read_development(fused / "scores_development.csv").score
    np.testing.assert_allclose(answer.score, development, atol=1e-4)
    np.testing.assert_allclose(TorchScorer(fused).score(crops).score, answer.score, atol=1e-4)
    np.testing.assert_allclose(answer.alpha, 0.5)

    photo = place / "1_bona_fide.png"
    said = json.loads(run("check", photo, "--json", "--model", model).stdout)
    assert said["score"] == pytest.approx(float(development[0]), abs=1e-3)


@pytest.mark.slow
def test_a_network_alone_exports_too(place, parts):
    model = place / "net.onnx"
    run("export", parts[1], model)
    crops = np.load(place / "samples.aligned" / "development" / "crops.npy")
    scored = read_development(parts[1] / "scores_development.csv").score
    np.testing.assert_allclose(OnnxScorer(model).score(crops).score, scored, atol=1e-4)
    assert OnnxScorer(model).record.name == "recapture-net"


def test_what_does_not_belong_together_is_not_fused(place, parts, tmp_path):
    with pytest.raises(BonafideError, match="of family recapture_net, not skin_colour"):
        fuse_verb(place, parts[::-1], tmp_path / "run")
    with pytest.raises(BonafideError, match="only 3 pictures"):
        fuse_verb(place, parts, tmp_path / "run")
    with pytest.raises(BonafideError, match="not a folder"):
        fuse_verb(place, parts, tmp_path / "run", **{"--bona-fide": place / "none"})
    other = {Split.TRAIN: Split.DEVELOPMENT, Split.DEVELOPMENT: Split.TRAIN}
    rows = [replace(r, split=other[r.split]) for r in read_sample_table(place / "samples.csv")]
    write_sample_table(tmp_path / "swapped.csv", rows)
    with pytest.raises(BonafideError, match="people outside the table's training split: p0"):
        fuse_verb(place, parts, tmp_path / "run", **{"--data": tmp_path / "swapped.csv"})
    assert not (tmp_path / "run").exists()


def test_skin_colour_and_networks_keep_their_weights(place, parts, fused):
    """What is fused answers as the runs do: nothing is rounded or trained once more."""
    fusion, _ = recapture_fusion.load_fusion(fused)
    crops = np.load(place / "samples.fusion" / "development" / "crops.npy")
    odds = recapture_fusion.parts_of(fusion, crops)
    for column, runs in ((0, parts[:1]), (1, parts[1:])):
        scores = [read_development(each / "scores_development.csv").score for each in runs]
        found = np.mean([torch.logit(torch.tensor(s)).numpy() for s in scores], 0)
        np.testing.assert_allclose(odds[:, column], found, atol=2e-3)
