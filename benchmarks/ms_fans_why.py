"""Why fusing scales gains what it gains: three looks at the runs of `reproduce ms-fans/3` or `/5`.

    python benchmarks/ms_fans_why.py RUNS [--data casia-fasd|replay-attack] [--seeds 0,1,2]

1. Do the scales see different things? The mean score of three neighbouring single scales, beside
   the mean score of one scale trained from three seeds: what the first gains beyond the second is
   what the scales add to each other.
2. Is training too short? EER on the training people beside the test people.
3. What does alpha follow? How far it differs between the scales of a group, between species, and
   between faces of one species.

Reads what is finished; prints Markdown.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.scores import TestScores
from bonafide.evaluation.rates import curve_figures
from bonafide.evaluation.score_file import read_scores, read_test
from bonafide.evaluation.score_writer import rows_of_pictures, write_score_rows
from bonafide.models.ms_fans import PAPER_GROUPS, PAPER_SCALES
from bonafide.papers.measure import DONE, scores_path
from bonafide.papers.ms_fans_trial import ALPHA, CROPS, with_scales
from bonafide.training.crop_cache import CropSettings, crop_cache
from bonafide.training.face_caches import Caches
from bonafide.training.loop import BEST
from bonafide.training.ms_fans_task import load_network, score_crops
from bonafide.training.run import read_splits
from bonafide.types import Split

GROUPS = {"casia-fasd": (1.1, 1.2, 1.3), "replay-attack": (1.3, 1.4, 1.5)}
"""Of Tables IV and V; of the single scales the middle one is looked at."""


def looked_at(data):
    scales = "-".join(map(str, GROUPS[data]))
    fused = [f"cnn_s-{way}-{scales}" for way in ("average", "concatenation", "lstm")]
    return [f"cnn_s-single-{GROUPS[data][1]}", *fused]


def eer(test, score=None):
    if score is not None:
        test = TestScores(**{**vars(test), "score": score})
    return 100 * curve_figures(test)["eer"].value


def spread(values):
    return f"{np.mean(values):.1f} ({len(values)})" if len(values) else "–"


def together(folder, seeds):
    tests = {}
    for scale in PAPER_SCALES:
        for seed in seeds:
            run = folder / f"cnn_s-single-{scale}" / f"seed{seed}"
            if (run / DONE).exists():
                tests[scale, seed] = to_presentations(read_test(scores_path(run, Split.TEST)))
    alone = [eer(test) for test in tests.values()]
    groups = []
    for group in PAPER_GROUPS:
        for seed in seeds:
            if all((scale, seed) in tests for scale in group):
                scores = [tests[scale, seed].score for scale in group]
                groups.append(eer(tests[group[0], seed], np.mean(scores, axis=0)))
    retrained = []
    for scale in PAPER_SCALES:
        if len(seeds) > 2 and all((scale, seed) in tests for seed in seeds):
            scores = [tests[scale, seed].score for seed in seeds]
            retrained.append(eer(tests[scale, seeds[0]], np.mean(scores, axis=0)))
    print("| mean score of | EER %, simulated (how many) |\n| --- | ---: |")
    print(f"| one scale | {spread(alone)} |")
    print(f"| three neighbouring scales, one seed | {spread(groups)} |")
    print(f"| one scale, three seeds | {spread(retrained)} |\n")


def fit(runs, folder, data, seeds):
    place = runs / "data" / data
    samples = read_splits(place / "samples.csv")
    settings = CropSettings(PAPER_SCALES, 128, 4)
    cut = {s: crop_cache(samples[s], place / CROPS / s.value, settings) for s in samples}
    caches = Caches(samples, cut)
    print("| model | EER %, people of training | of test |\n| --- | ---: | ---: |")
    for model in looked_at(data):
        seen, new = [], []
        for seed in seeds:
            run = folder / model / f"seed{seed}"
            if not ((run / DONE).exists() and (run / BEST).exists()):
                continue  # runs that were made elsewhere may have come without their weights
            network, trained_with = load_network(run)
            cache = with_scales(caches, trained_with.scales).crops[Split.TRAIN]
            logits, _ = score_crops(network, cache.crops)
            score = torch.from_numpy(logits).softmax(1)[:, 1].tolist()
            rows = rows_of_pictures(samples[Split.TRAIN], cache.samples, score, cache.missed)
            path = run / "scores_train.csv"
            write_score_rows(path, rows)
            table = to_presentations(read_scores(path))
            conditions = {k: v for k, v in table.conditions.items() if k != "split"}
            seen.append(eer(TestScores(**{**vars(table), "conditions": conditions})))
            new.append(eer(to_presentations(read_test(scores_path(run, Split.TEST)))))
        print(f"| {model} | {spread(seen)} | {spread(new)} |")
    print()


def alphas(folder):
    found = defaultdict(list)
    for path in sorted(folder.glob(f"*/seed*/{ALPHA}")):
        species = json.loads(path.read_text())["species"].values()
        means = np.array([one["mean"] for one in species])
        found["scales of a group, one species"].append(np.ptp(means, axis=1).max())
        found["species, mean over scales"].append(np.ptp(means.mean(1)))
        found["faces of one species (standard deviation)"].append(
            np.mean([one["deviation"] for one in species])
        )
    print("| alpha differs between | median of the runs | largest |\n| --- | ---: | ---: |")
    for name, values in found.items():
        print(f"| {name} | {np.median(values):.2f} | {max(values):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--data", default="casia-fasd", choices=GROUPS)
    parser.add_argument("--seeds", default="0,1,2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    seeds = [int(word) for word in given.seeds.split(",")]
    folder = given.runs / "runs" / given.data
    together(folder, seeds)
    fit(given.runs, folder, given.data, seeds)
    alphas(folder)


if __name__ == "__main__":
    main()
