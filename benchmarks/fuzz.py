"""Feed mutated files to every reader of the package, and count what should not happen.

nice python benchmarks/fuzz.py --scale 1 --keep findings/

Each target runs in a process of its own. A finding is an exception that is not a BonafideError, a
process that dies, an input that takes more than HANG_S, or memory that keeps growing; its input is
kept in the folder. Inputs come from Hypothesis: valid files with bytes overwritten, cut out, put
in, repeated or cut off, and bytes made up.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import mmap
import os
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "service"))
from fuzz_targets import TARGETS

HANG_S = 20.0
COUNTS = {
    "photo": 50_000,
    "depth": 10_000,
    "clip": 20_000,
    "spread": 5_000,
    "manifest": 15_000,
    "scores": 15_000,
    "record": 15_000,
    "model": 3_000,
}
STATE = struct.Struct("<QQQ")
"""Inputs so far, bytes of the present one, inputs replayed; the input itself follows."""
ROOM = 1 << 22
REPLAYED = 2000

patch = st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=12), st.integers(0, 4))


@st.composite
def mutated(draw, seeds):
    """A valid file, changed in some places."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for share, piece, how in draw(st.lists(patch, min_size=1, max_size=4)):
        at = int(share * share * len(data))  # squared, because structure is near the start
        keep = (len(piece), 0, 64, len(piece), 1)[how]
        repeated = bytes(data[at : at + 32]) * 4 if how == 3 else piece
        data[at : at + keep] = repeated
    if draw(st.booleans()):
        del data[int(draw(st.floats(0, 1)) * len(data)) :]
    return bytes(data)


def inputs(seeds):
    magics = st.sampled_from([b"", *(data[:16] for data in seeds)])
    return st.one_of(mutated(seeds), mutated(seeds), st.builds(bytes.__add__, magics, st.binary()))


def run_child(name, count, first, shared, keep):
    """Run one target in this process; the parent reads how far it got from the shared file."""
    warnings.simplefilter("ignore")
    target, kept = TARGETS[name](), []
    state = mmap.mmap(shared.fileno(), ROOM)
    outcomes = Counter()

    @seed(first)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target.seeds))
    def feed(data):
        number = STATE.unpack_from(state)[0]
        state[STATE.size : STATE.size + len(data)] = data
        STATE.pack_into(state, 0, number + 1, len(data), 0)
        if len(kept) < REPLAYED:
            kept.append(data)
        try:
            outcomes[target.use(data)] += 1
        # The whole point: whatever is raised is a finding.
        except Exception as error:  # noqa: BLE001
            kind = type(error).__name__
            outcomes[f"FINDING {kind}"] += 1
            (keep / f"{name}-{kind}-{number}").write_bytes(data)
            print(f"finding: {name} {kind}: {str(error)[:200]}", flush=True)

    feed()
    print("outcomes:", dict(outcomes), flush=True)
    print("leak:", replay(target, kept, state), flush=True)


def replay(target, kept, state):
    """Resident MiB that two more passes over the same inputs add to a first one.

    Hypothesis remembers what it tried, and that alone grows; here nothing is remembered.
    """
    gc.collect()
    process, after = psutil.Process(), []
    for _ in range(3):
        for data in kept:
            number, length, beats = STATE.unpack_from(state)
            STATE.pack_into(state, 0, number, length, beats + 1)
            with contextlib.suppress(Exception):
                target.use(data)
        gc.collect()
        after.append(process.memory_info().rss / 2**20)
    return round(after[2] - after[0], 2)


def run_target(name, count, keep):
    """Run one target in child processes until its inputs are used up; a row of the table."""
    findings, done, attempt, sizes, leaks = 0, 0, 0, [], []
    began = time.perf_counter()
    while done < count and attempt < 20:
        with tempfile.TemporaryFile() as shared:
            shared.truncate(ROOM)
            child = subprocess.Popen(
                child_command(name, count - done, attempt, keep),
                stdin=shared,
                stdout=subprocess.PIPE,
                text=True,
            )
            fate = watch(child, shared, sizes)
            number, length, _ = state_of(shared)
            last = os.pread(shared.fileno(), length, STATE.size)
        output = child.stdout.read()
        print(output, end="", flush=True)
        findings += output.count("finding: ")
        leaks += [float(line.split()[1]) for line in output.splitlines() if line[:5] == "leak:"]
        done += number
        attempt += 1
        if fate:
            findings += 1
            (keep / f"{name}-{fate}-{attempt}").write_bytes(last)
            print(f"finding: {name} {fate} on input {number}", flush=True)
        else:
            break
    growth, peak = max(leaks, default=float("nan")), max(sizes, default=0.0)
    return done, findings, growth, peak, time.perf_counter() - began


def child_command(name, count, first, keep):
    options = ["--child", name, "--count", str(count), "--first", str(first), "--keep", str(keep)]
    return [sys.executable, __file__, *options]


def watch(child, shared, sizes):
    """Wait for the child; None, or how it failed. Its memory in MiB is noted on the way."""
    process, last, since = psutil.Process(child.pid), None, time.monotonic()
    while child.poll() is None:
        time.sleep(0.5)
        number, _, beats = state_of(shared)
        if (number, beats) != last:
            last, since = (number, beats), time.monotonic()
        elif number and time.monotonic() - since > HANG_S:
            child.kill()
            child.wait()
            return "hang"
        if number:
            sizes.append(resident_mib(process))
    child.wait()
    return f"exit{child.returncode}" if child.returncode else None


def resident_mib(process):
    try:
        return process.memory_info().rss / 2**20
    except psutil.Error:  # it has just ended
        return 0.0


def state_of(shared):
    return STATE.unpack(os.pread(shared.fileno(), STATE.size, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full counts")
    parser.add_argument("--only", choices=sorted(TARGETS))
    parser.add_argument("--keep", type=Path, default=Path("findings"))
    parser.add_argument("--child", choices=sorted(TARGETS), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    if options.child:
        run_child(options.child, options.count, options.first, sys.stdin.buffer, options.keep)
        return
    rows = {}
    for name in [options.only] if options.only else COUNTS:
        rows[name] = run_target(name, max(int(COUNTS[name] * options.scale), 1), options.keep)
    print("\n| target | inputs | findings | growth in replay, MiB | peak, MiB | s |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (done, found, growth, peak, seconds) in rows.items():
        print(f"| {name} | {done:,} | {found} | {growth:+.1f} | {peak:.0f} | {seconds:.0f} |")
    total = [sum(row[column] for row in rows.values()) for column in (0, 1)]
    print(f"| all | {total[0]:,} | {total[1]} | | | |")


if __name__ == "__main__":
    main()
