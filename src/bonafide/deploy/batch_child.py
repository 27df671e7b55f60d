"""The process that decodes and judges for a batch worker: `python -m bonafide.deploy.batch_child`.

It speaks JSON, one object a line: settings first, then a file a line; it answers "ready", then one
row a line. It ends when its input does, so none outlives its worker by more than one file, and it
alone dies of a file that kills a decoder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources
from bonafide.decision.operating_point import parse_operating_point
from bonafide.deploy.batch_rows import Row, dead_row, verdict_row
from bonafide.deploy.files import answer_source
from bonafide.deploy.load import AnyDetector, load_detector
from bonafide.types import BonafideError, Decision

GRACE_S = 30


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """How inputs are judged; equal settings, model and files give equal rows, times apart.

    Attributes:
        operating_point: JSON text of one that replaces the model's own; "" for the model's.
        sample_hz: frames of a clip looked at per second.
        min_face_px: smallest face looked for.
        threads: of each network.
        timeout_s: for one input; what takes longer is listed as unreadable.
        max_bytes, max_pixels, max_frames, max_seconds: see `capture.limits.Limits`.
    """

    operating_point: str = ""
    sample_hz: float = 5.0
    min_face_px: float = 40.0
    threads: int = 1
    timeout_s: float = 600.0
    max_bytes: int = Limits().max_bytes
    max_pixels: int = Limits().max_pixels
    max_frames: int = Limits().max_frames
    max_seconds: float = Limits().max_seconds

    @property
    def limits(self) -> Limits:
        """The limits on one file."""
        return Limits(self.max_bytes, self.max_pixels, self.max_frames, self.max_seconds)

    def to_json(self) -> dict[str, Any]:
        """Plain values, by name."""
        return asdict(self)


def load_judge(model: Path, settings: JudgeSettings) -> AnyDetector:
    """The detector that a batch judges with; the model may be of any family."""
    text = settings.operating_point
    point = parse_operating_point(text, where="operating point of the run") if text else None
    return load_detector(
        model,
        operating_point=point,
        min_face_px=settings.min_face_px,
        threads=settings.threads,
    )


def judge_file(detector: AnyDetector, file: str, settings: JudgeSettings) -> Row:
    """The row of one local file, without its path and hash."""
    start, cpu_start = time.perf_counter(), time.process_time()
    found = expand_sources([file], settings.limits)
    if len(found) == 1:
        answer, _ = answer_source(detector, found[0], settings.limits, settings.sample_hz)
        row = verdict_row(answer.verdict)
    else:
        point = detector.operating_point
        row = dead_row("is not one file any more.", point.threshold, point.name)
    if row["decision"] == Decision.NOT_EVALUATED.value:
        row["advice"] = str(row["advice"]).removeprefix(f"{file}: ")
    row["model_sha256"] = detector.model_id.sha256
    row["cpu_ms"] = 1e3 * (time.process_time() - cpu_start)
    row["ms"] = 1e3 * (time.perf_counter() - start)
    return row


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until they end."""

    def reply(value: dict[str, Any]) -> None:
        replies.write(json.dumps(value).encode("ascii") + b"\n")
        replies.flush()

    first = json.loads(requests.readline())
    settings = JudgeSettings(**first["settings"])
    try:
        detector = load_judge(Path(first["model"]), settings)
    except BonafideError as error:
        reply({"error": [error.problem, error.where, error.remedy]})
        return
    point = detector.operating_point
    reply({"ready": os.getpid(), "threshold": point.threshold, "operating_point": point.name})
    for line in requests:
        # The worker ends what takes too long; this is for a process whose worker is gone.
        _alarm(settings.timeout_s + GRACE_S)
        reply(judge_file(detector, json.loads(line)["file"], settings))
        _alarm(0)


def _alarm(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def main() -> None:
    """Serve standard input and output; whatever else prints goes to standard error."""
    # Ctrl-C and stop reach the whole process group; the worker decides, and then input ends.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, replies)
    except BrokenPipeError:
        os._exit(1)  # nobody is left to tell


if __name__ == "__main__":
    main()
