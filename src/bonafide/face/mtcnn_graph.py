"""The detector's three networks as ONNX graphs, built from the weights of `weights`.

Source: Zhang et al. 2016 (see `weights`), figure 2: P-Net, R-Net and O-Net. Every graph takes the
picture as it is, uint8 (n, height, width, 3) RGB: the normalisation (RGB - 127.5) / 128 is folded
into the first convolution, which is exact because no convolution is padded. The two-class softmax
is written as the sigmoid of the difference of its two inputs, which is the same number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from bonafide.face.weights import Tensors

FloatArray = npt.NDArray[np.float32]

OPSET = 17


class _Graph:
    """Collects nodes in order; `last` names the output that the next layer reads."""

    def __init__(self, network: str, tensors: Tensors) -> None:
        self.network = network
        self.tensors = tensors
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last = "rgb"
        self.read = 0

    def weight(self) -> FloatArray:
        """The next tensor of the network in the package's order."""
        self.read += 1
        return self.tensors[f"{self.network}.{self.read - 1}"]

    def constant(self, value: npt.NDArray[np.generic]) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, kind: str, *constants: npt.NDArray[np.generic]) -> None:
        """Append a node without attributes, reading `last` and constants."""
        self.append(helper.make_node(kind, [self.last, *map(self.constant, constants)], [""]))

    def append(self, node: onnx.NodeProto) -> None:
        name = f"value_{len(self.nodes)}"
        node.output[0] = name
        self.nodes.append(node)
        self.last = name

    def pixels(self) -> None:
        """uint8 (n, h, w, 3) -> float32 (n, 3, h, w)."""
        self.append(helper.make_node("Cast", [self.last], [""], to=TensorProto.FLOAT))
        self.append(helper.make_node("Transpose", [self.last], [""], perm=[0, 3, 1, 2]))

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
        self.append(
            helper.make_node(
                "MaxPool",
                [self.last],
                [""],
                kernel_shape=[size, size],
                strides=[2, 2],
                ceil_mode=int(keep_rest),
            )
        )

    def dense(self) -> None:
        """Flatten in the package's order (width, height, channel), matrix, bias, PReLU."""
        self.append(helper.make_node("Transpose", [self.last], [""], perm=[0, 3, 2, 1]))
        self.append(helper.make_node("Flatten", [self.last], [""], axis=1))
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
            if matrix.ndim == 4:
                self.add("Conv", np.ascontiguousarray(matrix.transpose(3, 2, 0, 1)), bias)
            else:
                self.add("Gemm", np.ascontiguousarray(matrix), bias)
            if name == "face":
                self.append(helper.make_node("Sigmoid", [self.last], [""]))
            self.nodes[-1].output[0] = name

    def model(self, side: int, outputs: dict[str, list[int | str]]) -> bytes:
        pixels = ["batch", side or "height", side or "width", 3]
        graph = helper.make_graph(
            self.nodes,
            self.network,
            [helper.make_tensor_value_info("rgb", TensorProto.UINT8, pixels)],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
                for name, shape in outputs.items()
            ],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 9
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


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
