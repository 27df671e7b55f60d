"""Which source runs, for the records of runs, twins and tables."""

from __future__ import annotations

import subprocess
from pathlib import Path

CHANGED = "-dirty"
"""What git itself appends to the name of a commit whose files were changed."""

TIMEOUT_S = 10


def source_commit(file: Path = Path(__file__)) -> str:
    """The commit of the source tree that this package runs from.

    Args:
        file: one of the package's, whose folder is looked at.

    Returns:
        40 hexadecimal digits, followed by `CHANGED` where a file of the package differs from that
        commit; empty for an installed package, even inside another project's repository, and
        where there is no git.
    """
    try:
        _git(file, "ls-files", "--error-unmatch", file.name)
        commit = _git(file, "rev-parse", "HEAD")
        changes = _git(file, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return ""
    return commit + (CHANGED if changes else "")


def _git(file: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(file.parent), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    return done.stdout.strip()
