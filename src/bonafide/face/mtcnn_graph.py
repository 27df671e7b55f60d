"""The detector's three networks as ONNX graphs, built from the weights of `weights`.

Source: Zhang et al. 2016 (see `weights`), figure 2: P-Net, R-Net and O-Net. Every graph takes the
picture as it is, uint8 (n, height, width, 3) RGB: the normalisation (RGB - 127.5) / 128 is folded
into the first convolution, which is exact because no convolution is padded. The two-class softmax
is written as the sigmoid of the difference of its two inputs, which is the same number.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bonafide.face.onnx_writer import FLOAT, UINT8, GraphWriter, Shape
from bonafide.face.weights import Tensors

FloatArray = npt.NDArray[np.float32]

OPSET = 17


class _Graph:
    """Collects nodes in order; `last` names the output that the next layer reads."""

    def __init__(self, network: str, tensors: Tensors) -> None:
        self.network = network
        self.tensors = tensors
        self.writer = GraphWriter(network)
        self.last = "rgb"
        self.read = 0
        self.count = 0

    def weight(self) -> FloatArray:
        """The next tensor of the network in the package's order."""
        self.read += 1
        return self.tensors[f"{self.network}.{self.read - 1}"]

    def add(
        self,
        kind: str,
        *constants: FloatArray,
        output: str | None = None,
        attributes: Mapping[str, int | list[int]] | None = None,
    ) -> None:
        """Append a node that reads `last` and constants."""
        name = output or f"value_{self.count}"
        inputs = [self.last, *map(self.writer.constant, constants)]
        self.writer.node(kind, inputs, name, attributes or {})
        self.last = name
        self.count += 1

    def pixels(self) -> None:
        """uint8 (n, h, w, 3) -> float32 (n, 3, h, w)."""
        self.add("Cast", attributes={"to": FLOAT})
        self.add("Transpose", attributes={"perm": [0, 3, 1, 2]})

    def convolution(self, *, on_pixels: bool = False) -> None:
        """Unpadded convolution and PReLU; ``on_pixels`` folds the normalisation in."""
        kernel = self.weight().transpose(3, 2, 0, 1)  # (h, w, in, out) -> (out, in, h, w)
        bias = self.weight()
        if on_pixels:
            bias = bias - kernel.sum(axis=(1, 2, 3)) * np.float32(127.5 / 128)
            kernel = kernel / np.float32(128)
        self.add("Conv", np.ascontiguousarray(kernel), bias)
        self.add("PRelu", self.weight().reshape(-1, 1, 1))

    def pool(self, size: int, *, keep_rest: bool) -> None:
        """Maximum over size x size, stride 2; ``keep_rest`` pools a cut-off last row or column too.

        The package calls keep_rest "same"; for the sizes that occur it never pads on the left.
        """
        window: dict[str, int | list[int]] = {
            "kernel_shape": [size, size],
            "strides": [2, 2],
            "ceil_mode": int(keep_rest),
        }
        self.add("MaxPool", attributes=window)

    def dense(self) -> None:
        """Flatten in the package's order (width, height, channel), matrix, bias, PReLU."""
        self.add("Transpose", attributes={"perm": [0, 3, 2, 1]})
        self.add("Flatten", attributes={"axis": 1})
        self.add("Gemm", self.weight(), self.weight())
        self.add("PRelu", self.weight())

    def heads(self, names: list[str]) -> None:
        """The output layers, all read from `last`; the one called "face" is the two-class one."""
        trunk = self.last
        for name in names:
            self.last = trunk
            matrix, bias = self.weight(), self.weight()
            if name == "face":
                matrix = matrix[..., 1:] - matrix[..., :1]
                bias = bias[1:] - bias[:1]
            output = None if name == "face" else name
            if matrix.ndim == 4:
                kernel = np.ascontiguousarray(matrix.transpose(3, 2, 0, 1))
                self.add("Conv", kernel, bias, output=output)
            else:
                self.add("Gemm", matrix, bias, output=output)
            if name == "face":
                self.add("Sigmoid", output=name)

    def model(self, side: int, outputs: dict[str, list[int | str]]) -> bytes:
        pixels: Shape = ["batch", side or "height", side or "width", 3]
        shapes = {name: (FLOAT, ["batch", *shape]) for name, shape in outputs.items()}
        return self.writer.model({"rgb": (UINT8, pixels)}, shapes, OPSET)


def proposal_network(tensors: Tensors) -> bytes:
    """P-Net: a picture of any size from 12x12 px -> one answer per 12x12 window, stride 2.

    Outputs: "offsets" (n, 4, rows, columns), the shifts of left, top, right, bottom in units of
    the window; "face" (n, 1, rows, columns), the probability of a face.
    """
    graph = _Graph("pnet", tensors)
    graph.pixels()
    graph.convolution(on_pixels=True)
    graph.pool(2, keep_rest=True)
    graph.convolution()
    graph.convolution()
    graph.heads(["offsets", "face"])
    return graph.model(0, {"offsets": [4, "rows", "columns"], "face": [1, "rows", "columns"]})


def refinement_network(tensors: Tensors) -> bytes:
    """R-Net: patches of 24x24 px -> "offsets" (n, 4) in units of the patch, "face" (n, 1)."""
    graph = _Graph("rnet", tensors)
    graph.pixels()
    graph.convolution(on_pixels=True)
    graph.pool(3, keep_rest=True)
    graph.convolution()
    graph.pool(3, keep_rest=False)
    graph.convolution()
    graph.dense()
    graph.heads(["offsets", "face"])
    return graph.model(24, {"offsets": [4], "face": [1]})


def output_network(tensors: Tensors) -> bytes:
    """O-Net: patches of 48x48 px -> "offsets" (n, 4), "points" (n, 10), "face" (n, 1).

    "points" are x1..x5, y1..y5 in units of the patch from its left and top edge, in the order of
    `bonafide.types.Landmarks`.
    """
    graph = _Graph("onet", tensors)
    graph.pixels()
    graph.convolution(on_pixels=True)
    graph.pool(3, keep_rest=True)
    graph.convolution()
    graph.pool(3, keep_rest=False)
    graph.convolution()
    graph.pool(2, keep_rest=True)
    graph.convolution()
    graph.dense()
    graph.heads(["offsets", "points", "face"])
    return graph.model(48, {"offsets": [4], "points": [10], "face": [1]})
