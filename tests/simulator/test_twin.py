"""The writer: the same bytes for any workers, no half file after a kill, nothing overwritten."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from twin_films import bytes_plan

from bonafide.simulator.twin import TwinError, write_twin
from bonafide.simulator.twins import plan_twin

HERE = Path(__file__).parent


def contents(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_workers_change_no_byte(tmp_path):
    write_twin(bytes_plan(), tmp_path / "one", workers=1)
    write_twin(bytes_plan(), tmp_path / "two", workers=2)
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "two")
    assert len(one) == 12 * 2 + 2  # clips with their texts, the list, the provenance


def test_another_seed_gives_other_bytes(tmp_path):
    write_twin(bytes_plan(0), tmp_path / "a")
    write_twin(bytes_plan(1), tmp_path / "b")
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert a.keys() == b.keys()
    assert all(a[name] != b[name] for name in a if name.endswith(".avi"))


def test_a_killed_run_leaves_no_half_file_and_is_resumed(tmp_path):
    out = tmp_path / "out"
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "from pathlib import Path; from twin_films import bytes_plan\n"
        "from bonafide.simulator.twin import write_twin\n"
        f"write_twin(bytes_plan(pause_s=0.15), Path({str(out)!r}))"
    )
    run = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 60
    while len(list((out / ".jobs").glob("*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    left = sorted(out.glob("g*/*.*"))
    assert 6 <= len(left) < 24
    assert all(path.stat().st_size == 4000 for path in left)
    assert json.loads((out / "provenance.json").read_text())["complete"] is False
    finished = [json.loads(path.read_text())["files"] for path in (out / ".jobs").glob("*.json")]
    kept = {name: (out / name).stat().st_mtime_ns for files in finished for name in files}
    steps = []
    write_twin(bytes_plan(), out, progress=lambda done, total: steps.append((done, total)))
    assert steps[0] == (len(finished), 12)
    assert steps[-1] == (12, 12)
    assert kept == {name: (out / name).stat().st_mtime_ns for name in kept}
    write_twin(bytes_plan(), tmp_path / "undisturbed")
    assert contents(out) == contents(tmp_path / "undisturbed")


def test_a_finished_twin_is_left_alone_and_a_lost_file_made_again(tmp_path):
    write_twin(bytes_plan(), tmp_path)
    before = contents(tmp_path)
    stamp = (tmp_path / "g0/1.avi").stat().st_mtime_ns
    (tmp_path / "g2/3.avi").unlink()
    write_twin(bytes_plan(), tmp_path)
    assert contents(tmp_path) == before
    assert (tmp_path / "g0/1.avi").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("other", [{"seed": 1}, {"size": "small"}])
def test_another_seed_or_size_is_refused_and_nothing_overwritten(tmp_path, other):
    write_twin(bytes_plan(), tmp_path)
    before = contents(tmp_path)
    with pytest.raises(TwinError, match="holds another twin"):
        write_twin(bytes_plan(**other), tmp_path)
    assert contents(tmp_path) == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(TwinError, match="no twin"):
        write_twin(bytes_plan(), tmp_path)
    assert contents(tmp_path) == {"photo.jpg": b"mine"}


def test_the_provenance_says_simulated_and_holds_every_file(tmp_path):
    said = json.loads(write_twin(bytes_plan(), tmp_path).read_text())
    assert "Simulated" in said["note"]
    assert said["dataset"] == "casia-fasd (simulated)"
    assert (said["seed"], said["size"], said["complete"]) == (0, "tiny", True)
    assert said["version"]
    assert len(said["simulator_sha256"]) == 64
    assert said["facts"] == {"people": ["x"]}
    files = {name: one for record in said["jobs"] for name, one in record["files"].items()}
    assert len(files) == 24
    assert all(one["bytes"] == (tmp_path / name).stat().st_size for name, one in files.items())
    assert all("drawn" in record["drawn"] for record in said["jobs"])


@pytest.mark.parametrize(
    ("name", "size", "seed"), [("siw", "tiny", 0), ("mipd", "big", 0), ("mipd", "tiny", -1)]
)
def test_what_cannot_be_planned_is_a_typed_error(name, size, seed):
    with pytest.raises(TwinError):
        plan_twin(name, size, seed)
