"""The page's examples run, one after the other, as a reader would."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 5
    names = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert (tmp_path / "report" / "report.html").exists()
    printed = capsys.readouterr().out
    assert "attacks cannot show a rate of 1 in 1000" in printed
    assert "Simulated data" in printed


def test_every_option_of_the_verbs_is_one_that_exists():
    from typer.main import get_command

    from bonafide.cli import app

    known = {
        option
        for verb in get_command(app).commands.values()
        for parameter in verb.params
        for option in [*parameter.opts, *parameter.secondary_opts]
    }
    used = set(re.findall(r"(?<!-)--[a-z][a-z-]*", PAGE.read_text()))
    assert used <= known, used - known
