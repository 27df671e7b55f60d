"""Linear Eulerian video magnification, for motion and for colour, as a stream or on whole clips.

Tu et al., "Enhance the Motion Cues for Face Anti-Spoofing using CNN-LSTM Architecture", section
3.1, after Wu et al., "Eulerian Video Magnification for Revealing Subtle Changes in the World", ACM
Transactions on Graphics 31(4), 2012. A frame I becomes I + alpha B (Eq. 4), B being what a temporal
band-pass leaves of every pixel. For motion B is weighed by spatial wavelength; for colour it is
taken from a small, smooth copy of the clip.

In NTSC's YIQ (FCC 1953), so that colour can be weighed apart; in float, clipped once at the end.
Differs from the paper's predecessors in the band-pass (see `bonafide.cues.band_pass`) and in that
the low-pass rest and what falls below the cut-off wavelength are chosen per level, not per pixel.

A replayed video shows the pulse of the person in it: magnified colour does not by itself reject it.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.cues import band_pass, pyramid
from bonafide.cues.add_change import add_change
from bonafide.cues.magnification_settings import (
    MagnificationError,
    MotionSettings,
    Settings,
    SettingsError,
    check_band,
)
from bonafide.cues.temporal import Causal, TemporalFilter, ZeroPhase, ideal

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
Streaming = Literal["zero_phase", "causal"]
Temporal = Literal["zero_phase", "causal", "ideal"]

STREAMING: dict[str, Callable[[float, float, float], TemporalFilter]] = {
    "zero_phase": ZeroPhase,
    "causal": Causal,
}
"""Filters that need not see the whole clip, by name; they take low_hz, high_hz and alpha."""

YIQ_FROM_RGB = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], np.float32
)
RGB_FROM_YIQ = np.linalg.inv(YIQ_FROM_RGB.astype(np.float64)).astype(np.float32)

_FRAMES_TO_KNOW_THE_RATE = 9


class Magnified(NamedTuple):
    """A finished frame: (H, W, 3) as it went in, and its time stamp in seconds."""

    frame: Pixels
    time_s: float


class Magnifier:
    """Magnifies a clip frame by frame, in memory that does not depend on its length.

    Use one per clip. Frames come out in order, all of them, with their own time stamps:

        magnifier = Magnifier(PRESETS["face-motion"])
        for frame in clip:
            for magnified in magnifier.push(frame.rgb, frame.time_s):
                ...
        for magnified in magnifier.finish():
            ...
    """

    def __init__(self, settings: Settings, temporal: Streaming = "zero_phase") -> None:
        """Set up for one clip.

        Args:
            settings: what to magnify; `PRESETS` has some.
            temporal: "zero_phase" holds frames back for up to 2.5 periods of ``low_hz`` (or of
                the band's width, if that is smaller) and magnifies in step with the motion.
                "causal" answers each push with that very frame, as a live picture needs; its
                magnified motion lags by `delay_s`, so that motion grows by something between
                alpha - 1 and alpha + 1.
        """
        self.settings = settings
        self._filter = STREAMING[temporal](settings.low_hz, settings.high_hz, settings.alpha)
        self._path: _Path | None = None
        self._waiting: deque[Magnified] = deque()
        self._first_s = self._last_s = math.nan
        self._frames = 0

    @property
    def delay_s(self) -> float:
        """Lag of the causal filter in the band's geometric middle; it grows towards the edges."""
        poles = band_pass.design(self.settings.low_hz, self.settings.high_hz, self.settings.alpha)
        return band_pass.group_delay_s(
            poles, math.sqrt(self.settings.low_hz * self.settings.high_hz)
        )

    def push(self, frame: Pixels, time_s: float) -> list[Magnified]:
        """Take the next frame; the frames that are finished by now, oldest first.

        Args:
            frame: (H, W, 3), RGB, uint8 or float32 in 0..255; the same size at every call. It is
                kept, not copied, until it comes out.
            time_s: the frame's own time stamp, seconds, strictly increasing.

        Returns:
            Frames of the same type, clipped to 0..255.

        Raises:
            TimeStampError: no time stamp, or one that does not increase.
            BeyondNyquistError: the band's upper edge is not below half the frame rate so far.
            MagnificationError: the frame is no RGB picture or changed its size.
        """
        band_pass.check_time(time_s, self._last_s)
        if self._path is None:
            self._path = _Path(self.settings, _checked(frame).shape)
            self._first_s = time_s
        reduced = self._path.reduce(frame)
        self._waiting.append(Magnified(frame, time_s))
        self._last_s = time_s
        self._frames += 1
        if self._frames >= _FRAMES_TO_KNOW_THE_RATE:
            check_band(self.settings, rate_hz=self._rate_hz(), duration_s=math.inf)
        return self._release(self._filter.push(reduced, time_s))

    def finish(self) -> list[Magnified]:
        """The frames still held back, after the last push.

        Raises:
            ClipTooShortError, BeyondNyquistError: the clip turned out unfit for the band.
        """
        duration_s = self._last_s - self._first_s if self._frames > 1 else 0.0
        check_band(self.settings, rate_hz=self._rate_hz(), duration_s=duration_s)
        return self._release(self._filter.finish())

    def _rate_hz(self) -> float:
        if self._frames < 2:
            return math.inf
        return (self._frames - 1) / (self._last_s - self._first_s)

    def _release(self, bands: list[npt.NDArray[np.float32]]) -> list[Magnified]:
        finished = []
        for band in bands:
            frame, time_s = self._waiting.popleft()
            finished.append(Magnified(self._path.add(frame, band), time_s))
        return finished


def magnify_clip(
    frames: Pixels,
    times_s: npt.ArrayLike,
    settings: Settings,
    *,
    temporal: Temporal = "zero_phase",
) -> Pixels:
    """Magnify a whole clip at once, as for training.

    Args:
        frames: (T, H, W, 3), RGB, uint8 or float32 in 0..255.
        times_s: (T,), each frame's own time stamp, seconds, strictly increasing.
        settings: what to magnify; `PRESETS` has some.
        temporal: as for `Magnifier`, with the same answer; or "ideal", which cuts the band out of
            the clip's spectrum, as Wu et al. do for colour.

    Returns:
        Like ``frames``, clipped to 0..255.

    Raises:
        TimeStampError, BeyondNyquistError, ClipTooShortError: the clip is unfit for the band.
        MagnificationError: ``frames`` are no RGB pictures.
    """
    times = np.asarray(times_s, np.float64)
    if frames.ndim != 4 or len(frames) == 0 or times.shape != (len(frames),):
        raise MagnificationError(
            f"frames of shape {frames.shape} and times of shape {times.shape} do not match.",
            where="frames",
            remedy="Pass (T, H, W, 3) and (T,), of one frame or more.",
        )
    if temporal == "ideal":
        return _magnify_by_spectrum(frames, times, settings)
    magnifier = Magnifier(settings, temporal)
    finished = [
        done
        for frame, time_s in zip(frames, times, strict=True)
        for done in magnifier.push(frame, float(time_s))
    ]
    return np.stack([frame for frame, _ in finished + magnifier.finish()])


def _magnify_by_spectrum(
    frames: Pixels, times: npt.NDArray[np.float64], settings: Settings
) -> Pixels:
    for last_s, time_s in itertools.pairwise([math.nan, *times.tolist()]):
        band_pass.check_time(time_s, last_s)
    duration_s = float(times[-1] - times[0])
    rate_hz = (len(times) - 1) / duration_s if duration_s > 0 else math.inf
    check_band(settings, rate_hz=rate_hz, duration_s=duration_s)
    path = _Path(settings, _checked(frames[0]).shape)
    reduced = np.stack([path.reduce(frame) for frame in frames])
    band = ideal(reduced, times, settings.low_hz, settings.high_hz)
    return np.stack([path.add(frame, each) for frame, each in zip(frames, band, strict=True)])


class _Path:
    """What happens in space: a frame down to what is filtered, and its band back up to a frame."""

    def __init__(self, settings: Settings, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        self._shape = shape
        levels = pyramid.halvings(height, width)
        if isinstance(settings, MotionSettings):
            alphas = pyramid.level_alphas(settings.alpha, settings.cutoff_px, levels)
            self._shrink = min(pyramid.silent_levels(alphas), max(levels - 1, 0))
            self._alphas = alphas[self._shrink :]
        else:
            self._shrink, self._alphas = settings.level, ()
            if 2**settings.level > min(height, width):
                raise SettingsError(
                    f"{settings.level} halvings of {width} x {height} px leave nothing.",
                    where="level",
                    remedy=f"Choose at most {int(math.log2(min(height, width)))}.",
                )
        channels = 1 if settings.chroma == 0 else 3
        weights = np.array([1, settings.chroma, settings.chroma][:channels], np.float32)
        gain = np.float32(1 if self._alphas else settings.alpha)
        self._to_yiq = YIQ_FROM_RGB[:channels]
        # Luma alone moves R, G and B alike, to the last bit.
        to_rgb = np.ones((3, 1), np.float32) if channels == 1 else RGB_FROM_YIQ * weights
        self._mix = gain * to_rgb

    def reduce(self, frame: Pixels) -> npt.NDArray[np.float32]:
        """YIQ, or Y alone, of a frame, as small as is filtered."""
        if frame.shape != self._shape:
            raise MagnificationError(
                f"a frame of shape {frame.shape} follows frames of shape {self._shape}.",
                where="frame",
                remedy="Crop one box for the whole clip.",
            )
        # Halving first means less to convert; both are linear.
        small = pyramid.shrink(frame.astype(np.float32), self._shrink)
        return np.asarray(cv2.transform(small, self._to_yiq), np.float32)

    def add(self, frame: Pixels, band: npt.NDArray[np.float32]) -> Pixels:
        """Eq. 4: the frame plus alpha times its band."""
        if self._alphas:
            band = pyramid.amplify_levels(band, self._alphas)
        height, width = self._shape[:2]
        return add_change(frame, pyramid.grow(band, height, width), self._mix)


def _checked(frame: Pixels) -> Pixels:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype not in (np.uint8, np.float32):
        raise MagnificationError(
            f"a frame of shape {frame.shape} and type {frame.dtype} is no RGB picture.",
            where="frame",
            remedy="Pass (H, W, 3) as uint8, or as float32 in 0..255.",
        )
    if min(frame.shape[:2]) < 2 * pyramid.SMALLEST_PX - 1:
        raise MagnificationError(
            f"a frame of shape {frame.shape} is too small for a pyramid.",
            where="frame",
            remedy=f"Pass at least {2 * pyramid.SMALLEST_PX - 1} px on the shorter side.",
        )
    return frame
