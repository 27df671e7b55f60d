"""The colour classifier learns a colour, alike for every order, and comes back from its run."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from bonafide.deploy.export import export_onnx
from bonafide.deploy.runtime import OnnxScorer
from bonafide.models.skin_colour import NAMES, colour_statistics
from bonafide.training.loop import train
from bonafide.training.sampler import BalancedSampler
from bonafide.training.skin_colour_settings import SkinColourSettings
from bonafide.training.skin_colour_task import (
    SkinColourData,
    SkinColourTask,
    live_groups,
    logits_of,
)
from bonafide.types import CLASSES, BonafideError, Label, Presentation, Split


def faces(count, cast, seed):
    """Noisy plain faces; a class differs by its blue alone."""
    rng = np.random.default_rng(seed)
    base = np.array([180, 130, 110 + cast]) + rng.normal(0, 8, (count, 1, 1, 3))
    noise = rng.normal(0, 10, (count, 64, 64, 3))
    return np.clip(base + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data():
    count = 40
    crops = np.concatenate([faces(count, 30, 0), faces(count, 0, 1)])
    statistics = colour_statistics(torch.from_numpy(crops))
    targets = np.repeat([CLASSES.index("attack"), CLASSES.index("bona_fide")], count)
    rows = {"attack": np.arange(count), "bona_fide": np.arange(count, 2 * count)}
    groups = {name: {"a": {"b": rows[name]}} for name in CLASSES}
    return SkinColourData(statistics, targets, BalancedSampler(groups), statistics, targets)


def trained(data, folder, **changes):
    folder.mkdir()
    given = {"steps": 150, "batch": 32, "evaluate_every": 50, **changes}
    task = SkinColourTask(SkinColourSettings(**given), data)
    networks = []
    build = task.build_network

    class Kept(SkinColourTask):
        def build_network(self):
            networks.append(build())
            return networks[0]

    train(Kept(task.settings, data), folder, Fabric(accelerator="cpu", devices=1))
    return networks[0].eval()


def test_it_learns_that_blue_is_an_attack(data, tmp_path):
    network = trained(data, tmp_path / "run")
    logits = logits_of(network, data.statistics)
    assert (logits.argmax(1) == data.targets).mean() > 0.85
    weight = network.classifier.weight[CLASSES.index("bona_fide")]
    assert weight[NAMES.index("Cb mean")] < 0


def test_a_ridge_keeps_weights_small(data, tmp_path):
    strong = trained(data, tmp_path / "strong", ridge=1.0).classifier.weight.norm()
    weak = trained(data, tmp_path / "weak", ridge=0.0).classifier.weight.norm()
    assert strong < 0.3 * weak


def test_a_batch_is_a_function_of_seed_and_step(data):
    task = SkinColourTask(SkinColourSettings(batch=16), data)
    for first, second in zip(task.batch(3, 0, 1), task.batch(3, 0, 1), strict=True):
        torch.testing.assert_close(first, second)
    assert not torch.equal(task.batch(3, 0, 1)[0], task.batch(4, 0, 1)[0])


@pytest.mark.slow
def test_the_exported_file_answers_alike(data, record, tmp_path):
    network = trained(data, tmp_path / "run")
    about = replace(record, family="skin_colour", preprocessing={"scales": [0.7], "crop_px": 64})
    probe = np.concatenate([faces(3, 30, 5), faces(3, 0, 6)])[:, None]
    assert export_onnx(network, about, tmp_path / "model.onnx", probe=probe) <= 1e-4
    score = OnnxScorer(tmp_path / "model.onnx").score(probe).score
    assert score[3:].mean() > score[:3].mean()


def test_settings_out_of_range_are_refused():
    with pytest.raises(BonafideError, match="crop_px"):
        SkinColourSettings(crop_px=100)


def row(dataset, label=Label.BONA_FIDE):
    species = "bona_fide" if label is Label.BONA_FIDE else "replay"
    return Presentation("p", "p.jpg", label, species, "someone", Split.TRAIN, dataset)


def test_live_groups_give_the_variance_between_data_sets_and_between_tones():
    """Against the variances of numpy, for any direction of the score."""
    rng = np.random.default_rng(4)
    names = ["simulated"] * 30 + ["photos"] * 40 + ["clips"] * 20
    labels = [Label.ATTACK] * 10 + [Label.BONA_FIDE] * 80
    rows = [row(name, label) for name, label in zip(names, labels, strict=True)]
    tones = rng.integers(0, 3, 90)
    values = rng.normal(0, 1, (90, 5)).astype(np.float32)
    found = live_groups(rows, torch.from_numpy(values), tones.tolist(), {"simulated"})
    for direction in rng.normal(0, 1, (4, 5)).astype(np.float32):
        score = values @ direction
        sets = [score[10:30].mean(), score[30:70].mean(), score[70:].mean()]
        real = np.arange(90) >= 30
        toned = [score[real & (tones == tone)].mean() for tone in range(3)]
        between = np.var(sets) + np.var(toned)
        apart = found.numpy() @ direction
        assert np.square(apart).sum() == pytest.approx(between, rel=1e-4)


def test_one_data_set_and_rare_tones_are_no_groups():
    values = torch.zeros(12, 3)
    assert live_groups([row("photos")] * 12, values, [0] * 12, {"photos"}) is None
    rows = [row("simulated")] * 9 + [row("photos")] * 3
    assert live_groups(rows, values, [0] * 12, {"simulated"}).shape == (2, 3)


def test_what_tells_live_sources_apart_does_not_count(data, tmp_path):
    """Real live faces are bluer than simulated ones: blue then may not tell attacks."""
    bluer = data.statistics[data.targets == CLASSES.index("bona_fide")] + 0
    bluer[:, NAMES.index("Cb mean")] += 20
    groups = torch.stack([bluer.mean(0), data.statistics.mean(0)])
    groups = (groups - groups.mean(0)) / 2**0.5
    blind = replace(data, live_groups=groups)
    weights = {
        name: trained(given, tmp_path / name, alike=strength).classifier.weight.detach()
        for name, given, strength in (("off", blind, 0.0), ("on", blind, 10.0))
    }
    apart = {
        name: float(((groups / data.statistics.std(0, correction=0).clamp_min(1e-6))
                     @ (weight[1] - weight[0])).square().sum())
        for name, weight in weights.items()
    }  # fmt: skip
    assert apart["on"] < 0.02 * apart["off"]
