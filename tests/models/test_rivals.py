"""What holds for every network of the catalogue, whatever it is."""

import pytest
import torch

from bonafide.models.catalogue import NETWORKS
from bonafide.models.cost import cost_of
from bonafide.training.checkpoint import load_tensors, save_tensors

NAMES = sorted(NETWORKS)


def built(name, seed=0):
    torch.manual_seed(seed)
    one = NETWORKS[name]
    return one.build(one.small_px)


def views_of(name, batch=2, seed=0):
    one = NETWORKS[name]
    shape = (batch, one.views.count, one.small_px, one.small_px, 3)
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(seed)).byte()


@pytest.mark.parametrize("name", NAMES)
def test_one_score_a_presentation_between_0_and_1(name):
    network = built(name).eval()
    with torch.inference_mode():
        score = network(views_of(name, 3)).score
    assert score.shape == (3,)
    assert score.dtype == torch.float32
    assert ((score >= 0) & (score <= 1)).all()


@pytest.mark.parametrize("name", NAMES)
def test_in_evaluation_a_face_is_judged_alike_alone_and_in_company(name):
    network, views = built(name).eval(), views_of(name, 2)
    with torch.inference_mode():
        together = network(views).score
        alone = torch.cat([network(views[i : i + 1]).score for i in range(2)])
    assert torch.allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_reaches_every_parameter(name):
    """Of two batches: a random patch or an erased modality may hide a part from one of them."""
    one, network = NETWORKS[name], built(name).train()
    for seed in range(4):
        torch.manual_seed(seed)
        judgement = network(views_of(name, 4, seed))
        one.loss(judgement, torch.tensor([0, 1, 0, 1])).backward()
    without = [
        n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert not without


@pytest.mark.parametrize("name", NAMES)
def test_a_step_down_the_gradient_moves_scores_the_right_way(name):
    """Bona fide up and attack down: the score's direction is that of the label."""
    one, network = NETWORKS[name], built(name).train()
    views, target = views_of(name, 4), torch.tensor([0, 1, 0, 1])
    views[target == 1] //= 4
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    for step in range(8):
        torch.manual_seed(step)
        optimizer.zero_grad()
        one.loss(network(views), target).backward()
        optimizer.step()
    torch.manual_seed(0)
    with torch.no_grad():
        score = network(views).score
    assert score[target == 1].mean() > score[target == 0].mean() + 0.05


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_the_weights_and_a_file_brings_them_back(name, tmp_path):
    first, again, other = built(name), built(name), built(name, seed=1)
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    )
    save_tensors(tmp_path / "model.safetensors", first.state_dict(), {})
    other.load_state_dict(load_tensors(tmp_path / "model.safetensors")[0])
    views = views_of(name)
    with torch.inference_mode():
        assert torch.equal(first.eval()(views).score, other.eval()(views).score)


@pytest.mark.parametrize("name", [name for name in NAMES if NETWORKS[name].published.flops])
def test_cost_is_the_published_one(name):
    one = NETWORKS[name]
    cost = cost_of(one.build(one.views.side_px), one.views.blank())
    published = one.published
    classes = 998 * {"resnet18": 513, "mobilenet_v3_small": 1025, "mobilenet_v3_large": 1281}.get(
        name, 0
    )
    fourier = 2 * 222_211 if name == "minifasnet" else 0
    if published.parameters is not None:
        ours = cost.parameters + classes - fourier
        assert ours == pytest.approx(published.parameters, rel=0.015)
    assert published.counting(cost) == pytest.approx(published.flops, rel=published.tolerance)
