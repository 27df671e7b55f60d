"""A worker of a batch: it fetches inputs, has a process of its own judge them, writes whole files.

Decoders meet hostile files. They run in a child process (`batch_child`), so that a file that kills
or hangs one costs that input a row with its reason, and nothing else. The model is loaded once a
child.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from bonafide.capture.errors import CaptureError, MissingFileError, UnreadableFileError
from bonafide.capture.files import check_size, open_regular
from bonafide.capture.limits import Limits
from bonafide.deploy.batch_child import JudgeSettings
from bonafide.deploy.batch_inputs import Chunk, read_chunk_inputs
from bonafide.deploy.batch_places import PIECE_BYTES, is_url, open_url, place_at
from bonafide.deploy.batch_rows import Row, dead_row, encode_rows, printable
from bonafide.types import BonafideError

PARTS = "parts"
MODEL = "model.onnx"
FETCH_AHEAD = 4
"""Inputs fetched while one is judged; bounds the disk that remote clips take."""
START_S = 120.0
RETRY_S = (1.0, 5.0)
"""Pauses before a remote input is asked for again."""
TRIES = 2
"""A file is called unreadable when this many child processes in a row ended on it: one may have
been ended from outside."""


@dataclass(frozen=True, slots=True)
class BatchTask:
    """What a worker must know; plain values, for it may be on another machine.

    Attributes:
        output: the run's folder, a path or URL that every worker reaches.
        form: of the parts, "parquet" or "csv".
        settings: how to judge.
        model_sha256: of the run's `MODEL`.
    """

    output: str
    form: str
    settings: JudgeSettings
    model_sha256: str


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """What a worker reports of a chunk.

    Attributes:
        index: of the chunk.
        rows: judged now; 0 when its part was there already.
        seconds: on the clock.
        worker: host and process id.
    """

    index: int
    rows: int
    seconds: float
    worker: str


def part_name(index: int, form: str) -> str:
    """The file name of a chunk's rows, in the folder `PARTS`."""
    return f"part-{index:07d}.{form}"


class JudgeLostError(Exception):
    """The child process ended on a file; the text says how.

    Attributes:
        late: it took too long and was ended.
    """

    def __init__(self, how: str, *, late: bool) -> None:
        super().__init__(how)
        self.late = late


class JudgeProcess:
    """A running `batch_child`."""

    def __init__(self, model: Path, settings: JudgeSettings, errors: Path) -> None:
        """Start it.

        Args:
            model: an ONNX file that `bonafide export` wrote.
            settings: how to judge.
            errors: file that its standard error goes to.

        Raises:
            BonafideError: the model does not load, or the process does not start.
        """
        with errors.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bonafide.deploy.batch_child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
            )
        try:
            ready = self._ask({"model": str(model), "settings": settings.to_json()}, START_S)
        except JudgeLostError as error:
            said = errors.read_text(errors="replace").strip().splitlines()
            raise BonafideError(
                f"a process to judge with did not start: {error}.",
                where=said[-1] if said else "",
                remedy="See whether `bonafide demo` runs.",
            ) from error
        if "error" in ready:
            self.close()
            problem, where, remedy = ready["error"]
            raise BonafideError(problem, where=where, remedy=remedy)
        self.threshold: float = ready["threshold"]
        self.operating_point: str = ready["operating_point"]
        self._timeout_s = settings.timeout_s

    def judge(self, file: Path) -> Row:
        """The row of a local file.

        Raises:
            JudgeLostError: the process ended on it, or took too long and was ended.
        """
        return self._ask({"file": str(file)}, self._timeout_s)

    def _ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        watchdog = threading.Timer(timeout_s, end)
        watchdog.daemon = True
        watchdog.start()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request).encode("ascii") + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            watchdog.cancel()
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        self.close()
        if late.is_set():
            raise JudgeLostError(f"took longer than {timeout_s:g} s and was ended", late=True)
        how = f"the process that read it ended with {_ending(self._process)}"
        raise JudgeLostError(how, late=False)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def _ending(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


@dataclass(frozen=True, slots=True)
class _Fetched:
    """An input at hand: a local file, or why there is none."""

    name: str
    file: Path | None
    sha256: str = ""
    error: CaptureError | None = None
    ms: float = 0.0
    cpu_ms: float = 0.0


class ChunkWorker:
    """Turns chunks into parts. A context manager: leaving it ends its child process."""

    def __init__(self, task: BatchTask) -> None:
        """Make a worker, with a copy of the run's model.

        Raises:
            BonafideError: the run's folder does not hold the model of the run.
        """
        self._task = task
        self._place = place_at(task.output)
        with self._place.open(MODEL) as stream:
            model = stream.read()
        if hashlib.sha256(model).hexdigest() != task.model_sha256:
            raise BonafideError(
                "is not the model that the run began with.",
                where=f"{task.output}/{MODEL}",
                remedy="Begin another run in another folder.",
            )
        self._scratch = tempfile.TemporaryDirectory(prefix="bonafide-batch-")
        self._folder = Path(self._scratch.name)
        self._model = self._folder / MODEL
        self._model.write_bytes(model)
        self._fetchers = ThreadPoolExecutor(FETCH_AHEAD)
        self._judge: JudgeProcess | None = None

    def work(self, chunk: Chunk, stopped: Callable[[], bool] = lambda: False) -> ChunkDone | None:
        """Judge the inputs of a chunk and write its part; a part that is there is left alone.

        Args:
            chunk: which inputs.
            stopped: asked before every input.

        Returns:
            What was done; None if ``stopped`` became true, and then nothing was written.
        """
        start = time.perf_counter()
        worker = f"{socket.gethostname()}:{os.getpid()}"
        name = part_name(chunk.index, self._task.form)
        if self._place.exists(f"{PARTS}/{name}"):
            return ChunkDone(chunk.index, 0, 0.0, worker)
        rows = []
        for fetched in self._fetch(read_chunk_inputs(self._place, chunk)):
            if stopped():
                return None
            rows.append(self._row(fetched))
        self._place.write(f"{PARTS}/{name}", [encode_rows(rows, self._task.form)])
        return ChunkDone(chunk.index, len(rows), time.perf_counter() - start, worker)

    def _fetch(self, names: Iterable[str]) -> Iterator[_Fetched]:
        """Inputs in order, the next few being fetched meanwhile; remote copies are removed."""
        limits = self._task.settings.limits
        ahead: deque[Future[_Fetched]] = deque()
        left = iter(names)
        try:
            while True:
                while len(ahead) < FETCH_AHEAD and (name := next(left, None)) is not None:
                    ahead.append(self._fetchers.submit(_fetch_one, name, self._folder, limits))
                if not ahead:
                    return
                fetched = ahead.popleft().result()
                yield fetched
                _remove_copy(fetched)
        finally:
            for future in ahead:
                if not future.cancel():
                    _remove_copy(future.result())

    def _row(self, fetched: _Fetched) -> Row:
        row = self._judged(fetched)
        row |= {
            "path": printable(fetched.name),
            "sha256": fetched.sha256,
            "ms": float(row.get("ms") or 0.0) + fetched.ms,
            "cpu_ms": float(row.get("cpu_ms") or 0.0) + fetched.cpu_ms,
            "model_sha256": self._task.model_sha256,
        }
        return row

    def _judged(self, fetched: _Fetched) -> Row:
        if fetched.error is not None:
            return self._dead(f"{fetched.error.problem} {fetched.error.remedy}".rstrip())
        assert fetched.file is not None  # there is a file, or an error
        lost = ""
        for _ in range(TRIES):
            try:
                return self._running().judge(fetched.file)
            except JudgeLostError as error:
                self._judge = None
                lost = f"{error}."
                if error.late:
                    break
        return self._dead(lost)

    def _dead(self, advice: str) -> Row:
        judge = self._running()
        return dead_row(advice, judge.threshold, judge.operating_point)

    def _running(self) -> JudgeProcess:
        if self._judge is None:
            errors = self._folder / "judge.log"
            self._judge = JudgeProcess(self._model, self._task.settings, errors)
        return self._judge

    def close(self) -> None:
        """End the child process and remove what was fetched."""
        if self._judge is not None:
            self._judge.close()
            self._judge = None
        self._fetchers.shutdown(cancel_futures=True)
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _remove_copy(fetched: _Fetched) -> None:
    if fetched.file is not None and is_url(fetched.name):
        fetched.file.unlink(missing_ok=True)


def _fetch_one(name: str, folder: Path, limits: Limits) -> _Fetched:
    """Hash a local input, or copy a remote one while hashing it, within the limit of bytes."""
    start, cpu_start = time.perf_counter(), time.thread_time()
    file: Path | None = None
    sha256 = ""
    error: CaptureError | None = None
    try:
        if is_url(name):
            file, sha256 = _copy_patiently(name, folder, limits)
        else:
            with open_regular(Path(name), limits) as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            file = Path(name)
    except CaptureError as caught:
        error = caught
    except OSError as caught:
        error = UnreadableFileError(
            f"cannot be read ({caught}).", where=name, remedy="Check the disk and the access to it."
        )
    cpu_ms = 1e3 * (time.thread_time() - cpu_start)
    return _Fetched(name, file, sha256, error, 1e3 * (time.perf_counter() - start), cpu_ms)


def _copy_patiently(url: str, folder: Path, limits: Limits) -> tuple[Path, str]:
    """`_copy`, tried again when the storage fails rather than says that nothing is there."""
    for wait_s in RETRY_S:
        try:
            return _copy(url, folder, limits)
        except PermissionError:
            raise
        except OSError:
            time.sleep(wait_s)
    return _copy(url, folder, limits)


def _copy(url: str, folder: Path, limits: Limits) -> tuple[Path, str]:
    """Copy what a URL names; (file, SHA-256). A storage may not know a size, so bytes count."""
    try:
        files, path = open_url(url)
    except BonafideError as error:
        raise UnreadableFileError(error.problem, where=url, remedy=error.remedy) from error
    running = hashlib.sha256()
    descriptor, name = tempfile.mkstemp(dir=folder)
    done = False
    try:
        with open(descriptor, "wb") as copy, _open_remote(files, path, url) as stream:
            size = 0
            while piece := stream.read(PIECE_BYTES):
                size += len(piece)
                check_size(size, url, limits)
                running.update(piece)
                copy.write(piece)
            check_size(size, url, limits)
        done = True
    finally:
        if not done:
            os.unlink(name)
    return Path(name), running.hexdigest()


def _open_remote(files: Any, path: str, url: str) -> IO[bytes]:
    try:
        stream: IO[bytes] = files.open(path, "rb")
    except FileNotFoundError as error:
        raise MissingFileError("does not exist.", where=url, remedy="Check the URL.") from error
    except KeyError as error:  # zip files raise it for a missing member
        raise MissingFileError("does not exist.", where=url, remedy="Check the URL.") from error
    return stream
