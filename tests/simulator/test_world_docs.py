"""The page's example runs, and the sheet it shows stays small."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "world.md"


def test_the_example_runs(capsys):
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec"), {})
    assert "(96, 96, 3)" in capsys.readouterr().out


def test_the_contact_sheet_is_there_and_small():
    assert 20_000 < (PAGE.parent / "world-sheet.jpg").stat().st_size <= 300 * 1024
