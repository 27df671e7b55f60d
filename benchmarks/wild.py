"""What a model knows of real attacks, beside trivial rows, a control, and its stability.

BONAFIDE_DATA=... python benchmarks/wild.py MODEL.onnx [CROP_CACHE_SPLIT]

All validation pictures are first brought to 224 px and one JPEG quality. A recording's score is the
mean over its frames; areas under the curve against bona fide recordings, bootstrap over recordings,
95 %. CROP_CACHE_SPLIT (such as DATA/replays.face/train) adds the shuffled-label control of the
colour classifier: the areas that random labels on the same training faces give.
"""

import csv
import os
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from bonafide.deploy.load import load_detector
from bonafide.face.crop import multi_scale_crops
from bonafide.face.find import find_faces
from bonafide.types import BONA_FIDE_SPECIES

SIDE, QUALITY, ROUNDS, SHUFFLES = 224, 88, 2000, 40
SPECIES = (
    "replay_phone",
    "replay_screen",
    "mask3d_paper",
    "mask3d_paper_wrapped",
    "mask_silicone",
)


def jpeg(rgb, quality):
    done, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def area(live, attack):
    return float(np.mean(live[:, None] > attack) + 0.5 * np.mean(live[:, None] == attack))


def with_interval(live, attack):
    rng = np.random.default_rng(0)
    drawn = [
        area(rng.choice(live, len(live)), rng.choice(attack, len(attack))) for _ in range(ROUNDS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{area(live, attack):.2f} [{low:.2f}, {high:.2f}]"


def load_validation(root):
    """(row, normalised picture) of every validation picture."""
    with (root / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            rgb = cv2.imread(str(root / row["file"]))[..., ::-1]
            same = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            yield (
                row,
                jpeg(np.ascontiguousarray(same), QUALITY),
                (root / row["file"]).stat().st_size,
            )


def trivial(rgb, face, size):
    hsv, grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV), cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    mean = rgb.reshape(-1, 3).mean(0)
    return {
        "- size of the face": -face.box.width,
        "- bytes of the file": -size,
        "brightness": grey.mean(),
        "- contrast": -grey.std(),
        "- sharpness": -cv2.Laplacian(grey, cv2.CV_64F).var(),
        "saturation": hsv[..., 1].mean(),
        "red minus blue": mean[0] - mean[2],
    }


class Looker:
    """A detector's crops and scores, without its quality limits."""

    def __init__(self, detector):
        self.detector, self.record = detector, detector.scorer.record

    def face(self, rgb):
        faces = find_faces(rgb, self.detector.faces)
        return max(faces, key=lambda face: face.box.width) if faces else None

    def crops(self, rgb, landmarks):
        return multi_scale_crops(rgb, landmarks, self.record.scales, self.record.crop_px).crops

    def score(self, crops):
        return float(self.detector.scorer.score(crops[None]).score[0])


def by_recording(rows, values):
    scores, species = defaultdict(list), {}
    for row, value in zip(rows, values, strict=True):
        scores[row["video"]].append(value)
        species[row["video"]] = row["pai_species"]
    return {
        kind: np.array([np.mean(scores[v]) for v in scores if species[v] == kind])
        for kind in (BONA_FIDE_SPECIES, *SPECIES)
    }


def print_row(name, rows, values):
    found = by_recording(rows, values)
    live = found[BONA_FIDE_SPECIES]
    cells = [with_interval(live, found[kind]) for kind in SPECIES]
    mean = np.mean([area(live, found[kind]) for kind in SPECIES])
    print(f"| {name} | {' | '.join(cells)} | {mean:.2f} |", flush=True)


def shuffled(folder, crops_of_validation, rows):
    """Mean areas of classifiers trained on the cached faces with random labels."""
    from sklearn.linear_model import LogisticRegression

    from bonafide.training.skin_colour_task import statistics_of

    with (folder / "rows.csv").open(newline="") as file:
        count = len(list(csv.DictReader(file)))
    known = statistics_of(np.load(folder / "crops.npy", mmap_mode="r")).numpy()
    centre, spread = known.mean(0), known.std(0)
    seen = (statistics_of(crops_of_validation).numpy() - centre) / spread
    rng, areas = np.random.default_rng(0), []
    for _ in range(SHUFFLES):
        labels = rng.permutation(np.arange(count) % 2)
        fitted = LogisticRegression(C=25 / count, max_iter=500).fit(
            (known - centre) / spread, labels
        )
        found = by_recording(rows, fitted.decision_function(seen))
        areas.append(np.mean([area(found[BONA_FIDE_SPECIES], found[k]) for k in SPECIES]))
    return np.quantile(areas, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])


def moved(landmarks, rng):
    """Landmarks scaled by 0.85 to 1.15 and shifted by 6 % of the face about it."""
    centre, reach = landmarks.mean(0), np.ptp(landmarks[:, 0]) / 0.34
    return (
        (landmarks - centre) * rng.uniform(0.85, 1.15)
        + centre
        + rng.uniform(-0.06, 0.06, 2) * reach
    )


def resized(rgb, scale):
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=method)


def stability(looker, pictures, kinds, threshold):
    """Share of verdicts that flip: by change, of live and of attack pictures."""
    rng, flips = np.random.default_rng(0), defaultdict(lambda: {True: [], False: []})
    for (rgb, landmarks), kind in zip(pictures, kinds, strict=True):
        first = looker.score(looker.crops(rgb, landmarks)) >= threshold
        changed = {"box moved": (rgb, moved(landmarks, rng))}
        for quality in (50, 75, 95):
            changed[f"JPEG {quality}"] = (jpeg(rgb, quality), landmarks)
        for gain in (0.7, 1.3):
            light = np.clip(rgb * gain, 0, 255).astype(np.uint8)
            changed[f"brightness {gain}"] = (light, landmarks)
        for scale in (0.5, 2.0):
            larger = (landmarks + 0.5) * scale - 0.5
            changed[f"size {scale}"] = (resized(rgb, scale), larger)
        for name, (picture, points) in changed.items():
            now = looker.score(looker.crops(picture, points)) >= threshold
            flips[name][kind == BONA_FIDE_SPECIES].append(now != first)
    for name, found in flips.items():
        live, attack = (f"{sum(f)} / {len(f)}" for f in (found[True], found[False]))
        print(f"| {name} | {live} | {attack} |")


def main():
    looker = Looker(load_detector(Path(sys.argv[1])))
    rows, values, trivials, pictures, crops = [], [], [], [], []
    for row, rgb, size in track(load_validation(Path(os.environ["BONAFIDE_DATA"], "validation"))):
        face = looker.face(rgb)
        if face is None:
            continue
        landmarks = np.asarray(face.landmarks)
        rows.append(row)
        crops.append(looker.crops(rgb, landmarks))
        values.append(looker.score(crops[-1]))
        trivials.append(trivial(rgb, face, size))
        pictures.append((rgb, landmarks))
    print(f"{len(rows)} pictures with a face\n\n| score | {' | '.join(SPECIES)} | mean |")
    print("| --- |" + " --- |" * 6)
    print_row(looker.record.name, rows, values)
    for name in trivials[0]:
        print_row(name, rows, [each[name] for each in trivials])
    if len(sys.argv) > 2:
        print("\nshuffled labels, mean area, quantiles 0 5 25 50 75 95 100 %:")
        print(np.round(shuffled(Path(sys.argv[2]), np.stack(crops), rows), 2))
    print("\n| change | live flips | attack flips |\n| --- | ---: | ---: |")
    kinds = [row["pai_species"] for row in rows]
    stability(looker, pictures, kinds, looker.record.operating_point.threshold)


if __name__ == "__main__":
    main()
