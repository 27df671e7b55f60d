"""A support machine, and what stands before it, as an ONNX graph from descriptor to score.

In float64, as the machine was fitted and as numpy runs it: the graphs are small, and a score stays
what it was where the threshold was chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from bonafide.deploy.graph import OPSET
from bonafide.models.support_machine import SupportMachine

INPUT, OUTPUT = "descriptor", "score"
IR_VERSION = 10
"""What ONNX Runtime 1.20, the oldest that is allowed, reads."""

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]


class Nodes:
    """Collects the nodes and constants of a graph."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def make(
        self, kind: str, *inputs: str | float | Array, attributes: Mapping[str, int] | None = None
    ) -> str:
        """Append a node of one output; numbers among its inputs become constants.

        Returns:
            the name of its output.
        """
        names = [each if isinstance(each, str) else self._constant(each) for each in inputs]
        output = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, names, [output], **(attributes or {})))
        return output

    def _constant(self, value: float | Array) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def sum(self, value: str, axis: int, *, keep: bool) -> str:
        """Sum over one axis."""
        return self.make(
            "ReduceSum", value, np.array([axis], np.int64), attributes={"keepdims": int(keep)}
        )

    def cast(self, value: str, kind: int) -> str:
        """As another of `TensorProto`'s data types."""
        return self.make("Cast", value, attributes={"to": kind})


Encoder = Callable[[Nodes, str, Arrays, Sequence[int]], str]
"""(nodes, descriptors (batch, ...) float64, what was learned, shape of one descriptor) -> the
features (batch, D) float64."""


def machine_graph(
    machine: SupportMachine,
    shape: Sequence[int],
    encode: Encoder | None = None,
    learned: Arrays | None = None,
) -> ModelProto:
    """The graph of one machine.

    Args:
        machine: fitted.
        shape: of one descriptor.
        encode: from descriptors to features; None where they are the same.
        learned: what ``encode`` needs.

    Returns:
        a model that takes `INPUT` (batch, *shape) float32 and gives `OUTPUT` (batch,) float32,
        0..1, higher is more bona fide.
    """
    nodes = Nodes()
    features = nodes.cast(INPUT, TensorProto.DOUBLE)
    if encode is not None:
        features = encode(nodes, features, learned or {}, shape)
    nodes.cast(_probability(nodes, features, machine), TensorProto.FLOAT)
    nodes.nodes[-1].output[0] = OUTPUT
    given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", *shape])
    found = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch"])
    graph = helper.make_graph(nodes.nodes, "machine", [given], [found], nodes.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    return model


def _probability(nodes: Nodes, features: str, machine: SupportMachine) -> str:
    """`SupportMachine.probability`: (batch, D) -> (batch,)."""
    scaled = nodes.make("Div", nodes.make("Sub", features, machine.mean), machine.scale)
    kernel = nodes.make("MatMul", scaled, np.ascontiguousarray(machine.support.T))
    if machine.gamma != 0:
        squares = nodes.sum(nodes.make("Mul", scaled, scaled), 1, keep=True)
        lengths = nodes.make("Add", squares, (machine.support**2).sum(1))
        apart = nodes.make("Sub", lengths, nodes.make("Mul", kernel, 2.0))
        apart = nodes.make("Max", apart, 0.0)  # rounding may leave less than nothing
        kernel = nodes.make("Exp", nodes.make("Mul", apart, -machine.gamma))
    value = nodes.make("Add", nodes.make("MatMul", kernel, machine.weight), machine.intercept)
    slope = nodes.make("Mul", value, -machine.platt_a)
    return nodes.make("Sigmoid", nodes.make("Sub", slope, machine.platt_b))


def fisher_vector(nodes: Nodes, descriptors: str, learned: Arrays, shape: Sequence[int]) -> str:
    """`fisher_texture.encode`: (batch, places, values) -> (batch, 2 components values kept)."""
    weights, means, variances = (
        np.asarray(learned[name], np.float64) for name in ("weights", "means", "variances")
    )
    axes = np.ascontiguousarray(learned["pca_axes"].T.astype(np.float64))
    centred = nodes.make("Sub", descriptors, learned["pca_mean"].astype(np.float64))
    kept = nodes.make("Unsqueeze", nodes.make("MatMul", centred, axes), np.array([2], np.int64))
    # (batch, places, components, values) from here on
    apart = nodes.make("Div", nodes.make("Sub", kept, means), np.sqrt(variances))
    squares = nodes.make("Mul", apart, apart)
    halves = nodes.make("Mul", nodes.sum(squares, 3, keep=True), -0.5)
    prior = (np.log(weights) - 0.5 * np.log(variances).sum(1))[:, None]
    share = nodes.make("Softmax", nodes.make("Add", halves, prior), attributes={"axis": 2})
    parts = []
    for change, most in ((apart, weights), (nodes.make("Sub", squares, 1.0), 2 * weights)):
        total = nodes.sum(nodes.make("Mul", share, change), 1, keep=False)
        mean = nodes.make("Div", total, shape[0] * np.sqrt(most)[:, None])
        parts.append(nodes.make("Flatten", mean, attributes={"axis": 1}))
    vector = nodes.make("Concat", *parts, attributes={"axis": 1})
    root = nodes.make("Sqrt", nodes.make("Abs", vector))
    signed = nodes.make("Mul", nodes.make("Sign", vector), root)
    length = nodes.make("Sqrt", nodes.sum(nodes.make("Mul", signed, signed), 1, keep=True))
    return nodes.make("Div", signed, nodes.make("Max", length, 1e-12))


ENCODERS: dict[str, Encoder] = {"fisher_texture": fisher_vector}
"""Machines of the catalogue that learn an encoding -> it as nodes."""
