"""What holds for every network of the catalogue, whatever it is."""

import numpy as np
import pytest
import torch
from tests.models.caffe_files import write_caffe
from torch import nn

from bonafide.models.alex_net import CAFFE_MEAN, AlexNet, AlexTrunk, load_caffe
from bonafide.models.catalogue import NETWORKS
from bonafide.models.cdcn import THETA, DifferenceConvolution
from bonafide.models.cost import cost_of, count_parameters
from bonafide.models.deep_pix_bis import DeepPixBis
from bonafide.models.depth_target import depth_score, face_depth
from bonafide.models.feather_net import FeatherNet
from bonafide.models.minifasnet import MiniFasNet, spectrum
from bonafide.models.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from bonafide.models.patch_depth_cnn import patch_network
from bonafide.models.pretrained import load_backbone
from bonafide.models.resnet import ResNet18
from bonafide.models.rival import IMAGENET_MEAN, IMAGENET_STD, OnePicture, pictures
from bonafide.training.checkpoint import load_tensors, save_tensors
from bonafide.types import BonafideError

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
    """In one of a few tries: a patch, an erased modality or dead units may hide a part once."""
    one, unreached = NETWORKS[name], None
    for seed in range(4):
        network = built(name, seed).train()
        views = views_of(name, 4, seed)
        views[1::2] //= 3  # pictures of different brightness, or averages over them say nothing
        one.loss(network(views), torch.tensor([0, 1, 0, 1])).backward()
        still = {n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()}
        unreached = still if unreached is None else unreached & still
        if not unreached:
            return
    raise AssertionError(f"no gradient for {sorted(unreached)}")


@pytest.mark.slow
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


LARGE = ("dpcnn", "vgg_face")
"""Half a gigabyte of weights each."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in LARGE else []) for n in NAMES]
)
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


WITH_1000_CLASSES = {
    "resnet18": lambda: OnePicture(ResNet18(1000)),
    "mobilenet_v3_small": lambda: OnePicture(mobilenet_v3_small(1000)),
    "mobilenet_v3_large": lambda: OnePicture(mobilenet_v3_large(1000)),
}
WITH_PUBLISHED = [name for name in NAMES if NETWORKS[name].published.flops]


@pytest.mark.parametrize("name", WITH_PUBLISHED)
def test_flops_are_the_published_ones(name):
    one = NETWORKS[name]
    with torch.device("meta"):  # shapes alone are counted
        network = WITH_1000_CLASSES.get(name, lambda: one.build(one.views.side_px))()
        cost = cost_of(network, one.views.blank().to("meta"))
    counted = one.published.counting(cost)
    assert counted == pytest.approx(one.published.flops, rel=one.published.tolerance)


@pytest.mark.parametrize(
    ("network", "published", "digits"),
    [
        (WITH_1000_CLASSES["resnet18"], 11_689_512, 0),
        (WITH_1000_CLASSES["mobilenet_v3_small"], 2_542_856, 0),
        (WITH_1000_CLASSES["mobilenet_v3_large"], 5_483_032, 0),
        (lambda: MiniFasNet(classes=3), 435_000, 500),
        (DeepPixBis, 3_200_000, 50_000),
        (lambda: FeatherNet(pooled=False), 350_000, 5_000),
        (lambda: FeatherNet(pooled=True), 350_000, 5_000),
    ],
)
def test_parameters_are_the_published_ones(network, published, digits):
    assert abs(count_parameters(network()) - published) <= digits


def test_one_mini_network_costs_what_its_repository_says():
    """44.7 M at 80 px, with thop's counting: 4 per normalised and 1 per activated value."""
    cost = cost_of(MiniFasNet(classes=3), torch.zeros(1, 3, 80, 80))
    counted = cost.multiply_adds + 4 * cost.normalised + cost.activated
    assert counted == pytest.approx(44.7e6, rel=0.002)


def test_cdcn_costs_what_its_authors_layers_cost():
    """Neither the paper nor its repository states a cost; the widths are those of both."""
    layers = [(256, 3, 64), (256, 64, 128), (256, 128, 196), (256, 196, 128)]
    for side in (128, 64):
        layers += [(side, 128, 128), (side, 128, 196), (side, 196, 128)]
    layers += [(32, 3 * 128, 128), (32, 128, 64), (32, 64, 1)]
    weights = sum(9 * before * after for _, before, after in layers)
    norms = sum(2 * after for _, _, after in layers[:-1])
    one = NETWORKS["cdcn"]
    with torch.device("meta"):
        cost = cost_of(one.build(256), one.views.blank().to("meta"))
    assert cost.parameters == weights + norms
    assert cost.multiply_adds == sum(9 * side**2 * i * o for side, i, o in layers)


def test_the_counter_counts_what_can_be_counted_by_hand():
    network = nn.ModuleDict(
        {
            "convolution": nn.Conv2d(4, 6, 3, padding=1, groups=2),  # 6 maps of 8x8, 2*3*3 each
            "back": nn.ConvTranspose2d(6, 2, 2, 2),  # from 8x8: 6 * 2 * 2*2 each
            "linear": nn.Linear(512, 5),
            "lstm": nn.LSTM(5, 7, batch_first=True),  # 4 gates of 7, of 5 + 7, twice
            "norm": nn.BatchNorm2d(6),
        }
    )

    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = network

        def forward(self, x):
            x = self.parts["back"](self.parts["norm"](self.parts["convolution"](x)))
            return self.parts["lstm"](self.parts["linear"](x.flatten(1)).expand(2, 5)[None])

    cost = cost_of(Chain(), torch.zeros(1, 4, 8, 8))
    assert cost.convolution == 6 * 64 * 18 + 64 * 6 * 8
    assert cost.linear == 512 * 5
    assert cost.recurrent == 2 * 4 * 7 * (5 + 7)
    assert cost.normalised == 6 * 64


def test_central_differences_vanish_on_flat_pictures_as_theta_says():
    """Eq. 4: on a constant picture only the share 1 - theta of the kernel's sum is left."""
    layer = DifferenceConvolution(1, 1, 3, padding=1, bias=False)
    inner = layer(torch.full((1, 1, 5, 5), 2.0))[0, 0, 2, 2]
    assert inner.item() == pytest.approx(2 * (1 - THETA) * layer.weight.sum().item(), abs=1e-5)


def test_the_depth_target_is_a_mirrored_bulge_that_shrinks_with_the_scale():
    face, wide = face_depth(1.2, 32), face_depth(2.4, 32)
    assert torch.allclose(face, face.flip(1), atol=1e-5)
    assert 0.98 < face.max() <= 1
    assert face[0, 0] == 0
    assert float(wide.mean()) == pytest.approx(float(face.mean()) / 4, rel=0.15)
    assert depth_score(torch.stack([face, 0 * face, 2 * face]), face).tolist() == pytest.approx(
        [0.5, 0, 0.75]
    )


def test_a_spectrum_shows_a_gratings_frequency():
    """A vertical grating of 8 cycles in 80 px: energy 8 px left and right of the middle."""
    wave = 127.5 + 100 * torch.cos(2 * torch.pi * 8 * torch.arange(80) / 80)
    views = wave.round().byte()[None, None, None, :, None].expand(1, 1, 80, 80, 3)
    found = spectrum(views)[0, 0]
    assert found.shape == (10, 10)
    top = found[5].topk(3).indices.sort().values.tolist()
    assert top == [4, 5, 6]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "deep_pix_bis"])
def test_published_weights_load_but_for_the_classes(name, tmp_path):
    one, network = NETWORKS[name], built(name)
    source = {
        "resnet18": lambda: ResNet18(1000),
        "mobilenet_v3_small": lambda: mobilenet_v3_small(1000),
        "deep_pix_bis": lambda: DeepPixBis().backbone,
    }[name]()
    torch.save(source.state_dict(), tmp_path / "published.pth")
    backbone = getattr(network, one.pretrained)
    unused = load_backbone(backbone, tmp_path / "published.pth")
    first = next(iter(source.state_dict()))
    assert torch.equal(backbone.state_dict()[first], source.state_dict()[first])
    assert all(key.startswith(("fc.", "classifier.")) for key in unused)
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    with pytest.raises(BonafideError, match="cannot be read"):
        load_backbone(backbone, tmp_path / "broken.pth")
    torch.save({"other": torch.zeros(2)}, tmp_path / "other.pth")
    with pytest.raises(BonafideError, match="lacks"):
        load_backbone(backbone, tmp_path / "other.pth")


def test_key_names_are_those_of_the_published_files():
    """A few names of each torchvision file, which users hold."""
    assert {"layer2.0.downsample.0.weight", "fc.weight"} <= set(ResNet18().state_dict())
    mobile = set(mobilenet_v3_large().state_dict())
    assert {"features.4.block.2.fc1.weight", "classifier.3.bias", "features.16.0.weight"} <= mobile
    dense = set(DeepPixBis().backbone.state_dict())
    assert "features.denseblock2.denselayer12.conv2.weight" in dense
    assert "features.transition2.conv.weight" in dense


def test_alex_net_from_a_caffe_file_answers_as_caffe_would(tmp_path):
    """The file's first filters on pixels less Caffe's mean = the loaded ones on our pictures."""
    trunk = AlexTrunk()
    convolutions = {n: m for n, m in trunk.layers.named_children() if n.startswith("conv")}
    rng = np.random.default_rng(0)
    layers = {
        name: (
            0.01 * rng.standard_normal(tuple(layer.weight.shape), np.float32),
            rng.standard_normal(len(layer.bias), np.float32),
        )
        for name, layer in convolutions.items()
    }
    write_caffe(tmp_path / "alex.caffemodel", layers)
    load_caffe(trunk, tmp_path / "alex.caffemodel")
    rgb = torch.from_numpy(rng.integers(0, 256, (2, 67, 67, 3), np.uint8))
    planes = (rgb.double() - torch.tensor(CAFFE_MEAN)).movedim(-1, 1)
    filters, bias = (torch.from_numpy(value).double() for value in layers["conv1"])
    expected = nn.functional.conv2d(planes, filters, bias, stride=4)
    given = trunk.layers.conv1(pictures(rgb, IMAGENET_MEAN, IMAGENET_STD))
    assert torch.allclose(given.double(), expected, rtol=1e-4, atol=1e-3)
    assert torch.equal(trunk.layers.conv4.weight, torch.from_numpy(layers["conv4"][0]))


def test_a_caffe_file_of_another_network_is_refused(tmp_path):
    write_caffe(tmp_path / "vgg.caffemodel", {"conv1_1": (np.zeros((4, 3, 3, 3), np.float32),) * 2})
    with pytest.raises(BonafideError, match="no conv1 of AlexNet's shape"):
        load_caffe(AlexTrunk(), tmp_path / "vgg.caffemodel")


def test_the_patch_network_has_the_published_maps():
    """Atoum et al.: 96 px patches end as 3 x 3 x 250 before 1000, 400 and 2 units."""
    shapes = []
    network = patch_network(96).eval()
    for layer in network:
        if isinstance(layer, nn.MaxPool2d | nn.Linear):
            layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
    network(torch.zeros(1, 3, 96, 96))
    sides = [(50, 48), (100, 24), (150, 12), (200, 6), (250, 3)]
    assert shapes == [(maps, side, side) for maps, side in sides] + [(1000,), (400,), (2,)]


def test_a_side_too_small_for_alex_net_is_said_so():
    with pytest.raises(BonafideError, match="cannot see 64 px"):
        AlexNet(64)


@pytest.mark.parametrize("name", ["feather_net_depth", "face_bag_net_depth"])
def test_a_rival_on_depth_sees_depth_alone(name):
    torch.manual_seed(0)
    side = NETWORKS[name].small_px
    network = NETWORKS[name].build(side).eval()
    views = torch.randint(0, 256, (4, 3, side, side, 3), dtype=torch.uint8)
    others, depth = views.clone(), views.clone()
    others[:, [0, 2]] = 255 - others[:, [0, 2]]
    depth[:, 1] = 255 - depth[:, 1]
    with torch.inference_mode():
        score = network(views).score
        assert torch.equal(network(others).score, score)
        assert not torch.allclose(network(depth).score, score)
