"""Nothing that bonafide brings along tells anybody of its use.

The official ONNX Runtime for Linux does since version 1.29, unless it is told not to: it numbers
the machine in a file below the home folder and reports sessions to its maker.
"""

import os
import subprocess
import sys

import pytest

SILENT_ANYWAY = (
    "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI", "TF_BUILD", "GITHUB_ACTIONS",
)  # fmt: skip
"""Variables with which ONNX Runtime keeps quiet, so that a test would show nothing."""

JUDGE = """
import os
from bonafide.deploy.runtime import SHIPPED_MODEL, open_model
open_model(SHIPPED_MODEL, 1)
print(os.environ.get("ORT_DISABLE_TELEMETRY"))
"""


def judge(home, **given):
    """Load the shipped model in a fresh process with that home; what it takes the switch for."""
    kept = {name: value for name, value in os.environ.items() if name not in SILENT_ANYWAY}
    environment = {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), **given}
    words = [sys.executable, "-c", JUDGE]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="ONNX Runtime reports by other ways elsewhere")
def test_judging_leaves_no_number_of_the_machine_behind(tmp_path):
    switch = judge(tmp_path)
    assert (switch, list(tmp_path.rglob("*"))) == ("1", [])


def test_a_choice_of_the_operators_stays(tmp_path):
    assert judge(tmp_path, ORT_DISABLE_TELEMETRY="true") == "true"
