"""The command line in an interpreter that has nothing of the [train] extra."""

import subprocess
import sys

MAIN = """
import sys
LEFT_OUT = {"torch", "lightning", "sklearn", "numba", "scipy", "onnx", "onnxscript"}

class Missing:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in LEFT_OUT:
            raise ModuleNotFoundError(f"{name} is left out", name=name)

sys.meta_path.insert(0, Missing())
import bonafide.cli
bonafide.cli.main()
"""


def base_install(*words):
    """Run `bonafide WORDS`; the finished process, with its output as text."""
    command = [sys.executable, "-c", MAIN, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
