"""Batches with one and two workers, local and on Ray, and what 100 million clips would take.

python benchmarks/batch.py [--photos 128] [--engines local,ray]

Prints Markdown. Rates count from a run's first part to its last, so that start-up is left out; it
is printed apart. On a machine where others work, the clock tells what the others left over. So the
CPU time of an input is measured as well (its process alone): if that does not rise with a second
worker, the workers do not hinder each other, and cores of their own would make them linear.
"""

import argparse
import hashlib
import tempfile
import time
import tracemalloc
from pathlib import Path

import av
import numpy as np
import psutil
from PIL import Image

from bonafide.cli.demo import PHOTO
from bonafide.deploy.batch import finish, open_run
from bonafide.deploy.batch_child import JudgeSettings
from bonafide.deploy.batch_inputs import list_inputs, read_chunks, write_inputs
from bonafide.deploy.batch_local import run_local
from bonafide.deploy.batch_places import LocalPlace
from bonafide.deploy.batch_rows import encode_rows
from bonafide.deploy.runtime import SHIPPED_MODEL
from bonafide.evaluation.period import QUALITY

PART_ROWS = 8
CLIP_S = 10
CLIP_RATE = 30
LISTED = 200_000
PLANNED = 100_000_000
TARGET_HOURS = 24


def webcam_picture():
    """640x480 with one face about 105 px high, as in check.py."""
    rgb = np.asarray(Image.open(PHOTO).resize((480, 480), Image.Resampling.BOX))
    picture = np.full((480, 640, 3), 90, np.uint8)
    picture[:, 80:560] = rgb
    return picture


def write_media(folder, photos, clips):
    (folder / "photos").mkdir()
    (folder / "clips").mkdir()
    for number in range(photos):
        Image.fromarray(np.roll(webcam_picture(), number % 7, axis=1)).save(
            folder / "photos" / f"{number:05d}.jpg", quality=92
        )
    first = folder / "clips" / "0.mp4"
    with av.open(str(first), "w") as container:
        stream = container.add_stream("libx264", rate=CLIP_RATE)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(CLIP_S * CLIP_RATE):
            rgb = np.roll(webcam_picture(), int(6 * np.sin(number / 9)), axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    for number in range(1, clips):
        (folder / "clips" / f"{number}.mp4").write_bytes(first.read_bytes())


def run_engine(engine, run, workers):
    if engine == "local":
        return run_local(run.task, run.pending(), workers)
    from bonafide.deploy.batch_ray import run_ray

    return run_ray(run.task, run.pending(), workers, "")


def measure(folder, engine, workers, inputs, part_rows=PART_ROWS):
    output = folder / f"{engine}-{workers}-{Path(inputs).name}"
    run = open_run(str(output), [inputs], SHIPPED_MODEL, JudgeSettings(), part_rows=part_rows)
    start = time.perf_counter()
    stamps = [(time.perf_counter() - start, done.rows) for done in run_engine(engine, run, workers)]
    summary = finish(run)
    if summary["decisions"].get("not_evaluated"):
        raise SystemExit(f"the benchmark's own pictures were not evaluated: {summary}")
    first, last = stamps[0], stamps[-1]
    rows = sum(count for _, count in stamps) - first[1]
    return {
        "per_s": rows / (last[0] - first[0]) if rows else float("nan"),
        "cpu_ms": summary["cpu_ms"] / summary["inputs"],
        "start_s": first[0],
    }


def scaling(folder, engines):
    print("| engine | workers | inputs/s | ratio | CPU ms an input | ratio | first part after s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for engine in engines:
        one = None
        for workers in (1, 2):
            found = measure(folder, engine, workers, str(folder / "photos"))
            one = one or found
            print(
                f"| {engine} | {workers} | {found['per_s']:.1f} | "
                f"{found['per_s'] / one['per_s']:.2f} | {found['cpu_ms']:.1f} | "
                f"{found['cpu_ms'] / one['cpu_ms']:.2f} | {found['start_s']:.1f} |",
                flush=True,
            )


def listing(folder):
    """Seconds and MiB for listing a million inputs, measured on LISTED names."""
    table = folder / "names.csv"
    names = (
        f"shard-{number % 1000:04d}/subject/{number:012d}/clip.mp4" for number in range(LISTED)
    )
    table.write_text("path\n" + "\n".join(names) + "\n")
    start = time.process_time()
    place = LocalPlace(folder / "list")
    write_inputs(place, list_inputs([str(table)]))
    count = sum(1 for _ in read_chunks(place, 256))
    assert count == -(-LISTED // 256)
    seconds = time.process_time() - start
    tracemalloc.start()
    write_inputs(place, list_inputs([str(table)]))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds * 1e6 / LISTED, peak * 1e6 / LISTED / 2**20


def row_bytes(rows=256):
    """Bytes of a row in a part of rows that have little in common."""
    rng = np.random.default_rng(0)
    made = [
        {
            "path": f"s3://bucket/2026/11/{number // 50:04d}/{rng.integers(10**12)}.mp4",
            "sha256": hashlib.sha256(bytes([number % 256])).hexdigest(),
            "decision": "bona_fide",
            "score": float(np.float32(rng.random())),
            "threshold": 0.5,
            "operating_point": "eer",
            **{name: float(rng.normal()) for name in QUALITY},
            "ms": rng.random(),
            "cpu_ms": rng.random(),
            "model_sha256": "a" * 64,
        }
        for number in range(rows)
    ]
    return len(encode_rows(made, "parquet")) / rows


def plan(photo, clip, row_bytes):
    print(
        f"\n| input | CPU ms | core hours for {PLANNED:,} | cores for {TARGET_HOURS} h | rows, GB |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, cpu_ms in (("photo", photo), (f"clip of {CLIP_S} s", clip)):
        hours = PLANNED * cpu_ms / 3.6e6
        print(
            f"| {name} | {cpu_ms:.1f} | {hours:,.0f} | {hours / TARGET_HOURS:,.0f} | "
            f"{PLANNED * row_bytes / 1e9:.0f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=128)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--engines", default="local,ray")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_media(folder, chosen.photos, chosen.clips)
        load, cores = psutil.getloadavg()[0], psutil.cpu_count()
        print(f"{cores} cores, load of the machine before the start {load:.1f}\n")
        scaling(folder, chosen.engines.split(","))
        whole = folder / "whole"
        whole.mkdir()
        photos = measure(whole, "local", 1, str(folder / "photos"), part_rows=256)
        clips = measure(whole, "local", 1, str(folder / "clips"), part_rows=1)
        plan(photos["cpu_ms"], clips["cpu_ms"], row_bytes())
        seconds, grown = listing(folder)
        print(f"\nListing a million inputs: {seconds:.1f} s of CPU, {grown:.0f} MiB of memory.")


if __name__ == "__main__":
    main()
