"""D-Net, M-Net and weighted fine-tuning: sizes, wiring, and AdaBoost as the reference."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from bonafide.cues.aligned_capture import D_PLANES, M_PLANES
from bonafide.models.cascade import (
    D_NET_BRANCHES,
    HIDDEN,
    M_NET_BRANCHES,
    POSITIONS,
    CascadeNet,
    CascadeScorer,
    cut_patches,
    cyclic_cosine,
    fine_tuning_round,
    normalise,
    paper_attack_score,
    patch_positions,
    weighted_loss,
)
from bonafide.models.se_resnext import SHAPES, BackboneShape, SeResNext
from bonafide.types import CLASSES, BonafideError

SMALL = SHAPES["small"]


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def make(planes=M_PLANES, branches=M_NET_BRANCHES, shape=SMALL, seed=0):
    torch.manual_seed(seed)
    net = CascadeNet(planes, branches, shape)
    channels = max(part.stop for part in planes.values())
    net.train()(torch.randn(8, channels, 32, 32))  # batch norm with statistics of its own
    return net.eval()


@pytest.mark.parametrize(
    ("planes", "branches"), [(D_PLANES, D_NET_BRANCHES), (M_PLANES, M_NET_BRANCHES)]
)
def test_size_counted_by_hand(planes, branches):
    """Three backbones, an SE block after each stage on 3 x its channels, two linear layers."""
    shape = SHAPES["se_resnext50"]
    net = CascadeNet(planes, branches, shape)
    total = 0
    for name in branches:
        total += parameters(SeResNext(planes[name].stop - planes[name].start, shape))
    width = 0
    for channels in (3 * 256, 3 * 512, 3 * 1024):
        total += 2 * channels * (channels // 16) + channels // 16 + channels
        width += channels
    total += width * HIDDEN + HIDDEN + HIDDEN * 2 + 2
    assert parameters(net) == total
    assert width == 5376


def test_a_forward_pass_is_fig_2():
    """Written out again: concatenate, recalibrate, average, concatenate, two layers."""
    net = make()
    x = torch.randn(2, 14, 32, 32)
    parts = (x[:, 4:8], x[:, 8:11], x[:, 11:14])
    maps = [backbone.maps(part) for backbone, part in zip(net.backbones, parts, strict=True)]
    means = []
    for stage in range(3):
        joined = torch.cat([maps[0][stage], maps[1][stage], maps[2][stage]], dim=1)
        squeezed = functional.adaptive_avg_pool2d(joined, 1)
        se = net.fusions[stage]
        weight = torch.sigmoid(se.fc2(functional.relu(se.fc1(squeezed))))
        carried = functional.avg_pool2d(joined * weight, 2 ** (2 - stage))  # to the deepest's size
        means.append(carried.mean((2, 3)))
    feature = functional.relu(net.hidden(torch.cat(means, 1)))
    assert torch.allclose(net(x), net.classifier(feature), atol=1e-5)


def test_a_branch_sees_its_own_picture_only():
    net = make(branches=("rgb", "infrared"))
    x = torch.randn(2, 14, 32, 32)
    other = x.clone()
    other[:, 4:] = 0
    assert torch.equal(net(x), net(other))
    other[:, 3] = 0
    assert not torch.allclose(net(x), net(other))


def test_without_se_only_the_deepest_stage_counts():
    plain = BackboneShape((1, 1, 1), 16, 16, 4, 32, se=False)
    net = make(shape=plain)
    assert net.fusions is None
    assert net.hidden.in_features == 3 * 4 * 16 * 4
    with pytest.raises(BonafideError, match="unknown branches"):
        CascadeNet(M_PLANES, ("f1",), plain)
    with pytest.raises(BonafideError, match="no branch"):
        CascadeNet(M_PLANES, (), plain)


def test_planes_are_normalised_to_one():
    planes = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1)
    assert normalise(planes).flatten().tolist() == [-1.0, 1.0]
    assert normalise(planes).shape == (1, 1, 1, 2)


@settings(max_examples=40, deadline=None)
@given(st.integers(6, 130), st.integers(1, 130))
def test_positions_reach_every_border_and_stay_inside(side, patch):
    if patch > side:
        with pytest.raises(BonafideError, match="does not fit"):
            patch_positions(side, patch)
        return
    grid = patch_positions(side, patch)
    assert len(grid) == POSITIONS == 36
    assert grid[0] == (0, 0)
    assert grid[-1] == (side - patch, side - patch)
    assert all(0 <= top <= side - patch >= left >= 0 for top, left in grid)


def test_patches_are_cut_where_they_are_said_to_be():
    planes = torch.arange(2 * 12 * 12 * 3, dtype=torch.int32).view(2, 12, 12, 3)
    grid = patch_positions(12, 5)
    patches = cut_patches(planes, 5, grid)
    for number, (top, left) in enumerate(grid):
        assert torch.equal(patches[:, number], planes[:, top : top + 5, left : left + 5])


def test_the_strong_classifier_is_the_weighted_sum_of_its_positions():
    net = make()
    planes = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 64, 64, 14), np.uint8))
    calls = []
    net.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    with torch.no_grad():
        single = []
        for top, left in patch_positions(64, 32):
            patch = normalise(planes[:, top : top + 32, left : left + 32])
            single.append(net(patch).softmax(1)[:, 1])
        votes = torch.stack(single, 1)
        calls.clear()
        equal = CascadeScorer(net, 32)(planes)
        assert calls == [3 * 36]  # one batch
        assert torch.allclose(equal, votes.mean(1), atol=1e-5)
        net.alpha.zero_()
        net.alpha[[3, 20]] = torch.tensor([0.25, 0.75])
        calls.clear()
        picked = CascadeScorer(net, 32)(planes)
        assert calls == [3 * 2]  # only what was picked is paid for
        assert torch.allclose(picked, 0.25 * votes[:, 3] + 0.75 * votes[:, 20], atol=1e-5)
        whole = CascadeScorer(net, 0)(planes)
        assert torch.allclose(whole, net(normalise(planes)).softmax(1)[:, 1], atol=1e-6)


def toy_rounds(rounds=12, positions=36, seed=0):
    """Rounds of weak answers: one sample a position, answers of +1 or -1, right more than not."""
    rng = np.random.default_rng(seed)
    y = rng.choice([-1, 1], positions)
    answers = [np.where(rng.random(positions) < 0.7, y, -y) for _ in range(rounds)]
    losses = [np.where(a == y, 0.05, 3.0) * rng.uniform(0.9, 1.1, positions) for a in answers]
    return y, answers, losses


def test_position_weights_are_those_of_plain_adaboost():
    """Freund and Schapire: D_(t+1)(i) = D_t(i) exp(-alpha_t y_i h_t(i)) / Z_t, in loops."""
    y, answers, losses = toy_rounds()
    weights = np.full(36, 1 / 36)
    plain = [1 / 36] * 36
    for h, loss in zip(answers, losses, strict=True):
        done = fine_tuning_round(weights, loss, (y * h)[None, :].astype(float))
        plain = [d * math.exp(-done.alpha * yi * hi) for d, yi, hi in zip(plain, y, h, strict=True)]
        normal = sum(plain)
        plain = [d / normal for d in plain]
        weights = done.weights
        assert weights == pytest.approx(plain, rel=1e-9)
        assert weights.sum() == pytest.approx(1)


def test_the_training_error_obeys_adaboosts_bound():
    """Share of sign(sum alpha_t h_t) that is wrong <= product of Z_t, for any alphas."""
    for seed in range(5):
        y, answers, losses = toy_rounds(seed=seed)
        weights, bound, strong = np.full(36, 1 / 36), 1.0, np.zeros(36)
        for h, loss in zip(answers, losses, strict=True):
            done = fine_tuning_round(weights, loss, (y * h)[None, :].astype(float))
            bound *= float((weights * np.exp(-done.alpha * y * h)).sum())
            strong += done.alpha * h
            weights = done.weights
        assert np.mean(np.sign(strong) != y) <= bound + 1e-9


def test_one_round_by_hand():
    weights = np.array([0.5, 0.25, 0.25])
    # weighted losses 0.2, 0.05, 0.15: the second position is picked
    margin = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, 0.0]])
    done = fine_tuning_round(weights, np.array([0.4, 0.2, 0.6]), margin)
    alpha = 0.5 * math.log(0.95 / 0.05)
    assert done.position == 1
    assert done.alpha == pytest.approx(alpha)
    raw = [0.5 * math.exp(-alpha), 0.25 * math.cosh(alpha), 0.25]
    assert done.weights == pytest.approx([r / sum(raw) for r in raw])


def test_a_position_without_any_loss_keeps_alpha_finite():
    done = fine_tuning_round(np.full(2, 0.5), np.array([0.0, 9.0]), np.ones((4, 2)))
    assert math.isfinite(done.alpha)
    assert fine_tuning_round(np.ones(1), np.array([50.0]), -np.ones((1, 1))).alpha == 0


def test_the_weighted_loss_by_brute_force():
    torch.manual_seed(0)
    logits, target = torch.randn(5, 36, 2), torch.tensor([0, 1, 1, 0, 1])
    weight = torch.rand(36)
    total = 0.0
    for n, i in itertools.product(range(36), range(5)):
        total += -float(weight[n]) / 5 * float(logits[i, n].log_softmax(0)[target[i]])
    assert float(weighted_loss(logits, target, weight)) == pytest.approx(total, rel=1e-5)


def test_the_papers_direction_is_turned_in_one_place():
    assert paper_attack_score(0.4) > 0.5  # the paper stops where the house's score is below 0.5
    assert paper_attack_score(0.5) == 0.5


def test_annealing_by_the_formula():
    rates = [cyclic_cosine(step, 200, 4, 0.1) for step in range(200)]
    for step, rate in enumerate(rates):
        assert rate == pytest.approx(0.05 * (1 + math.cos(math.pi * (step % 50) / 50)))
    assert rates[0] == rates[50] == rates[150] == 0.1
    assert min(rates) > 0
    assert cyclic_cosine(9, 10, 3, 1.0) > 0  # cycles that do not divide the steps


def test_depth_that_shows_no_face_scores_zero_whatever_the_net_says():
    """A net trained without screens has never seen background alone, and must not pass it."""
    torch.manual_seed(0)
    network = CascadeNet(D_PLANES, D_NET_BRANCHES, SHAPES["small"]).eval()
    planes = torch.randint(0, 256, (3, 48, 48, 3), dtype=torch.uint8)
    planes[1] = 255
    with torch.inference_mode():
        score = CascadeScorer(network, 0)(planes)
        plain = network(normalise(planes)).softmax(1)[:, CLASSES.index("bona_fide")]
    assert plain[1] > 0
    assert score.tolist() == [plain[0], 0, plain[2]]
