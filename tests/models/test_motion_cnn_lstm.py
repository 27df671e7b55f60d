"""The network has the paper's sizes, and its attention is Eqs. 12-13 worked by hand."""

import math

import numpy as np
import pytest
import torch

from bonafide.models.motion_cnn_lstm import (
    CNNS,
    VARIANTS,
    ConvolutionalPart,
    MotionCnnLstm,
    MotionOutput,
    MotionScorer,
    StepAttention,
    loss,
)

SMALL_POOL5 = 64 * 3 * 3


def clips(batch=2, frames=4, side=112, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (batch, frames, side, side, 3), dtype=np.uint8))


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def small(variant="cnn-lstm-a", frames=4, hidden=8):
    torch.manual_seed(0)
    return MotionCnnLstm(variant, "small", frames, hidden)


def test_the_convolutional_part_of_vgg16_has_its_published_size():
    part = ConvolutionalPart(CNNS["vgg16"])
    assert count(part) == 14_714_688
    assert CNNS["vgg16"].pool5 == (512, 7, 7)
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in part.modules()) == 13


@pytest.mark.slow
def test_pool5_of_a_frame_is_7_by_7_by_512():
    with torch.inference_mode():
        pool5 = ConvolutionalPart(CNNS["vgg16"])(clips(1, 1, 224))
    assert pool5.shape == (1, 1, 512, 7, 7)


def test_the_lstm_has_two_layers_of_the_standard_cell():
    # Four gates of [input, hidden, two biases] each, by layer.
    hidden, read = 256, 512 * 7 * 7
    expected = 4 * hidden * (read + hidden + 2) + 4 * hidden * (hidden + hidden + 2)
    with torch.device("meta"):
        network = MotionCnnLstm("cnn-lstm-a", "vgg16", frames=16)
    assert count(network.lstm) == expected
    assert count(network.attention) == 16 * hidden
    assert count(network) == 14_714_688 + expected + 16 * hidden + 2 * 512 + 2 * 513 + 2 * 257


def test_our_convolutions_are_those_of_another_library_in_our_order():
    # A plan of one block, by plain loops.
    torch.manual_seed(1)
    part = ConvolutionalPart(CNNS["small"])
    frame = clips(1, 1)
    x = (frame[0, 0].numpy().astype(np.float64) - 127.5) / 127.5
    kernel = part.conv1_1.weight.detach().double().numpy()
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    convolved = np.zeros((112, 112, 8))
    for down in range(3):
        for across in range(3):
            part_of = padded[down : down + 112, across : across + 112]
            convolved += part_of @ kernel[:, :, down, across].T
    part.eval()
    seen = {}
    part.conv1_1.register_forward_hook(lambda *a: seen.update(out=a[2]))
    with torch.inference_mode():
        part(frame)
    np.testing.assert_allclose(seen["out"][0].permute(1, 2, 0).numpy(), convolved, atol=1e-4)


def test_attention_by_hand():
    # Two steps, two units. Scores: W_1 . h_0 = 0 and W_2 . h_1 = 3 * 2 - 1 * 4 = 2.
    attention = StepAttention(2, 2)
    with torch.no_grad():
        attention.weight.copy_(torch.tensor([[7.0, 7.0], [3.0, -1.0]]))
    h = torch.tensor([[[2.0, 4.0], [10.0, 0.0]]])
    c, alpha = attention(h)
    second = math.exp(2) / (1 + math.exp(2))
    torch.testing.assert_close(alpha, torch.tensor([[1 - second, second]]))
    expected = torch.tensor([[2 * (1 - second) + 10 * second, 4 * (1 - second)]])
    torch.testing.assert_close(c, expected)


def test_the_score_of_a_step_comes_from_the_state_before_it_alone():
    attention = StepAttention(3, 1)
    with torch.no_grad():
        attention.weight.copy_(torch.tensor([[5.0], [1.0], [2.0]]))
    h = torch.tensor([[[1.0], [2.0], [3.0]]])
    _, alpha = attention(h)
    scores = [0.0, 1.0 * 1.0, 2.0 * 2.0]
    total = sum(map(math.exp, scores))
    torch.testing.assert_close(alpha[0], torch.tensor([math.exp(s) / total for s in scores]))
    h[0, 2] = 99.0  # the last state is weighed, but weighs nothing
    torch.testing.assert_close(attention(h)[1], alpha)


def test_untrained_attention_is_the_mean_and_each_step_has_its_own_weights():
    attention = StepAttention(4, 3)
    h = torch.randn(2, 4, 3)
    c, alpha = attention(h)
    torch.testing.assert_close(c, h.mean(1))
    torch.testing.assert_close(alpha, torch.full((2, 4), 0.25))
    torch.nn.init.normal_(attention.weight)
    swapped = StepAttention(4, 3)
    with torch.no_grad():
        swapped.weight.copy_(attention.weight[[0, 2, 1, 3]])
    assert not torch.allclose(attention(h)[1], swapped(h)[1])


@pytest.mark.parametrize("variant", ["cnn-lstm", "cnn-lstm-a"])
def test_the_order_of_the_frames_matters_to_an_lstm(variant):
    network = small(variant).eval()
    x = clips()
    with torch.inference_mode():
        assert (network(x).logits - network(x.flip(1)).logits).abs().max() > 1e-5


def test_the_order_of_the_frames_is_nothing_to_the_cnn():
    network = small("cnn").eval()
    x = clips()
    with torch.inference_mode():
        torch.testing.assert_close(network(x).logits, network(x.flip(1)).logits)


def test_the_score_of_the_cnn_is_the_mean_over_the_frames():
    network = small("cnn").eval()
    with torch.inference_mode():
        score, attention = MotionScorer(network)(clips())
        each = network(clips()).frame_logits.softmax(2)[..., 1]
    torch.testing.assert_close(score, each.mean(1))
    torch.testing.assert_close(attention, torch.full((2, 4), 0.25))


def test_without_attention_the_last_state_counts():
    network = small("cnn-lstm").eval()
    with torch.inference_mode():
        output = network(clips())
        h, _ = network.lstm(
            network.input_norm(network.cnn(clips()).flatten(0, 1)).unflatten(0, (2, 4)).flatten(2)
        )
        torch.testing.assert_close(output.logits, network.classifier(h[:, -1]))
    torch.testing.assert_close(output.attention, torch.eye(4)[[3, 3]])


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_learns_but_the_first_steps_weights(variant):
    network = small(variant)
    if variant == "cnn-lstm-a":
        torch.nn.init.normal_(network.attention.weight)
    recurrent = network.variant.recurrent
    loss(network(clips()), torch.tensor([0, 1]), recurrent=recurrent).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    if variant == "cnn-lstm-a":
        gradient = network.attention.weight.grad
        assert gradient[0].abs().max() == 0  # it meets h_0 = 0
        assert (gradient[1:].abs().amax(1) > 0).all()


def test_both_losses_weigh_the_same_by_hand():
    # The clip is sure of the right class (log 1.25), each frame torn (log 2).
    output = MotionOutput(
        torch.tensor([[0.0, math.log(4)]]), torch.zeros(1, 3, 2), torch.full((1, 3), 1 / 3)
    )
    target = torch.tensor([1])
    both = float(loss(output, target, recurrent=True))
    assert both == pytest.approx(math.log(1.25) + math.log(2))
    assert float(loss(output, target, recurrent=False)) == pytest.approx(math.log(2))
    half = float(loss(output, target, recurrent=True, cnn_weight=0.5))
    assert half == pytest.approx(math.log(1.25) + math.log(2) / 2)


def test_clips_of_another_length_where_the_variant_allows():
    for variant in ("cnn", "cnn-lstm"):
        assert small(variant).eval()(clips(frames=6)).attention.shape == (2, 6)
    with pytest.raises(RuntimeError):
        small("cnn-lstm-a").eval()(clips(frames=6))


def test_scores_are_probabilities_of_bona_fide():
    network = small().eval()
    with torch.inference_mode():
        score, attention = MotionScorer(network)(clips())
        logits = network(clips()).logits
    torch.testing.assert_close(score, torch.sigmoid(logits[:, 1] - logits[:, 0]))
    torch.testing.assert_close(attention.sum(1), torch.ones(2))
    assert network.lstm.input_size == SMALL_POOL5
