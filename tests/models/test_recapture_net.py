"""The recapture network's score and its fusion with skin colour are what they claim to be."""

import numpy as np
import pytest
import torch

from bonafide.models.recapture_fusion import RecaptureFusion
from bonafide.models.recapture_net import (
    INPUT_PX,
    RecaptureNet,
    RecaptureScorer,
    log_odds,
    mean_log_odds,
    mirrored_log_odds,
)
from bonafide.models.skin_colour import SkinColour, SkinColourScorer


def network(seed):
    torch.manual_seed(seed)
    made = RecaptureNet()
    with torch.no_grad():
        made.fc.weight.mul_(5)
    made.train()(torch.randn(8, 3, INPUT_PX, INPUT_PX))  # batch norm with statistics of its own
    return made.eval().requires_grad_(False)


def colour():
    torch.manual_seed(9)
    made = SkinColour()
    with torch.no_grad():
        made.classifier.weight.normal_(0, 0.01)
    return made.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def pictures():
    coarse = np.random.default_rng(1).integers(0, 256, (6, 2, 16, 16, 3), dtype=np.uint8)
    return torch.from_numpy(coarse.repeat(8, axis=2).repeat(8, axis=3))  # 128 px


@pytest.fixture(scope="module")
def fusion():
    return RecaptureFusion(colour(), [network(0), network(1)])


def test_the_score_is_the_log_odds_of_live():
    logits = torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    live = logits.double().softmax(1)[:, 0]
    torch.testing.assert_close(log_odds(logits).double(), (live / (1 - live)).log())


def test_a_face_and_its_mirror_image_score_alike(pictures):
    crops, net = pictures[:, 0], network(0)
    scores = mirrored_log_odds(net, crops)
    torch.testing.assert_close(scores, mirrored_log_odds(net, crops.flip(2)))
    one_side = net(crops[:, 8:-8, 8:-8].movedim(3, 1) / 127.5 - 1)
    assert (log_odds(one_side) - scores).abs().max() > 1e-3, "one image alone would differ"


def test_only_the_central_112_px_are_seen(pictures):
    crops, net = pictures[:, 0], network(0)
    framed = crops.clone()
    framed[:, :8] = framed[:, -8:] = 0
    framed[:, :, :8] = framed[:, :, -8:] = 255
    assert torch.equal(mirrored_log_odds(net, framed), mirrored_log_odds(net, crops))
    framed[:, 8] = 128
    assert not torch.equal(mirrored_log_odds(net, framed), mirrored_log_odds(net, crops))


def test_several_networks_score_by_their_mean(pictures):
    crops, nets = pictures[:, 0], [network(seed) for seed in range(3)]
    each = np.stack([mirrored_log_odds(net, crops).numpy() for net in nets])
    np.testing.assert_allclose(mean_log_odds(nets, crops).numpy(), each.mean(0), atol=1e-6)


def test_fused_are_the_deployed_scores_of_the_parts(fusion, pictures):
    """Each part is the log odds of what its own model, deployed alone, answers."""
    parts = fusion.parts(pictures).numpy()
    tone = SkinColourScorer(fusion.colour)(pictures[:, :1])[0].numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-parts[:, 0])), tone, atol=1e-5)
    alone = [RecaptureScorer(net)(pictures[:, 1:])[0].double() for net in fusion.networks]
    odds = [(score / (1 - score)).log().numpy() for score in alone]
    np.testing.assert_allclose(parts[:, 1], np.mean(odds, 0), atol=1e-3)


def test_each_part_counts_in_its_own_deviations(fusion, pictures):
    """Closed form by numpy; on the photos themselves both parts have mean 0 and deviation 1."""
    parts = fusion.parts(pictures)
    fusion.standardise_by(parts)
    values = parts.double().numpy()
    standard = (values - values.mean(0)) / values.std(0)
    score, weights = fusion(pictures)
    np.testing.assert_allclose(score.numpy(), 1 / (1 + np.exp(-standard.mean(1))), atol=1e-5)
    assert fusion.join(parts).mean().abs() < 1e-5
    assert torch.equal(weights, torch.full((6, 2), 0.5))


def test_a_part_told_in_other_units_counts_as_much(fusion):
    parts = torch.randn(40, 2, generator=torch.Generator().manual_seed(6))
    fusion.standardise_by(parts)
    expected = fusion.join(parts)
    stretched = parts * torch.tensor([3.0, 0.2]) + torch.tensor([5.0, -7.0])
    fusion.standardise_by(stretched)
    torch.testing.assert_close(fusion.join(stretched), expected, atol=1e-4, rtol=0)


def test_equal_photos_give_no_infinite_score(fusion):
    fusion.standardise_by(torch.ones(4, 2))
    assert torch.isfinite(fusion.join(torch.ones(4, 2))).all()
