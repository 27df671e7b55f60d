"""The fused model is one file that answers as torch does, for any number of faces."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bonafide.deploy.export import export_onnx, face_scorer
from bonafide.deploy.runtime import OnnxScorer
from bonafide.models.recapture_fusion import RecaptureFusion
from bonafide.models.recapture_net import INPUT_PX, RecaptureNet
from bonafide.models.skin_colour import SkinColour

pytestmark = pytest.mark.slow


def test_skin_colour_and_a_network_in_one_file(record, probe, tmp_path):
    torch.manual_seed(4)
    network = RecaptureNet()
    network.train()(torch.randn(8, 3, INPUT_PX, INPUT_PX))
    colour = SkinColour()
    with torch.no_grad():
        colour.classifier.weight.normal_(0, 0.02)
    fusion = RecaptureFusion(colour, [network]).eval().requires_grad_(False)
    faces = torch.from_numpy(probe)
    fusion.standardise_by(fusion.parts(faces))
    about = replace(
        record, family="recapture_fusion", preprocessing={"scales": [0.7, 1.0], "crop_px": 128}
    )
    assert export_onnx(fusion, about, tmp_path / "model.onnx", probe=probe) <= 1e-4
    scorer = OnnxScorer(tmp_path / "model.onnx")
    score, weights = (value.numpy() for value in face_scorer(fusion)(faces))
    assert np.ptp(score) > 0.05
    for count in (1, 3, 5):
        answer = scorer.score(probe[:count])
        np.testing.assert_allclose(answer.score, score[:count], atol=1e-4)
        np.testing.assert_allclose(answer.alpha, weights[:count])
