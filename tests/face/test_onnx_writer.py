"""What is written without `onnx` is what `onnx` reads, checks and would have written."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bonafide.face.mtcnn_graph import output_network, proposal_network, refinement_network
from bonafide.face.onnx_writer import FLOAT, UINT8, GraphWriter
from bonafide.face.weights import load_tensors


def test_a_graph_reads_back_as_onnx_itself_makes_it():
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
    writer = GraphWriter("small")
    writer.node("Cast", ["rgb"], "a", {"to": FLOAT})
    writer.node("Conv", ["a", writer.constant(kernel)], "b", {"pads": [0, 300, 0, 300], "group": 1})
    content = writer.model(
        {"rgb": (UINT8, ["batch", 3, 200, "width"])}, {"b": (FLOAT, ["batch", 4, 198, "w"])}, 17
    )
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["rgb"], ["a"], to=TensorProto.FLOAT),
            helper.make_node("Conv", ["a", "constant_0"], ["b"], pads=[0, 300, 0, 300], group=1),
        ],
        "small",
        [helper.make_tensor_value_info("rgb", TensorProto.UINT8, ["batch", 3, 200, "width"])],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, ["batch", 4, 198, "w"])],
        [numpy_helper.from_array(kernel, "constant_0")],
    )
    expected = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    expected.ir_version = 9
    found = onnx.load_from_string(content)
    assert sorted(map(str, found.graph.node[1].attribute)) == sorted(
        map(str, expected.graph.node[1].attribute)
    )
    for one in (found, expected):
        one.graph.node[1].ClearField("attribute")  # their order is free
    assert found == expected


@pytest.mark.parametrize("make", [proposal_network, refinement_network, output_network])
def test_the_detectors_graphs_pass_the_checker_and_load(make):
    content = make(load_tensors())
    onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
    assert onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"]).get_inputs()


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="non-negative"):
        GraphWriter("x").node("Flatten", ["a"], "b", {"axis": -1})
