"""MS-FANS, whose second phase leaves layers out, trained by several processes and machines."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

SETTINGS = "[settings]\nsteps = 4\nbatch = 4\nevaluate_every = 2\nscales = [1.0, 1.2]\n"


@pytest.fixture
def photos(tmp_path, astronaut):
    for label in ("bona_fide", "print"):
        for person in range(6):
            folder = tmp_path / "photos" / label / f"p{person}{label}"
            folder.mkdir(parents=True)
            light = 0.5 + 0.08 * person + 0.03 * (label == "print")  # no two are the same
            picture = (astronaut * light).astype(np.uint8)
            Image.fromarray(picture).save(folder / "1.png")
    (tmp_path / "s.toml").write_text(SETTINGS)
    return tmp_path


def words(folder, *more):
    run = ["-m", "bonafide", "train", "ms-fans", "--data", f"folder:{folder / 'photos'}"]
    return [*run, "-o", str(folder / "run"), "--settings", str(folder / "s.toml"),
            "--device", "cpu", *more]  # fmt: skip


def rows_of_log(folder):
    return (folder / "run" / "log.csv").read_text().splitlines()[1:]


@pytest.mark.slow
def test_two_processes_go_through_both_phases(photos):
    command = [sys.executable, *words(photos, "--devices", "2")]
    done = subprocess.run(command, timeout=200, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [row.split(",")[0] for row in rows_of_log(photos)] == ["2", "4"]


@pytest.mark.slow
def test_two_machines_of_torchrun_train_one_model(photos):
    """One process a machine; --devices is not asked for, torchrun's numbers count."""
    place = ["--nnodes", "2", "--nproc-per-node", "1", "--master-addr", "127.0.0.1"]
    start = [sys.executable, "-m", "torch.distributed.run", *place, "--master-port", "29641"]
    running = [
        subprocess.Popen(
            [*start, "--node-rank", str(rank), *words(photos)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    told = [process.communicate(timeout=200)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert [row.split(",")[0] for row in rows_of_log(photos)] == ["2", "4"]
    assert sum("best at step" in text for text in told) == 1
