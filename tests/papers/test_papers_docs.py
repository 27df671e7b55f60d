"""The page's example runs and prints what it says."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "papers.md"


def test_the_example_prints_what_the_page_says(capsys):
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {"__name__": "example"})
    said = [line.split("  # ", 1)[1] for line in block.splitlines() if "  # " in line]
    assert capsys.readouterr().out.splitlines() == said
