"""The command as a whole: what is missing is named, not thrown at the user."""

import subprocess
import sys

import pytest

HIDE = "import sys; sys.modules[{name!r}] = None; sys.argv = ['bonafide', *{arguments!r}]; "
RUN = "from bonafide.cli import main; main()"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("torch", ["train", "ms-fans", "--data", "x.csv", "-o", "run"]),
        ("torch", ["export", "run", "model.onnx", "--probe", "crops.npy"]),
        ("numba", ["simulate", "replay-attack", "twin"]),
    ],
)
def test_a_verb_whose_library_is_missing_says_which_extra_brings_it(name, arguments):
    code = HIDE.format(name=name, arguments=arguments) + RUN
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert done.returncode == 2
    assert "bonafide[train]" in done.stderr
    assert "Traceback" not in done.stderr


def test_everything_but_training_works_without_torch():
    hidden = ("torch", "lightning", "sklearn", "numba")
    code = (
        "import sys\n"
        f"for name in {hidden!r}: sys.modules[name] = None\n"
        "import numpy as np\n"
        "import bonafide.deploy.evidence, bonafide.deploy.score_table, bonafide.cli.watch\n"
        "import bonafide.evaluation.report, bonafide.simulator.demo, bonafide.face.find\n"
        "from bonafide import Detector\n"
        "print(Detector.load()(np.zeros((64, 64, 3), np.uint8)).decision.value)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=90)
    assert done.stdout.strip() == "not_evaluated", done.stderr
