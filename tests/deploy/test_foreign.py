"""A foreign model whose answer is known: it gives the mean of each channel that it is fed."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from typer.testing import CliRunner

import bonafide.cli
from bonafide.deploy.foreign import (
    ForeignScorer,
    InputSpec,
    bona_fide_score,
    box_crop,
    prepared,
    read_spec,
)
from bonafide.evaluation.score_file import read_scores
from bonafide.face.crop import crop_box
from bonafide.types import BonafideError, Box

SPEC = InputSpec(
    name="means",
    crop="aligned",
    scale=1.2,
    size_px=32,
    channels="rgb",
    layout="nchw",
    divide_by=255.0,
    mean=(0.0, 0.0, 0.0),
    std=(1.0, 1.0, 1.0),
    output="logits",
    bona_fide_index=0,
)
TEXT = """
name = "means"
crop = "aligned"
scale = 1.2
size_px = 32
channels = "rgb"
layout = "nchw"
divide_by = 255
mean = [0.0, 0.0, 0.0]
std = [1, 1, 1]
output = "logits"
bona_fide_index = 0
"""


def changed(**values):
    return InputSpec(**{**{f: getattr(SPEC, f) for f in SPEC.__dataclass_fields__}, **values})


def means_model(path, layout="nchw", one_channel=False, outputs=1):
    """(1, 3, 32, 32) or (1, 32, 32, 3) -> the channels' means (1, 3), or the first's alone."""
    shape = [1, 3, 32, 32] if layout == "nchw" else [1, 32, 32, 3]
    axes = [2, 3] if layout == "nchw" else [1, 2]
    nodes = [helper.make_node("ReduceMean", ["x", "axes"], ["means"], keepdims=0)]
    constants = [helper.make_tensor("axes", TensorProto.INT64, [2], axes)]
    last = "means"
    if one_channel:
        constants.append(helper.make_tensor("first", TensorProto.INT64, [1], [0]))
        nodes.append(helper.make_node("Gather", ["means", "first"], ["one"], axis=1))
        last = "one"
    given = [helper.make_tensor_value_info(last, TensorProto.FLOAT, None)]
    if outputs == 2:
        nodes.append(helper.make_node("Neg", [last], ["negated"]))
        given.append(helper.make_tensor_value_info("negated", TensorProto.FLOAT, None))
    taken = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "means", taken, given, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


def flat(red, green, blue):
    return np.full((1, 1, 32, 32, 3), (red, green, blue), np.uint8)


def softmax(*values):
    shares = np.exp(values)
    return shares / shares.sum()


def test_colour_order_layout_and_scaling_reach_the_graph(tmp_path):
    crop = flat(255, 102, 0)
    expected = softmax(1.0, 0.4, 0.0)
    for layout in ("nchw", "nhwc"):
        model = means_model(tmp_path / f"{layout}.onnx", layout)
        for channels, order in (("rgb", (0, 1, 2)), ("bgr", (2, 1, 0))):
            for index in range(3):
                spec = changed(layout=layout, channels=channels, bona_fide_index=index)
                [score] = ForeignScorer(model, spec).score(crop).score
                assert score == pytest.approx(expected[order[index]], abs=1e-6)


def test_mean_and_deviation_are_in_the_order_of_the_channels():
    spec = changed(channels="bgr", divide_by=1.0, mean=(10.0, 20.0, 30.0), std=(1.0, 2.0, 4.0))
    values = prepared(flat(34, 22, 11)[0, 0], spec)
    assert values.shape == (3, 32, 32)
    np.testing.assert_allclose(values[:, 0, 0], [1.0, 1.0, 1.0])


def test_a_batch_is_scored_one_by_one(tmp_path):
    scorer = ForeignScorer(means_model(tmp_path / "m.onnx"), SPEC)
    crops = np.concatenate([flat(255, 0, 0), flat(0, 0, 255)])
    np.testing.assert_allclose(
        scorer.score(crops).score, [softmax(1, 0, 0)[0], softmax(0, 0, 1)[0]], atol=1e-6
    )


def test_single_numbers_need_a_direction(tmp_path):
    model = means_model(tmp_path / "one.onnx", one_channel=True)
    single = {"bona_fide_index": -1, "output": "probability"}
    up = ForeignScorer(model, changed(**single, higher_is="bona_fide")).score(flat(51, 0, 0))
    down = ForeignScorer(model, changed(**single, higher_is="attack")).score(flat(51, 0, 0))
    assert up.score[0] == pytest.approx(0.2)
    assert down.score[0] == pytest.approx(0.8)
    logit = changed(bona_fide_index=-1, output="logit", higher_is="bona_fide")
    [score] = ForeignScorer(model, logit).score(flat(255, 0, 0)).score
    assert score == pytest.approx(1 / (1 + np.exp(-1)))
    with pytest.raises(BonafideError, match="higher_is"):
        changed(**single)


@pytest.mark.parametrize(
    ("given", "changes", "message"),
    [
        ([0.2, 0.8], {"bona_fide_index": 2}, "none at 2"),
        ([0.7], {}, "1 values, none at 0"),
        ([1.4, 0.1], {"output": "probabilities"}, "no probability"),
        ([np.nan, 0.1], {}, "not finite"),
        (
            [0.1, 0.2],
            {"output": "probability", "bona_fide_index": -1, "higher_is": "attack"},
            "where the spec says one",
        ),
    ],
)
def test_an_output_that_contradicts_the_spec_is_an_error(given, changes, message):
    with pytest.raises(BonafideError, match=message):
        bona_fide_score(np.array(given, float), changed(**changes), "model.onnx")


def test_one_of_several_outputs_must_be_named(tmp_path):
    model = means_model(tmp_path / "two.onnx", outputs=2)
    with pytest.raises(BonafideError, match="has the outputs"):
        ForeignScorer(model, SPEC)
    [score] = ForeignScorer(model, changed(output_name="negated")).score(flat(255, 0, 0)).score
    assert score == pytest.approx(softmax(-1, 0, 0)[0], abs=1e-6)


def test_a_wrong_size_is_the_graphs_refusal_with_a_remedy(tmp_path):
    scorer = ForeignScorer(means_model(tmp_path / "m.onnx"), changed(layout="nhwc"))
    with pytest.raises(BonafideError, match="refuses an input of shape"):
        scorer.score(flat(0, 0, 0))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('channels = "rgb"', 'channels = "grb"', "channels"),
        ('channels = "rgb"', "", r"missing fields \['channels'\]"),
        ("scale = 1.2", 'scale = 1.2\ncolour = "x"', "unknown fields"),
        ("size_px = 32", "size_px = 32.5", "size_px"),
        ("std = [1, 1, 1]", "std = [1, 0, 1]", "std"),
        ("bona_fide_index = 0", "", "bona_fide_index"),
        ('output = "logits"', 'output = "scores"', "output"),
        ("name =", "name", "TOML"),
    ],
)
def test_a_faulty_spec_names_its_field(tmp_path, old, new, message):
    path = tmp_path / "spec.toml"
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(BonafideError, match=message):
        read_spec(path)
    path.write_text(TEXT)
    assert read_spec(path) == SPEC


def test_box_crops_are_square_and_stay_in_the_picture(astronaut):
    spec = changed(crop="box", scale=2.0)
    inner = box_crop(astronaut, Box(200, 150, 40, 60), spec)
    expected, _ = crop_box(astronaut, Box(160, 120, 120, 120), 32)
    np.testing.assert_array_equal(inner.crops[0], expected)
    for box in (Box(-5, -5, 90, 100), Box(470, 480, 60, 60), Box(0, 0, 512, 400)):
        stack = box_crop(astronaut, box, spec)
        assert stack.inside.all()
    [whole] = box_crop(astronaut, Box(0, 0, 512, 400), spec).crops
    np.testing.assert_array_equal(whole, crop_box(astronaut, Box(0, 0, 512, 512), 32)[0])


@pytest.mark.parametrize("crop", ["aligned", "box"])
def test_the_verb_scores_a_table_with_it(tmp_path, astronaut, crop):
    Image.fromarray(astronaut).save(tmp_path / "face.png")
    Image.fromarray(np.zeros((80, 80, 3), np.uint8)).save(tmp_path / "black.png")
    (tmp_path / "samples.csv").write_text(
        "presentation,path,label,pai_species,capture_subject,split,dataset\n"
        "face,face.png,bona_fide,bona_fide,a,test,made up\n"
        "black,black.png,attack,print,b,test,made up\n"
    )
    (tmp_path / "spec.toml").write_text(TEXT.replace('"aligned"', f'"{crop}"'))
    means_model(tmp_path / "m.onnx")
    table, out = str(tmp_path / "samples.csv"), str(tmp_path / "scores.csv")
    spec = ["--onnx", str(tmp_path / "m.onnx"), "--input-spec", str(tmp_path / "spec.toml")]
    result = CliRunner().invoke(bonafide.cli.app, ["score", table, "-o", out, *spec])
    assert result.exit_code == 0, result.exception
    scores = read_scores(tmp_path / "scores.csv")
    assert 0.33 < scores.score[0] < 0.5  # the face's red mean is the largest of three
    assert scores.reason.at(1) == "no_face"
    for wrong in ([table, "-o", out, *spec[:2]], [table, "-o", out]):
        result = CliRunner().invoke(bonafide.cli.app, ["score", *wrong])
        assert isinstance(result.exception, BonafideError)
