"""Who is refused: the shipped model on real live portraits, by the tone of the face in the picture.

    BONAFIDE_DATA=... python benchmarks/tone.py [MODEL]

Tone is the individual typology angle, see `bonafide.cues.skin_tone`.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path

from bonafide.capture.image import read_image
from bonafide.cues.skin_tone import TONE_EDGES_DEG, tone_group, typology_angle_deg
from bonafide.decision.operating_point import is_accepted
from bonafide.deploy.detector import Detector
from bonafide.deploy.runtime import model_path
from bonafide.evaluation.intervals import rate
from bonafide.evaluation.words import percent


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
            group = tone_group(typology_angle_deg(seen.crops.crops[0]))
            accepted[group].append(is_accepted(seen.verdict.score, seen.verdict.threshold))
        for group, answers in sorted(accepted.items(), reverse=True):
            refused = rate(answers.count(False), len(answers))
            assert refused.interval is not None
            span = f"[{percent(refused.interval.low, '')}, {percent(refused.interval.high, '')}]"
            low, high = TONE_EDGES_DEG[group], TONE_EDGES_DEG[group + 1]
            print(f"| {folder} | {low} to {high} | {refused.events} / "
                  f"{refused.trials} = {percent(refused.value)} {span} |")  # fmt: skip


if __name__ == "__main__":
    main()
