"""How fast the rendered world is, in CPU time of one core, beside the first trial's 86 ms a frame.

Run: python benchmarks/simulator.py [--frames 20] [--size 224] [--device cuda]

CPU time (`time.process_time`) does not count waiting for other processes, but shared caches and
hyperthreads still slow it down. So the run also times a fixed piece of work (a blur of a
1024 x 1024 x 3 float picture by OpenCV on one thread) and prints frames per that unit, which
compares machines. The first trial rendered all three modalities of a live frame at 224 px in 86 ms
and a replay frame with its source in 153 ms, on another day of a machine of the same kind.

``--device NAME`` draws the light by torch on that device instead, eight frames at once, and prints
seconds by the clock: the light alone, and with the sensors, which stay on the CPU.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.session import Stage, plan_capture

FIRST_TRIAL_MS = {"bona_fide": 86.0, "replay_phone": 153.0}


def unit_ms() -> float:
    """Milliseconds of a fixed piece of work."""
    picture = np.random.default_rng(0).random((1024, 1024, 3), dtype=np.float32)
    times = []
    for _ in range(5):
        start = time.process_time()
        cv2.GaussianBlur(picture, (0, 0), 2.0)
        times.append(time.process_time() - start)
    return 1000 * float(np.median(times))


def measure(species: str, frames: int, size: int, modalities: bool) -> tuple[float, float]:
    """(median ms a frame, ms to stage and light a clip) over three people."""
    people = balanced_population(np.random.default_rng(5), 6)
    each, staged = [], []
    for k in range(3):
        plan = plan_capture(np.random.default_rng((5, k)), size, size)
        start = time.process_time()
        clip = stage_clip(people[k], species, np.random.default_rng(k), plan, holder=people[k + 3])
        film = capture_clip(clip, frames + 1, modalities=modalities)
        next(film)
        staged.append(time.process_time() - start)
        for _ in range(frames):
            start = time.process_time()
            next(film)
            each.append(time.process_time() - start)
    return 1000 * float(np.median(each)), 1000 * float(np.median(staged))


def measure_device(species: str, frames: int, size: int, device: str) -> tuple[float, float]:
    """(ms a frame of light alone, ms a frame with all sensors), by the clock."""
    people = balanced_population(np.random.default_rng(5), 6)
    plan = plan_capture(np.random.default_rng((5, 0)), size, size)
    clip = stage_clip(people[0], species, np.random.default_rng(0), plan, holder=people[3])
    stage = Stage(clip, device)
    times = [k / 25.0 for k in range(frames)]
    each = []
    for _ in range(2):  # the first round warms up
        start = time.perf_counter()
        for _ in stage.film(times):
            pass
        each.append((time.perf_counter() - start) / frames)
    film = capture_clip(clip, 2 * frames, device=device)
    for _ in range(frames):  # stages, and warms up
        next(film)
    start = time.perf_counter()
    for _ in film:
        pass
    return 1000 * each[-1], 1000 * (time.perf_counter() - start) / frames


def main_device(frames: int, size: int, device: str) -> None:
    print(f"torch on {device}; {size} px; by the clock, one process")
    print(f"{'species':14s} {'light ms/frame':>15s} {'all sensors ms/frame':>21s}")
    for species in ("bona_fide", "print_flat", "mask_resin"):
        light, whole = measure_device(species, frames, size, device)
        print(f"{species:14s} {light:15.1f} {whole:21.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--device", help="torch's name of a device, as cuda")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.device:
        main_device(8 * max(options.frames // 8, 1), options.size, options.device)
        return
    measure("bona_fide", 1, 64, True)  # compile
    unit = unit_ms()
    print(f"unit {unit:.1f} ms; {options.size} px; CPU time of one core")
    print(f"{'species':14s} {'sensors':8s} {'ms/frame':>9s} {'frames/s':>9s} {'units':>6s} "
          f"{'first trial / this':>19s} {'staging ms':>11s}")  # fmt: skip
    for species in ("bona_fide", "print_flat", "replay_phone", "mask_resin"):
        for modalities in (False, True):
            ms, staged = measure(species, options.frames, options.size, modalities)
            old = FIRST_TRIAL_MS.get(species)
            ratio = f"{old / ms:.1f}" if old and modalities else ""
            kind = "all" if modalities else "colour"
            print(f"{species:14s} {kind:8s} {ms:9.1f} {1000 / ms:9.1f} {ms / unit:6.2f} "
                  f"{ratio:>19s} {staged:11.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
