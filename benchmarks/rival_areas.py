"""Do the rivals learn? Areas under the curve of the runs that `bonafide reproduce` left.

    python benchmarks/rival_areas.py RUNS [RUNS ...]

RUNS are the folders given as --runs. Of every model of the catalogue trained on a data set, its
area on that set's test people, seed 0, with the 95 % interval over people; prints Markdown.
"""

import argparse
from pathlib import Path

import numpy as np

from bonafide.evaluation.score_file import read_test
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.papers.measure import scores_path
from bonafide.types import Split

ROUNDS = 400


def area_of(score, attack, person, rng):
    """The area and its interval: people drawn with replacement.

    Args:
        score: (n,); attack: (n,) bool; person: (n,) whole numbers.
    """
    first, second = score[~attack][:, None], score[attack][None]
    wins = (first > second) + 0.5 * (first == second)
    drawn = []
    for _ in range(ROUNDS):
        chosen = rng.choice(np.unique(person), len(np.unique(person)))
        weight = np.bincount(chosen, minlength=person.max() + 1)[person].astype(float)
        a, b = weight[~attack], weight[attack]
        drawn.append(a @ wins @ b / (a.sum() * b.sum()))
    return float(wins.mean()), *(float(x) for x in np.percentile(drawn, [2.5, 97.5]))


def areas(test, rng):
    """Of a score file's presentations that have a score."""
    kept = test.answered
    return area_of(test.score[kept], test.attack[kept], test.subject.codes[kept], rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+")
    found = {}
    for base in parser.parse_args().runs:
        for folder in sorted((base / "runs").glob("*/*/seed0")):
            path = scores_path(folder, Split.TEST)
            model = folder.parent.name
            if model in {*NETWORKS, *MACHINES} and path.exists():
                area, low, high = areas(read_test(path), np.random.default_rng(0))
                cell = f"{area:.2f} [{low:.2f}, {high:.2f}]"
                found.setdefault(model, {})[folder.parents[1].name] = cell
    sets = sorted({name for cells in found.values() for name in cells})
    print("| model |", " | ".join(sets), "|")
    print("| --- |" + " --- |" * len(sets))
    for model, cells in sorted(found.items()):
        print(f"| `{model}` |", " | ".join(cells.get(name, "–") for name in sets), "|")


if __name__ == "__main__":
    main()
