"""Which source a record names."""

import subprocess
from pathlib import Path

import pytest

from bonafide.source import source_commit


def git(folder, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path) -> Path:
    """A file of a package in a repository of its own."""
    git(tmp_path, "init", "-q")
    file = tmp_path / "src" / "package" / "version.py"
    file.parent.mkdir(parents=True)
    file.write_text("a = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return file


def test_the_commit_of_a_clean_tree(package):
    assert source_commit(package) == git(package.parent, "rev-parse", "HEAD")
    (package.parents[2] / "README.md").write_text("no part of the package")
    assert source_commit(package) == git(package.parent, "rev-parse", "HEAD")


def test_a_changed_package_is_not_its_commit(package):
    (package.parent / "more.py").write_text("")
    git(package.parent, "add", ".")
    git(package.parent, "commit", "-qm", "second")
    (package.parent / "more.py").write_text("b = 2\n")
    assert source_commit(package) == git(package.parent, "rev-parse", "HEAD") + "-dirty"


def test_an_installed_package_has_no_commit_of_the_repository_around_it(package):
    """A virtual environment lies inside somebody's project: its commit is not ours."""
    (package.parents[2] / ".gitignore").write_text("venv\n")
    installed = package.parents[2] / "venv" / "package" / "version.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("a = 1\n")
    assert source_commit(installed) == ""


def test_no_repository_and_no_git(tmp_path, package, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert source_commit(package) == ""
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.setenv("PATH", "")
    assert source_commit(package) == ""
