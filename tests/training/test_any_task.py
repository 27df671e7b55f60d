"""What the loop does for any model family: other optimisers, parts of a batch, logs, processes."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn
from torch.nn import functional

from bonafide.training.checkpoint import Progress, load_checkpoint, load_tensors, save_checkpoint
from bonafide.training.loop import BEST, LAST, train
from bonafide.training.run_log import EVENTS, LOG


@dataclass(frozen=True)
class LineSettings:
    steps: int = 6
    batch: int = 8
    accumulate: int = 1
    evaluate_every: int = 2
    patience: int = 0
    seed: int = 1
    precision: str = "32-true"


@dataclass(frozen=True)
class LineTask:
    """Fits y = 3 x by Adam; the batch of a step is a function of the step."""

    settings: LineSettings = LineSettings()
    family: str = "line"
    name: str = "line"

    def build_network(self):
        torch.manual_seed(self.settings.seed)
        return nn.Sequential(nn.Linear(1, 4), nn.Linear(4, 1))

    def build_optimizer(self, network):
        return torch.optim.Adam(network.parameters(), 0.01)

    def learning_rate_at(self, step):
        return 0.01

    def batch(self, step, rank, world):
        x = torch.linspace(-1, 1, self.settings.batch)[:, None] + step / 10
        return tuple(value.tensor_split(world)[rank] for value in (x, 3 * x))

    def loss(self, model, batch, step):
        return functional.mse_loss(model(batch[0]), batch[1])

    def development_measure(self, network):
        with torch.no_grad():
            return float(functional.mse_loss(network(torch.ones(1, 1)), 3 * torch.ones(1, 1)))


def fabric():
    return Fabric(accelerator="cpu", devices=1)


def test_adam_goes_on_where_it_stopped(tmp_path):
    task = LineTask()
    for name in ("straight", "halted"):
        (tmp_path / name).mkdir()
    train(task, tmp_path / "straight", fabric())

    class HaltError(Exception):
        pass

    def halt(progress, loss):
        if progress.step == 5:
            raise HaltError

    with pytest.raises(HaltError):
        train(task, tmp_path / "halted", fabric(), on_step=halt)
    train(task, tmp_path / "halted", fabric(), resume=True)
    straight, halted = (load_tensors(tmp_path / n / LAST)[0] for n in ("straight", "halted"))
    assert any("exp_avg_sq" in name for name in straight)
    assert straight.keys() == halted.keys()
    assert all(torch.equal(straight[key], halted[key]) for key in straight)
    assert (tmp_path / "straight" / LOG).read_text() == (tmp_path / "halted" / LOG).read_text()


@pytest.mark.parametrize("parts", [2, 3, 100])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(tmp_path, parts):
    for name, accumulate in (("whole", 1), ("parts", parts)):
        (tmp_path / name).mkdir()
        settings = LineSettings(accumulate=accumulate)
        train(LineTask(settings), tmp_path / name, fabric())
    whole, parted = (load_tensors(tmp_path / n / LAST)[0] for n in ("whole", "parts"))
    for key in whole:
        assert torch.allclose(whole[key], parted[key], atol=1e-6), key


def test_tensorboard_reads_what_the_csv_says(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(LineTask(), tmp_path, fabric())
    events = EventAccumulator(str(tmp_path / EVENTS)).Reload()
    rows = [line.split(",") for line in (tmp_path / LOG).read_text().splitlines()[1:]]
    drawn = events.Scalars("development_loss")
    assert [(event.step, pytest.approx(event.value, rel=1e-4)) for event in drawn] == [
        (int(row[0]), float(row[2])) for row in rows
    ]


def test_sgd_without_momentum_is_saved_and_loaded(tmp_path):
    network = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / LAST, network, optimizer, Progress(step=1))
    assert load_checkpoint(tmp_path / LAST, network, optimizer).step == 1


SCRIPT = """
import sys
from pathlib import Path
from lightning.fabric import Fabric
sys.path.insert(0, {folder!r})
from test_any_task import LineSettings, LineTask, train
fabric = Fabric(accelerator="cpu", devices=2)
fabric.launch()
train(LineTask(LineSettings(batch=8)), Path(sys.argv[1]), fabric)
"""


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["own", "torchrun"])
def test_two_processes_train_as_one_does(tmp_path, launcher):
    """Mean squared error over equal shares: two processes average to the single one's gradient."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    script = tmp_path / "two.py"
    script.write_text(SCRIPT.format(folder=str(Path(__file__).parent)))
    start = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29631"]
    command = [sys.executable, *(start if launcher == "torchrun" else []), str(script)]
    subprocess.run([*command, str(tmp_path / "two")], check=True, timeout=120, capture_output=True)
    train(LineTask(replace(LineSettings(), batch=8)), tmp_path / "one", fabric())
    one, two = (load_tensors(tmp_path / n / BEST)[0] for n in ("one", "two"))
    assert all(torch.allclose(one[key].float(), two[key].float(), atol=1e-3) for key in one)
    assert (tmp_path / "one" / LOG).read_text().count("\n") == (
        tmp_path / "two" / LOG
    ).read_text().count("\n")
