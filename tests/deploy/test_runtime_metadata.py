"""A model file whose metadata is damaged is refused like any other damaged file."""

import onnx
import pytest

from bonafide.deploy.runtime import SHIPPED_MODEL, OnnxScorer
from bonafide.types import BonafideError


def test_metadata_that_is_no_text_is_an_error_of_ours(tmp_path):
    """Found by benchmarks/fuzz.py: one byte in the record that cannot occur in UTF-8."""
    content = bytearray(onnx.load(str(SHIPPED_MODEL)).SerializeToString())
    content[content.index(b'"recapture-fusion"') + 2] = 0xB3
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BonafideError, match="UTF-8"):
        OnnxScorer(path)
