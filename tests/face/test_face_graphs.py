"""The three ONNX graphs against torch modules, and against what TensorFlow once gave."""

import numpy as np
import onnxruntime
import pytest
import torch
from skimage.data import astronaut
from torch_cascade import OutputNet, ProposalNet, RefinementNet

from bonafide.face.mtcnn_graph import output_network, proposal_network, refinement_network
from bonafide.face.weights import load_tensors


@pytest.fixture(scope="module")
def tensors():
    return load_tensors()


def run(model, pixels):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"rgb": pixels}), strict=True))


def normalised(pixels):
    return (torch.from_numpy(pixels.astype(np.float32)).permute(0, 3, 1, 2) - 127.5) / 128


def random_pixels(*shape):
    return np.random.default_rng(7).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 12, 12), (2, 13, 40), (3, 51, 30)])
def test_proposal_network_equals_torch_at_any_size(tensors, shape):
    pixels = random_pixels(*shape)
    ours = run(proposal_network(tensors), pixels)
    offsets, face = ProposalNet(tensors)(normalised(pixels))
    np.testing.assert_allclose(ours["offsets"].transpose(0, 2, 3, 1), offsets, atol=1e-4)
    np.testing.assert_allclose(ours["face"][:, 0], face[..., 1], atol=1e-4)


@pytest.mark.parametrize("count", [1, 5])
def test_refinement_network_equals_torch(tensors, count):
    pixels = random_pixels(count, 24, 24)
    ours = run(refinement_network(tensors), pixels)
    offsets, face = RefinementNet(tensors)(normalised(pixels))
    np.testing.assert_allclose(ours["offsets"], offsets, atol=1e-4)
    np.testing.assert_allclose(ours["face"][:, 0], face[:, 1], atol=1e-4)


@pytest.mark.parametrize("count", [1, 5])
def test_output_network_equals_torch(tensors, count):
    pixels = random_pixels(count, 48, 48)
    ours = run(output_network(tensors), pixels)
    offsets, points, face = OutputNet(tensors)(normalised(pixels))
    np.testing.assert_allclose(ours["offsets"], offsets, atol=1e-4)
    np.testing.assert_allclose(ours["points"], points, atol=1e-4)
    np.testing.assert_allclose(ours["face"][:, 0], face[:, 1], atol=1e-4)


# What mtcnn 1.0.0's own Keras models gave under TensorFlow 2.21.0 on cut-outs of `astronaut`.


def test_proposal_network_gives_what_tensorflow_gave(tensors):
    ours = run(proposal_network(tensors), astronaut()[None, 96:120, 196:227])
    assert ours["face"].shape == (1, 1, 7, 11)
    np.testing.assert_allclose(
        ours["offsets"][0, :, 3, 5], [-0.088319, -0.253045, 0.044145, 0.089587], atol=1e-4
    )
    np.testing.assert_allclose(
        ours["offsets"][0, :, -1, -1], [-0.035378, -0.223393, 0.042376, 0.095235], atol=1e-4
    )
    np.testing.assert_allclose(ours["face"][0, 0, 3, 5], 0.006212, atol=1e-4)
    np.testing.assert_allclose(ours["face"].sum(), 1.597977, atol=1e-3)


def test_refinement_network_gives_what_tensorflow_gave(tensors):
    ours = run(refinement_network(tensors), astronaut()[None, 96:120, 196:220])
    np.testing.assert_allclose(
        ours["offsets"][0], [-0.265380, -0.450126, -0.014286, 0.075207], atol=1e-4
    )
    np.testing.assert_allclose(ours["face"][0, 0], 0.001755, atol=1e-4)


def test_output_network_gives_what_tensorflow_gave(tensors):
    ours = run(output_network(tensors), astronaut()[None, 72:168:2, 176:272:2])
    x = [0.299097, 0.757401, 0.523238, 0.274136, 0.726981]
    y = [0.294583, 0.321536, 0.578588, 0.707525, 0.735267]
    np.testing.assert_allclose(ours["points"][0], x + y, atol=1e-4)
    np.testing.assert_allclose(
        ours["offsets"][0], [0.019752, -0.119778, -0.021137, 0.076305], atol=1e-4
    )
    np.testing.assert_allclose(ours["face"][0, 0], 0.999984, atol=1e-4)
