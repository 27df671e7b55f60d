"""The page's examples and the docstrings' run."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import bonafide.cues

PAGE = Path(__file__).parents[2] / "docs" / "cues.md"
MODULES = [module.name for module in pkgutil.iter_modules(bonafide.cues.__path__)]


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_page_run(number):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 2
    exec(compile(blocks[number], str(PAGE), "exec"), {"__name__": "example"})


def test_the_page_names_options_that_exist():
    from typer.testing import CliRunner

    from bonafide.cli import app

    shown = CliRunner().invoke(app, ["magnify", "--help"], env={"COLUMNS": "200"}).stdout
    for option in set(re.findall(r"--[a-z][a-z-]+", PAGE.read_text())):
        assert option in shown


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name):
    assert doctest.testmod(importlib.import_module(f"bonafide.cues.{name}")).failed == 0
