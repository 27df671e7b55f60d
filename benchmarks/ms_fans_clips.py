"""Does fusing over frames and scales of a clip beat the mean of its frames' scores?

    bonafide reproduce ms-fans/3 --runs RUNS -o OUT
    python benchmarks/ms_fans_clips.py RUNS --seeds 0,1,2

The paper's future work, on the features of networks that `reproduce` has trained. Four ways from
the features of four frames and three scales to one answer for a clip:

- scores: the mean of the frames' scores, which is what the package does;
- features: the mean of the frames' fused features, then the network's own classifier;
- lstm: one LSTM of one unit reads all twelve features and weighs them, frame by frame; it and its
  classifier are trained on the training clips, the epoch is chosen on development clips;
- lstm, shuffled: the same with the frames of each clip in random order, which is what remains
  if the order in time tells nothing.

The network that gives the features stays as it is. Prints Markdown: EER on the test people, and the
difference to the first way with an interval over people and seeds.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bonafide.decision.criteria import choose
from bonafide.decision.scores import WHOLE, Category, DevelopmentScores, TestScores
from bonafide.evaluation.rates import judge
from bonafide.evaluation.seeds import SeededRun, bootstrap_seeds
from bonafide.evaluation.words import bracket, percent
from bonafide.models import ms_fans
from bonafide.papers.ms_fans_trial import CROPS, with_scales
from bonafide.training.crop_cache import CropSettings, crop_cache
from bonafide.training.face_caches import Caches
from bonafide.training.ms_fans_task import balanced_cross_entropy, load_network
from bonafide.training.run import read_splits
from bonafide.training.sampler import class_index
from bonafide.types import Split

FRAMES = 4
EPOCHS = 150
MODEL = "cnn_s-lstm-1.1-1.2-1.3"
LIVE = 1


class ClipFusion(nn.Module):
    """Section III-B's fusion over frames and scales."""

    def __init__(self, steps):
        super().__init__()
        self.fusion = ms_fans.LstmFusion(steps)
        self.classifier = nn.Linear(ms_fans.FEATURES, 2)
        self.dropout = nn.Dropout(0.5)

    def forward(self, f):
        return self.classifier(self.dropout(self.fusion(f)[0]))


def features(network, cache):
    """(clips, FRAMES, n, 1024) and the presentation of each clip; short clips repeat a frame."""
    margin = (cache.crops.shape[2] - ms_fans.INPUT_PX) // 2
    inside = slice(margin, margin + ms_fans.INPUT_PX)
    rows = []
    with torch.inference_mode():
        for start in range(0, len(cache.crops), 64):
            part = torch.from_numpy(np.array(cache.crops[start : start + 64, :, inside, inside]))
            f = network.cnn(ms_fans.normalise(part).flatten(0, 1))
            rows.append(f.unflatten(0, part.shape[:2]))
    f = torch.cat(rows)
    places = defaultdict(list)
    by_id = {sample.presentation: sample for sample in cache.samples}
    for row, sample in enumerate(cache.samples):
        places[sample.presentation].append(row)
    index = [[mine[min(i, len(mine) - 1)] for i in range(FRAMES)] for mine in places.values()]
    return f[torch.tensor(index)].clone(), [by_id[name] for name in places]


def targets(samples):
    return torch.tensor([class_index(sample.label) for sample in samples])


def trained(train, development, seed):
    """The clip fusion with the lowest development loss."""
    torch.manual_seed(seed)
    network = ClipFusion(train[0].shape[1])
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, weight_decay=1e-3)
    target = targets(train[1])
    weight = 1 / torch.bincount(target, minlength=2).float()
    best, kept = float("inf"), None
    for _ in range(EPOCHS):
        network.train()
        optimizer.zero_grad()
        functional.cross_entropy(network(train[0]), target, weight).backward()
        optimizer.step()
        network.eval()
        with torch.inference_mode():
            logits = network(development[0]).numpy()
        measure = balanced_cross_entropy(logits, targets(development[1]).numpy())
        if measure < best:
            best, kept = measure, {k: v.clone() for k, v in network.state_dict().items()}
    network.load_state_dict(kept)
    return network.eval()


def shuffled(f, seed):
    generator = torch.Generator().manual_seed(seed)
    order = torch.stack([torch.randperm(FRAMES, generator=generator) for _ in range(len(f))])
    return f[torch.arange(len(f))[:, None], order]


def table(scores, samples, kind):
    n = len(samples)
    return kind(
        score=np.asarray(scores, np.float64),
        attack=np.array([sample.label.value == "attack" for sample in samples]),
        species=Category.of([sample.pai_species for sample in samples]),
        presentation=Category.of([sample.presentation for sample in samples]),
        subject=Category.of([sample.capture_subject for sample in samples]),
        reason=Category.constant("", n),
        frame=np.full(n, WHOLE, np.int64),
    )


def ways(network, parts, seed):
    """Way -> split -> scores."""
    found = defaultdict(dict)
    flat = {split: (f.flatten(1, 2), samples) for split, (f, samples) in parts.items()}
    mixed = {
        split: (shuffled(f, seed).flatten(1, 2), samples) for split, (f, samples) in parts.items()
    }
    in_order = trained(flat[Split.TRAIN], flat[Split.DEVELOPMENT], seed)
    at_random = trained(mixed[Split.TRAIN], mixed[Split.DEVELOPMENT], seed)
    with torch.inference_mode():
        for split in (Split.DEVELOPMENT, Split.TEST):
            f = parts[split][0]
            fused, _ = network.fusion(f.flatten(0, 1))
            frames = network.classifier(fused).softmax(1)[:, LIVE].unflatten(0, f.shape[:2])
            mean = fused.unflatten(0, f.shape[:2]).mean(1)
            found["scores"][split] = frames.mean(1)
            found["features"][split] = network.classifier(mean).softmax(1)[:, LIVE]
            found["lstm"][split] = in_order(flat[split][0]).softmax(1)[:, LIVE]
            found["lstm, shuffled"][split] = at_random(mixed[split][0]).softmax(1)[:, LIVE]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("--data", default="casia-fasd")
    parser.add_argument("--seeds", default="0,1,2")
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.runs / "data" / given.data
    splits = read_splits(folder / "samples.csv")
    settings = CropSettings(ms_fans.PAPER_SCALES, 128, FRAMES)
    caches = Caches(
        splits, {s: crop_cache(splits[s], folder / CROPS / s.value, settings) for s in splits}
    )
    models = defaultdict(list)
    for seed in map(int, given.seeds.split(",")):
        run = given.runs / "runs" / given.data / MODEL / f"seed{seed}"
        network, trained_with = load_network(run)
        own = with_scales(caches, trained_with.scales)
        parts = {split: features(network, cache) for split, cache in own.crops.items()}
        for way, scores in ways(network, parts, seed).items():
            tables = {split: (scores[split].numpy(), parts[split][1]) for split in scores}
            point = choose("eer", table(*tables[Split.DEVELOPMENT], DevelopmentScores))
            test = table(*tables[Split.TEST], TestScores)
            models[way].append(SeededRun(test, judge(test, point)))
    drawn = bootstrap_seeds(models, np.random.default_rng(0))
    print("| a clip's answer from | EER (simulated) | minus the mean of scores | 95 % | p |")
    print("| --- | ---: | ---: | --- | ---: |")
    for way in models:
        one = drawn.difference([way], ["scores"], "eer")
        cells = [way, percent(drawn.observed[way][0])]
        if way != "scores":
            cells += [f"{100 * one.value:+.1f}", bracket(one.interval), f"{one.p_value:.2g}"]
        print("| " + " | ".join(cells + [""] * (5 - len(cells))) + " |")


if __name__ == "__main__":
    main()
