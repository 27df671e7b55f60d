"""The running average of a network's weights, kept inside the network that the loop trains.

Averaged weights are judged and kept in the place of the last ones: Polyak and Juditsky,
"Acceleration of Stochastic Approximation by Averaging" (SIAM J. Control Optim. 30, 1992), here with
weights that fall off exponentially.
"""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn, optim

Network = TypeVar("Network", bound=nn.Module)

EARLY = 10
"""Early averages reach back this much of the way: after n steps the old one keeps n / (n + 10)."""


class Averaged(nn.Module, Generic[Network]):
    """A network in training and the average of its weights and batch statistics.

    Both, and the number of steps, belong to the state dict, so a resumed run goes on exactly.

    Attributes:
        network: what the optimiser moves and `forward` calls.
        average: never trained; what is judged and kept.
        updates: () int64.
    """

    updates: Tensor
    network: Network
    average: Network

    def __init__(self, network: Network, decay: float) -> None:
        """Begin the average at the network's weights.

        Args:
            network: at its initial weights.
            decay: share of the old average that a step leaves, at most; 0..1.
        """
        super().__init__()
        self.network = network
        self.average = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, x: Tensor) -> Tensor:
        """What the network in training answers."""
        return torch.as_tensor(self.network(x))

    def follow(self, optimizer: optim.Optimizer) -> None:
        """Let every step of an optimiser over `network` update the average."""
        optimizer.register_step_post_hook(lambda *_: self.update())

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the network; counters of batch norm are taken as they are."""
        self.updates += 1
        kept = (self.updates / (self.updates + EARLY)).clamp_max(self.decay)
        new = self.network.state_dict()
        for name, old in self.average.state_dict().items():
            if old.is_floating_point():
                old.lerp_(new[name], 1 - kept)
            else:
                old.copy_(new[name])
