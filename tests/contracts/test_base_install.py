"""What the base install leaves out is not needed by what it promises to do."""

import subprocess
import sys

BLOCKED = """
import importlib, pkgutil, sys
from importlib.abc import MetaPathFinder

LEFT_OUT = {"torch", "lightning", "sklearn", "numba", "scipy", "onnx", "pyarrow", "fsspec", "ray"}
DEPLOYED = (
    "load", "cascade", "files", "evidence", "score_table", "batch", "batch_child", "batch_local",
)

class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(f"{name} is left out", name=name)

sys.meta_path.insert(0, Missing())
import bonafide
for room in ("capture", "datasets", "face", "decision", "evaluation", "cli"):
    package = importlib.import_module(f"bonafide.{room}")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"bonafide.{room}.{module.name}")
for name in DEPLOYED:
    importlib.import_module(f"bonafide.deploy.{name}")
for name in ("simulator.demo", "simulator.recapture_set"):
    importlib.import_module(f"bonafide.{name}")
"""


def test_checking_evaluating_and_batches_need_none_of_the_extras():
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
