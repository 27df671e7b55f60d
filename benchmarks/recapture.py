"""How fast are simulated recaptures, and what does exact sampling of the pixel grid save?

    python benchmarks/recapture.py

Prints a Markdown table. CPU seconds of one thread (time.process_time, OpenCV held to one thread),
so that other work on the machine does not count; the photo is scikit-image's astronaut at 520x600.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
from skimage.data import astronaut

from bonafide.simulator.display import LAYOUTS, draw_display, pixel_gain
from bonafide.simulator.portraits import rough_face
from bonafide.simulator.presentations import KINDS
from bonafide.simulator.recapture import recapture
from bonafide.simulator.stage import draw_devices
from bonafide.simulator.structure import TILE, PlaneMap, SensorGrid

SIDE = 480
SUPERSAMPLING = 8


def cpu_seconds(work, repeats):
    work(0)
    start = time.process_time()
    for i in range(repeats):
        work(i)
    return (time.process_time() - start) / repeats


def supersampled(tile, pixels_per_px, grid):
    """The usual way: draw the grid many times finer, blur it, average it down."""
    fine = round(SIDE * grid.oversampling * SUPERSAMPLING)
    at = (np.arange(fine, dtype=np.float32) + 0.5) / (grid.oversampling * SUPERSAMPLING) - 0.5
    index = np.floor(at * pixels_per_px % 1 * TILE).astype(np.int32) % TILE
    picture = np.ascontiguousarray(tile[index[:, None], index[None, :]])
    picture = cv2.GaussianBlur(picture, (0, 0), grid.lens_sigma_px * SUPERSAMPLING)
    sensor = round(SIDE * grid.oversampling)
    picture = cv2.resize(picture, (sensor, sensor), interpolation=cv2.INTER_AREA)
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def main():
    cv2.setNumThreads(1)
    photo = cv2.resize(astronaut()[:300, 90:350], (520, 600), interpolation=cv2.INTER_CUBIC)
    face, devices = rough_face(photo), draw_devices(np.random.default_rng(0))
    print("| what | ms | per second | 480x480 pictures per second |\n| --- | ---: | ---: | ---: |")
    for kind in KINDS:
        sizes = []

        def make(i, kind=kind, sizes=sizes):
            rng = np.random.default_rng(i)
            made = recapture(photo, kind, rng, devices=devices, face=face)
            sizes.append(made.rgb.shape[0] * made.rgb.shape[1])

        seconds = cpu_seconds(make, 60)
        rate = np.mean(sizes) / seconds / 480**2
        print(f"| {kind} (simulated) | {seconds * 1e3:.1f} | {1 / seconds:.1f} | {rate:.1f} |")
    display = draw_display(np.random.default_rng(1))
    grid, plane = SensorGrid(SIDE, SIDE, 2.0, 0.4, 1.0), PlaneMap(np.eye(3))
    period, make_tile = LAYOUTS[display.layout]
    tile = make_tile(display.fill)
    ours = cpu_seconds(lambda _: pixel_gain(display, 1.1, plane, grid, 1.0), 10)
    usual = cpu_seconds(lambda _: supersampled(tile, 1.1 / period, grid), 1)
    print(f"| pixel grid, sampled ({SIDE} px) | {ours * 1e3:.1f} | {1 / ours:.1f} | |")
    print(
        f"| pixel grid, drawn {SUPERSAMPLING}x finer, blurred, averaged | {usual * 1e3:.0f} | "
        f"{1 / usual:.2f} | |\n\nratio drawn / sampled: {usual / ours:.0f}"
    )


if __name__ == "__main__":
    main()
