"""A confined process can compute and read, and nothing else; tried from inside one."""

import subprocess
import sys

import pytest

from bonafide.face.weights import TENSORS_SHA256
from bonafide.service.confine import deny_calls

PREFACE = """
import os, socket, subprocess, sys
from bonafide.service.confine import allow_cpu, deny_calls, limit_resources
"""
SEALED = "assert deny_calls()\n"


def run(code, *, timeout=30):
    command = [sys.executable, "-c", PREFACE + code]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def seccomp_works():
    return run("print(deny_calls())").stdout.strip() == "True"


TRIES = {
    "a connection": "socket.create_connection(('127.0.0.1', 9))",
    "a socket": "socket.socket(socket.AF_UNIX)",
    "a program": "subprocess.run(['/bin/true'])",
    "a signal to another process": "os.kill(os.getppid(), 0)",
    "a new file": "open(sys.argv[0] or 'new-file', 'w')",
    "a file through a folder": "os.open('new-file', os.O_CREAT | os.O_RDWR)",
    "a folder": "os.mkdir('new-folder')",
    "a removal": "os.unlink('pyproject.toml')",
    "a renaming": "os.rename('pyproject.toml', 'gone')",
    "a link": "os.symlink('/etc/passwd', 'link')",
    "a change of mode": "os.chmod('pyproject.toml', 0o777)",
}


@pytest.mark.parametrize("what", TRIES)
def test_a_sealed_process_is_denied(what, tmp_path, monkeypatch):
    assert seccomp_works() or sys.platform != "linux"
    if not seccomp_works():
        return  # a kernel without seccomp: the service says "sealed": false
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("here")
    code = f"{SEALED}try:\n    {TRIES[what]}\nexcept PermissionError:\n    print('denied')\n"
    assert run(code).stdout.strip() == "denied"
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_a_sealed_process_still_reads_computes_and_starts_threads():
    code = SEALED + (
        "import threading, numpy, pathlib\n"
        "assert numpy.ones(3).sum() == 3 and pathlib.Path(numpy.__file__).read_text()\n"
        "done = []\nt = threading.Thread(target=done.append, args=(1,)); t.start(); t.join()\n"
        "print('works', done)\n"
    )
    if seccomp_works():
        assert run(code).stdout.strip() == "works [1]"


def test_memory_is_bounded():
    code = (
        "limit_resources(256 << 20)\ntry:\n    bytearray(300 << 20)\n"
        "except MemoryError:\n    print('bounded')\n"
    )
    assert run(code).stdout.strip() == "bounded"


@pytest.mark.slow
def test_processor_time_is_bounded_from_now_on():
    ended = run("allow_cpu(1)\nwhile True: pass\n")
    assert ended.returncode < 0
    again = run("import time\nfor _ in range(4):\n    allow_cpu(1)\n    end = time.process_time()"
                " + 0.35\n    while time.process_time() < end: pass\nprint('done')\n")  # fmt: skip
    assert again.stdout.strip() == "done"


def test_the_filter_is_not_put_on_where_it_does_not_fit(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert deny_calls() is False


HOMELESS = """
import pathlib
def nobodys(cls):
    raise RuntimeError("Could not determine home directory.")
pathlib.Path.home = classmethod(nobodys)
"""


def test_the_detector_loads_in_a_sealed_process_of_a_user_without_a_home(monkeypatch):
    """As systemd's DynamicUser makes one. It once looked for a folder it could write to, in vain:
    the unit never started.
    """
    for name in ("HOME", "XDG_CACHE_HOME", "BONAFIDE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform != "linux":
        return
    code = HOMELESS + "deny_calls()\nfrom bonafide.face import weights\n"
    done = run(code + "print(weights.digest(weights.load_tensors()))")
    assert done.stdout.strip() == TENSORS_SHA256, done.stderr
