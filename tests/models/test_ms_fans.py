"""MS-FANS against the paper's published sizes and closed forms."""

import math

import pytest
import torch

from bonafide.models import ms_fans


def random_crops(batch=2, scales=3, side=112, seed=0):
    return torch.randn(batch, scales, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("cnn", "map_shape", "millions"),
    [("cnn_s", (96, 6, 6), 25.397), ("cnn_d", (256, 4, 4), 256.855)],
)
def test_the_networks_have_the_published_sizes(cnn, map_shape, millions):
    network = ms_fans.CNNS[cnn](0.5)
    flatten = next(i for i, m in enumerate(network) if isinstance(m, torch.nn.Flatten))
    assert network[:flatten](torch.zeros(1, 3, 112, 112)).shape[1:] == map_shape
    flops = ms_fans.count_paper_flops(network)
    assert flops / 1e6 == pytest.approx(millions, abs=5e-4)


@pytest.mark.parametrize(("cnn", "table_iv"), [("cnn_s", 0.075), ("cnn_d", 0.768)])
def test_three_scales_cost_what_table_iv_prints(cnn, table_iv):
    per_scale_g = math.floor(ms_fans.count_paper_flops(ms_fans.CNNS[cnn](0.5)) / 1e6) / 1e3
    assert 3 * per_scale_g == pytest.approx(table_iv, abs=1e-9)


def test_padded_layers_would_not_give_the_published_cost():
    padded = ms_fans.build_cnn_s()
    for layer in padded.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d):
            layer.padding = 1
    padded[3][0] = torch.nn.Linear(7 * 7 * 96, 1024)
    assert ms_fans.count_paper_flops(padded) / 1e6 == pytest.approx(29.2, abs=0.1)


def test_lstm_fusion_is_the_weighted_sum_of_eq_3_with_a_hand_run_cell():
    torch.manual_seed(0)
    fusion = ms_fans.LstmFusion(3)
    torch.nn.init.normal_(fusion.lstm.weight_hh)
    f = torch.randn(2, 3, ms_fans.FEATURES)
    w_x, w_h = fusion.lstm.weight_ih, fusion.lstm.weight_hh
    bias = fusion.lstm.bias_ih + fusion.lstm.bias_hh
    expected, h, c = torch.zeros(2, ms_fans.FEATURES), torch.zeros(2, 1), torch.zeros(2, 1)
    alphas = []
    for i in range(3):
        gates = f[:, i] @ w_x.T + h @ w_h.T + bias
        i_gate, f_gate, g, o_gate = gates.split(1, 1)
        c = f_gate.sigmoid() * c + i_gate.sigmoid() * g.tanh()
        h = o_gate.sigmoid() * c.tanh()
        alphas.append(h)
        expected = expected + h * f[:, i]
    fused, alpha = fusion(f)
    torch.testing.assert_close(fused, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(alpha, torch.cat(alphas, 1))
    assert (alpha.abs() < 1).all()


def test_the_lstm_reads_the_scales_in_order():
    torch.manual_seed(0)
    fusion = ms_fans.LstmFusion(3)
    f = torch.randn(1, 3, ms_fans.FEATURES)
    changed_last = f.clone()
    changed_last[:, 2] += 1
    _, alpha = fusion(f)
    _, alpha_changed = fusion(changed_last)
    torch.testing.assert_close(alpha[:, :2], alpha_changed[:, :2])
    assert alpha[0, 2] != alpha_changed[0, 2]


@pytest.mark.parametrize("scales", [1, 3, 7])
def test_the_lstm_starts_near_the_average_with_open_gates(scales):
    torch.manual_seed(0)
    network = ms_fans.MsFans(scales).train()
    output = network(random_crops(batch=8, scales=scales))
    assert ((output.alpha > 0.2) & (output.alpha < 0.7)).all()
    ms_fans.loss(output, torch.tensor([0, 1] * 4), first_half=False).backward()
    assert network.fusion.lstm.weight_ih.grad.abs().max() > 1e-5


def test_one_hidden_unit_costs_next_to_nothing():
    parameters = sum(p.numel() for p in ms_fans.LstmFusion(3).parameters())
    assert parameters == 4 * (1024 + 1) + 2 * 4


def test_average_and_concatenation_do_what_their_names_say():
    f = torch.arange(2 * 3 * ms_fans.FEATURES, dtype=torch.float32).view(2, 3, ms_fans.FEATURES)
    averaged, weights = ms_fans.AverageFusion(3)(f)
    torch.testing.assert_close(averaged[1, 7], (f[1, 0, 7] + f[1, 1, 7] + f[1, 2, 7]) / 3)
    torch.testing.assert_close(weights, torch.full((2, 3), 1 / 3))
    joined, _ = ms_fans.ConcatenationFusion(3)(f)
    assert joined.shape == (2, 3072)
    assert joined[1, 1024 + 5] == f[1, 1, 5]


@pytest.mark.parametrize("fusion", sorted(ms_fans.FUSIONS))
@pytest.mark.parametrize("scales", [1, 3, 7])
def test_every_variant_answers_with_the_stated_shapes_and_learns(fusion, scales):
    torch.manual_seed(1)
    network = ms_fans.MsFans(scales, fusion=fusion)
    output = network(random_crops(scales=scales))
    assert output.logits.shape == (2, 2)
    assert output.alpha.shape == (2, scales)
    assert output.scale_logits.shape == (2, scales, 2)
    ms_fans.loss(output, torch.tensor([0, 1]), first_half=True).backward()
    for name, parameter in network.named_parameters():
        if scales > 1 or not name.startswith("scale_classifiers"):  # one scale has no such loss
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


def test_one_network_serves_all_scales():
    torch.manual_seed(2)
    network = ms_fans.MsFans(3, fusion="concatenation").eval()
    crop = random_crops(batch=1, scales=1)
    features = network.cnn(crop.repeat(1, 3, 1, 1, 1).flatten(0, 1))
    torch.testing.assert_close(features[0], features[2])


def test_the_loss_has_the_two_phases_of_eq_6():
    logits = torch.tensor([[0.0, math.log(3.0)]])
    output = ms_fans.MsFansOutput(logits, torch.zeros(1, 3), torch.zeros(1, 3, 2))
    target = torch.tensor([1])
    fused = -math.log(0.75)
    assert ms_fans.loss(output, target, first_half=False).item() == pytest.approx(fused, rel=1e-6)
    both = fused + 0.5 * 3 * math.log(2)
    assert ms_fans.loss(output, target, first_half=True).item() == pytest.approx(both, rel=1e-6)


def test_a_single_scale_has_no_auxiliary_loss():
    output = ms_fans.MsFansOutput(torch.randn(4, 2), torch.ones(4, 1), torch.randn(4, 1, 2))
    target = torch.tensor([0, 1, 1, 0])
    phases = [ms_fans.loss(output, target, first_half=first).item() for first in (True, False)]
    assert phases[0] == phases[1]


def test_the_auxiliary_loss_pairs_every_scale_with_its_own_target():
    right = torch.tensor([[[9.0, -9], [9, -9]], [[-9, 9], [-9, 9]]])
    output = ms_fans.MsFansOutput(torch.zeros(2, 2), torch.zeros(2, 2), right)
    value = ms_fans.loss(output, torch.tensor([0, 1]), first_half=True).item()
    assert value == pytest.approx(math.log(2), abs=1e-6)


def test_the_scorer_takes_the_central_window_and_answers_with_a_probability():
    torch.manual_seed(3)
    scorer = ms_fans.MsFansScorer(ms_fans.MsFans(2)).eval()
    crops = torch.randint(0, 256, (4, 2, 128, 128, 3), dtype=torch.uint8)
    score, alpha = scorer(crops)
    assert score.shape == (4,)
    assert alpha.shape == (4, 2)
    assert ((score > 0) & (score < 1)).all()
    framed = crops.clone()
    framed[:, :, :8], framed[:, :, -8:] = 0, 255
    framed[:, :, :, :8], framed[:, :, :, -8:] = 7, 99
    torch.testing.assert_close(scorer(framed)[0], score)
    shifted = crops.roll(1, dims=3)
    assert not torch.allclose(scorer(shifted)[0], score, atol=1e-7)


def test_normalise_maps_the_ends_of_the_range_and_keeps_the_colour_order():
    crop = torch.zeros(1, 1, 2, 2, 3, dtype=torch.uint8)
    crop[..., 0] = 255
    normal = ms_fans.normalise(crop)
    assert normal.shape == (1, 1, 3, 2, 2)
    assert normal[0, 0, 0].unique().item() == 1.0
    assert normal[0, 0, 2].unique().item() == -1.0


def test_a_seed_gives_the_same_network():
    networks = []
    for _ in range(2):
        torch.manual_seed(5)
        networks.append(ms_fans.MsFans(3).eval())
    crops = random_crops()
    torch.testing.assert_close(networks[0](crops).logits, networks[1](crops).logits, rtol=0, atol=0)
