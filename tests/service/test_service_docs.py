"""The page and the deployment files say what the code does."""

import re
from pathlib import Path

from bonafide.service.refusal import STATUS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "service.md").read_text()


def test_the_examples_run():
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert blocks
    exec(compile("\n".join(blocks), "docs/service.md", "exec"), {"__name__": "example"})


def test_the_table_of_refusals_is_the_codes_own():
    told = {}
    for codes, status in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (\d{3}) \|", PAGE, re.MULTILINE):
        told |= {code: int(status) for code in re.findall(r"`(\w+)`", codes)}
    assert told == STATUS


def test_the_page_uses_options_that_exist():
    import typer.main

    import bonafide.cli

    serve = typer.main.get_command(bonafide.cli.app).commands["serve"]
    known = {name for option in serve.params for name in (*option.opts, *option.secondary_opts)}
    for option in re.findall(r"bonafide serve[^\n`]*", PAGE):
        assert set(re.findall(r"(--[a-z-]+)", option)) <= known | {"--help"}
