"""The loop learns, resumes bit for bit, and stops rather than spoil a run."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from bonafide.training.checkpoint import load_checkpoint, load_tensors, save_checkpoint
from bonafide.training.loop import (
    BEST,
    LAST,
    BatchSequence,
    _seed,
    made_by_processes,
    made_by_thread,
)
from bonafide.training.loop import train as train_task
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.ms_fans_task import MsFansData, MsFansTask, build_network
from bonafide.training.run_log import LOG
from bonafide.training.sampler import balanced_sampler
from bonafide.types import BonafideError, Label, Presentation, Split

CONFIG = MsFansSettings(
    scales=(1.0,), steps=8, batch=8, evaluate_every=2, learning_rate=0.01, milestones=(0.5,), seed=3
)


def sample(number, label):
    species = "bona_fide" if label is Label.BONA_FIDE else "print"
    return Presentation(str(number), "x.jpg", label, species, f"p{number}", Split.TRAIN, "made up")


def easy_data(rows=24, seed=0, shuffle_labels=False):
    """Attacks carry a fine grid, bona fide crops do not."""
    rng = np.random.default_rng(seed)
    labels = [Label.BONA_FIDE if i % 2 else Label.ATTACK for i in range(rows)]
    crops = rng.integers(90, 160, (rows, 1, 128, 128, 3), dtype=np.uint8)
    for i, label in enumerate(labels):
        if label is Label.ATTACK:
            crops[i, :, ::4] = 255
    if shuffle_labels:
        labels = [labels[i] for i in rng.permutation(rows)]
    targets = np.array([0 if label is Label.ATTACK else 1 for label in labels])
    sampler = balanced_sampler([sample(i, label) for i, label in enumerate(labels)])
    return MsFansData(crops, targets, sampler, crops, targets)


def train(settings, data, run, fabric, **how):
    return train_task(MsFansTask(settings, data), run, fabric, **how)


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def weights(path):
    return load_tensors(path)[0]


def test_it_learns_an_easy_difference_and_logs_it(tmp_path):
    config = replace(CONFIG, steps=40, evaluate_every=20, learning_rate=0.01)
    progress = train(config, easy_data(), tmp_path, fabric())
    rows = list(csv.DictReader((tmp_path / LOG).open()))
    assert [int(float(row["step"])) for row in rows] == [20, 40]
    assert progress.best_measure < 0.3
    assert float(rows[-1]["learning_rate"]) == pytest.approx(1e-3)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    for name, seed in [("a", 3), ("b", 3), ("c", 4)]:
        (tmp_path / name).mkdir()
        train(replace(CONFIG, seed=seed), easy_data(), tmp_path / name, fabric())
    a, b, c = (weights(tmp_path / name / LAST) for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert any(not torch.equal(a[key], c[key]) for key in a)


def test_processes_make_the_batches_that_a_thread_makes_in_order():
    config = replace(CONFIG, steps=7, jitter=1.0, focus=1.0, border=0.5)
    steps = BatchSequence(MsFansTask(config, easy_data()), 2, 0, 1)
    alone, beside = list(made_by_thread(steps)), list(made_by_processes(steps, torch.device("cpu")))
    assert len(alone) == len(beside) == 5
    for one, other in zip(alone, beside, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_early_stop_counts_measurements_without_improvement(tmp_path):
    config = replace(CONFIG, steps=100, evaluate_every=1, patience=2, learning_rate=1e-12)
    progress = train(config, easy_data(), tmp_path, fabric())
    assert progress.step < 100
    assert progress.stale == 2


def test_the_kept_weights_are_the_best_on_development_not_the_last(tmp_path):
    config = replace(CONFIG, steps=6, evaluate_every=1)
    progress = train(config, easy_data(), tmp_path, fabric())
    rows = list(csv.DictReader((tmp_path / LOG).open()))
    losses = [float(row["development_loss"]) for row in rows]
    assert progress.best_step == 1 + int(np.argmin(losses))
    assert load_tensors(tmp_path / BEST)[1] == {"step": str(progress.best_step)}


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(tmp_path):
    config = replace(CONFIG, learning_rate=1e30, milestones=(), steps=50)
    with pytest.raises(BonafideError, match="Lower the learning rate"):
        train(config, easy_data(), tmp_path, fabric())
    if (tmp_path / LAST).exists():
        assert all(value.isfinite().all() for value in weights(tmp_path / LAST).values())


class SpoiltTask(MsFansTask):
    """Its loss is no number at step 4 or 5, by the seed."""

    def loss(self, model, batch, step):
        return super().loss(model, batch, step) * (math.nan if step == self.settings.seed else 1)


@pytest.mark.parametrize("spoilt", [4, 5])
def test_the_step_without_a_loss_is_named_and_nothing_after_it_is_kept(tmp_path, spoilt):
    told = []
    task = SpoiltTask(replace(CONFIG, seed=spoilt), easy_data())
    with pytest.raises(BonafideError, match=f"loss is nan at step {spoilt}"):
        train_task(task, tmp_path, fabric(), on_step=lambda p, _loss: told.append(p.step))
    assert told == list(range(1, spoilt + 1))
    assert json.loads(load_tensors(tmp_path / LAST)[1]["progress"])["step"] == 4
    assert all(value.isfinite().all() for value in weights(tmp_path / LAST).values())


def test_a_steps_seed_is_that_of_torch():
    _seed(2**61 + 5, torch.device("cpu"))
    drawn = torch.rand(3)
    torch.manual_seed(2**61 + 5)
    assert torch.equal(drawn, torch.rand(3))


def test_every_step_is_told_once_in_order_with_its_loss(tmp_path):
    told = []
    train(CONFIG, easy_data(), tmp_path, fabric(), on_step=lambda p, loss: told.append((p, loss)))
    assert [progress.step for progress, _ in told] == list(range(1, CONFIG.steps + 1))
    logged = list(csv.DictReader((tmp_path / LOG).open()))[-1]
    assert float(logged["training_loss"]) == pytest.approx(told[-1][1], rel=1e-5)


def test_the_schedule_divides_by_ten_at_each_milestone():
    config = replace(CONFIG, steps=100, learning_rate=1.0, milestones=(0.5, 0.8))
    rates = [
        MsFansTask(config, easy_data()).learning_rate_at(step) for step in (0, 49, 50, 79, 80, 99)
    ]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    network = build_network(CONFIG)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, 0.9)
    from bonafide.training.checkpoint import Progress

    save_checkpoint(tmp_path / LAST, network, optimizer, Progress(step=3))
    other = build_network(replace(CONFIG, scales=(1.0, 1.1)))
    with pytest.raises(BonafideError, match="does not fit"):
        load_checkpoint(tmp_path / LAST, other, torch.optim.SGD(other.parameters(), 0.1))
    (tmp_path / LAST).write_bytes(b"\x80\x04pickle")
    with pytest.raises(BonafideError, match="not a readable safetensors"):
        load_tensors(tmp_path / LAST)


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_loop import CONFIG, easy_data, fabric, train
print("ready", flush=True)
train(CONFIG, easy_data(), Path(sys.argv[1]), fabric(), resume=True,
      on_step=lambda progress, loss: print(progress.step, flush=True))
"""


def run_in_process(run: Path, kill_after: int | None) -> int:
    script = SCRIPT.format(folder=str(Path(__file__).parent))
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(run)], stdout=subprocess.PIPE, text=True
    )
    steps = 0
    for line in process.stdout:
        steps = int(line) if line.strip().isdigit() else steps
        if kill_after is not None and steps >= kill_after:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.stdout.close()
    process.wait(timeout=60)
    time.sleep(0.05)
    return process.returncode


@pytest.mark.slow
def test_a_killed_and_resumed_run_ends_bit_for_bit_like_an_undisturbed_one(tmp_path):
    for name in ("straight", "killed"):
        (tmp_path / name).mkdir()
    assert run_in_process(tmp_path / "straight", None) == 0
    for kill_after in (1, 3, 5):
        assert run_in_process(tmp_path / "killed", kill_after) == -signal.SIGKILL
    assert run_in_process(tmp_path / "killed", None) == 0
    for name in (LAST, BEST):
        straight, killed = (weights(tmp_path / run / name) for run in ("straight", "killed"))
        assert straight.keys() == killed.keys()
        assert all(torch.equal(straight[key], killed[key]) for key in straight)
    assert (tmp_path / "straight" / LOG).read_text() == (tmp_path / "killed" / LOG).read_text()
