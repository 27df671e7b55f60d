"""SE-ResNeXt: sizes counted by hand, and timm's outputs where timm can be imported."""

import importlib.util

import pytest
import torch

from bonafide.models.se_resnext import (
    SHAPES,
    BackboneShape,
    SeResNext,
    SqueezeExcite,
    load_timm,
)
from bonafide.types import BonafideError

FULL = BackboneShape(blocks=(3, 4, 6, 3))
HAS_TIMM = all(importlib.util.find_spec(name) for name in ("timm", "torchvision"))


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def count_by_hand(stages, classes, channels=3):
    """Weights of SE-ResNeXt 32x4d: convolutions, two a channel of batch norm, SE with biases."""
    total = channels * 64 * 49 + 2 * 64
    before = 64
    for stage, blocks in enumerate(stages):
        width, after = 128 * 2**stage, 256 * 2**stage
        squeezed = after // 16
        for block in range(blocks):
            total += before * width + 2 * width  # 1x1
            total += width * (width // 32) * 9 + 2 * width  # 3x3 in 32 groups
            total += width * after + 2 * after  # 1x1
            total += 2 * after * squeezed + squeezed + after  # SE
            if block == 0:
                total += before * after + 2 * after  # shortcut
            before = after
    return total + (before * classes + classes if classes else 0)


def test_the_full_network_has_the_published_27_56_million():
    by_hand = count_by_hand((3, 4, 6, 3), 1000)
    assert round(by_hand / 1e6, 2) == 27.56
    assert parameters(SeResNext(3, FULL, 1000)) == by_hand


def test_the_papers_three_stages():
    assert parameters(SeResNext(4, SHAPES["se_resnext50"])) == count_by_hand((3, 4, 6), 0, 4)
    maps = SeResNext(3, SHAPES["se_resnext50"]).eval().maps(torch.zeros(1, 3, 48, 48))
    assert [tuple(m.shape[1:]) for m in maps] == [(256, 12, 12), (512, 6, 6), (1024, 3, 3)]


def test_without_se_only_its_weights_are_missing():
    plain = BackboneShape(se=False)
    lacking = sum(
        2 * c * (c // 16) + c // 16 + c
        for c, n in ((256, 3), (512, 4), (1024, 6))
        for _ in range(n)
    )
    assert parameters(SeResNext(3, BackboneShape())) - parameters(SeResNext(3, plain)) == lacking


def test_names_are_timms():
    names = set(SeResNext(3, FULL, 1000).state_dict())
    for name in (
        "conv1.weight",
        "bn1.running_mean",
        "layer1.0.conv1.weight",
        "layer1.0.se.fc1.bias",
        "layer1.0.downsample.1.weight",
        "layer3.5.conv2.weight",
        "layer4.2.se.fc2.weight",
        "fc.bias",
    ):
        assert name in names


def test_excitation_by_hand():
    block = SqueezeExcite(16)  # squeezed to 8
    with torch.no_grad():
        for layer in (block.fc1, block.fc2):
            layer.weight.zero_()
            layer.bias.zero_()
        block.fc1.weight[0, 3] = 2.0
        block.fc2.weight[5, 0] = 1.0
    x = torch.ones(1, 16, 2, 2)
    out = block(x)
    assert torch.allclose(out[0, 5], torch.sigmoid(torch.tensor(2.0)) * x[0, 5])
    assert torch.allclose(out[0, 4], 0.5 * x[0, 4])


def test_weights_of_a_deeper_network_load_and_others_are_refused():
    torch.manual_seed(0)
    donor = SeResNext(3, FULL, 10).eval()
    same = SeResNext(3, BackboneShape()).eval()
    load_timm(same, donor.state_dict())
    x = torch.randn(2, 3, 48, 48)
    for ours, theirs in zip(same.maps(x), donor.maps(x), strict=False):
        assert torch.equal(ours, theirs)
    infrared = SeResNext(1, BackboneShape()).eval()
    load_timm(infrared, donor.state_dict())
    grey = torch.randn(2, 1, 48, 48)
    expected = donor.maps(grey.expand(-1, 3, -1, -1))[0]
    assert torch.allclose(infrared.maps(grey)[0], expected, atol=1e-4)
    with pytest.raises(BonafideError, match=r"no fitting conv1\.weight"):
        load_timm(SeResNext(3, SHAPES["small"]), donor.state_dict())


@pytest.mark.parametrize("classes", [1000] if HAS_TIMM else [])
def test_timm_answers_the_same(classes):
    import timm

    torch.manual_seed(0)
    theirs = timm.create_model("seresnext50_32x4d", pretrained=False, num_classes=classes)
    theirs.train()(torch.randn(4, 3, 64, 64))  # batch norm with statistics of its own
    ours = SeResNext(3, FULL, classes)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 96, 96)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(x), theirs.eval()(x), atol=1e-5)
