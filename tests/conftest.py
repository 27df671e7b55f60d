"""What the whole test suite shares: a real face, and a model that is quick to make."""

import av
import numpy as np
import pytest
import skimage.data
import torch

from bonafide.decision.operating_point import DevelopmentEvidence, OperatingPoint
from bonafide.deploy.record import ModelRecord
from bonafide.models.ms_fans import MsFans

# Small tensors: a second thread costs more than it brings, above all on a busy machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def astronaut():
    """Eileen Collins, NASA, public domain: (512, 512, 3) uint8 RGB, one frontal face."""
    return np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def record():
    point = OperatingPoint(
        "eer", "equal error rate", 0.5, DevelopmentEvidence("made up", "photo", 2, 2, 4)
    )
    return ModelRecord(
        name="ms-fans",
        version="test",
        family="ms_fans",
        preprocessing={"scales": [1.0, 1.2], "crop_px": 128},
        input="uint8 RGB",
        score="probability of bona fide",
        operating_point=point,
        trained_on="nothing",
        provenance={"seed": 0},
    )


@pytest.fixture(scope="session")
def write_clip():
    """write_clip(path, pictures, codec, pixels): 10 frames/s, pictures of one size."""

    def write(path, pictures, codec="mpeg4", pixels="yuv420p"):
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=10)
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = pixels
            for rgb in pictures:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
            container.mux(stream.encode())
        return path

    return write


def untrained_network():
    torch.manual_seed(0)
    network = MsFans(2)
    with torch.no_grad():
        network.classifier.weight.mul_(20)  # spread the scores, so that parity means something
    network.train()(torch.randn(16, 2, 3, 112, 112))  # batch norm with statistics of its own
    return network.eval()


@pytest.fixture
def network():
    return untrained_network()


@pytest.fixture(scope="session")
def probe():
    return np.random.default_rng(0).integers(0, 256, (5, 2, 128, 128, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def untrained_model(record, probe, tmp_path_factory):
    """An exported model with random weights; its answers mean nothing, its form does."""
    from bonafide.deploy.export import export_onnx

    path = tmp_path_factory.mktemp("model") / "untrained.onnx"
    export_onnx(untrained_network(), record, path, probe=probe)
    return path
