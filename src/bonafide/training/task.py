"""What the loop asks of a model's training, and nothing more."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn, optim

from bonafide.training.settings import RunSettings


class TrainingTask(Protocol):
    """One model family with its data, ready for `loop.train`.

    Whatever a step draws depends on (seed, step, rank) alone: that is what makes a killed and
    resumed run equal an undisturbed one. `batch` is called ahead of time by another thread or
    process, so it draws from a numpy generator of its own and never from torch's global one, and
    reads nothing that training changes.
    """

    @property
    def family(self) -> str:
        """The file in models/ that the network comes from, such as "ms_fans"."""
        ...

    @property
    def name(self) -> str:
        """What the model is called in comparisons: the same for runs that differ in seed alone."""
        ...

    @property
    def settings(self) -> RunSettings:
        """Of the run."""
        ...

    def build_network(self) -> nn.Module:
        """The network on the CPU, its weights drawn from the run's seed."""
        ...

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """The optimiser over the network's parameters."""
        ...

    def learning_rate_at(self, step: int) -> float:
        """The schedule, a function of the step alone."""
        ...

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """This process's share of a step's batch, on the CPU; every tensor has the same length."""
        ...

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:
        """The mean loss of a batch that lies on the model's device."""
        ...

    def development_measure(self, network: nn.Module) -> float:
        """What decides which weights are kept, from development data alone; lower is better."""
        ...
