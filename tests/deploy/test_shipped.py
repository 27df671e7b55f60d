"""The shipped model is whole, small, and what its card says."""

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from bonafide.deploy.record import parse_record
from bonafide.deploy.runtime import SHIPPED_MODEL, OnnxScorer
from bonafide.models.skin_colour import SkinColour, SkinColourScorer

CARD = Path(__file__).parents[2] / "docs" / "model-card.md"
TENSORS = SHIPPED_MODEL.with_suffix(".safetensors")


def test_both_files_answer_alike_and_are_small():
    scorer = OnnxScorer()
    record = scorer.record
    network = SkinColour()
    network.load_state_dict({name: value.float() for name, value in load_file(TENSORS).items()})
    crops = np.random.default_rng(0).integers(
        0, 256, (6, len(record.scales), record.crop_px, record.crop_px, 3), dtype=np.uint8
    )
    with torch.inference_mode():
        score, alpha = SkinColourScorer(network).eval()(torch.from_numpy(crops))
    result = scorer.score(crops)
    np.testing.assert_allclose(result.score, score.numpy(), atol=1e-4)
    np.testing.assert_allclose(result.alpha, alpha.numpy(), atol=1e-4)
    assert max(path.stat().st_size for path in (SHIPPED_MODEL, TENSORS)) < 10e6


def test_both_carry_the_same_record_with_its_provenance():
    record = OnnxScorer().record
    with safe_open(TENSORS, framework="np") as file:
        assert parse_record(file.metadata()["bonafide"], where="safetensors") == record
    assert "simulated" in record.trained_on
    assert {"seed", "commit", "digest", "train_subjects"} <= set(record.provenance)
    assert record.operating_point.development.bona_fide > 100


def test_the_card_tells_of_this_model():
    card = CARD.read_text()
    record = OnnxScorer().record
    assert f"{record.operating_point.threshold:.3f}" in card
    assert "simulated" in card
    for species in ("replay_phone", "replay_screen", "mask3d_paper", "mask_silicone"):
        assert species in card
