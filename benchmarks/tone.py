"""Who is refused: the shipped model on real live portraits, by the tone of the face in the picture.

    BONAFIDE_DATA=... python benchmarks/tone.py [MODEL]

Tone is the individual typology angle, arctan((L* - 50) / b*) in degrees (Chardon, Cretois,
Hourseau, International Journal of Cosmetic Science 13, 1991), of the median CIELAB colour of the
middle of the aligned face. In a photo it mixes skin with exposure and white balance.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from bonafide.capture.image import read_image
from bonafide.decision.operating_point import is_accepted
from bonafide.deploy.detector import Detector
from bonafide.deploy.runtime import model_path
from bonafide.evaluation.intervals import rate
from bonafide.evaluation.words import percent

EDGES_DEG = (-180, 10, 19, 28, 41, 55, 180)


def typology_angle_deg(crop: np.ndarray) -> float:
    """Of the middle of an aligned face crop, (side, side, 3) uint8 RGB."""
    side = crop.shape[0]
    middle = crop[int(0.45 * side) : int(0.7 * side), int(0.25 * side) : int(0.75 * side)]
    lab = cv2.cvtColor(middle.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    light, _, yellow = np.median(lab, axis=0)
    return float(np.degrees(np.arctan2(light - 50, yellow)))


def main() -> None:
    detector = Detector.load(model_path(sys.argv[1] if len(sys.argv) > 1 else None))
    portraits = Path(os.environ["BONAFIDE_DATA"]) / "portraits"
    print("| folder | ITA, degrees | refused |\n| --- | --- | ---: |")
    for folder in ("small", "large"):
        accepted: dict[int, list[bool]] = defaultdict(list)
        for path in sorted((portraits / folder).rglob("*.jp*g")):
            seen = detector.examine(read_image(path).rgb)
            if seen.verdict.score is None or seen.crops is None:
                continue
            group = int(np.searchsorted(EDGES_DEG, typology_angle_deg(seen.crops.crops[0])))
            accepted[group].append(is_accepted(seen.verdict.score, seen.verdict.threshold))
        for group, answers in sorted(accepted.items(), reverse=True):
            refused = rate(answers.count(False), len(answers))
            assert refused.interval is not None
            span = f"[{percent(refused.interval.low, '')}, {percent(refused.interval.high, '')}]"
            print(f"| {folder} | {EDGES_DEG[group - 1]} to {EDGES_DEG[group]} | {refused.events} / "
                  f"{refused.trials} = {percent(refused.value)} {span} |")  # fmt: skip


if __name__ == "__main__":
    main()
