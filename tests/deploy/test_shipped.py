"""The shipped models are whole, small, and what their cards say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from shipped_models import shipped_network

from bonafide.deploy.export import face_scorer
from bonafide.deploy.record import parse_record
from bonafide.deploy.runtime import SHIPPED, SHIPPED_MODEL, OnnxScorer, model_path

DOCS = Path(__file__).parents[2] / "docs"
CARDS = {
    "recapture-fusion": "model-card.md",
    "skin-colour": "model-card-skin-colour.md",
    "ms-fans": "model-card-ms-fans.md",
}


def test_every_model_has_a_card():
    assert CARDS.keys() == SHIPPED.keys()


@pytest.mark.parametrize("name", CARDS)
def test_both_files_answer_alike_and_are_small(name):
    path = model_path(name)
    scorer = OnnxScorer(path)
    record = scorer.record
    crops = np.random.default_rng(0).integers(
        0, 256, (6, len(record.scales), record.crop_px, record.crop_px, 3), dtype=np.uint8
    )
    with torch.inference_mode():
        score, alpha = face_scorer(shipped_network(name))(torch.from_numpy(crops))
    result = scorer.score(crops)
    np.testing.assert_allclose(result.score, score.numpy(), atol=1e-4)
    np.testing.assert_allclose(result.alpha, alpha.numpy(), atol=1e-4)
    assert all(file.stat().st_size < 10e6 for file in (path, path.with_suffix(".safetensors")))


def test_both_carry_the_same_record_with_its_provenance():
    record = OnnxScorer().record
    with safe_open(SHIPPED_MODEL.with_suffix(".safetensors"), framework="np") as file:
        assert parse_record(file.metadata()["bonafide"], where="safetensors") == record
    assert "simulated" in record.trained_on
    assert {"seeds", "commit", "digest", "train_subjects"} <= set(record.provenance)
    assert record.operating_point.development.bona_fide > 100


@pytest.mark.parametrize(("name", "card"), CARDS.items())
def test_a_card_tells_of_its_model(name, card):
    text, record = (DOCS / card).read_text(), OnnxScorer(model_path(name)).record
    assert f"{record.operating_point.threshold:.3f}" in text
    assert f"version {record.version}" in text
    assert "simulated" in text
    for species in ("replay_phone", "replay_screen", "mask3d_paper", "mask_silicone"):
        assert species in text
