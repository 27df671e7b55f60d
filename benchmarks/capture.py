"""Decoding speed beside OpenCV's, same files, same run, one thread each.

    python benchmarks/capture.py [--json FILE] [--rounds 7]

A 10 s clip of 640x480 at 30 Hz (a face that moves under camera noise, H.264 and MPEG-4) and one
photo of 12 megapixels (JPEG and PNG) are made, then read in turns; medians are printed. OpenCV
delivers BGR and checks nothing; ours delivers upright RGB with time stamps. The ratio is what holds
on another machine.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path

# OpenCV reads this once, when its FFmpeg backend is first used.
os.environ["OPENCV_FFMPEG_THREADS"] = "1"

import av
import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

from bonafide.capture.image import read_image
from bonafide.capture.video import read_frames

FRAMES, RATE, WIDTH, HEIGHT = 300, 30, 640, 480


def make_clip(path, codec):
    face = cv2.resize(astronaut(), (WIDTH + 60, HEIGHT + 60), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as muxer:
        stream = muxer.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 2_000_000
        for number in range(FRAMES):
            x, y = int(30 + 30 * np.sin(number / 9)), int(30 + 30 * np.cos(number / 13))
            picture = face[y : y + HEIGHT, x : x + WIDTH].astype(np.int16)
            picture += rng.integers(-5, 6, picture.shape, np.int16)
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            muxer.mux(stream.encode(frame))
        muxer.mux(stream.encode())


def make_photo(path):
    photo = cv2.resize(astronaut(), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(photo).save(path, quality=92, compress_level=6)


def opencv_clip(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    count = 0
    while capture.read()[0]:
        count += 1
    return count


def our_clip(path):
    return sum(1 for _ in read_frames(path))


def our_clip_sampled(path):
    return sum(1 for _ in read_frames(path, sample_hz=5))


def opencv_clip_sampled(path):
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    count = index = 0
    while capture.grab():
        if index % 6 == 0:
            capture.retrieve()
            count += 1
        index += 1
    return count


def opencv_photo(path):
    return cv2.imread(str(path), cv2.IMREAD_COLOR).shape[0]


def our_photo(path):
    return read_image(path).rgb.shape[0]


def compare(name, path, ours, theirs, rounds):
    """Median milliseconds of both, taken in turns so that a busy machine slows both."""
    assert ours(path) == theirs(path), "both must deliver as much"
    times = {ours: [], theirs: []}
    for _ in range(rounds):
        for call, taken in times.items():
            start = time.perf_counter()
            call(path)
            taken.append(1000 * (time.perf_counter() - start))
    our_ms, their_ms = (statistics.median(times[call]) for call in (ours, theirs))
    ratio = statistics.median(a / b for a, b in zip(times[ours], times[theirs], strict=True))
    return {"what": name, "ours_ms": our_ms, "opencv_ms": their_ms, "ratio": ratio}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for codec, name in (("libx264", "H.264 in MP4"), ("mpeg4", "MPEG-4 in AVI")):
            path = Path(folder) / ("clip.mp4" if codec == "libx264" else "clip.avi")
            make_clip(path, codec)
            for what, ours, theirs in (
                ("every frame", our_clip, opencv_clip),
                ("5 frames a second", our_clip_sampled, opencv_clip_sampled),
            ):
                label = f"clip, {name}, {what}"
                rows.append(compare(label, path, ours, theirs, options.rounds))
        for suffix in ("jpg", "png"):
            path = Path(folder) / f"photo.{suffix}"
            make_photo(path)
            label = f"photo, 4000x3000, {suffix}"
            rows.append(compare(label, path, our_photo, opencv_photo, options.rounds))
    print(f"PyAV {av.__version__}, OpenCV {cv2.__version__}, median of {options.rounds}\n")
    print("| what | ours, ms | OpenCV, ms | ours / OpenCV |\n| --- | ---: | ---: | ---: |")
    for row in rows:
        print("| {what} | {ours_ms:.0f} | {opencv_ms:.0f} | {ratio:.2f} |".format(**row))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
