"""Pages speak of what exists: their examples run, and no verb goes without a page."""

import re
from pathlib import Path

import pytest
import typer.main

import bonafide.cli

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
RUN_HERE = (
    "README.md",
    "batch.md",
    "check.md",
    "export.md",
    "monitor.md",
    "motion.md",
    "rivals.md",
    "training.md",
)


@pytest.mark.parametrize("name", RUN_HERE)
def test_the_examples_of_a_page_run(name, capsys):
    [page] = [page for page in PAGES if page in (ROOT / name, ROOT / "docs" / name)]
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert blocks
    exec(compile("\n".join(blocks), str(page), "exec"), {"__name__": "example"})


def test_every_verb_stands_on_a_page():
    told = "\n".join(page.read_text() for page in PAGES)
    command = typer.main.get_command(bonafide.cli.app)
    for name, verb in command.commands.items():
        names = [f"{name} {sub}" for sub in getattr(verb, "commands", {})] or [name]
        for full in names:
            assert f"bonafide {full}" in told, f"no page tells of `bonafide {full}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", prose):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
