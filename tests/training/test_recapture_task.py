"""The recapture network learns, keeps its averaged weights, and goes on where it stopped."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from torch import nn
from torch.nn import functional

from bonafide.models.recapture_net import INPUT_PX
from bonafide.training.checkpoint import load_tensors
from bonafide.training.loop import BEST, LAST, train
from bonafide.training.recapture_batches import Pool
from bonafide.training.recapture_settings import RecaptureSettings
from bonafide.training.recapture_task import (
    AVERAGE,
    RecaptureData,
    RecaptureTask,
    logits_of,
    loss_of,
    pools_of,
)
from bonafide.training.weight_average import Averaged
from bonafide.types import CLASSES, BonafideError, Label, Presentation, Split

EACH = 4
TINY = RecaptureSettings(
    live=4, attacks=4, sources=4, steps=6, evaluate_every=2, crop_px=INPUT_PX, warm_up=1
)


def bars(kind, rng):
    """Broad waves: across for live, down for print, both for replay; no camera change hides it."""
    place = np.arange(INPUT_PX) / 28 * 2 * np.pi
    wave = np.sin(place + rng.uniform(0, 6))
    row, column = np.meshgrid(wave, wave, indexing="ij")
    shape = {"live": row, "print": column, "replay": row * column}[kind]
    return np.repeat((128 + 70 * shape)[..., None], 3, 2).astype(np.uint8)[None]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    kinds = np.repeat(["live", "print", "replay", "live"], EACH)
    crops = np.stack([bars(kind, rng) for kind in kinds])
    names = ("live", "print", "replay", "photos")
    pools = tuple(Pool(n, np.arange(EACH * i, EACH * (i + 1))) for i, n in enumerate(names))
    held_out = np.stack([bars(kind, rng) for kind in kinds])
    targets = np.where(kinds == "live", CLASSES.index("bona_fide"), CLASSES.index("attack")).astype(
        np.int64
    )
    return RecaptureData(crops, pools, held_out, targets)


def fabric():
    return Fabric(accelerator="cpu", devices=1)


@pytest.mark.slow
def test_it_learns_what_every_augmentation_leaves(data, tmp_path):
    settings = replace(TINY, steps=30, evaluate_every=30, learning_rate=5e-3, average=0.8)
    task = RecaptureTask(settings, data)
    progress = train(task, tmp_path, fabric())
    assert progress.best_measure < 0.8 * math.log(2), "a coin's"
    kept, _ = load_tensors(tmp_path / BEST)
    network = task.build_network().average
    network.load_state_dict(
        {k.removeprefix(AVERAGE): v for k, v in kept.items() if k.startswith(AVERAGE)}
    )
    odds = logits_of(network, data.development_crops)[:, CLASSES.index("bona_fide")]
    live = data.development_targets == CLASSES.index("bona_fide")
    assert odds[live].min() > odds[~live].max()


def test_a_killed_run_goes_on_bit_for_bit(data, tmp_path):
    class HaltError(Exception):
        pass

    def halt(progress, loss):
        if progress.step == 5:
            raise HaltError

    task = RecaptureTask(replace(TINY, live=2, attacks=2, sources=2), data)
    for name in ("straight", "halted"):
        (tmp_path / name).mkdir()
    train(task, tmp_path / "straight", fabric())
    with pytest.raises(HaltError):
        train(task, tmp_path / "halted", fabric(), on_step=halt)
    train(task, tmp_path / "halted", fabric(), resume=True)
    for file in (LAST, BEST):
        straight, halted = (load_tensors(tmp_path / n / file)[0] for n in ("straight", "halted"))
        assert straight.keys() == halted.keys()
        assert all(torch.equal(straight[key], halted[key]) for key in straight)
    last, _ = load_tensors(tmp_path / "halted" / LAST)
    assert last["network.updates"] == TINY.steps
    weight = "fc.weight"
    assert not torch.equal(last[f"network.{AVERAGE}{weight}"], last[f"network.network.{weight}"])


def test_the_average_is_a_weighted_mean_of_all_steps():
    """By unrolling the recursion; the optimiser alone drives it."""
    network = Averaged(nn.Linear(1, 1, bias=False), decay=0.6)
    optimizer = torch.optim.SGD(network.network.parameters(), 0.1)
    network.follow(optimizer)
    seen = [network.network.weight.item()]
    for step in range(30):
        optimizer.zero_grad()
        (network(torch.ones(1, 1)) * (step % 3 - 1)).sum().backward()
        optimizer.step()
        seen.append(network.network.weight.item())
    kept = [min(0.6, n / (n + 10)) for n in range(1, 31)]
    weights = np.array([1.0, *(1 - k for k in kept)])
    for position, k in enumerate(kept, 1):
        weights[:position] *= k
    assert weights.sum() == pytest.approx(1)
    assert network.average.weight.item() == pytest.approx(weights @ seen, abs=1e-6)
    assert not network.average.weight.requires_grad


def test_the_loss_is_that_of_each_kind_and_the_variance_between_live_sources():
    logits = torch.randn(16, 3, generator=torch.Generator().manual_seed(3))
    pools = torch.tensor([0] * 5 + [1] * 3 + [2] * 2 + [3] * 4 + [4] * 2)
    odds = torch.logit(logits.double().softmax(1)[:, 0]).numpy()
    means = [odds[pools.numpy() == n].mean() for n in (0, 3, 4)]
    taught = sum(
        weight * float(functional.cross_entropy(logits[pools == kind], pools[pools == kind]))
        for kind, weight in enumerate((0.5, 0.25, 0.25))
    )
    for alike in (0.0, 1.0, 3.0):
        found = float(loss_of(logits, pools, 5, alike))
        assert found == pytest.approx(taught + alike * np.var(means), rel=1e-5)
    alone = float(loss_of(logits[:10], pools[:10], 3, 3.0))
    assert alone == pytest.approx(taught, rel=1e-5), "nothing to compare with: no penalty"


def row(dataset, species="bona_fide"):
    label = Label.BONA_FIDE if species == "bona_fide" else Label.ATTACK
    return Presentation("p", "p.jpg", label, species, "someone", Split.TRAIN, dataset)


def test_rows_of_data_sets_without_attacks_are_live_sources():
    rows = [row("world"), row("photos"), row("world", "display"), row("clips"), row("photos")]
    rows += [row("world", "print_cut"), row("world"), row("world", "replay")]
    found = {pool.name: pool.rows.tolist() for pool in pools_of(rows)}
    assert found == {
        "live": [0, 6],
        "print": [5],
        "replay": [2, 7],
        "clips": [3],
        "photos": [1, 4],
    }
    assert list(found)[:3] == ["live", "print", "replay"]


def test_an_attack_that_is_neither_print_nor_replay_is_refused():
    rows = [row("world"), row("world", "print"), row("world", "replay")]
    with pytest.raises(BonafideError, match="mask_rigid"):
        pools_of([*rows, row("world", "mask_rigid")])
    with pytest.raises(BonafideError, match="no replay sample"):
        pools_of(rows[:2])


def test_settings_out_of_range_are_refused():
    for field, value in (("crop_px", 100), ("average", 1.0), ("live", 0), ("alike", -1.0)):
        with pytest.raises(BonafideError, match=field):
            replace(TINY, **{field: value})


def test_the_rate_rises_and_falls(data):
    task = RecaptureTask(RecaptureSettings(steps=1000), data)
    rates = [task.learning_rate_at(step) for step in range(1000)]
    assert np.argmax(rates) == pytest.approx(99, abs=1)
    assert max(rates) == pytest.approx(2e-3, rel=0.03)
    assert rates[0] == pytest.approx(2e-5)
    assert rates[-1] < 1e-7
