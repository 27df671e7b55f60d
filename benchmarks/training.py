"""Training beside a plain loop, three crops in one forward, and decode to score; prints Markdown.

python benchmarks/training.py [--steps 12] [--rounds 3] [--device cpu]

The plain loop holds its crops in memory as one uint8 tensor, takes the middle window of random
rows, and does nothing else: no augmentation, sampler, logging, checkpoint or resume. Ours reads the
memory-mapped crop cache, balances, windows and augments. Both train the same network with the same
loss and optimiser, in turns; of the rounds the fastest counts. The plain loop runs in a process of
its own: ours asks the C library to keep freed memory, which holds for a whole process. Beside the
wall clock stands the processor time of all threads, which a busy machine disturbs less.
"""

import argparse
import io
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from lightning.fabric import Fabric
from PIL import Image

from bonafide.capture.image import decode_image
from bonafide.cli.demo import PHOTO
from bonafide.deploy.detector import Detector, Stopwatch
from bonafide.models import ms_fans
from bonafide.training.loop import train
from bonafide.training.ms_fans_settings import MsFansSettings
from bonafide.training.ms_fans_task import MsFansData, MsFansTask
from bonafide.training.sampler import balanced_sampler
from bonafide.types import Label, Presentation, Split

ROWS = 512
WARM = 2


def cache_of(folder, scales):
    """A memory-mapped cache of random crops, half of them attacks of six people."""
    crops = np.random.default_rng(0).integers(0, 256, (ROWS, scales, 128, 128, 3), dtype=np.uint8)
    path = Path(folder) / f"crops{scales}.npy"
    np.save(path, crops)
    rows = [
        Presentation(
            str(n), "x.jpg", Label.ATTACK if n % 2 else Label.BONA_FIDE,
            "print" if n % 2 else "bona_fide", f"p{n % 6}", Split.TRAIN, "noise",
        )
        for n in range(ROWS)
    ]  # fmt: skip
    targets = np.array([1 - n % 2 for n in range(ROWS)])
    mapped = np.load(path, mmap_mode="r")
    return MsFansData(mapped, targets, balanced_sampler(rows), mapped[:4], targets[:4])


def now():
    return np.array([time.perf_counter(), time.process_time()])


def speeds(stamps, batch):
    """Samples a second of the wall clock, and of the processor."""
    return batch * (len(stamps) - 1 - WARM) / (stamps[-1] - stamps[WARM])


def ours(data, settings, device):
    """The loop's speeds, the first steps left out."""
    stamps = []
    fabric = Fabric(accelerator=device, devices=1, precision=settings.precision)
    with tempfile.TemporaryDirectory() as run:
        task = MsFansTask(settings, data)
        train(task, Path(run), fabric, on_step=lambda *_: stamps.append(now()))
    return speeds(stamps, settings.batch)


def plain(data, settings, device):
    """The speeds of a loop over tensors in memory."""
    task = MsFansTask(settings, data)
    network = task.build_network().to(device).train()
    optimizer = task.build_optimizer(network)
    crops = torch.from_numpy(np.array(data.crops[:, :, 8:120, 8:120])).to(device)
    targets = torch.from_numpy(data.targets).to(device)
    stamps = []
    for _ in range(settings.steps):
        rows = torch.randint(len(crops), (settings.batch,), device=device)
        optimizer.zero_grad()
        output = network(ms_fans.normalise(crops[rows]))
        loss = ms_fans.loss(output, targets[rows], first_half=True)
        loss.item()
        loss.backward()
        optimizer.step()
        stamps.append(now())
    return speeds(stamps, settings.batch)


def training_rows(steps, rounds, device, apart):
    for scales, jitter in (((1.2,), 0.0), ((1.1, 1.2, 1.3), 0.0), ((1.1, 1.2, 1.3), 1.0)):
        settings = MsFansSettings(
            scales=scales, batch=32, steps=steps, evaluate_every=10**6, jitter=jitter
        )
        best = {"ours": np.zeros(2), "plain": np.zeros(2)}
        with tempfile.TemporaryDirectory() as folder:
            data = cache_of(folder, len(scales))
            for _ in range(rounds):
                best["ours"] = np.maximum(best["ours"], ours(data, settings, device))
                theirs = apart.submit(plain, data, settings, device).result()
                best["plain"] = np.maximum(best["plain"], theirs)
        words = "window and photometric augmentation" if jitter else "window alone"
        cells = [
            f"{mine:.0f} | {theirs:.0f} | {100 * mine / theirs:.0f} %"
            for mine, theirs in zip(best["ours"], best["plain"], strict=True)
        ]
        print(f"| {len(scales)} | {words} | {' | '.join(cells)} |", flush=True)


def milliseconds(function, repeats=15):
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def one_forward():
    scorer = ms_fans.MsFansScorer(ms_fans.MsFans(3)).eval()
    single = ms_fans.MsFansScorer(ms_fans.MsFans(1, fusion="average")).eval()
    crops = torch.randint(0, 256, (1, 3, 128, 128, 3), dtype=torch.uint8)
    with torch.inference_mode():
        together = milliseconds(lambda: scorer(crops))
        apart = milliseconds(lambda: [single(crops[:, i : i + 1]) for i in range(3)])
    print(f"| three crops of a face, CNN_S, torch | {together:.1f} | {apart:.1f} |")


def decode_to_score(device):
    rgb = np.asarray(Image.open(PHOTO).resize((480, 480), Image.Resampling.BOX))
    picture = np.full((480, 640, 3), 90, np.uint8)
    picture[:, 80:560] = rgb
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=92)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        stages = stages_ms(Detector.load(threads=threads), buffer.getvalue())
        print(row_of(threads, stages))
    if device == "cuda":
        torch.set_num_threads(1)
        stages = stages_ms(Detector.load(threads=1), buffer.getvalue())
        print(row_of("1, network on CUDA", stages | {"score": cuda_score_ms()}))


def stages_ms(detector, data):
    """The stages of the fastest of fifteen whole runs."""
    best = None
    for _ in range(15):
        watch = Stopwatch()
        decoded = decode_image(data, "photo").rgb
        watch.lap("decode")
        detector.examine(decoded, watch)
        if best is None or sum(watch.ms.values()) < sum(best.values()):
            best = dict(watch.ms)
    return best


def cuda_score_ms():
    """Three crops of one face: to the GPU, through CNN_S and the LSTM, and back."""
    scorer = ms_fans.MsFansScorer(ms_fans.MsFans(3)).eval().cuda()
    crops = torch.randint(0, 256, (1, 3, 128, 128, 3), dtype=torch.uint8)
    with torch.inference_mode():
        return milliseconds(lambda: scorer.judge(crops.cuda()).logits.cpu(), 50)


def row_of(threads, stages):
    cells = [f"{stages[name]:.1f}" for name in ("decode", "detect", "crop", "score")]
    return f"| {threads} | {' | '.join(cells)} | {sum(stages.values()):.1f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| scales | augmentation | ours, samples/s | plain loop | share ", end="")
    print("| ours, samples a processor second | plain loop | share |")
    print("| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, torch.set_num_threads, (1,)) as apart:
        training_rows(given.steps, given.rounds, given.device, apart)
    print("\n| what | one forward, ms | one a crop, ms |\n| --- | ---: | ---: |")
    one_forward()
    print("\n| threads | decode, ms | detect | crop | score | all |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    decode_to_score(given.device)


if __name__ == "__main__":
    main()
