"""The training loop, on one screen: CPU, CUDA or several processes through Lightning Fabric."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from bonafide.training.checkpoint import Progress, load_checkpoint, save_checkpoint, save_tensors
from bonafide.training.makers import made_by_processes
from bonafide.training.memory import keep_freed_memory
from bonafide.training.run_log import RunLog
from bonafide.training.task import TrainingTask
from bonafide.types import BonafideError

LAST = "last.safetensors"
BEST = "model.safetensors"
AHEAD = 2
"""Batches that a thread has ready while the network works."""


def train(
    task: TrainingTask,
    run: Path,
    fabric: Fabric,
    *,
    resume: bool = False,
    on_step: Callable[[Progress, float], None] | None = None,
) -> Progress:
    """Train, choosing the kept weights by the development measure alone.

    Each step's batch, augmentation and dropout depend on (seed, step, rank) only, so a run that was
    killed and resumed ends with the same weights, bit for bit on the CPU.

    Args:
        task: the model family with its data and settings.
        run: existing folder; gets last.safetensors, model.safetensors (best), log.csv and
            TensorBoard's events.
        fabric: launched; says device, precision and processes.
        resume: go on from last.safetensors if it is there.
        on_step: called for every step with the progress and the training loss, while the next step
            runs already: a GPU that had to tell its loss at once would wait for the interpreter.

    Returns:
        the progress at the end.

    Raises:
        BonafideError: the loss is no longer finite; the last checkpoint is kept.
    """
    settings = task.settings
    keep_freed_memory()
    network = task.build_network()
    progress = Progress()
    model, optimizer = fabric.setup(network, task.build_optimizer(network))
    if resume and (run / LAST).exists():  # after setup, so that the state lands on the device
        progress = load_checkpoint(run / LAST, network, optimizer.optimizer)
    log = RunLog(run, resume_at=progress.step, writes=fabric.is_global_zero)
    losses = _Losses(task, on_step)
    model.train()
    for step, batch in _batches(task, fabric, progress.step):
        if 0 < settings.patience <= progress.stale:
            break
        loss = _one_step(task, model, optimizer, fabric, step, batch)
        losses.read()  # of the step before
        progress = replace(progress, step=step + 1)
        losses.wait_for(progress, loss)
        if progress.step % settings.evaluate_every == 0 or progress.step == settings.steps:
            loss = losses.read()  # before anything is kept
            measure = task.development_measure(network)
            model.train()
            progress = _keep_if_best(fabric, network, progress, measure, run)
            log.write(progress.step, loss, measure, task.learning_rate_at(step))
            if fabric.is_global_zero:
                save_checkpoint(run / LAST, network, optimizer.optimizer, progress)
            fabric.barrier()
    log.close()
    return progress


def _batches(
    task: TrainingTask, fabric: Fabric, first: int
) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
    """The run's remaining steps in order, each with its batch, made ahead.

    On the CPU by another thread, which leaves the network all but one core; for a GPU by processes,
    as the interpreter's lock would let such a thread hold up the launches.
    """
    steps = BatchSequence(task, first, fabric.global_rank, fabric.world_size)
    beside_gpu = fabric.device.type != "cpu" and hasattr(os, "fork")
    made = made_by_processes(steps, fabric.device) if beside_gpu else made_by_thread(steps)
    yield from enumerate(made, first)


@dataclass(frozen=True)
class BatchSequence:
    """The batches of the remaining steps, as a sequence."""

    task: TrainingTask
    first: int
    rank: int
    world: int

    def __len__(self) -> int:
        return self.task.settings.steps - self.first

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return self.task.batch(self.first + index, self.rank, self.world)


def made_by_thread(steps: BatchSequence) -> Iterator[tuple[Tensor, ...]]:
    """The batches in order, made by a thread of this process."""
    indices = range(len(steps))
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(steps.__getitem__, index) for index in indices[:AHEAD])
        for index in indices:
            batch = waiting.popleft().result()
            if index + AHEAD in indices:
                waiting.append(pool.submit(steps.__getitem__, index + AHEAD))
            yield batch


class _Losses:
    """Reads the loss of a step when the next one was launched, and stops a run that has none."""

    def __init__(
        self, task: TrainingTask, on_step: Callable[[Progress, float], None] | None
    ) -> None:
        self._task, self._on_step = task, on_step
        self._waiting: tuple[Progress, Tensor, torch.cuda.Event | None] | None = None

    def wait_for(self, progress: Progress, loss: Tensor) -> None:
        """Send a step's loss on its way: asked for later, it would come behind all that the GPU was
        told to do since, and the GPU would stand idle then."""
        arrived = None
        if loss.device.type == "cuda":
            there, loss = loss, torch.empty((), dtype=loss.dtype, pin_memory=True)
            loss.copy_(there, non_blocking=True)
            arrived = torch.cuda.Event()
            arrived.record()
        self._waiting = progress, loss, arrived

    def read(self) -> float:
        """The waiting step's loss, which is told; NaN where none waits.

        Raises:
            BonafideError: it is not finite.
        """
        if self._waiting is None:
            return math.nan
        progress, told, arrived = self._waiting
        self._waiting = None
        if arrived is not None:
            arrived.synchronize()
        step = progress.step - 1
        loss = _finite(float(told.item()), step, self._task.learning_rate_at(step))
        if self._on_step is not None:
            self._on_step(progress, loss)
        return loss


def _one_step(
    task: TrainingTask,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    fabric: Fabric,
    step: int,
    batch: tuple[Tensor, ...],
) -> Tensor:
    for group in optimizer.param_groups:
        group["lr"] = task.learning_rate_at(step)
    _seed(_dropout_seed(task.settings.seed, step, fabric.global_rank), fabric.device)
    optimizer.zero_grad()
    parts = _parts(batch, task.settings.accumulate)
    losses = []
    for number, part in enumerate(parts):
        with fabric.no_backward_sync(model, enabled=number + 1 < len(parts)):
            loss = task.loss(model, tuple(fabric.to_device(value) for value in part), step)
            if len(parts) > 1:
                loss = loss * (len(part[0]) / len(batch[0]))
            losses.append(loss.detach())
            fabric.backward(loss)
    optimizer.step()
    return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


def _seed(value: int, device: torch.device) -> None:
    """As `torch.manual_seed`, which at every step also queues a call, with its traceback, for each
    kind of device that is not there."""
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        torch.cuda.manual_seed(value)
    elif device.type != "cpu":
        torch.manual_seed(value)


def _parts(batch: tuple[Tensor, ...], count: int) -> list[tuple[Tensor, ...]]:
    """A batch in so many parts along its first axis (fewer if it is shorter)."""
    if count == 1:
        return [batch]
    return list(zip(*(value.tensor_split(min(count, len(value))) for value in batch), strict=True))


def _dropout_seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.default_rng([seed, step, rank, 7]).integers(2**62))


def _finite(loss: float, step: int, learning_rate: float) -> float:
    if not math.isfinite(loss):
        raise BonafideError(
            f"the loss is {loss} at step {step}.",
            where="training",
            remedy=f"Lower the learning rate ({learning_rate}); {LAST} is still good.",
        )
    return loss


def _keep_if_best(
    fabric: Fabric, network: nn.Module, progress: Progress, measure: float, run: Path
) -> Progress:
    if not (math.isfinite(measure) and measure < progress.best_measure):
        return replace(progress, stale=progress.stale + 1)
    if fabric.is_global_zero:
        save_tensors(run / BEST, compact(network), {"step": str(progress.step)})
    return replace(progress, best_step=progress.step, best_measure=measure, stale=0)


def compact(network: nn.Module) -> dict[str, Tensor]:
    """The network's tensors, matrices rounded to float16: half the file.

    Scores, thresholds and exports are all made from what is saved here, so the rounding is part
    of the model; it moves a score by less than 1e-3. Biases and batch norm stay float32.
    """
    return {
        name: value.half() if value.is_floating_point() and value.ndim > 1 else value
        for name, value in network.state_dict().items()
    }
