"""The house rules that reading alone would not keep (DESIGN: rooms, sizes, words)."""

import ast
from pathlib import Path

import pytest

import bonafide

ROOT = Path(bonafide.__file__).parent
ROOMS = [
    "version",
    "source",
    "types",
    "workers",
    "capture",
    "datasets",
    "simulator",
    "face",
    "cues",
    "models",
    "training",
    "decision",
    "evaluation",
    "deploy",
    "papers",
    "service",
    "cli",
]
SIMULATOR_GUESTS = {"simulator", "papers", "cli"}
FILES = sorted(ROOT.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "absolute imports only"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("bonafide.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_from_rooms_above_it(path):
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    position = ROOMS.index(room)
    below = {
        other
        for other in imported_rooms(ast.parse(path.read_text()))
        if other in ROOMS and ROOMS.index(other) > position
    }
    assert not below, f"{path.name} in {room} imports from below: {below}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_cli_and_papers_import_the_simulator(path):
    if room_of(path) not in SIMULATOR_GUESTS:
        assert "simulator" not in imported_rooms(ast.parse(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False) or ""
            length = node.end_lineno - node.lineno + 1 - doc.count("\n")
            assert length <= 60, f"{node.name} has {length} lines"
            assert node.args.kwarg is None, f"{node.name} passes **{node.args.kwarg} through"


def test_folders_are_two_deep_and_none_is_called_utils():
    for path in FILES:
        parts = path.relative_to(ROOT).parts
        assert len(parts) <= 2
        assert not {"utils", "utils.py", "helpers.py", "common.py"} & set(parts)
