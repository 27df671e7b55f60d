"""Where the tests train: BONAFIDE_TEST_DEVICE=cuda runs the same tests on a CUDA device."""

import os

DEVICE = os.environ.get("BONAFIDE_TEST_DEVICE", "cpu")
