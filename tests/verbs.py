"""Verbs of the command line, run in the tests' own process."""

from click.testing import Result
from typer.testing import CliRunner

import bonafide.cli


def run(*words: object, columns: int | None = None) -> Result:
    """Run a verb as a user would, on a terminal that wide; errors are raised for the tests to see.

    Exit codes are in the result.
    """
    runner = CliRunner(env={"COLUMNS": str(columns)} if columns else None)
    result = runner.invoke(bonafide.cli.app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
