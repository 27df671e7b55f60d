"""Kill -9 at any moment, and two Ray nodes: every input still has exactly one row."""

import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter

import pytest
from batch_makers import picture, rows_of, write_pictures

import bonafide.cli
from bonafide.deploy.batch import finish, open_run
from bonafide.deploy.batch_child import JudgeSettings
from bonafide.deploy.runtime import SHIPPED_MODEL

PARTS_OF_KILLED_RUN = 60
SLOW_PX = (96, 128)
"""Of pictures that take their time, so that there is a run to kill."""


def score(*arguments):
    """`bonafide score` as a process that leads a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bonafide", "score", *map(str, arguments)],
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill_while_it_works(arguments, parts, chance, whole_group):
    """Start the command, let it write a few parts, kill it at a random moment; what it wrote."""
    before = len(list(parts.glob("part-*")))
    more = chance.randrange(5)
    process = score(*arguments)
    limit = time.monotonic() + 150
    while len(list(parts.glob("part-*"))) < before + more:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < limit
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.2))
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()


def go_on(arguments):
    process = score(*arguments)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 0, printed


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [False, True])
def test_killed_at_any_moment_no_input_is_lost_or_doubled(tmp_path, whole_group):
    names = write_pictures(tmp_path / "in", 5 * PARTS_OF_KILLED_RUN, SLOW_PX)
    (tmp_path / "in" / "dead.png").write_text("no picture")
    names.add(str(tmp_path / "in" / "dead.png"))
    arguments = ["--input", tmp_path / "in", "--output", tmp_path / "out"]
    arguments += ["--format", "csv", "--part-rows", 5, "--workers", 2]
    chance = random.Random(whole_group)
    for _ in range(3):
        kill_while_it_works(arguments, tmp_path / "out" / "parts", chance, whole_group)
    assert not (tmp_path / "out" / "summary.json").exists()
    go_on(arguments)
    rows = rows_of(tmp_path / "out")
    assert Counter(row["path"] for row in rows) == Counter(names)
    assert Counter(row["reasons"] for row in rows) == {"no_face": len(names) - 1, "unreadable": 1}
    assert not list((tmp_path / "out").rglob(".*partial"))


def test_the_verb_tells_what_it_did_and_what_is_wrong(tmp_path, monkeypatch, capsys):
    def call(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["bonafide", "score", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            bonafide.cli.main()
        assert (stopped.value.code or 0) == code
        printed = capsys.readouterr()
        return " ".join((printed.out + printed.err).split())

    write_pictures(tmp_path / "in", 2)
    (tmp_path / "in" / "dead.png").write_text("no picture")
    run = ("--input", tmp_path / "in", "--output", tmp_path / "out", "--workers", 1)
    said = call(*run)
    assert "3 inputs: 3 not_evaluated" in said
    assert "1 of them could not be read" in said
    assert "--engine: unknown engine 'dask'" in call(*run, "--engine", "dask", code=2)
    assert "--workers: 0 is not above 0" in call(*run[:4], "--workers", 0, code=2)
    assert "max_frames" in call(*run, "--max-frames", -1, code=2)
    assert "either MODEL and TABLE" in call("--output", "x", code=2)
    assert "either MODEL and TABLE" in call("a.onnx", "b.csv", *run, code=2)
    assert "matches no file" in call("--input", "none/*", "--output", tmp_path / "o", code=2)


@pytest.mark.slow
def test_two_ray_nodes_share_the_work_and_a_killed_run_goes_on(tmp_path):
    import ray
    from ray.cluster_utils import Cluster

    from bonafide.deploy.batch_ray import run_ray

    names = write_pictures(tmp_path / "in", 60)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.png", picture(number + 60))
    url = f"zip://*.png::file://{tmp_path}/more.zip"
    names |= {f"zip://{number}.png::file://{tmp_path}/more.zip" for number in range(20)}
    output = tmp_path / "out"
    run = open_run(str(output), [str(tmp_path / "in"), url], SHIPPED_MODEL, JudgeSettings(),
                   part_rows=4)  # fmt: skip
    node = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        second = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
        engine = run_ray(run.task, run.pending(), 2, cluster.address)
        for done in engine:
            if done.rows:
                break
        cluster.remove_node(second, allow_graceful=False)  # a machine goes, its actor's work too
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
        reports = [done, *engine]
        assert sum(one.rows for one in reports) <= len(names)
    finally:
        ray.shutdown()
        cluster.shutdown()
    summary = finish(run)
    rows = rows_of(output)
    assert summary["inputs"] == len(names)
    assert Counter(row["path"] for row in rows) == Counter(names)
    assert {row["reasons"] for row in rows} == {"no_face"}


@pytest.mark.slow
def test_a_ray_run_killed_goes_on(tmp_path):
    names = write_pictures(tmp_path / "in", 80, SLOW_PX)
    arguments = ["--input", tmp_path / "in", "--output", tmp_path / "out", "--engine", "ray"]
    arguments += ["--part-rows", 2, "--workers", 1]
    kill_while_it_works(arguments, tmp_path / "out" / "parts", random.Random(1), False)
    assert not (tmp_path / "out" / "summary.json").exists()
    go_on(arguments)
    assert Counter(row["path"] for row in rows_of(tmp_path / "out")) == Counter(names)
