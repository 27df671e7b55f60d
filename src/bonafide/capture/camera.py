"""Live frames: a camera by number, or a clip played at its own pace in a camera's place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bonafide.capture.errors import CameraUnavailableError
from bonafide.capture.limits import Limits
from bonafide.capture.video import open_clip
from bonafide.types import Frame


def open_camera(source: int | Path, limits: Limits | None = None) -> Iterator[Frame]:
    """Frames as they come.

    Args:
        source: the number of a camera, 0 for the first; or a clip's path, whose frames are then
            delivered not before their time, and later when the caller is slower.
        limits: ``max_pixels`` holds for both. A camera has no end, so a camera's session ends when
            the caller stops taking frames; for a clip all limits hold.

    Yields:
        Frames whose ``time_s`` strictly increases from 0: for a camera, by the monotonic clock
        when the frame was handed over (cameras' own clocks are not to be had portably); for a clip,
        its own time stamps. Closing the generator gives the camera back.

    Raises:
        CameraUnavailableError: it cannot be opened, or stopped delivering.
        CaptureError: the clip cannot be read.
    """
    limits = limits or Limits()
    if isinstance(source, int):
        return _live(source, limits)
    return _played(source, limits)


def _live(number: int, limits: Limits) -> Iterator[Frame]:
    import cv2  # most runs read files and never need it

    camera = cv2.VideoCapture(number)
    name = f"camera {number}"
    try:
        if not camera.isOpened():
            raise CameraUnavailableError(
                "cannot be opened.",
                where=name,
                remedy="Plug it in, close programs that use it, allow its use, try another number.",
            )
        # A slow caller would otherwise be handed frames from seconds ago; not all drivers heed it.
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        start, last, index = None, 0.0, 0
        while True:
            delivered, bgr = camera.read()
            now = time.monotonic()
            if not delivered or bgr is None:
                raise CameraUnavailableError(
                    f"stopped delivering after {index} frames.",
                    where=name,
                    remedy="Check the cable and start again.",
                )
            height, width = bgr.shape[:2]
            limits.check_pixels(width, height, name)
            start = now if start is None else start
            time_s = now - start
            if index > 0 and time_s <= last:  # within the clock's resolution of the last one
                continue
            rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).view(np.uint8)
            yield Frame(rgb, index, time_s, name)
            last, index = time_s, index + 1
    finally:
        camera.release()


def _played(path: Path, limits: Limits) -> Iterator[Frame]:
    with open_clip(path, limits) as clip:
        start = time.monotonic()
        for frame in clip:
            ahead_s = frame.time_s - (time.monotonic() - start)
            if ahead_s > 0:
                time.sleep(ahead_s)
            yield frame
