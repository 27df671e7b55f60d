"""Tracing a network: what is free is free, however often a process traces."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from bonafide.deploy.graph import GraphForm, graph_of

FORM = GraphForm("clips", ("score",), {0: "batch", 1: "frames"})
FIXED = GraphForm("clips", ("score",), {0: "batch"})


class Recurrent(nn.Module):
    """An LSTM over the frames' mean levels."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 2, batch_first=True)

    def forward(self, clips):
        """(batch, frames, side, side, 3) -> (batch,)."""
        return (self.lstm(clips.float().mean((2, 3)))[0].mean((1, 2)),)


@pytest.mark.slow
@pytest.mark.parametrize("before", [FORM, FIXED])
def test_a_recurrent_network_takes_any_number_of_frames_whatever_was_traced_before(before):
    torch.compiler.reset()  # whatever other tests traced
    example = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 5, 3), dtype=np.uint8)
    network = Recurrent().eval()
    graph_of(Recurrent().eval(), example, before)
    model = graph_of(network, example, FORM)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    for clips in (example, example[:1, :2], np.concatenate([example, example], 1)):
        with torch.inference_mode():
            expected = network(torch.from_numpy(clips))[0].numpy()
        found = session.run(None, {"clips": clips})[0]
        np.testing.assert_allclose(found, expected, atol=1e-5)
