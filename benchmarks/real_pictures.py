"""Run the shipped detector on the real pictures of BONAFIDE_DATA; print what the model card says.

BONAFIDE_DATA=... python benchmarks/real_pictures.py [MODEL.onnx]

Recordings count, not frames: the score of a recording is the mean over its judged frames. Intervals
are exact (Clopper-Pearson, 95 %); the area under the curve has a bootstrap over recordings.
"""

import csv
import os
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from rich.progress import track

from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources
from bonafide.deploy.detector import Detector
from bonafide.deploy.files import answer_source
from bonafide.deploy.runtime import SHIPPED_MODEL
from bonafide.evaluation.intervals import clopper_pearson
from bonafide.types import BONA_FIDE_SPECIES, Decision

ROUNDS = 2000


def answers(detector, folder):
    for source in track(expand_sources([str(folder)]), folder.name):
        if source.path.suffix != ".csv":
            yield source.path, answer_source(detector, source, Limits(), 5.0)[0].verdict


def decision_row(name, verdicts):
    counts = Counter(verdict.decision for verdict in verdicts)
    blocking = Counter(
        reason.code.value for v in verdicts for reason in v.reasons if reason.blocking
    )
    remarks = Counter(
        reason.code.value for v in verdicts for reason in v.reasons if not reason.blocking
    )
    said = ", ".join(f"{code} {count}" for code, count in blocking.most_common()) or "-"
    noted = ", ".join(f"{code} {count}" for code, count in remarks.most_common()) or "-"
    shares = " | ".join(
        f"{counts[d]} ({100 * counts[d] / len(verdicts):.1f} %)"
        for d in (Decision.BONA_FIDE, Decision.ATTACK, Decision.NOT_EVALUATED)
    )
    return f"| {name} | {len(verdicts)} | {shares} | {said} | {noted} |"


def recordings(root, verdicts):
    """Recording -> (species, mean score or None)."""
    with (root / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scores, species = defaultdict(list), {}
    for row in rows:
        species[row["video"]] = row["pai_species"]
        score = verdicts[(root / row["file"]).resolve()].score
        if score is not None:
            scores[row["video"]].append(score)
    return {
        name: (kind, float(np.mean(scores[name])) if scores[name] else None)
        for name, kind in species.items()
    }


def area_under_curve(live, attack):
    return float(np.mean(live[:, None] > attack) + 0.5 * np.mean(live[:, None] == attack))


def area_with_interval(live, attack):
    rng = np.random.default_rng(0)
    drawn = [
        area_under_curve(rng.choice(live, len(live)), rng.choice(attack, len(attack)))
        for _ in range(ROUNDS)
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{area_under_curve(live, attack):.2f} [{low:.2f}, {high:.2f}]"


def error_rows(by_recording, threshold):
    kinds = sorted({kind for kind, _ in by_recording.values()} - {BONA_FIDE_SPECIES})
    live = np.array(
        [s for k, s in by_recording.values() if k == BONA_FIDE_SPECIES and s is not None]
    )
    for kind in [BONA_FIDE_SPECIES, *kinds]:
        everyone = [score for k, score in by_recording.values() if k == kind]
        scores = np.array([score for score in everyone if score is not None])
        accepted = int((scores >= threshold).sum())
        errors = len(scores) - accepted if kind == BONA_FIDE_SPECIES else accepted
        interval = clopper_pearson(errors, len(scores))
        name = "BPCER" if kind == BONA_FIDE_SPECIES else "APCER"
        area = "" if kind == BONA_FIDE_SPECIES else area_with_interval(live, scores)
        yield (
            f"| {kind} | {name} {errors} / {len(scores)} = {100 * errors / len(scores):.0f} % "
            f"[{100 * interval.low:.0f}, {100 * interval.high:.0f}] | {area} | "
            f"{len(everyone) - len(scores)} |"
        )


def main():
    data = Path(os.environ["BONAFIDE_DATA"])
    detector = Detector.load(Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED_MODEL)
    found = {
        name: list(answers(detector, data / name)) for name in ("portraits", "clips", "validation")
    }
    print("\n| folder | inputs | bona_fide | attack | not_evaluated | because | remarks |")
    print("| --- | ---: | ---: | ---: | ---: | --- | --- |")
    for name, pairs in found.items():
        print(decision_row(name, [verdict for _, verdict in pairs]))
    validation = {path.resolve(): verdict for path, verdict in found["validation"]}
    by_recording = recordings(data / "validation", validation)
    print("\n| species | error by recording | AUC against bona fide | without a judged frame |")
    print("| --- | --- | --- | ---: |")
    for row in error_rows(by_recording, detector.operating_point.threshold):
        print(row)


if __name__ == "__main__":
    main()
