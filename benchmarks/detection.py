"""Time the face detector and the crops beside what one would use instead; prints Markdown.

python benchmarks/detection.py
"""

import sys
import time
from pathlib import Path

import cv2
import torch
from skimage.data import astronaut

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "face"))
from torch_cascade import TorchCascade

from bonafide.face.align import similarity_to_canonical
from bonafide.face.crop import crop_to_picture, multi_scale_crops
from bonafide.face.detect import MtcnnDetector
from bonafide.face.quality import measure_quality

SCALES = (0.9, 1.0, 1.1)


def picture():
    """640x480 with one face about 105 px high, as before a webcam."""
    rgb = cv2.GaussianBlur(cv2.resize(astronaut(), (640, 480)), (0, 0), 8)
    rgb[:, 80:560] = cv2.resize(astronaut(), (480, 480), interpolation=cv2.INTER_AREA)
    return rgb


def milliseconds(function, repeats=30):
    """The fastest of repeated runs: what the code costs when nothing else wants the core."""
    function(), function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def detection_rows(rgb):
    haar = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    for min_face_px in (80, 40):
        detector = MtcnnDetector(min_face_px)
        box = [face.box for face in detector.detect(rgb)][:1]
        single = MtcnnDetector(min_face_px, batch=1)
        plain = MtcnnDetector(min_face_px, settle=False)
        reference = TorchCascade(min_face_px)
        size = (min_face_px, min_face_px)
        yield (
            min_face_px,
            {
                "`MtcnnDetector.detect`": milliseconds(lambda: detector.detect(rgb)),  # noqa: B023
                "the same, one patch at a time": milliseconds(lambda: single.detect(rgb)),  # noqa: B023
                "the same, without settling": milliseconds(lambda: plain.detect(rgb)),  # noqa: B023
                "`refine` at a known place": milliseconds(lambda: detector.refine(rgb, box)),  # noqa: B023
                "plain torch cascade": milliseconds(lambda: reference.detect(rgb), 8),  # noqa: B023
                "OpenCV Haar (box only)": milliseconds(
                    lambda: haar.detectMultiScale(grey, 1.1, 3, minSize=size)  # noqa: B023
                ),
            },
        )


def crop_rows():
    for factor, name in ((1, "105 px face"), (4, "420 px face")):
        rgb = cv2.resize(picture(), None, fx=factor, fy=factor)
        landmarks = (MtcnnDetector().detect(picture())[0].landmarks + 0.5) * factor - 0.5
        matrices = [
            crop_to_picture(similarity_to_canonical(landmarks), scale, 128) for scale in SCALES
        ]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        yield (
            name,
            {
                "three crops of 128 px": milliseconds(
                    lambda: multi_scale_crops(rgb, landmarks, SCALES)  # noqa: B023
                ),
                "three plain `warpAffine` (aliased)": milliseconds(
                    lambda: [cv2.warpAffine(rgb, m, (128, 128), flags=flags) for m in matrices]  # noqa: B023
                ),
                "`measure_quality`": milliseconds(lambda: measure_quality(rgb, landmarks)),  # noqa: B023
            },
        )


def table(title, rows):
    print(f"\n{title}\n\n| | ms | ratio |\n| --- | ---: | ---: |")
    first = next(iter(rows.values()))
    for name, value in rows.items():
        print(f"| {name} | {value:.2f} | {value / first:.2f} |")


def main():
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rgb = picture()
    for min_face_px, rows in detection_rows(rgb):
        table(f"640x480, smallest face {min_face_px} px, one thread", rows)
    for name, rows in crop_rows():
        table(f"Crops, {name}, one thread", rows)


if __name__ == "__main__":
    main()
