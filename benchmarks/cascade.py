"""Cost of the cascade: per presentation against M-Net alone, by attack mix; sizes; a training step.

python benchmarks/cascade.py [--backbone small] [--threads 1] [--repeats 5]
python benchmarks/cascade.py --device cuda --backbone se_resnext50 --batch 256
python benchmarks/cascade.py --run RUN --table samples.csv [--every 4]

Untrained nets: cost does not depend on what they answer. With --run, a trained pair on the table's
test captures: what D-Net stops is counted, and costs are processor time. Prints Markdown. The
training step of `training.loop` is timed beside a plain loop of the same net and batch in the same
run, and beside timm's seresnext50_32x4d times three branches where timm can be imported.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import nn
from torch.nn import functional

from bonafide.capture.multimodal import read_presentation
from bonafide.cues.aligned_capture import (
    D_PLANES,
    M_PLANES,
    AlignedCapture,
    depth_planes,
    find_capture_faces,
    spectral_planes,
)
from bonafide.cues.depth import ScaleRange
from bonafide.datasets.sample_table import read_sample_table
from bonafide.deploy.cascade import CascadeDetector
from bonafide.face.align import CANONICAL_FACE
from bonafide.models.cascade import (
    D_NET_BRANCHES,
    M_NET_BRANCHES,
    POSITIONS,
    CascadeNet,
    CascadeScorer,
    normalise,
)
from bonafide.models.se_resnext import SHAPES
from bonafide.training.cascade_data import CascadeData
from bonafide.training.cascade_settings import paper_settings
from bonafide.training.cascade_task import CascadeTask, load_network
from bonafide.training.loop import train
from bonafide.training.sampler import balanced_sampler
from bonafide.types import Label, Presentation, Split

SIDE = 112
PATCH = 48
MIXES = (0.0, 0.05, 0.2, 0.5, 0.9)
FLAT = ("print", "replay")


def seconds(function, repeats, device, of=min):
    function()
    times = []
    for _ in range(repeats):
        wait(device)
        start = time.perf_counter()
        function()
        wait(device)
        times.append(time.perf_counter() - start)
    return of(times)


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()


def multiply_adds(net, x):
    """Of convolutions and linear layers, one forward pass of one picture."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += layer.weight.numel() * output.shape[2] * output.shape[3]
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()

    handles = [layer.register_forward_hook(count) for layer in net.modules()]
    with torch.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return total


def made_up_face():
    y, x = np.indices((SIDE, SIDE))
    apart = np.hypot(x - 56, y - 56)
    depth = np.where(apart < 48, 600 + apart**2 / 30, np.nan).astype(np.float32)
    rng = np.random.default_rng(0)
    return AlignedCapture(
        rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8),
        rng.integers(0, 256, (SIDE, SIDE), np.uint8),
        depth,
        (CANONICAL_FACE * 86 + 13).astype(np.float32),
        6400.0,
        2.1,
    )


def inference(shape, device, repeats):
    nets = {
        "D-Net": (CascadeNet(D_PLANES, D_NET_BRANCHES, shape), 3, 0),
        "M-Net": (CascadeNet(M_PLANES, M_NET_BRANCHES, shape), 14, PATCH),
    }
    face = made_up_face()
    makers = {
        "D-Net": lambda: depth_planes(face, ScaleRange(0.01, 0.2)),
        "M-Net": lambda: spectral_planes(face, 0.5),
    }
    cost = {}
    print("| net | parameters | multiply-adds a capture | its planes | the net |")
    print("| --- | --- | --- | --- | --- |")
    for name, (net, channels, patch) in nets.items():
        net = net.eval().to(device)
        side = patch or SIDE
        times = POSITIONS if patch else 1
        work = times * multiply_adds(net, torch.zeros(1, channels, side, side, device=device))
        scorer = CascadeScorer(net, patch)
        planes = torch.zeros(1, SIDE, SIDE, channels, dtype=torch.uint8, device=device)
        with torch.inference_mode():
            run = seconds(lambda scorer=scorer, planes=planes: scorer(planes), repeats, device)
        make = seconds(makers[name], repeats, "cpu")
        cost[name] = run + make
        size = sum(p.numel() for p in net.parameters()) / 1e6
        print(
            f"| {name} | {size:.2f} M | {work / 1e9:.3f} G | {make * 1e3:.1f} ms "
            f"| {run * 1e3:.1f} ms |"
        )
    return cost


def by_mix(cost, stopped, live=0.01):
    """Mean cost a presentation when D-Net stops these shares of the attacks and of the others."""
    print(f"\nD-Net stops {stopped:.0%} of the attacks and {live:.0%} of the bona fide.\n")
    print("| share of attacks | cascade | M-Net alone | saved |")
    print("| --- | --- | --- | --- |")
    alone = cost["M-Net"]
    for attacks in MIXES:
        passed = attacks * (1 - stopped) + (1 - attacks) * (1 - live)
        mean = cost["D-Net"] + passed * alone
        saved = f"{1 - mean / alone:.0%}"
        print(f"| {attacks:.0%} | {mean * 1e3:.1f} ms | {alone * 1e3:.1f} ms | {saved} |")
    even = (cost["D-Net"] / alone - live) / (stopped - live) if stopped > live else 2.0
    if even <= 1:
        print(f"\nEven at {even:.0%} attacks: below that, D-Net costs more than it saves.")
    else:
        print("\nD-Net costs more than it saves, whatever the share of attacks.")


def trained_pair(run, table, every):
    """Costs and stopped shares of a trained cascade on every n-th test capture of a table."""
    detector = CascadeDetector.load(run)
    first, second = detector.stages
    rows = [row for row in read_sample_table(table) if row.split is Split.TEST][::every]
    spent, stopped = {"D-Net": [], "M-Net": []}, {}
    for row in rows:
        capture = read_presentation(row, detector.unit, one_view=detector.one_view)
        faces = find_capture_faces(capture, detector.faces)
        aligned = detector.prepare(capture, faces).aligned
        if aligned is None:
            continue
        for name, stage in (("D-Net", first), ("M-Net", second)):
            start = time.process_time()
            score = stage.score(stage.form.of(aligned))
            spent[name].append(time.process_time() - start)
            if name == "D-Net":
                kind = row.pai_species
                stopped.setdefault(kind, []).append(not stage.point.accepts(score))
    print("| species | captures | stopped by D-Net |\n| --- | --- | --- |")
    for kind, each in sorted(stopped.items()):
        print(f"| {kind} | {len(each)} | {np.mean(each):.0%} |")
    cost = {name: statistics.median(times) for name, times in spent.items()}
    for name, seconds_spent in cost.items():
        print(f"\n{name}: {seconds_spent * 1e3:.0f} ms a capture, median processor time")
    asked = int((second_net(run).alpha != 0).sum()) or POSITIONS
    print(f"\nM-Net asks at {asked} of {POSITIONS} positions.")
    live = np.mean(stopped.pop("bona_fide"))
    for flat in (True, False):
        kinds = [each for kind, each in stopped.items() if kind.startswith(FLAT) == flat]
        if kinds:
            print(f"\n{'Prints and screens' if flat else 'Masks and heads'} alone:")
            by_mix(cost, np.mean(np.concatenate(kinds)), live)


def second_net(run):
    """M-Net of a trained pair: what fine-tuning left of it, where it was fine-tuned."""
    folder = run / "fine_tune"
    return load_network(folder if folder.is_dir() else run / "m_net")[0]


def training_step(backbone, device, batch, steps):
    rng = np.random.default_rng(0)
    rows = 64
    labels = [Label.BONA_FIDE if i % 2 else Label.ATTACK for i in range(rows)]
    samples = [
        Presentation(
            str(i), "x", label, "bona_fide" if i % 2 else "mask", f"p{i}", Split.TRAIN, "x"
        )
        for i, label in enumerate(labels)
    ]
    planes = rng.integers(0, 256, (rows, SIDE, SIDE, 14), np.uint8)
    targets = np.array([i % 2 for i in range(rows)])
    data = CascadeData(planes, targets, balanced_sampler(samples), planes[:2], targets[:2])
    precision = "bf16-mixed" if device == "cuda" else "32-true"
    settings = replace(
        paper_settings("m_net"), backbone=backbone, batch=batch, steps=steps, evaluate_every=10**6,
        patch_sizes=(PATCH,), precision=precision, learning_rate=1e-3,
    )  # fmt: skip
    task = CascadeTask(settings, data)
    stamps = []
    fabric = Fabric(accelerator=device, devices=1, precision=precision)
    with tempfile.TemporaryDirectory() as folder:
        train(task, Path(folder), fabric, on_step=lambda *_: stamps.append(time.perf_counter()))
    ours = statistics.median(np.diff(stamps)[1:-1])
    plain = plain_step(task, device, precision, steps)
    print(
        f"\n| training step, batch {batch} patches of {PATCH} px | time | against the plain loop |"
    )
    print("| --- | --- | --- |")
    print(f"| `training.loop`, batches made beside it | {ours * 1e3:.0f} ms | {plain / ours:.2f} |")
    print(f"| plain loop, one batch over and over | {plain * 1e3:.0f} ms | 1 |")
    if all(importlib.util.find_spec(name) for name in ("timm", "torchvision")):
        other = timm_step(device, precision, batch, steps)
        print(
            f"| timm seresnext50_32x4d, three times | {other * 1e3:.0f} ms | {plain / other:.2f} |"
        )
    if device == "cuda":
        print(f"\npeak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB, bf16")


def plain_step(task, device, precision, steps):
    net = task.build_network().to(device).train()
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, 0.9, 0.0, 5e-4)
    planes, target = (value.to(device) for value in task.batch(0, 0, 1))

    def step():
        with torch.autocast(device, torch.bfloat16, enabled=precision != "32-true"):
            loss = functional.cross_entropy(net(normalise(planes)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return seconds(step, steps, device, statistics.median)


def timm_step(device, precision, batch, steps):
    import timm

    net = timm.create_model("seresnext50_32x4d", num_classes=2).to(device).train()
    net = net.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(net.parameters(), 1e-3, 0.9, 0.0, 5e-4)
    x = torch.randn(batch, 3, PATCH, PATCH, device=device).to(memory_format=torch.channels_last)
    target = torch.randint(0, 2, (batch,), device=device)

    def step():
        for _ in range(3):
            with torch.autocast(device, torch.bfloat16, enabled=precision != "32-true"):
                loss = functional.cross_entropy(net(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return seconds(step, steps, device, statistics.median)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--backbone", default="small", choices=SHAPES)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--stopped", type=float, default=0.95, help="attacks that D-Net stops")
    parser.add_argument("--run", type=Path, help="a trained cascade, measured on --table")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--every", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    if asked.run is not None:
        trained_pair(asked.run, asked.table, asked.every)
        return
    cost = inference(SHAPES[asked.backbone], asked.device, asked.repeats)
    by_mix(cost, asked.stopped)
    training_step(asked.backbone, asked.device, asked.batch, asked.repeats + 2)


if __name__ == "__main__":
    main()
