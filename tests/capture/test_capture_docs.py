import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import bonafide.capture

PAGE = Path(__file__).parents[2] / "docs" / "capture.md"
MODULES = [module.name for module in pkgutil.iter_modules(bonafide.capture.__path__)]


def test_the_examples_of_the_page_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {"__name__": "example"})
    out = capsys.readouterr().out
    assert "(48, 64, 3) uint8" in out
    assert "clip.mp4 10 frames" in out
    assert "notes.txt: is a text" in out


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(f"bonafide.capture.{name}")).failed == 0
