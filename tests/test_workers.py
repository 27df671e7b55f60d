"""Worker processes end with whoever started them, however it ends."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from PIL import Image

from bonafide.workers import worker_pool

CODE = """
import time
from bonafide.workers import worker_pool

if __name__ == "__main__":
    with worker_pool(2) as pool:
        jobs = [pool.submit(time.sleep, 120) for _ in range(2)]
        jobs[0].result()
"""
SPAWNED = "spawn_main"


def workers_of(process):
    """Its spawned workers, without multiprocessing's own helper."""
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any(SPAWNED in word for word in child.cmdline())
    ]


def kill_once_it_has_workers(process, number, signal_number):
    """Kill a process as soon as it has so many workers, and see that none outlives it."""
    deadline = time.monotonic() + 60
    while len(workers := workers_of(process)) < number:
        assert process.poll() is None, "ended before it had workers"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal_number)
    process.wait(10)
    _, alive = psutil.wait_procs(workers, 20)
    for worker in alive:
        worker.kill()
    assert not alive


@pytest.mark.parametrize(
    "signal_number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_workers_end_when_their_parent_is_gone(signal_number, tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(CODE)
    kill_once_it_has_workers(subprocess.Popen([sys.executable, script]), 2, signal_number)


@pytest.mark.slow
def test_a_killed_recapture_leaves_nobody_who_writes_on(astronaut, tmp_path):
    for person in range(2):
        folder = tmp_path / "portraits" / f"p{person}"
        folder.mkdir(parents=True)
        Image.fromarray(np.roll(astronaut, person, axis=1)).save(folder / "0.png")
    arguments = ["simulate", "recapture", tmp_path / "portraits", tmp_path / "out",
                 "--per-subject", "100", "--workers", "2"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "bonafide", *map(str, arguments)], stdout=subprocess.DEVNULL
    )
    kill_once_it_has_workers(process, 2, signal.SIGKILL)


def test_every_worker_is_set_up_and_an_error_ends_the_pool():
    with worker_pool(1, os.putenv, ("BONAFIDE_TEST", "1")) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
    with pytest.raises(ZeroDivisionError), worker_pool(1) as pool:
        pool.submit(divmod, 1, 0).result()
