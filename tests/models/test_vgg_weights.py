"""Each published form gives the same network: shapes, channel order, mean; a pickle is not run."""

import numpy as np
import pytest
import scipy.io
import torch
from tests.models.caffe_files import write_caffe
from torch.nn import functional
from typer.testing import CliRunner

import bonafide.cli
from bonafide.models.initial_weights import load_initial_weights
from bonafide.models.motion_cnn_lstm import CNNS, ConvolutionalPart
from bonafide.models.vgg_weights import (
    KINDS,
    import_file,
    import_weights,
)
from bonafide.types import BonafideError

NAMES = [
    f"conv{block}_{number}"
    for block, count in enumerate((2, 2, 3, 3, 3), 1)
    for number in range(1, count + 1)
]


@pytest.fixture(scope="module")
def layers():
    """A network that reads R, G, B: name -> filters (out, in, 3, 3) and bias."""
    rng = np.random.default_rng(0)
    widths = [64, 64, 128, 128, 256, 256, 256] + 6 * [512]
    made, before = {}, 3
    for name, after in zip(NAMES, widths, strict=True):
        scale = np.float32(np.sqrt(2 / 9 / before))
        filters = scale * rng.standard_normal((after, before, 3, 3), dtype=np.float32)
        made[name] = filters, 0.1 * rng.standard_normal(after, dtype=np.float32)
        before = after
    return made


def write_matconvnet(path, layers, *, nested=True):
    """MATLAB stores height, width, in, out, and R, G, B, with the average picture."""
    cells = np.empty(len(layers) + 1, object)
    for i, (name, (filters, bias)) in enumerate(layers.items()):
        pair = filters.transpose(2, 3, 1, 0), bias[None]
        if nested:
            weights = np.empty(2, object)
            weights[:] = pair
            cells[i] = {"name": name, "type": "conv", "weights": weights}
        else:
            cells[i] = {"name": name, "type": "conv", "filters": pair[0], "biases": pair[1]}
    cells[-1] = {"name": "relu5_3", "type": "relu"}
    average = np.broadcast_to(np.float32(KINDS["vgg-face"]), (224, 224, 3))
    about = {"averageImage": average}
    if nested:
        scipy.io.savemat(path, {"net": {"layers": cells, "normalization": about}})
    else:
        scipy.io.savemat(path, {"layers": cells, "meta": {"normalization": about}})


def write_pytorch(path, layers, pattern="{}.{}"):
    state = {}
    for name, (filters, bias) in layers.items():
        for kind, value in (("weight", filters), ("bias", bias)):
            state[pattern.format(name, kind)] = torch.from_numpy(value)
    torch.save(state, path)


WRITERS = {
    "old.caffemodel": write_caffe,
    "new.caffemodel": lambda path, layers: write_caffe(path, layers, old=False),
    "vgg_face.mat": write_matconvnet,
    "vgg-face.mat": lambda path, layers: write_matconvnet(path, layers, nested=False),
    "vgg_face_dag.pth": write_pytorch,
}


def by_the_book(layers, rgb, mean, std=(1, 1, 1)):
    """VGG-16 on one picture (side, side, 3) by plain calls."""
    x = (torch.from_numpy(rgb).float() - torch.tensor(mean)) / torch.tensor(std)
    x = x.permute(2, 0, 1)[None]
    for name, (filters, bias) in layers.items():
        x = functional.conv2d(x, torch.from_numpy(filters), torch.from_numpy(bias), padding=1)
        x = functional.relu(x)
        if name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"):
            x = functional.max_pool2d(x, 2)
    return x[0]


def a_reddish_picture():
    rng = np.random.default_rng(1)
    return (rng.uniform(0, 1, (32, 32, 3)) * [250, 120, 40]).astype(np.uint8)


def pool5_of(tensors):
    part = ConvolutionalPart(CNNS["vgg16"])
    part.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
    with torch.inference_mode():
        return part(torch.from_numpy(a_reddish_picture())[None, None])[0, 0]


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_gives_the_same_answer_to_a_coloured_picture(form, layers, tmp_path):
    WRITERS[form](tmp_path / form, layers)
    tensors = import_weights("vgg-face", tmp_path / form)
    found = pool5_of(tensors)
    rgb = a_reddish_picture()
    expected = by_the_book(layers, rgb, KINDS["vgg-face"])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    # What a mix-up would give is far off: the test can fail.
    swapped = by_the_book(layers, rgb[..., ::-1].copy(), KINDS["vgg-face"][::-1])
    assert (swapped - expected).abs().max() > 0.1 * expected.abs().max()


def test_a_filter_that_reads_red_reads_red(layers, tmp_path):
    changed = dict(layers)
    filters = np.zeros_like(layers["conv1_1"][0])
    filters[0, 0, 1, 1] = 1.0  # the red value itself
    changed["conv1_1"] = filters, np.zeros(64, np.float32)
    write_caffe(tmp_path / "f.caffemodel", changed)
    weight = import_weights("vgg-face", tmp_path / "f.caffemodel")["conv1_1.weight"]
    picture = np.float32([200, 20, 10]) - np.float32(KINDS["vgg-face"])
    assert weight[0, :, 1, 1] @ picture == pytest.approx(200 - 129.1863)


def test_torchvisions_imagenet_weights_bring_their_own_normalisation(layers, tmp_path):
    at = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
    state = {}
    for number, (filters, bias) in zip(at, layers.values(), strict=True):
        state[f"features.{number}.weight"] = torch.from_numpy(filters)
        state[f"features.{number}.bias"] = torch.from_numpy(bias)
    state["classifier.0.weight"] = torch.zeros(2, 2)
    torch.save(state, tmp_path / "vgg16.pth")
    found = pool5_of(import_weights("imagenet", tmp_path / "vgg16.pth"))
    unit = a_reddish_picture().astype(np.float64) / 255
    x = ((unit - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).astype(np.float32)
    expected = by_the_book(layers, x, (0.0, 0.0, 0.0))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_a_file_that_does_not_tell_its_channels_must_be_told(layers, tmp_path):
    path = tmp_path / "other.pth"
    renamed = {name.replace("conv", "conv_"): each for name, each in layers.items()}
    write_pytorch(path, renamed)
    with pytest.raises(BonafideError, match="--channels rgb or --channels bgr"):
        import_weights("vgg-face", path)
    rgb = import_weights("vgg-face", path, channels="rgb")["conv1_1.weight"]
    bgr = import_weights("vgg-face", path, channels="bgr")["conv1_1.weight"]
    np.testing.assert_array_equal(rgb, layers["conv1_1"][0])
    np.testing.assert_array_equal(bgr, rgb[:, ::-1])


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


def test_a_pickle_that_would_run_something_is_refused(tmp_path):
    torch.save({"conv1_1.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(BonafideError, match="nothing in the file is run"):
        import_weights("vgg-face", tmp_path / "trap.pth")


@pytest.mark.parametrize("content", [b"", b"hello, this is no model", b"\x12\xff\xff\xff\x7f"])
def test_what_is_no_model_is_refused(content, tmp_path):
    (tmp_path / "f.caffemodel").write_bytes(content)
    with pytest.raises(BonafideError):
        import_weights("vgg-face", tmp_path / "f.caffemodel")


def test_missing_layers_and_other_shapes_are_named(layers, tmp_path):
    path = tmp_path / "f.caffemodel"
    write_caffe(path, {name: layers[name] for name in NAMES[:-1]})
    with pytest.raises(BonafideError, match="no layer conv5_3"):
        import_weights("vgg-face", path)
    filters, bias = layers["conv2_1"]
    write_caffe(path, {**layers, "conv2_1": (filters[:, :, :1], bias)})
    with pytest.raises(BonafideError, match="conv2_1 has shape"):
        import_weights("vgg-face", path)
    with pytest.raises(BonafideError, match="unknown weights"):
        import_weights("vgg-dog", path)
    with pytest.raises(BonafideError, match="cannot be read"):
        import_weights("vgg-face", tmp_path / "gone")
    (tmp_path / "v73.mat").write_bytes(b"MATLAB 7.3 MAT-file" + bytes(200))
    with pytest.raises(BonafideError, match="-v7"):
        import_weights("vgg-face", tmp_path / "v73.mat")


def test_the_verb_writes_a_file_that_says_what_it_is(layers, tmp_path):
    source, out = tmp_path / "f.caffemodel", tmp_path / "vgg-face.safetensors"
    write_caffe(source, layers)
    done = CliRunner().invoke(
        bonafide.cli.app, ["weights", "import", "vgg-face", str(source), "-o", str(out)]
    )
    assert done.exit_code == 0
    assert "channels were bgr" in done.stdout
    tensors, record = load_initial_weights(out, "vgg16")
    assert (record.kind, record.form, record.source_channels) == ("vgg-face", "caffe", "bgr")
    np.testing.assert_array_equal(tensors["conv1_1.weight"], layers["conv1_1"][0])
    with pytest.raises(BonafideError, match="no imported weights"):
        load_initial_weights(source, "vgg16")
    assert import_file("vgg-face", source, out) == record
