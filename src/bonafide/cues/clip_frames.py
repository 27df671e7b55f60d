"""From a clip to the frames that a clip model sees: one box, a fixed stretch of time, N frames.

Tu et al., section 4.1: "we extend the border of the face region to include some background". Read
as follows where the paper leaves room:

- The box is that of the whole clip; one that followed the face would take the motion out.
- N frames are spread evenly over the first ``window_s`` seconds of every clip. The paper does not
  say; over whole clips the spacing alone would tell the classes of Replay-Attack apart, whose bona
  fide clips are longer than its attacks.
- Magnification works on every frame of that stretch, at the clip's own time stamps, before the N
  are taken.

Training and use both come through here.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bonafide.capture.clip_info import ClipReport
from bonafide.capture.limits import Limits
from bonafide.capture.video import SLOT_TOLERANCE_S, open_clip
from bonafide.cues.magnification_settings import PRESETS, MagnificationError, Settings, check_band
from bonafide.face.clip_face import ClipFace, find_clip_face
from bonafide.face.crop import crop_box
from bonafide.face.detect import FaceDetector
from bonafide.face.quality import QualityLimits
from bonafide.types import BonafideError, Box, Frame, Reason, ReasonCode

Frames = npt.NDArray[np.uint8]
"""(N, side, side, 3), RGB."""

FramesOf = Callable[[float | None], Iterable[Frame]]
"""Begins a new pass over a clip: at most so many frames a second, or all of them for None."""


@dataclass(frozen=True)
class ClipSettings:
    """What decides the frames of a clip.

    Attributes:
        frames: N; 0 takes every frame of the window, so that N differs from clip to clip.
        window_s: the stretch from the clip's start that is looked at; shorter clips are refused.
        side_px: side of the square frames.
        extend: side of the box as a multiple of the square that the face sweeps.
        look_hz: how often per second the face is looked for.
        preset: of `magnification_settings.PRESETS`; "" leaves the clip as it is.
        alpha, low_hz, high_hz: replace the preset's; 0 keeps them.
        order: of `ORDERS`; all but "in_order" are controls that take the motion out.
    """

    frames: int = 16
    window_s: float = 4.0
    side_px: int = 224
    extend: float = 1.6
    look_hz: float = 5.0
    preset: str = ""
    alpha: float = 0.0
    low_hz: float = 0.0
    high_hz: float = 0.0
    order: str = "in_order"

    def __post_init__(self) -> None:
        _require(self.frames >= 0, "frames", "0 or more")
        _require(self.side_px >= 16, "side_px", "16 px or more")
        _require(self.preset in ("", *PRESETS), "preset", f"one of {', '.join(PRESETS)}, or none")
        _require(self.order in ORDERS, "order", f"one of {', '.join(ORDERS)}")
        for name in ("window_s", "extend", "look_hz"):
            _require(getattr(self, name) > 0, name, "above 0")
        changed = max(self.alpha, self.low_hz, self.high_hz) > 0
        _require(bool(self.preset) or not changed, "alpha", "a preset with it, which it changes")
        self.magnification()

    def magnification(self) -> Settings | None:
        """What to magnify, or None."""
        if not self.preset:
            return None
        preset = PRESETS[self.preset]
        return replace(
            preset,
            alpha=self.alpha or preset.alpha,
            low_hz=self.low_hz or preset.low_hz,
            high_hz=self.high_hz or preset.high_hz,
        )


def _require(holds: bool, field: str, rule: str) -> None:
    if not holds:
        raise BonafideError(
            "is out of range.", where=f"clip setting {field!r}", remedy=f"Allowed: {rule}."
        )


@dataclass(frozen=True, slots=True)
class ClipFrames:
    """What a clip gives to a model.

    Attributes:
        frames: (N, side, side, 3) uint8 RGB; None exactly when a reason is blocking.
        times_s: (N,) float64, the frames' own time stamps.
        reasons: blocking ones first.
        face: what was found of the face.
        seen: frames of the window that were read.
    """

    frames: Frames | None
    times_s: npt.NDArray[np.float64]
    reasons: tuple[Reason, ...]
    face: ClipFace
    seen: int


class ClipFile:
    """The window of a clip file, read as often as asked; a `FramesOf`.

    Attributes:
        report: what the last pass met, such as damage; None before the first.
    """

    def __init__(
        self, path: Path, window_s: float, limits: Limits | None = None, rotation_deg: int = 0
    ) -> None:
        """Name the clip; nothing is read yet.

        Args:
            path: the clip.
            window_s: nothing after it is decoded.
            limits: on bytes, pixels and frames.
            rotation_deg: clockwise turn to apply, as a sample table may state it.
        """
        self.report: ClipReport | None = None
        self._path, self._window_s, self._limits = path, window_s, limits
        self._turns = -rotation_deg // 90

    def __call__(self, sample_hz: float | None) -> Iterator[Frame]:
        """One pass, at most so many frames a second.

        Raises:
            CaptureError: the clip cannot be read.
        """
        opened = open_clip(self._path, self._limits, sample_hz=sample_hz, until_s=self._window_s)
        with opened as clip:
            self.report = clip.report
            for frame in clip:
                rgb = np.ascontiguousarray(np.rot90(frame.rgb, self._turns))
                yield replace(frame, rgb=rgb)


def read_clip(
    frames_of: FramesOf,
    settings: ClipSettings,
    detector: FaceDetector,
    limits: QualityLimits | None = None,
) -> ClipFrames:
    """Find the clip's box in a first pass, and take its frames in a second.

    Args:
        frames_of: begins a pass over the clip's window, such as a `ClipFile`.
        settings: which frames, how large, magnified or not.
        detector: finds the faces.
        limits: of quality; `QualityLimits()` when None.

    Raises:
        CaptureError: the clip cannot be read.
    """
    face = find_clip_face(
        frames_of(settings.look_hz), detector, extend=settings.extend, limits=limits
    )
    if face.box is None:
        return ClipFrames(None, np.zeros(0), face.reasons, face, face.looks)
    taken = take_frames(frames_of, face.box, settings)
    reasons = face.reasons if taken.refusal is None else (taken.refusal, *face.reasons)
    return ClipFrames(taken.frames, taken.times_s, reasons, face, taken.seen)


class TakenFrames(NamedTuple):
    """Frames cut by a box that was found before.

    Attributes:
        frames, times_s, seen: as in `ClipFrames`.
        refusal: why there are none, or None.
    """

    frames: Frames | None
    times_s: npt.NDArray[np.float64]
    refusal: Reason | None
    seen: int


def take_frames(frames_of: FramesOf, box: Box, settings: ClipSettings) -> TakenFrames:
    """The second pass of `read_clip` alone, for who has the clip's box already.

    Args:
        frames_of: begins a pass over the clip's window, such as a `ClipFile`.
        box: of the whole clip, with its surroundings.
        settings: which frames, how large, magnified or not.

    Raises:
        CaptureError: the clip cannot be read.
    """
    taken = _Taken(settings)
    try:
        _fill(taken, frames_of(None), box, settings)
        taken.check()
    except MagnificationError as error:
        short = _too_short(f"{error.problem} {error.remedy}")
        return TakenFrames(None, np.zeros(0), short, taken.seen)
    if taken.missing:
        return TakenFrames(None, np.zeros(0), _too_short(taken.missing), taken.seen)
    frames, times_s = np.stack(taken.frames), np.array(taken.times_s)
    order = ORDERS[settings.order](frames)
    return TakenFrames(frames[order], times_s[order], None, taken.seen)


class _Taken:
    """The frames taken so far, and what the window's time stamps were."""

    def __init__(self, settings: ClipSettings) -> None:
        self._settings = settings
        self.frames: list[Frames] = []
        self.times_s: list[float] = []
        self.seen = 0
        self.last_s = 0.0
        self._longest_gap_s = 0.0

    def see(self, time_s: float) -> None:
        """Note a frame of the window."""
        self.seen += 1
        self._longest_gap_s = max(self._longest_gap_s, time_s - self.last_s)
        self.last_s = time_s

    def wants(self, time_s: float) -> bool:
        """Whether a frame of this time is the next one: the first of its share of the window."""
        s = self._settings
        if s.frames == 0:
            return True
        due_s = len(self.frames) * s.window_s / s.frames
        return len(self.frames) < s.frames and time_s + SLOT_TOLERANCE_S >= due_s

    def take(self, frame: Frames, time_s: float) -> None:
        """Keep it if it is wanted."""
        if self.wants(time_s):
            self.frames.append(frame)
            self.times_s.append(time_s)

    def check(self) -> None:
        """Refuse a window that cannot show the band.

        Raises:
            MagnificationError: as said.
        """
        magnification = self._settings.magnification()
        if magnification is not None and self.seen > 1:
            rate_hz = (self.seen - 1) / self.last_s
            check_band(magnification, rate_hz=rate_hz, duration_s=self.last_s)

    @property
    def missing(self) -> str:
        """What is wrong with the window's length or rate; "" when nothing is."""
        s = self._settings
        lasts_s = self.last_s + self._longest_gap_s  # the last frame is shown for a while too
        if lasts_s < s.window_s - SLOT_TOLERANCE_S:
            return f"The clip lasts {lasts_s:.1f} s; {s.window_s:g} s are needed."
        if len(self.frames) < s.frames:
            return f"The clip has {self.seen} frames in {s.window_s:g} s; {s.frames} are needed."
        return ""


def _fill(taken: _Taken, frames: Iterable[Frame], box: Box, settings: ClipSettings) -> None:
    magnification = settings.magnification()
    if magnification is None:
        for frame in frames:
            taken.see(frame.time_s)
            if taken.wants(frame.time_s):
                taken.take(crop_box(frame.rgb, box, settings.side_px)[0], frame.time_s)
        return
    from bonafide.cues.magnification import Magnifier  # loads a compiler, if there is one

    magnifier = Magnifier(magnification)
    for frame in frames:
        taken.see(frame.time_s)
        crop = crop_box(frame.rgb, box, settings.side_px)[0]
        for done, time_s in magnifier.push(crop, frame.time_s):
            taken.take(np.asarray(done, np.uint8), time_s)
    for done, time_s in magnifier.finish():
        taken.take(np.asarray(done, np.uint8), time_s)


def _too_short(advice: str) -> Reason:
    return Reason(ReasonCode.CLIP_TOO_SHORT, advice, blocking=True)


def _in_order(frames: Frames) -> npt.NDArray[np.intp]:
    return np.arange(len(frames))


def _shuffled(frames: Frames) -> npt.NDArray[np.intp]:
    # Of the frames' own bytes: every clip has an order of its own, the same wherever it is read.
    # One order for all clips could be learned like any other.
    return np.random.default_rng(zlib.crc32(frames.tobytes())).permutation(len(frames))


def _still(frames: Frames) -> npt.NDArray[np.intp]:
    return np.full(len(frames), len(frames) // 2)


ORDERS: dict[str, Callable[[Frames], npt.NDArray[np.intp]]] = {
    "in_order": _in_order,
    "shuffled": _shuffled,
    "still": _still,
}
"""Which frame stands at each place: as filmed, in an order of chance, or the middle one only."""
