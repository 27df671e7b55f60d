"""What a network costs: parameters and multiply-adds, counted layer by layer in one forward pass.

Convolutions, fully connected layers and LSTMs are multiply-adds (a convolution that is written as a
layer of its own, such as CDCN's, is one). Values that go through normalisation, activation and
pooling layers are counted apart: some published figures take them in, each in its own way, and only
with them is a published figure met to the last digit. Biases and functional calls are not counted.
torch's own counter gives 0 for nn.LSTM on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import Tensor, nn

VALUES = {
    (nn.BatchNorm1d, nn.BatchNorm2d): "normalised",
    (nn.ReLU, nn.ReLU6, nn.PReLU, nn.Hardswish): "activated",
    (nn.MaxPool2d, nn.AvgPool2d): "pooled",
}


@dataclass(frozen=True)
class Cost:
    """Of one presentation.

    Attributes:
        parameters: all that are trained.
        convolution, linear, recurrent: multiply-adds by kind of layer.
        normalised, activated, pooled: values given to layers of that kind.
    """

    parameters: int
    convolution: int
    linear: int
    recurrent: int
    normalised: int
    activated: int
    pooled: int

    @property
    def multiply_adds(self) -> int:
        """All of them, each counted once: what most papers call FLOPs."""
        return self.convolution + self.linear + self.recurrent

    @property
    def ms_fans_flops(self) -> int:
        """As MS-FANS' Tables IV-V count: two per multiply-add in convolutions, one elsewhere."""
        return 2 * self.convolution + self.linear + self.recurrent


def cost_of(network: nn.Module, views: Tensor) -> Cost:
    """Count one forward pass in evaluation mode.

    Args:
        network: any; left in the mode it was in.
        views: the whole input of one presentation, with its batch axis.
    """
    kinds = ("convolution", "linear", "recurrent", "normalised", "activated", "pooled")
    counts = dict.fromkeys(kinds, 0)

    def count(layer: nn.Module, taken: tuple[Tensor, ...], given: object) -> None:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            counts["convolution"] += _of_convolution(layer, taken[0], given)
        elif isinstance(layer, nn.Linear):
            assert isinstance(given, Tensor)
            counts["linear"] += given.numel() * layer.in_features
        elif isinstance(layer, nn.LSTM | nn.LSTMCell):
            weights = sum(w.numel() for n, w in layer.named_parameters() if n.startswith("weight"))
            steps = taken[0].shape[:-1].numel()  # LSTM: batch x time; its cell: batch
            counts["recurrent"] += weights * steps
        elif kind := next((name for types, name in VALUES.items() if isinstance(layer, types)), ""):
            counts[kind] += taken[0].numel()

    handles = [layer.register_forward_hook(count) for layer in network.modules()]
    was_training = network.training
    with torch.no_grad():
        network.eval()(views)
    network.train(was_training)
    for handle in handles:
        handle.remove()
    return Cost(count_parameters(network), **counts)


def _of_convolution(layer: nn.Module, taken: Tensor, given: object) -> int:
    """Each output value is a sum over the kernel; a transposed one is counted at its input."""
    assert isinstance(given, Tensor)
    per_value = layer.weight[0].numel()  # type: ignore[index, operator]
    return int((taken if isinstance(layer, nn.ConvTranspose2d) else given).numel() * per_value)


def count_parameters(network: nn.Module) -> int:
    """All values that training may change."""
    return sum(value.numel() for value in network.parameters() if value.requires_grad)


def milliseconds(network: nn.Module, views: Tensor, rounds: int = 5) -> float:
    """`least_ms` of a forward pass in evaluation mode."""
    network.eval()
    with torch.inference_mode():
        return least_ms(lambda: network(views), rounds)


def least_ms(once: Callable[[], object], rounds: int = 5) -> float:
    """Least time of a call on this machine, after one to warm up; torch has one thread meanwhile.

    The least, because whatever else runs beside can only add to it.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    times = []
    try:
        once()
        for _ in range(rounds):
            start = perf_counter()
            once()
            times.append(1e3 * (perf_counter() - start))
    finally:
        torch.set_num_threads(before)
    return min(times)
