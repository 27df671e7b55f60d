"""Motion magnification: against real time, and against a straightforward scipy version.

    OMP_NUM_THREADS=1 python benchmarks/magnification.py

The rival is what one writes first: a Laplacian pyramid of every frame, `scipy.signal.sosfilt` (or
`sosfiltfilt`, against our filter without a lag) along time over every pixel of every level, alpha
per level, collapse. Same clip, colour, pyramid and alphas, a filter of the same order as ours, and
luma alone where we take luma alone. Each is timed in turn, several times, in one run, and its
fastest time is kept. One thread each.
"""

import time

import cv2
import numpy as np
import scipy.signal

from bonafide.cues import band_pass, pyramid
from bonafide.cues.magnification import RGB_FROM_YIQ, YIQ_FROM_RGB, Magnifier, magnify_clip
from bonafide.cues.magnification_settings import PRESETS, MotionSettings

FRAMES, SIDE, RATE_HZ, ROUNDS = 120, 224, 30.0, 5


def rival(frames, settings, run):
    """Magnify (T, H, W, 3) uint8 over a pyramid of every frame; ``run`` is one of scipy's."""
    levels = pyramid.halvings(*frames.shape[1:3])
    alphas = pyramid.level_alphas(settings.alpha, settings.cutoff_px, levels)
    channels = 1 if settings.chroma == 0 else 3
    yiq = (frames.astype(np.float32) @ YIQ_FROM_RGB[:channels].T).squeeze()
    stacks = [[] for _ in range(levels)]
    for frame in yiq:
        for level in range(levels):
            smaller = cv2.pyrDown(frame)
            stacks[level].append(frame - cv2.pyrUp(smaller, dstsize=frame.shape[1::-1]))
            frame = smaller
    poles = len(band_pass.design(settings.low_hz, settings.high_hz, settings.alpha).pole)
    edges = [settings.low_hz, settings.high_hz]
    order = (poles - 1) // 2 * 2 + 1  # a pair of real poles counts for one
    sos = scipy.signal.ellip(order, 0.05, 43, edges, "bandpass", fs=RATE_HZ, output="sos")
    bands = [run(sos, np.stack(stack), axis=0) for stack in stacks]
    magnified = np.empty_like(frames)
    to_rgb = RGB_FROM_YIQ[:, :channels] * ([1, settings.chroma, settings.chroma][:channels])
    for index, frame in enumerate(frames):
        total = np.zeros_like(cv2.pyrDown(bands[-1][index]))
        for band, alpha in zip(reversed(bands), reversed(alphas), strict=True):
            total = cv2.pyrUp(total, dstsize=band.shape[2:0:-1]) + alpha * band[index]
        change = total.reshape(SIDE, SIDE, channels) @ to_rgb.T
        magnified[index] = np.clip(np.rint(frame + change), 0, 255)
    return magnified


def stream(frames, settings, temporal):
    """The product as it runs on a clip."""
    magnifier = Magnifier(settings, temporal)
    for index, frame in enumerate(frames):
        magnifier.push(frame, index / RATE_HZ)
    magnifier.finish()


def main():
    cv2.setNumThreads(1)
    noise = np.random.default_rng(0).integers(0, 256, (FRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    frames = np.stack([cv2.GaussianBlur(frame, (0, 0), 3) for frame in noise])
    luma = PRESETS["face-motion"]
    cases = {
        "luma only": luma,
        "luma and colour": MotionSettings(
            luma.alpha, luma.low_hz, luma.high_hz, luma.cutoff_px, chroma=0.5
        ),
        "every level, colour": MotionSettings(luma.alpha, luma.low_hz, luma.high_hz, 4, 0.5),
        "pulse": PRESETS["face-pulse"],
    }
    magnify_clip(frames[:70], np.arange(70) / RATE_HZ, luma)  # compiles
    print(f"{FRAMES} frames of {SIDE} x {SIDE} px, {RATE_HZ:g} frames a second, one thread")
    print(f"{'':21} {'ms a frame':>10} {'times real time':>16} {'times scipy':>12}")
    for name, settings in cases.items():
        runs = {each: [] for each in ("causal", "sosfilt", "zero_phase", "sosfiltfilt")}
        for _ in range(ROUNDS):
            for each, times in runs.items():
                if each.startswith("sos") and not isinstance(settings, MotionSettings):
                    continue
                start = time.perf_counter()
                if each.startswith("sos"):
                    rival(frames, settings, getattr(scipy.signal, each))
                else:
                    stream(frames, settings, each)
                times.append(time.perf_counter() - start)
        print(name)
        best = {each: min(times) for each, times in runs.items() if times}
        for each, least in best.items():
            ratio = (
                best.get({"causal": "sosfilt", "zero_phase": "sosfiltfilt"}.get(each), 0) / least
            )
            speed = FRAMES / RATE_HZ / least
            shown = f"{ratio:12.1f}" if ratio else ""
            print(f"  {each:19} {1e3 * least / FRAMES:10.2f} {speed:16.1f} {shown}")


if __name__ == "__main__":
    main()
