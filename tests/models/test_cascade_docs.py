"""The page's examples and the docstrings' run."""

import doctest
import re
from pathlib import Path

import pytest

from bonafide.models import cascade

PAGE = Path(__file__).parents[2] / "docs" / "cascade.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(2))
def test_the_examples_of_the_page_run(number):
    exec(compile(BLOCKS[number], str(PAGE), "exec"), {"__name__": "example"})


def test_the_docstrings_run():
    assert doctest.testmod(cascade).failed == 0
