"""What the base install leaves out is not needed by what it promises to do."""

import subprocess
import sys

import numpy as np
import pytest
from tests.deploy.rival_makers import write_machine
from tests.service.models import capture_files, write_capture_rival, write_clip_machine

from bonafide.capture.image import read_image
from bonafide.deploy.detector import Stopwatch
from bonafide.deploy.load import load_detector
from bonafide.deploy.package import export_run
from bonafide.deploy.sample_face import PHOTO
from bonafide.service.load import load_served
from bonafide.service.served import Upload
from bonafide.service.settings import ServiceSettings

BLOCKED = """
import importlib, pkgutil, sys
from importlib.abc import MetaPathFinder

LEFT_OUT = {"torch", "lightning", "sklearn", "numba", "scipy", "onnx", "pyarrow", "fsspec", "ray"}
DEPLOYED = (
    "load", "cascade", "files", "evidence", "score_table", "batch", "batch_child", "batch_local",
    "machine_file",
)

class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(f"{name} is left out", name=name)

sys.meta_path.insert(0, Missing())
import bonafide
for room in ("capture", "datasets", "face", "decision", "evaluation", "cli", "cues"):
    package = importlib.import_module(f"bonafide.{room}")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.endswith("_compiled"):
            continue  # what a module "_plain" stands in for
        importlib.import_module(f"bonafide.{room}.{module.name}")
for name in DEPLOYED:
    importlib.import_module(f"bonafide.deploy.{name}")
for name in ("simulator.demo", "simulator.recapture_set", "models.descriptors"):
    importlib.import_module(f"bonafide.{name}")
"""


def test_checking_evaluating_and_batches_need_none_of_the_extras():
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


JUDGE = """
import sys
from pathlib import Path
from bonafide.capture.image import read_image
from bonafide.deploy.load import load_detector
from bonafide.deploy.sample_face import PHOTO
print(load_detector(Path(sys.argv[1]))(read_image(PHOTO).rgb).score)
assert not LEFT_OUT & {name.partition(".")[0] for name in sys.modules}
"""


def test_a_machine_over_hand_made_features_is_judged_there_too(tmp_path):
    """Patterns counted by numpy instead of compiled code, and the same score."""
    model = tmp_path / "machine.onnx"
    export_run(write_machine(tmp_path / "run", "colour_texture"), model, version="1")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + JUDGE, str(model)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = load_detector(model)(read_image(PHOTO).rgb).score
    assert float(done.stdout) == pytest.approx(expected, abs=1e-6)


SERVE = """
import sys
from pathlib import Path
from bonafide.deploy.detector import Stopwatch
from bonafide.service.load import load_served
from bonafide.service.served import Upload
from bonafide.service.settings import ServiceSettings
served = load_served(ServiceSettings(model=Path(sys.argv[1])))
served.warm_up()
kind, *words = sys.argv[2:]
parts = {word.partition("=")[0]: Path(word.partition("=")[2]).read_bytes() for word in words}
print(served.examine(Upload(kind, parts), Stopwatch()).verdict.score)
assert not LEFT_OUT & {name.partition(".")[0] for name in sys.modules}
"""


@pytest.mark.parametrize("write", [write_clip_machine, write_capture_rival])
def test_rivals_of_clips_and_captures_are_served_there_too(write, record, write_clip, tmp_path):
    rgb = read_image(PHOTO).rgb
    model = write(tmp_path / "model.onnx", record)
    if write is write_capture_rival:
        contents, kind = capture_files(rgb), "multimodal"
    else:
        clip = write_clip(tmp_path / "clip.mp4", [np.roll(rgb, i, 1) for i in range(9)])
        contents, kind = {"file": clip.read_bytes()}, "clip"
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    words = [f"{name}={tmp_path / name}" for name in contents]
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED + SERVE, str(model), kind, *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    served = load_served(ServiceSettings(model=model))
    expected = served.examine(Upload(kind, contents), Stopwatch()).verdict.score
    assert float(done.stdout) == pytest.approx(expected, abs=1e-6)
