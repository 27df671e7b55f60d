"""An exported model answers as torch does, and says what it is."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from bonafide.deploy import export
from bonafide.deploy.export import export_onnx
from bonafide.deploy.runtime import OnnxScorer
from bonafide.models.ms_fans import MsFans, MsFansScorer
from bonafide.training.loop import compact
from bonafide.types import BonafideError


def torch_scores(network, crops):
    with torch.inference_mode():
        return MsFansScorer(network).eval()(torch.from_numpy(crops))[0].numpy()


def test_every_batch_size_agrees_with_torch(network, record, probe, tmp_path):
    out = tmp_path / "model.onnx"
    difference = export_onnx(network, record, out, probe=probe)
    runtime = OnnxScorer(out)
    expected = torch_scores(network, probe)
    assert difference <= 1e-4
    assert np.ptp(expected) > 1e-2
    for count in (1, 3, 5):
        np.testing.assert_allclose(runtime.score(probe[:count]).score, expected[:count], atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("fusion", ["average", "concatenation"])
def test_the_rivals_export_too(fusion, record, probe, tmp_path):
    torch.manual_seed(1)
    network = MsFans(2, fusion=fusion).eval()
    export_onnx(network, record, tmp_path / "model.onnx", probe=probe)
    runtime = OnnxScorer(tmp_path / "model.onnx")
    np.testing.assert_allclose(runtime.score(probe).score, torch_scores(network, probe), atol=1e-4)
    np.testing.assert_allclose(runtime.score(probe).alpha, 0.5, atol=1e-6)


@pytest.mark.slow
def test_half_stored_weights_halve_the_file_and_lose_nothing(network, record, probe, tmp_path):
    export_onnx(network, record, tmp_path / "full.onnx", probe=probe)
    full_scores = torch_scores(network, probe)
    rounded = network
    rounded.load_state_dict(compact(network))
    np.testing.assert_allclose(torch_scores(rounded, probe), full_scores, atol=1e-3)
    export_onnx(rounded, record, tmp_path / "half.onnx", probe=probe)
    full, half = (tmp_path / name for name in ("full.onnx", "half.onnx"))
    assert half.stat().st_size < 0.55 * full.stat().st_size
    np.testing.assert_allclose(
        OnnxScorer(half).score(probe).score, torch_scores(rounded, probe), atol=1e-5
    )


def test_the_file_says_nothing_of_the_machine_it_was_made_on(untrained_model):
    content = untrained_model.read_bytes()
    for trace in (b".py", b"site-packages", str(Path.home()).encode(), b"stack_trace"):
        assert trace not in content


def test_the_record_travels_in_the_file(network, record, probe, tmp_path):
    export_onnx(network, record, tmp_path / "model.onnx", probe=probe)
    runtime = OnnxScorer(tmp_path / "model.onnx")
    assert runtime.record == record
    assert len(runtime.sha256) == 64


def test_a_model_that_differs_is_not_written(network, record, probe, tmp_path, monkeypatch):
    trace = export.graph_of

    def trace_and_spoil(scorer, example, form):
        model = trace(scorer, example, form)
        for weight in model.graph.initializer:
            if weight.name.endswith("classifier.weight"):
                values = 1.2 * onnx.numpy_helper.to_array(weight)
                weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
        return model

    monkeypatch.setattr(export, "graph_of", trace_and_spoil)
    with pytest.raises(BonafideError, match="differ by"):
        export_onnx(network, record, tmp_path / "model.onnx", probe=probe)
    assert list(tmp_path.iterdir()) == []


def test_wrong_crops_are_refused(network, record, probe, tmp_path):
    export_onnx(network, record, tmp_path / "model.onnx", probe=probe)
    runtime = OnnxScorer(tmp_path / "model.onnx")
    for wrong in (probe.astype(np.float32), probe[:, :1], probe[..., :64, :]):
        with pytest.raises(BonafideError, match="do not fit"):
            runtime.score(wrong)


def test_files_that_are_no_model_of_ours_are_refused(network, tmp_path):
    with pytest.raises(BonafideError, match="cannot be read"):
        OnnxScorer(tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(BonafideError, match="ONNX Runtime"):
        OnnxScorer(tmp_path / "text.onnx")
    identity = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, [1])],
        [onnx.helper.make_tensor_value_info("y", 1, [1])],
    )
    model = onnx.helper.make_model(identity, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.save(model, tmp_path / "foreign.onnx")
    with pytest.raises(BonafideError, match="no bonafide record"):
        OnnxScorer(tmp_path / "foreign.onnx")
