"""The training loop, on one screen: CPU, CUDA or several processes through Lightning Fabric."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from lightning.fabric import Fabric
from torch.nn import functional

from bonafide.models import ms_fans
from bonafide.training.batches import BalancedSampler, training_batch
from bonafide.training.checkpoint import (
    Progress,
    load_checkpoint,
    save_checkpoint,
    save_tensors,
)
from bonafide.training.config import TrainingConfig
from bonafide.types import BonafideError

LAST = "last.safetensors"
BEST = "model.safetensors"
LOG = "log.csv"
LOG_COLUMNS = ("step", "training_loss", "development_loss", "learning_rate")


@dataclass(frozen=True)
class TrainingData:
    """What the loop reads.

    Attributes:
        crops: (rows, n, side, side, 3) uint8, RGB; usually memory-mapped.
        targets: (rows,) int64, indices into `ms_fans.CLASSES`.
        sampler: over the same rows.
        development_crops, development_targets: the same of the development set.
    """

    crops: npt.NDArray[np.uint8]
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_crops: npt.NDArray[np.uint8]
    development_targets: npt.NDArray[np.int64]


def build_network(config: TrainingConfig) -> ms_fans.MsFans:
    """The network of a run, its weights drawn from the run's seed."""
    torch.manual_seed(config.seed)
    return ms_fans.MsFans(len(config.scales), config.cnn, config.fusion, config.dropout)


def learning_rate_at(config: TrainingConfig, step: int) -> float:
    """The multi-step schedule: divided by ten after each milestone (section IV-A)."""
    passed = sum(step >= share * config.steps for share in config.milestones)
    return float(config.learning_rate * 0.1**passed)


def train(
    config: TrainingConfig,
    data: TrainingData,
    run: Path,
    fabric: Fabric,
    *,
    resume: bool = False,
    on_step: Callable[[Progress, float], None] | None = None,
) -> Progress:
    """Train, choosing the kept weights by the development loss alone.

    Each step's batch, window, jitter and dropout depend on (seed, step) only, so a run that was
    killed and resumed ends with the same weights, bit for bit on the CPU.

    Args:
        run: existing folder; gets last.safetensors, model.safetensors (best) and log.csv.
        fabric: launched; says device, precision and processes.
        resume: go on from last.safetensors if it is there.
        on_step: called after every step with the progress and the training loss.

    Returns:
        the progress at the end.

    Raises:
        BonafideError: the loss is no longer finite; the last checkpoint is kept.
    """
    network = build_network(config)
    optimizer = torch.optim.SGD(
        network.parameters(), config.learning_rate, config.momentum, 0.0, config.weight_decay
    )
    progress = Progress()
    model, optimizer = fabric.setup(network, optimizer)
    if resume and (run / LAST).exists():  # after setup, so that momentum lands on the device
        progress = load_checkpoint(run / LAST, network, optimizer.optimizer)
        _cut_log(run / LOG, progress.step)
    while progress.step < config.steps and not _stale(config, progress):
        step = progress.step
        loss = _one_step(config, data, model, optimizer, fabric, step)
        progress = replace(progress, step=step + 1)
        if on_step is not None:
            on_step(progress, loss)
        if progress.step % config.evaluate_every == 0 or progress.step == config.steps:
            measure = development_loss(network, data)
            progress = _keep_if_best(fabric, network, progress, measure, run)
            if fabric.is_global_zero:
                _log(run / LOG, progress.step, loss, measure, learning_rate_at(config, step))
                save_checkpoint(run / LAST, network, optimizer.optimizer, progress)
            fabric.barrier()
    return progress


def _one_step(config, data, model, optimizer, fabric, step) -> float:  # type: ignore[no-untyped-def]
    crops, target = training_batch(
        data.crops,
        data.targets,
        data.sampler,
        config,
        step,
        rank=fabric.global_rank,
        world=fabric.world_size,
    )
    for group in optimizer.param_groups:
        group["lr"] = learning_rate_at(config, step)
    torch.manual_seed(int(np.random.default_rng([config.seed, step, 7]).integers(2**62)))
    model.train()
    output = model(ms_fans.normalise(fabric.to_device(crops)))
    loss = ms_fans.loss(output, fabric.to_device(target), first_half=step < config.steps / 2)
    if not torch.isfinite(loss):
        raise BonafideError(
            f"the loss is {loss.item()} at step {step}.",
            where="training",
            remedy=f"Lower the learning rate ({config.learning_rate}); {LAST} is still good.",
        )
    optimizer.zero_grad()
    fabric.backward(loss)
    optimizer.step()
    return float(loss.item())


def score_crops(
    network: ms_fans.MsFans, crops: npt.NDArray[np.uint8], batch: int = 128
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Score cached crops with the deployed preprocessing.

    Args:
        crops: (rows, n, side, side, 3) uint8 RGB.

    Returns:
        logits (rows, 2) and alpha (rows, n), float32.
    """
    device = next(network.parameters()).device
    scorer = ms_fans.MsFansScorer(network).eval()
    logits, alphas = [], []
    with torch.inference_mode():
        for start in range(0, len(crops), batch):
            part = torch.from_numpy(np.array(crops[start : start + batch]))
            output = scorer.judge(part.to(device))
            logits.append(output.logits.float().cpu().numpy())
            alphas.append(output.alpha.float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(alphas)


def development_loss(network: ms_fans.MsFans, data: TrainingData) -> float:
    """Cross-entropy on the development set, both classes weighing the same."""
    logits, _ = score_crops(network, data.development_crops)
    target = torch.from_numpy(data.development_targets)
    each = functional.cross_entropy(torch.from_numpy(logits), target, reduction="none")
    by_class = [each[target == index].mean() for index in range(len(ms_fans.CLASSES))]
    return float(torch.stack(by_class).mean())


def _keep_if_best(fabric, network, progress, measure, run) -> Progress:  # type: ignore[no-untyped-def]
    if not (math.isfinite(measure) and measure < progress.best_measure):
        return replace(progress, stale=progress.stale + 1)
    if fabric.is_global_zero:
        save_tensors(run / BEST, compact(network), {"step": str(progress.step)})
    return replace(progress, best_step=progress.step, best_measure=measure, stale=0)


def compact(network: ms_fans.MsFans) -> dict[str, torch.Tensor]:
    """The network's tensors, matrices rounded to float16: half the file.

    Scores, thresholds and exports are all made from what is saved here, so the rounding is part
    of the model; it moves a score by less than 1e-3. Biases and batch norm stay float32.
    """
    return {
        name: value.half() if value.is_floating_point() and value.ndim > 1 else value
        for name, value in network.state_dict().items()
    }


def _stale(config: TrainingConfig, progress: Progress) -> bool:
    return 0 < config.patience <= progress.stale


def _log(path: Path, *values: float) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(LOG_COLUMNS)
        writer.writerow([f"{value:.6g}" for value in values])


def _cut_log(path: Path, step: int) -> None:
    """Drop rows that a killed run logged after its last checkpoint."""
    if not path.exists():
        return
    rows = list(csv.reader(path.open(newline="")))
    kept = rows[:1] + [row for row in rows[1:] if row and float(row[0]) <= step]
    path.write_text("".join(",".join(row) + "\n" for row in kept))
