"""The weights: checked before they are unpickled, cached, and never needing TensorFlow."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bonafide.face import weights
from bonafide.face.weights import CACHE_FILE, DetectorWeightsError, digest, load_tensors


@pytest.fixture(scope="module")
def tensors(tmp_path_factory):
    return load_tensors(tmp_path_factory.mktemp("cache"))


def test_the_networks_have_the_published_shapes(tensors):
    assert len(tensors) == 13 + 16 + 21
    assert tensors["pnet.0"].shape == (3, 3, 3, 10)
    assert tensors["rnet.9"].shape == (3 * 3 * 64, 128)
    assert tensors["onet.12"].shape == (3 * 3 * 128, 256)
    assert all(tensor.dtype == np.float32 for tensor in tensors.values())


def test_the_digest_tells_names_shapes_and_values_apart():
    one = {"a": np.arange(6, dtype=np.float32)}
    assert digest(one) == digest({"a": np.arange(6, dtype=np.float32)})
    assert digest(one) != digest({"b": one["a"]})
    assert digest(one) != digest({"a": one["a"].reshape(2, 3)})
    assert digest(one) != digest({"a": one["a"] + np.float32(1e-6)})


def test_the_second_load_reads_the_cache_alone(tmp_path, tensors, monkeypatch):
    load_tensors(tmp_path)
    monkeypatch.setattr(weights, "_read_package", lambda: pytest.fail("the cache was not used"))
    again = load_tensors(tmp_path)
    assert digest(again) == digest(tensors)


@pytest.mark.parametrize("damage", [b"", b"not safetensors", None])
def test_a_damaged_cache_is_replaced(tmp_path, tensors, damage):
    path = tmp_path / CACHE_FILE
    load_tensors(tmp_path)
    whole = path.read_bytes()
    changed = whole[:-4] + b"\x00\x00\x80\x3f"  # a valid file with one number changed to 1.0
    path.write_bytes(changed if damage is None else damage)
    assert digest(load_tensors(tmp_path)) == digest(tensors)
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir()] == [CACHE_FILE]


def test_a_cache_that_cannot_be_written_breaks_nothing(tmp_path, tensors):
    occupied = tmp_path / "file"
    occupied.write_text("in the way")
    assert digest(load_tensors(occupied / "cache")) == digest(tensors)


def test_the_cache_lies_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("BONAFIDE_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert weights.cache_folder() == tmp_path / "own"
    monkeypatch.delenv("BONAFIDE_CACHE")
    assert weights.cache_folder() == tmp_path / "xdg" / "bonafide"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert weights.cache_folder() == tmp_path / "Library" / "Caches" / "bonafide"


class _Marker:
    """Unpickling this writes a file: the harm that a foreign pickle could do."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_with_another_hash_is_never_unpickled(tmp_path, monkeypatch):
    folder, harm = tmp_path / "assets" / "weights", tmp_path / "harm"
    folder.mkdir(parents=True)
    content = pickle.dumps(_Marker(harm))
    (folder / "pnet.lz4").write_bytes(content)
    monkeypatch.setattr(weights, "_package_folder", lambda: tmp_path)
    with pytest.raises(DetectorWeightsError, match="pip install") as caught:
        load_tensors(tmp_path / "cache")
    assert hashlib.sha256(content).hexdigest() in str(caught.value)
    assert not harm.exists()


def test_missing_files_and_a_missing_package_name_the_remedy(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(weights, "_package_folder", lambda: tmp_path)
        with pytest.raises(DetectorWeightsError, match=r"cannot be read.*Reinstall"):
            load_tensors(tmp_path / "cache")
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DetectorWeightsError, match='pip install "mtcnn'):
        load_tensors(tmp_path / "cache")


def test_detecting_imports_neither_the_package_nor_torch():
    code = (
        "import sys, numpy as np\n"
        "from bonafide.face.detect import MtcnnDetector\n"
        "assert 'onnxruntime' not in sys.modules and 'onnx' not in sys.modules\n"
        "MtcnnDetector().detect(np.zeros((64, 64, 3), np.uint8))\n"
        "assert not {'mtcnn', 'tensorflow', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
