"""constraints.txt pins every dependency, each to a version that pyproject.toml allows."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def name_of(text):
    return re.sub(r"[-_.]+", "-", text).lower()


def pinned():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {
        name_of(name): version
        for name, _, version in (line.partition("==") for line in lines if not line.startswith("#"))
    }


def asked_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    requirements = [Requirement(line) for line in project["dependencies"] + extras]
    return [one for one in requirements if one.name != "bonafide"]


def test_every_dependency_is_pinned_to_a_version_that_it_may_have():
    versions = pinned()
    for one in asked_for():
        assert versions[name_of(one.name)] in one.specifier, one


def test_no_line_names_a_place_to_fetch_from():
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"://|@|--|\+", text)
