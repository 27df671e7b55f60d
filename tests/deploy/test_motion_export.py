"""The exported clip network answers as torch does, at the lengths that its variant allows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bonafide.cues.clip_frames import ClipSettings
from bonafide.deploy.clip_scorers import OnnxClipScorer
from bonafide.deploy.export import export_clip_onnx
from bonafide.deploy.load import load_detector
from bonafide.deploy.runtime import OnnxScorer
from bonafide.models.motion_cnn_lstm import MotionCnnLstm, MotionScorer
from bonafide.types import BonafideError

pytestmark = pytest.mark.slow

FRAMES = 4


@pytest.fixture(scope="module")
def clip_record(record):
    clip = ClipSettings(frames=FRAMES, side_px=112)
    settings = {name: getattr(clip, name) for name in clip.__dataclass_fields__}
    return replace(record, family="motion_cnn_lstm", preprocessing={"clip": settings})


@pytest.fixture(scope="module")
def clips():
    return np.random.default_rng(0).integers(0, 256, (3, FRAMES, 112, 112, 3), dtype=np.uint8)


def untrained(variant):
    torch.manual_seed(0)
    network = MotionCnnLstm(variant, "small", FRAMES, 8)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "classifier.weight" in name or "attention" in name:
                parameter.normal_()  # spread the scores, so that parity means something
    return network.eval()


def answers(network, clips):
    with torch.inference_mode():
        return [value.numpy() for value in MotionScorer(network)(torch.from_numpy(clips))]


@pytest.mark.parametrize("variant", ["cnn", "cnn-lstm", "cnn-lstm-a"])
def test_every_variant_agrees_with_torch(variant, clip_record, clips, tmp_path):
    network, out = untrained(variant), tmp_path / "motion.onnx"
    assert export_clip_onnx(network, clip_record, out, probe=clips) <= 1e-4
    scorer = OnnxClipScorer(out)
    score, attention = answers(network, clips)
    assert np.ptp(score) > 1e-4
    for clip, expected, weights in zip(clips, score, attention, strict=True):
        found = scorer.score_clip(clip)
        assert found.score == pytest.approx(float(expected), abs=1e-4)
        np.testing.assert_allclose(found.weights, weights, atol=1e-4)
    with pytest.raises(BonafideError, match="do not fit"):
        scorer.score_clip(clips[0, :3])
    if variant == "cnn-lstm-a":
        assert scorer.record == clip_record
        return
    longer = np.concatenate([clips, clips[:, ::-1]], axis=1)
    np.testing.assert_allclose(scorer.run(longer)[0], answers(network, longer)[0], atol=1e-4)


def test_families_are_told_apart(clip_record, clips, untrained_model, tmp_path):
    out = tmp_path / "motion.onnx"
    export_clip_onnx(untrained("cnn"), clip_record, out, probe=clips)
    with pytest.raises(BonafideError, match="family motion_cnn_lstm, not ms_fans or skin_colour"):
        OnnxScorer(out)
    with pytest.raises(BonafideError, match="family ms_fans, not motion_cnn_lstm"):
        OnnxClipScorer(untrained_model)
    assert load_detector(out).model_id.version == "test"
    export_clip_onnx(untrained("cnn"), replace(clip_record, family="x"), out, probe=clips)
    with pytest.raises(BonafideError, match="family 'x', which this version cannot run"):
        load_detector(out)
