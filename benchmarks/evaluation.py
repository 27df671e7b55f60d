"""Speed and memory of the evaluation, beside what one would write without it.

Run: python benchmarks/evaluation.py [ROWS]

Each row names the alternative that was run in the same process on the same data. The bootstrap
alternatives take minutes, so a few of their rounds are run and the time is multiplied up; the
table says so. The targets: one million scores evaluated in under 2 s, intervals by 1,000 rounds
over 1,000 subjects in under 20 s, memory growing no faster than the rows.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from bonafide.decision.criteria import choose
from bonafide.decision.operating_point import OperatingPoint
from bonafide.decision.scores import WHOLE, Category, DevelopmentScores, TestScores
from bonafide.evaluation.assessment import assess
from bonafide.evaluation.bootstrap import bootstrap_curve_figures, bootstrap_rates
from bonafide.evaluation.curves import det_curves
from bonafide.evaluation.rates import curve_figures, evaluate, judge
from bonafide.evaluation.score_file import read_test
from bonafide.evaluation.score_writer import write_table

SUBJECTS = 1000
SPECIES = ("bona_fide", "mask", "print", "replay")


def make(rows: int, seed: int, kind: type = TestScores):
    """Normal scores, four groups of equal size, people with scores a little apart."""
    rng = np.random.default_rng(seed)
    species, subject = rng.integers(0, 4, rows), rng.integers(0, SUBJECTS, rows)
    mean = np.array([2.0, -0.5, -1.5, -1.0])[species] + rng.normal(0, 0.3, SUBJECTS)[subject]
    return kind(
        score=rng.normal(mean, 1),
        attack=species > 0,
        species=Category(SPECIES, species),
        presentation=Category(tuple(f"{kind.__name__}{i}" for i in range(rows)), np.arange(rows)),
        subject=Category(tuple(f"{kind.__name__}{i}" for i in range(SUBJECTS)), subject),
        reason=Category.constant("", rows),
        frame=np.full(rows, WHOLE),
        conditions={"light": Category(("day", "night"), subject % 2)},
    )


def seconds(work: Callable[[], object]) -> float:
    """Processor time, which on a shared machine is what one core of one's own would take."""
    start = time.process_time()
    work()
    return time.process_time() - start


def read_plainly(path: Path) -> None:
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    np.array([float(row["score"]) for row in rows])
    for name in ("label", "pai_species", "capture_subject", "presentation", "light"):
        np.unique([row[name] for row in rows], return_inverse=True)


def figures_with_scikit_learn(test: TestScores, threshold: float) -> None:
    """The same figures: rates per species, ROC, AUC, and a DET curve for each species."""
    truth = ~test.attack
    roc_curve(truth, test.score, drop_intermediate=False)
    roc_auc_score(truth, test.score)
    for code in range(1, 4):
        rows = (test.species.codes == code) | truth
        det_curve(truth[rows], test.score[rows])
        np.mean(test.score[test.species.codes == code] >= threshold)
    np.mean(test.score[truth] < threshold)


def our_figures(test: TestScores, point: OperatingPoint) -> None:
    evaluate(test, point)
    curve_figures(test)
    det_curves(test)


def resample_plainly(test: TestScores, threshold: float, rounds: int, curve: bool) -> None:
    """Draw people, gather their rows, compute again."""
    rng = np.random.default_rng(0)
    by_subject = [np.flatnonzero(test.subject.codes == i) for i in range(SUBJECTS)]
    for _ in range(rounds):
        drawn = [by_subject[i] for i in rng.integers(0, SUBJECTS, SUBJECTS)]
        if not curve:
            drawn = [rows[rng.integers(0, len(rows), len(rows))] for rows in drawn]
        rows = np.concatenate(drawn)
        score, species = test.score[rows], test.species.codes[rows]
        if curve:
            roc_curve(species == 0, score)
            roc_auc_score(species == 0, score)
        else:
            for code in range(4):
                np.mean(score[species == code] >= threshold)


def peak_mib(work: Callable[[], object]) -> float:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def row(what: str, ours: float, alternative: str, theirs: float) -> None:
    print(f"{what:46} {ours:8.2f} s   {alternative:44} {theirs:8.2f} s   {theirs / ours:6.1f} x")


def measure_speed(rows: int) -> None:
    test, development = make(rows, 1), make(rows, 2, DevelopmentScores)
    point = choose("eer", development)
    rng = np.random.default_rng(0)
    accepted = judge(test, point)
    print(f"{rows:,} scores, {SUBJECTS:,} subjects, 3 species")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        write_table(path, test)
        ours = seconds(lambda: read_test(path))
        row("read and check scores.csv", ours, "csv.DictReader + np.unique",
            seconds(lambda: read_plainly(path)))  # fmt: skip
    row("rates, EER, AUC, BPCER, TPR, 5 DET curves", seconds(lambda: our_figures(test, point)),
        "scikit-learn roc_curve, AUC, 3 det_curves",
        seconds(lambda: figures_with_scikit_learn(test, point.threshold)))  # fmt: skip
    whole = seconds(lambda: (choose("eer", development), assess(test, point, rounds=0)))
    print(f"{'threshold + whole assessment, no bootstrap':46} {whole:8.2f} s   target 2 s")
    rates = seconds(lambda: bootstrap_rates(test, accepted, rng))
    row("1,000 rounds, rates at the threshold", rates, "gather rows, count (3 rounds x 333)",
        333.3 * seconds(lambda: resample_plainly(test, point.threshold, 3, False)))  # fmt: skip
    curve = seconds(lambda: bootstrap_curve_figures(test, rng))
    row("1,000 rounds, EER AUC BPCER TPR", curve, "gather rows, roc + AUC (2 rounds x 500)",
        500 * seconds(lambda: resample_plainly(test, point.threshold, 2, True)))  # fmt: skip
    print(f"{'all intervals':46} {rates + curve:8.2f} s   target 20 s")


def measure_memory(rows: int) -> None:
    print("peak memory beyond the scores themselves (tracemalloc), per row")
    for part in (rows // 4, rows // 2, rows):
        test = make(part, 1)
        point = choose("eer", make(part, 2, DevelopmentScores))
        figures = peak_mib(lambda t=test, p=point: assess(t, p, rounds=0))
        rounds = peak_mib(
            lambda t=test: bootstrap_curve_figures(t, np.random.default_rng(0), rounds=5)
        )
        print(
            f"{part:>12,} rows: assessment {figures:7.1f} MiB = {figures * 2**20 / part:5.0f} B a "
            f"row; bootstrap {rounds:7.1f} MiB = {rounds * 2**20 / part:5.0f} B a row"
        )


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    measure_speed(size)
    measure_memory(size)
