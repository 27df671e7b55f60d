"""Does every rival learn, and nothing from shuffled labels? Trains each on a twin; prints Markdown.

    python benchmarks/rival_controls.py SAMPLES.csv -o OUT [--models cdcn,resnet18] [--draws 3]

Each model of the catalogue that the table has views for is trained small (fewer pixels, few steps)
on its true labels, and as often as --draws on labels shuffled within each person, in training and
development alike; so a person, a room or a camera tells as little of a shuffled label as of a true
one. All are asked about the test people with their true labels: the area under the curve, with the
95 % interval over people. OUT keeps the crops and a JSON of each model; a model that is there is
not trained again.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric

from bonafide.datasets.sample_table import read_sample_table
from bonafide.deploy.rival_run import load_judge, views_of
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.catalogue_entry import MODALITIES
from bonafide.training import rival_machine
from bonafide.training.rival_machine import MachineSettings
from bonafide.training.rival_settings import RivalSettings
from bonafide.training.rival_task import RivalTask, load_network, rival_data
from bonafide.training.run import Reporter, train_run
from bonafide.training.view_set import ViewTable, open_views
from bonafide.types import Label, Split
from rival_areas import area_of

SIDE_PX = 64
QUIET = Reporter(lambda _split, _count: lambda: None, lambda _progress, _loss: None)


def shuffled(table: ViewTable, seed: int) -> ViewTable:
    """The table with label and species permuted among each person's training and development
    presentations; test keeps its own."""
    rng = np.random.default_rng([seed, 9])
    rows, sets = dict(table.rows), dict(table.sets)
    for split in (Split.TRAIN, Split.DEVELOPMENT):
        of_person = defaultdict(list)
        for row in table.rows[split]:
            of_person[row.capture_subject].append(row)
        given = {}
        for mine in of_person.values():
            for row, other in zip(mine, rng.permutation(len(mine)), strict=True):
                given[row.presentation] = (mine[other].label, mine[other].pai_species)

        def relabel(row, given=given):
            label, species = given[row.presentation]
            return replace(row, label=label, pai_species=species)

        rows[split] = [relabel(row) for row in table.rows[split]]
        sets[split] = replace(sets[split], samples=[relabel(s) for s in sets[split].samples])
    return ViewTable(rows, sets)


def network_scores(run, views, device):
    """Of every item, on the device; `load_judge` judges on the CPU."""
    network = load_network(run)[0].to(device)
    scores = []
    for items in np.array_split(np.arange(len(views)), max(1, len(views) // 32)):
        with torch.inference_mode():
            scores += network(torch.from_numpy(views.take(items)).to(device)).score.tolist()
    return scores


def trained_areas(name, table, settings, run, device):
    """Train one model and ask it about the test people: area, low, high."""
    if name in MACHINES:
        rival_machine.fit_run(settings, table, run)
    else:
        fabric = Fabric(accelerator=device, devices=1)
        task = RivalTask(settings, rival_data(table))
        train_run(task, table.run_data(), run, fabric, resume=False, report=QUIET)
        if NETWORKS[name].machine is not None:
            rival_machine.fit_on_network(run, table)
    test = table.sets[Split.TEST]
    alone = name in NETWORKS and NETWORKS[name].machine is None
    scores = network_scores(run, test, device) if alone else load_judge(run).of_set(test)
    of_clip, samples = defaultdict(list), {}
    for sample, score in zip(test.samples, scores, strict=True):
        of_clip[sample.presentation].append(score)
        samples[sample.presentation] = sample
    score = np.array([np.mean(scores) for scores in of_clip.values()])
    attack = np.array([samples[one].label is Label.ATTACK for one in of_clip])
    names = [samples[one].capture_subject for one in of_clip]
    person = np.unique(names, return_inverse=True)[1]
    return area_of(score, attack, person, np.random.default_rng(0))


def settings_of(name, given, seed):
    if name in MACHINES:
        return MachineSettings(name, given.frames, seed=seed)
    return RivalSettings(
        name,
        side_px=max(SIDE_PX, NETWORKS[name].small_px),
        frames_per_clip=given.frames,
        steps=given.steps,
        batch=given.batch,
        evaluate_every=max(1, given.steps // 3),
        seed=seed,
    )


def measured(name, given):
    """True and shuffled areas of one model."""
    first = settings_of(name, given, 0)
    views = MACHINES[name].views if name in MACHINES else views_of(name, first.side_px)
    table = open_views(given.table, given.output / "crops", views, given.frames, 1, QUIET)
    seconds, areas = [], []
    for seed in range(given.draws + 1):
        labels = table if seed == 0 else shuffled(table, seed)
        start = time.perf_counter()
        with tempfile.TemporaryDirectory(dir=given.output) as folder:
            settings = settings_of(name, given, seed)
            areas.append(trained_areas(name, labels, settings, Path(folder), given.device))
        seconds.append(time.perf_counter() - start)
    test = {row.presentation for row in table.sets[Split.TEST].samples}
    return {
        "model": name,
        "data": sorted({row.dataset for row in table.rows[Split.TRAIN]}),
        "test": len(test),
        "steps": given.steps,
        "batch": given.batch,
        "side_px": views.side_px,
        "area": areas[0],
        "shuffled": areas[1:],
        "seconds": round(float(np.mean(seconds)), 1),
    }


def row_of(found):
    area, low, high = found["area"]
    draws = [one[0] for one in found["shuffled"]]
    told = ", ".join(f"{a:.2f} [{b:.2f}, {c:.2f}]" for a, b, c in found["shuffled"])
    return (
        f"| `{found['model']}` | {found['side_px']} | {area:.2f} [{low:.2f}, {high:.2f}] "
        f"| {np.mean(draws):.2f} | {told} | {found['seconds']:.0f} |"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--models", default="")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--frames", type=int, default=2, help="of a clip, for picture models")
    parser.add_argument("--draws", type=int, default=3, help="of shuffled labels")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    given = parser.parse_args()
    torch.set_num_threads(1)
    depth = all(row.depth_path for row in read_sample_table(given.table))
    everyone = [
        name
        for name, one in {**NETWORKS, **MACHINES}.items()
        if (one.views.kind == MODALITIES) <= depth
    ]
    given.output.mkdir(parents=True, exist_ok=True)
    print("| model | px | true labels | shuffled, mean | draws | s a training |")
    print("| --- | ---: | --- | ---: | --- | ---: |")
    for name in given.models.split(",") if given.models else everyone:
        path = given.output / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(measured(name, given), indent=1) + "\n")
        print(row_of(json.loads(path.read_text())), flush=True)


if __name__ == "__main__":
    main()
