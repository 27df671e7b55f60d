"""The page's examples run, print what they say, and every loader has its section."""

import re
from pathlib import Path

import pytest

from bonafide.datasets.loaders import LOADERS
from bonafide.datasets.species import SPECIES

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")


def test_the_examples_run_and_print_what_the_page_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)
        said = re.findall(r"^# ([{\[].*)$", block, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said


@pytest.mark.parametrize("name", LOADERS)
def test_every_loader_is_documented(name):
    assert f"bonafide index {name}" in PAGE


def test_every_species_is_documented():
    assert all(f"`{name}`" in PAGE for name in SPECIES)
