"""Write a small ONNX graph without the `onnx` package, which is 40 MB of an install.

An ONNX file is a protocol buffer (protobuf.dev/programming-guides/encoding): fields, each a number
and a wire type followed by a variable-length integer, or by a length and bytes. The field numbers
are those of onnx.proto (github.com/onnx/onnx, IR version 9). The tests read what is written here
back with `onnx` and hold it against its checker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

IR_VERSION = 9
FLOAT, UINT8 = 1, 2
"""TensorProto.DataType"""
_TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.uint8): UINT8}
_INT, _INTS = 2, 7  # AttributeProto.AttributeType

Shape = Sequence[int | str]
"""Sizes, and names of sizes that are open."""


@dataclass
class GraphWriter:
    """Collects the nodes and constants of one graph.

    Attributes:
        name: of the graph.
    """

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)

    def node(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        attributes: Mapping[str, int | Sequence[int]],
    ) -> None:
        """Append a node with one output; attributes are whole numbers or lists of them."""
        content = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, kind)
        for name, value in attributes.items():
            content += _bytes(5, _attribute(name, value))
        self._nodes.append(content)

    def constant(self, value: npt.NDArray[np.generic]) -> str:
        """Add a float32 or uint8 array; returns the name that nodes read it by."""
        name = f"constant_{len(self._constants)}"
        raw = np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes()
        content = b"".join(_number(1, size) for size in value.shape)
        content += _number(2, _TYPES[value.dtype]) + _text(8, name) + _bytes(9, raw)
        self._constants.append(content)
        return name

    def model(
        self,
        inputs: Mapping[str, tuple[int, Shape]],
        outputs: Mapping[str, tuple[int, Shape]],
        opset: int,
    ) -> bytes:
        """The file's content; inputs and outputs are name -> (data type, shape)."""
        graph = b"".join(_bytes(1, node) for node in self._nodes) + _text(2, self.name)
        graph += b"".join(_bytes(5, constant) for constant in self._constants)
        graph += b"".join(_bytes(11, _value(name, *what)) for name, what in inputs.items())
        graph += b"".join(_bytes(12, _value(name, *what)) for name, what in outputs.items())
        operators = _text(1, "") + _number(2, opset)
        return _number(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, operators)


def _attribute(name: str, value: int | Sequence[int]) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _INT)
    numbers = b"".join(_number(8, one) for one in value)
    return _text(1, name) + numbers + _number(20, _INTS)


def _value(name: str, kind: int, shape: Shape) -> bytes:
    sizes = (_text(2, one) if isinstance(one, str) else _number(1, one) for one in shape)
    dimensions = b"".join(_bytes(1, size) for size in sizes)
    tensor = _number(1, kind) + _bytes(2, dimensions)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _number(number: int, value: int) -> bytes:
    """A field of wire type 0: a non-negative whole number."""
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, content: bytes) -> bytes:
    """A field of wire type 2: a length and bytes."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _text(number: int, content: str) -> bytes:
    return _bytes(number, content.encode("utf-8"))


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that another follows."""
    if value < 0:
        raise ValueError("only non-negative numbers are written here")
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
