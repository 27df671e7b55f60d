"""`bonafide check --camera`: verdicts on the last seconds of a camera, live in the terminal."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from bonafide.capture.camera import open_camera
from bonafide.capture.limits import Limits
from bonafide.cli.render import STYLES
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.detector import Detector
from bonafide.types import Verdict

MEMORY_S = 2.0
"""The shown score is the mean over the faces of the last two seconds."""

BAR = 40


def watch_camera(
    detector: Detector,
    source: str,
    limits: Limits,
    frames_per_second: float,
    console: Console | None = None,
) -> None:
    """Show the verdict on a camera until it ends or the user presses Ctrl-C.

    Args:
        detector: judges.
        source: a camera's number, or a clip that plays in its place.
        limits: of a clip.
        frames_per_second: how many frames are judged.
        console: where to show it; the terminal if None.

    Raises:
        CaptureError: the camera cannot be opened.
    """
    camera = int(source) if source.isdigit() else Path(source)
    recent: deque[tuple[float, float]] = deque()
    # The mean over moments is judged, so that each of them has to have its score.
    point = detector.operating_point
    detector.operating_point = point.without_doubt()
    due = 0.0
    with Live(console=console or Console(), auto_refresh=False) as live:
        try:
            for frame in open_camera(camera, limits):
                if frame.time_s < due:
                    continue
                due = frame.time_s + 1 / frames_per_second
                started = time.perf_counter()
                verdict = detector(frame.rgb)
                if verdict.score is not None:
                    recent.append((frame.time_s, verdict.score))
                while recent and recent[0][0] < frame.time_s - MEMORY_S:
                    recent.popleft()
                milliseconds = 1e3 * (time.perf_counter() - started)
                scores = [score for _, score in recent]
                live.update(
                    picture_of(verdict, scores, point, milliseconds),
                    refresh=True,
                )
        except KeyboardInterrupt:
            return


def picture_of(
    verdict: Verdict, recent: list[float], point: OperatingPoint, milliseconds: float
) -> Panel:
    """What the terminal shows for one moment."""
    if recent and verdict.score is not None:
        score = sum(recent) / len(recent)
        decision = point.rule(score).decision.value
        filled = round(BAR * min(max(score, 0.0), 1.0))
        mark = min(round(BAR * min(max(point.threshold, 0.0), 1.0)), BAR - 1)
        cells = ["█" if i < filled else "░" for i in range(BAR)]
        cells[mark] = "│"
        line = f"{''.join(cells)}  {score:.3f} (threshold {point.threshold:.3f})"
    else:
        decision, line = "not_evaluated", ""
    text = Text(f"{decision}\n", style=STYLES[decision])
    text.append(line + "\n", style="default")
    for reason in verdict.reasons:
        text.append(f"{reason.advice}\n", style="yellow")
    text.append(f"{milliseconds:.0f} ms, {len(recent)} frames", style="dim")
    return Panel(text, title="bonafide check --camera", width=BAR + 36)
