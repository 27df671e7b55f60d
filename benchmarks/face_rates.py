"""Count how many faces are found and why faces would be turned away; prints Markdown.

python benchmarks/face_rates.py FOLDER   (or the folder in BONAFIDE_DATA)

FOLDER holds portraits/, validation/ and clips/, any of them with one level of subfolders.
"""

import os
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

from bonafide.face.crop import multi_scale_crops
from bonafide.face.detect import MIRROR_ORDER, MtcnnDetector
from bonafide.face.find import find_faces
from bonafide.face.quality import measure_quality, reasons_for
from bonafide.face.track import FaceTracker
from bonafide.types import Frame


def photos(folder):
    for path in sorted(folder.glob("*.jpg")):
        yield np.asarray(Image.open(path).convert("RGB"))


def frames(folder, every):
    for path in sorted(folder.glob("*.mkv")):
        with av.open(str(path)) as container:
            for index, picture in enumerate(container.decode(video=0)):
                if index % every == 0:
                    rgb = picture.to_ndarray(format="rgb24")
                    yield Frame(rgb, index, float(picture.time), path.name)


def groups(root):
    for part in ("portraits", "validation"):
        for folder in sorted(path for path in (root / part).glob("*") if path.is_dir()):
            yield f"{part}/{folder.name}", photos(folder)
    if (root / "clips").is_dir():
        yield "clips, every 5th frame", (frame.rgb for frame in frames(root / "clips", 5))


def count(pictures, detector):
    total, once, found, blocked = 0, 0, 0, 0
    reasons = Counter()
    for rgb in pictures:
        total += 1
        once += bool(detector.detect(rgb))
        faces = find_faces(rgb, detector)
        found += bool(faces)
        quality = measure_quality(rgb, faces[0].landmarks) if faces else None
        said = reasons_for(faces, quality, (rgb.shape[1], rgb.shape[0]))
        blocked += any(reason.blocking for reason in said)
        reasons.update(reason.code.value + "!" * reason.blocking for reason in said)
    return total, once, found, blocked, reasons


def sideways(pictures, detector):
    """How many are found when turned by a quarter, with the landmarks in the right place."""
    total, right = 0, 0
    for rgb in pictures:
        upright = find_faces(rgb, detector)
        if not upright:
            continue
        total += 1
        turned = find_faces(np.ascontiguousarray(np.rot90(rgb)), detector)
        points = upright[0].landmarks
        expected = np.stack([points[:, 1], rgb.shape[1] - 1 - points[:, 0]], axis=1)
        limit = 0.2 * np.linalg.norm(points[0] - points[1])
        found = [np.linalg.norm(face.landmarks - expected, axis=1).max() for face in turned]
        right += bool(found) and min(found) < limit
    return total, right


def unsteadiness(pictures, detector):
    """Mean distance of the landmarks after mirroring the picture, as a share of the eyes'."""
    shares = []
    for rgb in pictures:
        plain = detector.detect(rgb)
        mirrored = detector.detect(np.ascontiguousarray(rgb[:, ::-1]))
        if len(plain) == len(mirrored) == 1:
            points, other = plain[0].landmarks, mirrored[0].landmarks[MIRROR_ORDER]
            other = np.stack([rgb.shape[1] - 1 - other[:, 0], other[:, 1]], axis=1)
            eyes = np.linalg.norm(points[0] - points[1])
            shares.append(np.linalg.norm(points - other, axis=1).mean() / eyes)
    return float(np.mean(shares))


def appearance(rgb, landmarks):
    """The tracker's measure of looks: the aligned face at 32 px, centred, of length 1."""
    crop = multi_scale_crops(rgb, landmarks, (1.0,), 32).crops[0].astype(np.float64)
    crop -= crop.mean(axis=(0, 1))
    return crop.ravel() / np.linalg.norm(crop)


def likeness(root):
    """Correlations of looks: the same person 0.1 s later, and different people."""
    detector, same, before = MtcnnDetector(60), [], None
    for frame in frames(root / "clips", 3):  # 30 frames a second
        looks = appearance(frame.rgb, detector.detect(frame.rgb)[0].landmarks)
        if before and before[0] == frame.source:
            same.append(float(looks @ before[1]))
        before = frame.source, looks
    people = [
        appearance(rgb, detector.detect(rgb)[0].landmarks)
        for rgb in photos(root / "portraits" / "large")
    ]
    table = np.array(people) @ np.array(people).T
    return np.percentile(same, [1, 50]), np.percentile(
        table[np.triu_indices(len(table), 1)], [50, 99]
    )


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ["BONAFIDE_DATA"])
    detector = MtcnnDetector()
    print("| pictures | n | first look | `find_faces` | not evaluated | reasons (! blocks) |")
    print("| --- | ---: | ---: | ---: | ---: | --- |")
    for name, pictures in groups(root):
        total, once, found, blocked, reasons = count(pictures, detector)
        listed = ", ".join(f"{code} {number}" for code, number in sorted(reasons.items()))
        print(f"| {name} | {total} | {once} | {found} | {blocked} | {listed} |")
    for name, pictures in groups(root):
        total, right = sideways(islice(pictures, 0, None, 10), detector)
        print(f"\nEvery tenth of {name} turned by 90 degrees: right in {right} of {total}.")
    for settle in (True, False):
        share = unsteadiness(photos(root / "portraits" / "large"), MtcnnDetector(settle=settle))
        print(f"\nLandmarks move by {share:.1%} of the eye distance, settle={settle}.")
    same, different = likeness(root)
    print(
        f"\nLikeness 0.1 s later: 1 % below {same[0]:.2f}, median {same[1]:.2f}; of two people: "
        f"median {different[0]:.2f}, 1 % above {different[1]:.2f}."
    )
    for every in (1, 3, 10):
        tracker, seen, total, ids, seconds = FaceTracker(MtcnnDetector(60)), 0, 0, {}, 0.0
        for frame in frames(root / "clips", every):
            total += 1
            start = time.perf_counter()
            tracked = tracker.update(frame)
            seconds += time.perf_counter() - start
            seen += bool(tracked)
            ids.setdefault(frame.source, set()).update(one.track_id for one in tracked)
        single = sum(len(found) == 1 for found in ids.values())
        print(
            f"\nEvery frame of {every}: tracked in {seen} of {total}; one identity in "
            f"{single} of {len(ids)} clips; {1000 * seconds / total:.1f} ms a frame."
        )


if __name__ == "__main__":
    main()
