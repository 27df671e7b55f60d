"""Time the whole road, decode to verdict, beside the same road through torch; prints Markdown.

python benchmarks/check.py

One thread each; the fastest of repeated runs, so that other work on the machine counts little.
"""

import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import psutil
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "face"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "deploy"))
from shipped_models import shipped_fusion
from torch_cascade import TorchCascade

from bonafide.capture.image import decode_image
from bonafide.capture.video import open_clip
from bonafide.cli.demo import PHOTO
from bonafide.deploy.detector import Detector
from bonafide.deploy.export import face_scorer
from bonafide.face.crop import multi_scale_crops

SAMPLE_HZ = 5.0


def webcam_picture():
    """640x480 with one face about 105 px high."""
    rgb = np.asarray(Image.open(PHOTO).resize((480, 480), Image.Resampling.BOX))
    picture = np.full((480, 640, 3), 90, np.uint8)
    picture[:, 80:560] = rgb
    return picture


def jpeg_of(rgb):
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def milliseconds(function, repeats=20):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def write_clip(path, seconds, rate=30):
    """A 640x480 H.264 clip in which the face sways by a few px."""
    picture = webcam_picture()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for i in range(round(seconds * rate)):
            moved = np.roll(picture, round(6 * np.sin(i / 9)), axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(stream.encode())


def judge_clip(detector, path):
    with open_clip(path, sample_hz=SAMPLE_HZ) as clip:
        return detector.check_clip(clip)


def torch_network():
    scorer = face_scorer(shipped_fusion()).eval()

    def score(crops):
        with torch.inference_mode():
            return scorer(torch.from_numpy(crops))

    return score


def torch_road(detector):
    """The same photo road with the plain torch cascade and the network in torch."""
    record = detector.scorer.record
    score, cascade = torch_network(), TorchCascade(40)

    def judge(jpeg):
        rgb = decode_image(jpeg, "memory").rgb
        landmarks = cascade.detect(rgb)[0][-1]
        return score(multi_scale_crops(rgb, landmarks, record.scales, record.crop_px).crops[None])

    return judge


def photo_rows(detector):
    jpeg, rgb = jpeg_of(webcam_picture()), webcam_picture()
    road = milliseconds(lambda: detector(decode_image(jpeg, "memory").rgb))
    other = torch_road(detector)
    yield (
        "photo, decode to verdict",
        road,
        "the same road in torch",
        milliseconds(lambda: other(jpeg), 5),
    )
    face = detector.faces.detect(rgb)[0]
    record = detector.scorer.record
    crops = multi_scale_crops(rgb, face.landmarks, record.scales, record.crop_px).crops[None]
    one = milliseconds(lambda: detector.scorer.score(crops))
    plain = torch_network()
    yield "network, one face", one, "the same in torch", milliseconds(lambda: plain(crops))
    many = np.repeat(crops, 16, axis=0)
    batched = milliseconds(lambda: detector.scorer.score(many)) / 16
    yield "network, a face of 16 in a batch", batched, "one face at a time", one


def clip_rows(detector, folder):
    short, long = folder / "short.mp4", folder / "long.mp4"
    write_clip(short, 10)
    write_clip(long, 60)
    yield (
        "clip of 10 s, 30 frames/s",
        milliseconds(lambda: judge_clip(detector, short), 3),
        ("its playing time"),
        10_000.0,
    )
    process = psutil.Process()
    judge_clip(detector, short)
    before = process.memory_info().rss
    judge_clip(detector, long)
    growth = (process.memory_info().rss - before) / 2**20
    print(f"\nMemory after a clip six times as long: {growth:+.1f} MiB.")


def help_row():
    command = [sys.executable, "-m", "bonafide", "--help"]
    bare = [sys.executable, "-c", "import typer, rich.console"]

    def run(arguments):
        return milliseconds(lambda: subprocess.run(arguments, capture_output=True, check=True), 5)

    return "`bonafide --help`", run(command), "importing typer and rich", run(bare)


def main():
    torch.set_num_threads(1)
    detector = Detector.load()
    with tempfile.TemporaryDirectory() as folder:
        rows = [*photo_rows(detector), *clip_rows(detector, Path(folder)), help_row()]
    print("\n| what | ms | beside | ms | ratio |\n| --- | ---: | --- | ---: | ---: |")
    for what, ours, beside, theirs in rows:
        print(f"| {what} | {ours:.1f} | {beside} | {theirs:.1f} | {theirs / ours:.1f} |")


if __name__ == "__main__":
    main()
